"""The settings of the recipe `mlp-modes`, by the number of modes."""

from __future__ import annotations

from typing import Any, NamedTuple

from ganzoo.plugin import DataInfo, UsageError

BATCH = 64


class Course(NamedTuple):
    """What depends on the number of modes.

    Args:
        modes: The largest number of modes that it was tried with.
        updates: The number of updates.
        lr: G's learning rate at the start, a fifth of D's or less. The points of a code move as one, and D sees them as
            wide as they are over some time. If G is fast, D is content with modes that are too narrow at each moment.
    """

    modes: int
    updates: int
    lr: float


COURSES = (Course(8, 6_000, 4e-4), Course(25, 6_700, 3e-4))


def choose_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return the settings for a mixture of points.

    The penalties are strong at the start, until all modes have equal shares, and weak at the end, when D must see the
    shape of a mode.

    Raises:
        UsageError: The data are not a mixture.
    """
    modes = len(data.meta.get("modes", ()))
    if not modes:
        raise UsageError(
            "recipe 'mlp-modes' is for mixtures of points: use --dataset points with dataset.shape=ring or grid"
        )
    course = next((course for course in COURSES if modes <= course.modes), COURSES[-1])
    images = course.updates * BATCH
    return {
        "arch": "mlp",
        "arch.latent": "mixed",
        "arch.codes": 256,
        "arch.frequency": 0.5,
        "loss": "rpgan",
        "reg": ("r1", "r2"),
        **{f"reg.{name}.gamma": f"geometric(1, 0.003, images={images})" for name in ("r1", "r2")},
        "optim.g.lr": f"cosine({course.lr:g}, {course.lr / 100:g}, images={images})",
        "optim.d.lr": f"cosine(0.002, 0.00002, images={images})",
        "train.batch": BATCH,
        "train.images": images,
        "train.ema_half_life": 200 * BATCH,
    }
