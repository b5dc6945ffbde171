"""Checks of augmentations. An option ``p`` of which the trial says nothing is 0.5 in them: both ways occur."""

from ganzoo.testing.augmentation.values import measure_case

__all__ = ["PARTS", "measure_case"]

PARTS = ("values", "execution")
