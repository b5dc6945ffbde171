"""Orthogonal low-pass filters of wavelets, and matrices that filter a row of pixels (Daubechies 1992, chapter 6).

A filter h of T taps is orthogonal: sum_n h_n h_{n-2k} is 1 for k = 0 and 0 otherwise. So the rows of `make_halving` are
orthonormal. Filtering by its transpose and then by the matrix itself is the identity, up to rounding.

Filters are matrices: the borders are then exact for any size, and every derivative is a product of matrices.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo_augmentations.pixels import make_reflection

ROOT = 3**0.5
SYM2 = tuple(factor / 32**0.5 for factor in (1 - ROOT, 3 - ROOT, 3 + ROOT, 1 + ROOT))
SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
CENTRE = sum(n * tap for n, tap in enumerate(SYM6)) / sum(SYM6)  # of a pixel among its samples: 5.098
FIRST = round(CENTRE)  # sample at the centre of the first pixel,
SHIFT = (CENTRE - FIRST) / 2  # which is so many pixels before the centre
MARGIN = 5  # pixels beyond each border that the samples depend on


def make_halving(taps: Tensor, size: int) -> Tensor:
    """Return the matrix ``[size, 2 size + T - 2]`` from samples at twice the resolution to pixels.

    Pixel k is the sum of the samples 2k to 2k + T - 1, weighted by the T taps.
    """
    return _place(taps, 2 * torch.arange(size, device=taps.device), 2 * size + len(taps) - 2)


def make_doubling(taps: Tensor, size: int) -> Tensor:
    """Return the matrix ``[2 size - 1, size]`` from pixels to samples at twice the resolution.

    It is a part of the transpose of `make_halving`: the samples from the centre of the first pixel to that of the last.
    They depend on pixels beyond the borders too, which are mirror images.
    """
    starts = 2 * torch.arange(-MARGIN, size + MARGIN, device=taps.device)
    samples = _place(taps, starts, 2 * size + len(taps) - 2)[:, FIRST : FIRST + 2 * size - 1]
    return samples.T @ make_reflection(size, MARGIN, taps)


def locate_samples(size: int, like: Tensor) -> Tensor:
    """Return where the samples of `make_halving` are, in pixels from the centre of the row: ``[2 size + 10]``."""
    samples = torch.arange(2 * size + len(SYM6) - 2, device=like.device, dtype=like.dtype)
    return (samples - CENTRE - (size - 1)) / 2


def scale_to_ends(sizes: torch.Size) -> tuple[float, float]:
    """Return the factors from pixels to coordinates that are -1 and 1 at the end pixels, for two sides."""
    height, width = sizes
    return 2 / max(height - 1, 1), 2 / max(width - 1, 1)


def make_bands() -> Tensor:
    """Return the filters of four bands of frequencies, low to high, float64 ``[4, 43]``; they add up to the identity.

    With L(z) = H(z) H(1/z) / 2, the low-pass filter of SYM2 forwards and backwards, the highest octave is 1 - L(z), the
    next L(z) (1 - L(z^2)), and so on; the last band keeps L(z) L(z^2) L(z^4).
    """
    low, bands = torch.ones(1, dtype=torch.float64), []
    h = torch.tensor(SYM2, dtype=torch.float64)
    half = _convolve(h, h.flip(0)) / 2  # [7], symmetric
    for octave in range(3):
        spread = half.new_zeros(6 * 2**octave + 1)
        spread[:: 2**octave] = half  # L(z^(2^octave))
        kept = _convolve(low, spread)
        bands.append(_centre(low) - _centre(kept))
        low = kept
    return torch.stack([_centre(low), *reversed(bands)])


def make_filters(taps: Tensor, size: int) -> Tensor:
    """Return matrices ``[B, size, size]`` that convolve a row, which reflects at the borders, with taps ``[B, T]``."""
    margin = taps.shape[1] // 2
    starts = torch.arange(size, device=taps.device)
    rows = torch.stack([_place(each, starts, size + 2 * margin) for each in taps])
    return rows @ make_reflection(size, margin, taps)


def _place(taps: Tensor, starts: Tensor, length: int) -> Tensor:
    """Return rows ``[len(starts), length]``, each with the taps from its start on; what does not fit is lost."""
    index = torch.arange(length, device=taps.device) - starts[:, None]
    inside = (index >= 0) & (index < len(taps))
    return torch.where(inside, taps[index.clamp(0, len(taps) - 1)], 0)


def _convolve(one: Tensor, other: Tensor) -> Tensor:
    return torch.nn.functional.conv1d(one[None, None], other.flip(0)[None, None], padding=len(other) - 1)[0, 0]


def _centre(taps: Tensor, length: int = 43) -> Tensor:
    side = (length - len(taps)) // 2
    return torch.nn.functional.pad(taps, (side, side))
