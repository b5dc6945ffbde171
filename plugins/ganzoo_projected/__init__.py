"""Projected GAN: discriminators on the features of a pretrained network, around the generator of any architecture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, Nested, Recipe, hookimpl, option

PAPER = (
    "Axel Sauer, Kashyap Chitta, Jens Müller & Andreas Geiger 2021, Projected GANs Converge Faster, arXiv:2111.01007"
)


@dataclass(frozen=True, kw_only=True)
class ProjectedOptions:
    """Options of `projected`. The defaults are those of the paper, except for the generator."""

    generator: str = option(
        "fastgan",
        help="The architecture whose generator is trained.",
        nested=Nested(kind="architecture", settings="settings", passes=("style", "truncation", "intermediates")),
    )
    settings: tuple[str, ...] = option((), help="Options of that architecture: width=64,z_dim=256.")
    backbone: str = option("tf_efficientnet_lite0", help="The network of timm whose features D sees.")
    pretrained: bool = option(
        True, help="Whether the backbone has its trained weights, which timm downloads; false for random ones."
    )
    mixing: Literal["both", "channels", "none"] = option(
        "both", help="How features are mixed at random: across channels and scales (both), across channels, or not."
    )
    channels: int = option(
        64, help="Channels of the finest mixed features; they double towards lower resolutions.", low=1
    )
    width_d: int = option(
        64, help="Channels of a discriminator at a quarter of the resolution; they double towards lower ones.", low=1
    )
    resize: int = option(224, help="Images that are smaller are enlarged to this size before the backbone.", low=128)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="projected",
        summary="Discriminators on features of a network that knows ImageNet, around any architecture's generator.",
        factory="ganzoo_projected.networks:build",
        options=ProjectedOptions,
        requires=("timm>=1.0",),
        similar_to=dict.fromkeys(("projected-gan", "pg", "projgan-features"), "--arch projected"),
        paper=PAPER,
        sizes=(32, 64, 128, 256, 512, 1024),
        channels=(1, 3),
        provides=("double-backward", "batchnorm-in-d"),
        recommended={
            "loss": "hinge",
            "aug": "diffaugment",
            "optim.g.lr": 2e-4,
            "optim.d.lr": 2e-4,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 16,
            "train.ema_half_life": 5000,
        },
    )


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the paper's training with FastGAN's generator."""
    optim = {"lr": 2e-4, "betas": (0.0, 0.99)}
    yield Recipe(
        name="projected-fastgan",
        summary="Projected GAN's training at 256x256 with FastGAN's generator, here with one convolution a resolution.",
        paper=PAPER,
        source="https://github.com/autonomousvision/projected-gan",
        published="FID 1.59 on LSUN church, 1.52 on LSUN bedroom; its D knows ImageNet, as FID's features do",
        cost="10 million images in batches of 64",
        similar_to=dict.fromkeys(("projected", "projected-gan"), "--recipe projected-fastgan"),
        settings={
            "arch": "projected",
            "arch.generator": "fastgan",
            "arch.settings": ("width=128", "z_dim=256"),
            "loss": "hinge",
            "reg": "none",
            "aug": "diffaugment",
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.batch": 64,
            "train.images": 10_000_000,
            "train.ema_half_life": 20_000,
            "train.flip": True,
            "dataset.size": 256,
        },
    )
