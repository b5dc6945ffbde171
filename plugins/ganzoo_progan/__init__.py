"""ProGAN: pixel normalisation, equalised learning rates and minibatch deviation, trained at full size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Architecture, Recipe, hookimpl, option

SIZES = (16, 32, 64, 128, 256, 512, 1024)
PAPER = (
    "Tero Karras, Timo Aila, Samuli Laine & Jaakko Lehtinen 2018, Progressive Growing of GANs for Improved Quality, "
    "Stability, and Variation, arXiv:1710.10196"
)
NAMES = ("progressive", "progressive-gan", "progressive-growing")


@dataclass(frozen=True, kw_only=True)
class ProGANOptions:
    """Options of `progan`. At resolution R both networks have channel_base / R channels, at most channel_max."""

    channel_base: int = option(
        256, low=16, help="Channels at resolution R, times R; 16384 in the paper. There are at least 8."
    )
    channel_max: int = option(64, low=8, help="Largest number of channels; 512 in the paper.")
    z_dim: int = option(64, low=1, help="Length of the latent z; 512 in the paper.")
    position_bias: bool = option(
        False, help="Whether G's first layer has a bias for each position of 4x4; not in the paper."
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="progan",
        aliases=("pggan",),
        summary="Plain convolutions of equal learning rates, normalised pixels in G; D sees the variation in a batch.",
        factory="ganzoo_progan.networks:build",
        options=ProGANOptions,
        similar_to=dict.fromkeys(NAMES, "--arch progan"),
        paper=PAPER,
        sizes=SIZES,
        channels=(1, 3),
        conditional="never",
        provides=("double-backward", "batch-coupled-d", "features", "embedding"),
        imports={"pytorch-gan-zoo-pgan": "ganzoo_progan.imports:pytorch_gan_zoo"},
        ignored_classes={"pytorch-gan-zoo-pgan": ("models.utils.config.",)},
        cases="ganzoo_progan.cases:cases",
        recommended={
            "loss": "wasserstein",
            "reg": ("wgan-gp", "drift"),
            "optim.g.lr": 1e-3,
            "optim.d.lr": 1e-3,
            "optim.g.betas": (0.0, 0.99),
            "optim.d.betas": (0.0, 0.99),
            "train.batch": 16,
            "train.ema_half_life": 2000,
        },
    )


# ----------------------------------------------------------------------------
# The paper's training, without growth. There each resolution from 4 to 1024 pixels gets 800,000 images, and each but
# the first as many again while it is faded in. The average keeps 0.999 of itself in an update.


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the paper's training on faces."""
    batch, images = 3, 800_000 * (1 + 2 * 8)
    optim = {"name": "adam", "lr": 1e-3, "betas": (0.0, 0.99)}
    yield Recipe(
        name="progan-celebahq-1024",
        summary="ProGAN's training on CelebA-HQ 1024x1024, all of it at full size: the networks do not grow.",
        paper=PAPER,
        source="https://arxiv.org/abs/1710.10196",
        dataset="celebahq-1024",
        published="FID 7.79 with growth (50,000 samples; Karras et al. 2019, arXiv:1812.04948, table 1)",
        similar_to=dict.fromkeys(("progan", "pggan", *NAMES), "--recipe progan-celebahq-1024"),
        cost=f"{images / 1e6:g} million images in batches of {batch}",
        settings={
            "arch": "progan",
            "arch.channel_base": 16384,
            "arch.channel_max": 512,
            "arch.z_dim": 512,
            "loss": "wasserstein",
            "reg": ("wgan-gp", "drift"),
            "reg.wgan-gp.weight": 10.0,
            "reg.drift.weight": 0.001,
            **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
            "train.batch": batch,
            "train.images": images,
            "train.ema_half_life": round(batch * math.log(0.5) / math.log(0.999)),
            "dataset.size": 1024,
        },
    )
