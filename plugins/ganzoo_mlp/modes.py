"""The settings of the recipe `mlp-modes`, by the number of modes."""

from __future__ import annotations

from typing import Any, NamedTuple

from ganzoo.plugin import DataInfo

BATCH = 64
UNKNOWN = 25  # modes, of data that do not say how many they have


class Course(NamedTuple):
    """What depends on the number of modes.

    Args:
        modes: The largest number of modes that it was tried with.
        updates: The number of updates.
        codes: The number of codes beside z.
        scale: The factor of the codes. With 4, one training in ten on 25 modes separates them too late.
        frequency: The standard deviation of the frequencies of D's waves; twice as high where modes are twice as close.
        gamma: The strength of the penalties, at the start and at the end.
        lr: G's learning rate at the start; D's is 0.002. The points of a code move as one, and D sees them as wide as
            they are over some time. If G is fast, D is content with modes that are too narrow at each moment.
    """

    modes: int
    updates: int
    codes: int
    scale: float
    frequency: float
    gamma: tuple[float, float]
    lr: float


COURSES = (
    Course(8, 6_000, 256, 4.0, 0.5, (1.0, 0.003), 3e-4),
    Course(25, 8_000, 256, 6.0, 0.5, (0.5, 0.003), 1.5e-4),
    Course(100, 8_000, 1024, 4.0, 1.0, (0.01, 0.0003), 1e-3),
)


def choose_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return the settings for a mixture of points.

    The penalties are strong at the start, until all modes have equal shares, and weak at the end, when D must see the
    shape of a mode. Data that are not a mixture get the settings of 25 modes.
    """
    modes = len(data.meta.get("modes", ())) or UNKNOWN
    course = next((course for course in COURSES if modes <= course.modes), COURSES[-1])
    images = course.updates * BATCH
    start, end = course.gamma
    return {
        "arch": "mlp",
        "arch.latent": "mixed",
        "arch.codes": course.codes,
        "arch.code_scale": course.scale,
        "arch.frequency": course.frequency,
        "loss": "rpgan",
        "reg": ("r1", "r2"),
        **{f"reg.{name}.gamma": f"geometric({start:g}, {end:g}, images={images})" for name in ("r1", "r2")},
        "optim.g.lr": f"cosine({course.lr:g}, {course.lr / 100:g}, images={images})",
        "optim.d.lr": f"cosine(0.002, 0.00002, images={images})",
        "train.batch": BATCH,
        "train.images": images,
        "train.ema_half_life": 200 * BATCH,
    }
