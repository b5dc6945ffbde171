"""Trainings of this project on stacked digits, the 1,000 modes on which methods against mode collapse are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_recipes import papers


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
            **_make_course(images=1_280_000, lr=(2e-3, 1e-4), gamma=(0.02, 0.02)),
            "train.batch": 128,
            "train.execution": "compile",
        },
    )


def _make_course(images: int, lr: tuple[float, float], gamma: tuple[float, float]) -> Mapping[str, Any]:
    """Return a length, and learning rates and penalties that go from the first number to the second over it."""
    rate, weight = (f"cosine({one:g}, {other:g}, images={images})" for one, other in (lr, gamma))
    return {
        "loss": "rpgan",
        "reg": ("r1", "r2"),
        **{f"reg.{name}.gamma": weight for name in ("r1", "r2")},
        **{f"optim.{network}.lr": rate for network in "gd"},
        **{f"optim.{network}.betas": (0.0, 0.99) for network in "gd"},
        "train.images": images,
    }
