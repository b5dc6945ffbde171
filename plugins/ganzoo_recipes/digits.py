"""Trainings of this project on the included digits, and on three of them as the channels of an image.

The loss and its penalties are R3GAN's. Learning rates and penalties fall over the whole length, which is what a short
training gains most by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_recipes import papers

IMAGES, STACKED_IMAGES = 100_000, 1_600_000


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    yield Recipe(
        name="digits",
        summary="The included digits by DCGAN's networks, half as wide, with R3GAN's loss and penalties.",
        paper=papers.R3GAN,
        dataset="digits",
        cost="three minutes of one core",
        settings={
            "arch": "dcgan",
            "arch.width": 16,
            "arch.norm_d": "none",
            "loss": "rpgan",
            **_make_course(IMAGES, rates="1e-3, 1e-4", gamma=f"cosine(0.5, 0.05, images={IMAGES})"),
            "train.batch": 32,
            "train.ema_half_life": 2_000,
        },
    )
    yield Recipe(
        name="stacked-digits",
        summary="The 1,000 modes of three stacked digits of 8x8 pixels, in three minutes of one core.",
        paper=papers.R3GAN,
        dataset="stacked",
        cost="three minutes of one core",
        settings={
            "arch": "mlp",
            "arch.width": 256,
            "dataset.of": "digits",
            "dataset.settings": ("size=8",),
            "loss": "rpgan",
            **_make_course(STACKED_IMAGES, rates="2e-3, 8e-4", gamma=0.01),
            "train.batch": 128,
            "train.ema_half_life": 50_000,
            "train.execution": "compile",
        },
    )


def _make_course(images: int, rates: str, gamma: float | str) -> dict[str, Any]:
    """Return a length, learning rates that go from the first to the second over it, and penalties of weight `gamma`."""
    return {
        "train.images": images,
        "reg": ("r1", "r2"),
        **{f"reg.{name}.gamma": gamma for name in ("r1", "r2")},
        **{f"optim.{network}.lr": f"cosine({rates}, images={images})" for network in "gd"},
        **{f"optim.{network}.betas": (0.0, 0.99) for network in "gd"},
    }
