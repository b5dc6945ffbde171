"""Resizing arrays of images, by Pillow's antialiased filters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def resize_images(images: Pixels, size: int) -> Pixels:
    """Resize images ``[N, H, W]`` or ``[N, H, W, 3]`` to ``[N, size, size]`` or ``[N, size, size, 3]``."""
    if images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, *images.shape[3:]), np.uint8)
    for target, image in zip(resized, images, strict=True):
        target[...] = Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)
    return resized


def pad_images(images: Pixels, size: int) -> Pixels:
    """Put images ``[N, H, W]`` into the middle of black ones ``[N, size, size]``, which are not smaller."""
    height, width = images.shape[1:3]
    top, left = (size - height) // 2, (size - width) // 2
    padded = np.zeros((len(images), size, size), np.uint8)
    padded[:, top : top + height, left : left + width] = images
    return padded


def resize_planes(images: Pixels, size: int) -> Pixels:
    """Resize images ``[N, 3, H, W]`` to ``[N, 3, size, size]``."""
    if images.shape[2:] == (size, size):
        return np.ascontiguousarray(images)
    return np.ascontiguousarray(
        resize_images(np.ascontiguousarray(images.transpose(0, 2, 3, 1)), size).transpose(0, 3, 1, 2)
    )
