"""Texts of options that datasets of image files share."""

from __future__ import annotations

from typing import Literal

Crop = Literal["centre", "pad", "random"]
CROP_HELP = (
    "How images get the shape: cropped at the centre and resized, resized with white beside them, or a window of the "
    "size at a random place, which is not resized."
)
STRICT_HELP = "Whether an unreadable file is an error; else it is reported and skipped."
