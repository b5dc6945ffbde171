"""DCGAN: the deep convolutional GAN, for square images of 16 to 256 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Architecture, hookimpl, option

SIZES = (16, 32, 64, 128, 256)
CLASSES = dict.fromkeys(("cgan", "conditional-gan", "acgan"), "--arch dcgan --conditional")
SPECTRAL = dict.fromkeys(("spectral-norm", "spectral-normalization", "sn"), "--arch dcgan arch.norm_d=spectral")


@dataclass(frozen=True, kw_only=True)
class DCGANOptions:
    """Options of `dcgan`. The paper's networks have width 64 (64x64 images) and z_dim 100."""

    width: int = option(32, help="Channels at half the image's resolution; they double towards 4x4.", low=1)
    z_dim: int = option(100, help="Length of the latent z.", low=1)
    slope: float = option(0.0, help="Slope of the generator's rectifiers below zero; 0 as in the paper.", low=0, high=1)
    bias: bool = option(False, help="Whether the generator's last layer has a bias; not in the paper.")
    norm_d: Literal["batch", "none", "spectral", "layer"] = option(
        "batch",
        help="Normalisation in the discriminator: batch as in the paper; spectral limits its slope. Penalties on D's "
        "gradient (r1, wgan-gp) need none, spectral or layer, because batch mixes the samples of a batch.",
    )


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="dcgan",
        summary="Plain convolutions and batch normalisation: small, fast and the usual baseline.",
        factory="ganzoo_dcgan.networks:build",
        options=DCGANOptions,
        similar_to={**dict.fromkeys(("gan", "cnn", "convnet"), "--arch dcgan"), **CLASSES, **SPECTRAL},
        paper="Alec Radford, Luke Metz & Soumith Chintala 2016, Unsupervised Representation Learning with Deep "
        "Convolutional Generative Adversarial Networks, arXiv:1511.06434",
        sizes=SIZES,
        channels=(1, 3),
        conditional="optional",
        provides=_provides,
        imports={
            "pytorch-examples": "ganzoo_dcgan.imports:pytorch_examples",
            "torchgan": "ganzoo_dcgan.imports:torchgan",
        },
        recommended={
            "loss": "bce",
            "optim.g.betas": (0.5, 0.999),
            "optim.d.betas": (0.5, 0.999),
            "train.batch": 64,
            "train.ema_half_life": 2000,
        },
    )


def _provides(options: DCGANOptions) -> tuple[str, ...]:
    words = {"batch": ("batchnorm-in-d",), "spectral": ("bounded-slope",)}
    return ("double-backward", *words.get(options.norm_d, ()))
