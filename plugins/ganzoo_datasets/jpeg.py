"""JPEG's loss on a batch of images, on their device: each image has its own quality (ITU-T T.81).

Nothing is coded, because the code loses nothing. The steps that do are here: brightness and colour, half as many pixels
of colour in each direction, cosines of blocks of 8x8, and rounding by tables that grow as the quality falls.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 8
# The tables of T.81, annex K, for brightness and for colour, at the quality 50.
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
# Brightness and colour of red, green and blue (JFIF 1.02, after ITU-R BT.601).
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def compress(images: Tensor, quality: Tensor) -> Tensor:
    """Return images as they are after JPEG, ``[N, C, h, w]`` from 0 to 1; colours have half the resolution.

    Args:
        images: Images of 1 or 3 channels from 0 to 1, of any size.
        quality: The quality of each image, from 1 to 100, ``[N]``.
    """
    height, width = images.shape[2:]
    pixels = F.pad(images * 255, (0, -width % (2 * BLOCK), 0, -height % (2 * BLOCK)), mode="replicate")
    tables = [make_table(rows, quality) for rows in (LUMA, CHROMA)]
    if images.shape[1] == 1:
        decoded = _round_blocks(pixels - 128, tables[0]) + 128
    else:
        ycc = _mix(pixels, TO_YCC)
        luma = _round_blocks(ycc[:, :1] - 128, tables[0]) + 128
        chroma = _round_blocks(F.avg_pool2d(ycc[:, 1:], 2), tables[1])
        chroma = F.interpolate(chroma, scale_factor=2.0, mode="bilinear", align_corners=False)
        decoded = _mix(torch.cat([luma, chroma], 1), TO_RGB)
    return decoded[:, :, :height, :width].round().clamp(0, 255) / 255


def make_table(rows: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """Return the steps of each image's coefficients, ``[N, 8, 8]``, by the formula of the Independent JPEG Group."""
    table = torch.tensor(rows, device=quality.device, dtype=quality.dtype)
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    return ((table * percent[:, None, None] + 50) / 100).floor().clamp(1, 255)


def _round_blocks(maps: Tensor, table: Tensor) -> Tensor:
    """Return maps ``[N, C, h, w]`` whose coefficients in blocks of 8x8 are rounded to multiples of the table."""
    num, channels, height, width = maps.shape
    blocks = maps.view(num, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK).transpose(3, 4)
    cosines, steps = _make_cosines(maps), table[:, None, None, None].to(maps.dtype)
    coefficients = cosines @ blocks @ cosines.T
    back = cosines.T @ ((coefficients / steps).round() * steps) @ cosines
    return back.transpose(3, 4).reshape(num, channels, height, width)


def _make_cosines(like: Tensor) -> Tensor:
    """Return the orthonormal matrix of the discrete cosine transform, ``[8, 8]``: a row for each frequency."""
    places = torch.arange(BLOCK, device=like.device, dtype=like.dtype)
    cosines = (math.pi * (2 * places + 1) * places[:, None] / (2 * BLOCK)).cos() * math.sqrt(2 / BLOCK)
    return cosines * torch.where(places[:, None] == 0, math.sqrt(0.5), 1.0)


def _mix(pixels: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    weights = torch.tensor(matrix, device=pixels.device, dtype=pixels.dtype)
    return torch.einsum("oc,nchw->nohw", weights, pixels)
