"""Trainings of this project on stacked digits, the 1,000 modes on which methods against mode collapse are compared."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Recipe
from ganzoo_recipes import papers

IMAGES = 1_500_000


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
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
            "reg": ("r1", "r2"),
            "reg.r1.gamma": 0.01,
            "reg.r2.gamma": 0.01,
            **{f"optim.{network}.lr": f"cosine(1.5e-3, 3e-4, images={IMAGES})" for network in "gd"},
            **{f"optim.{network}.betas": (0.0, 0.99) for network in "gd"},
            "train.batch": 128,
            "train.images": IMAGES,
            "train.ema_half_life": 50_000,
            "train.execution": "compile",
        },
    )
