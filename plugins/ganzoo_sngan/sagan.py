"""SAGAN: the networks of `sngan` with self-attention, and its trainings. Every command imports this, so it is light."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import DataInfo, Recipe

SAGAN = (
    "Han Zhang, Ian Goodfellow, Dimitris Metaxas & Augustus Odena 2019, Self-Attention Generative Adversarial "
    "Networks, arXiv:1805.08318"
)
SOURCE = "https://github.com/brain-research/self-attention-gan"
SETTINGS: dict[str, Any] = {
    "arch": "sngan",
    "arch.width_g": 64,
    "arch.width_d": 64,
    "arch.spectral_g": True,
    "arch.wide_d": True,
    "loss": "hinge",
    "reg": "none",
    "optim.g.lr": 1e-4,
    "optim.d.lr": 4e-4,
    "optim.g.betas": (0.0, 0.9),  # as in the paper; the authors' code has 0.999
    "optim.d.betas": (0.0, 0.9),
    "train.batch": 256,
    "train.ema_half_life": 0,
}


def list_recipes() -> Iterator[Recipe]:
    """Yield the paper's training on ImageNet, and the same for one's own images."""
    yield Recipe(
        name="sagan-imagenet-128",
        summary="SAGAN's training on ImageNet 128x128 with classes, attention at 64x64.",
        paper=SAGAN,
        source=SOURCE,
        dataset="imagenet-128",
        published="FID 18.65, Inception score 52.52 (50,000 samples)",
        cost="256 million images in batches of 256",
        settings={
            **SETTINGS,
            "arch.attention": (64,),
            "train.images": 256_000_000,
            "train.conditional": True,
            "dataset.size": 128,
        },
    )
    yield Recipe(
        name="sagan",
        summary="SAGAN for one's own images: the paper's networks and rates, attention at half their size.",
        aliases=("self-attention-gan",),
        paper=SAGAN,
        source=SOURCE,
        published="none for these settings",
        cost="25.6 million images in batches of 256",
        settings="ganzoo_sngan.sagan:choose_settings",
    )


def choose_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return the settings of ``sagan`` for images of `data`, which are trained with their classes if they have some."""
    return {
        **SETTINGS,
        "arch.attention": (max(8, data.shape[-1] // 2),),
        "train.images": 25_600_000,
        "train.conditional": bool(data.num_classes),
    }
