"""Checks of augmentations. Where the trial gives no ``p``, they set it to 0.5, so that it acts on some samples only."""

from ganzoo.testing.augmentation.values import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("values", "execution")
