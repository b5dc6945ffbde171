"""The bands of StyleGAN3's layers and their low-pass filters (Karras et al. 2021, arXiv:2106.12423).

Frequencies are in cycles, and sampling rates in pixels, for the width of the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

TAPS = 6  # n: a filter reaches 6 pixels of the lower one of its two sampling rates (section 3.2)
CRITICAL = 2  # N_crit: the last layers, which use all frequencies that their sampling rate allows


@dataclass(frozen=True)
class Band:
    """What the maps of a layer contain.

    Args:
        cutoff: f_c, the highest frequency that is kept.
        half_width: f_h; frequencies above f_c + f_h are suppressed.
        rate: s, the number of pixels in the width of the picture.
    """

    cutoff: float
    half_width: float
    rate: int


def plan_bands(size: int, num: int) -> list[Band]:
    """Return the bands of the outputs of `num` layers for images of `size` pixels (equations 35 and 36).

    The cutoffs f_c and the least acceptable stopbands f_t grow geometrically until the first of two critically sampled
    layers. The rate is the power of two that f_t needs, at most `size`; the transition is as wide as the rate allows.
    """
    last = size / 2
    return [
        _make_band(size, _grow(2.0, last, share), _grow(2**2.1, last * 2**0.3, share))
        for share in (min(layer / (num - CRITICAL), 1.0) for layer in range(num))
    ]


def _grow(first: float, last: float, share: float) -> float:
    return first * math.exp(share * math.log(last / first))


def _make_band(size: int, cutoff: float, stopband: float) -> Band:
    rate = 1 << math.ceil(math.log2(min(2 * stopband, size)))
    return Band(cutoff, max(stopband, rate / 2) - cutoff, rate)


# ----------------------------------------------------------------------------
# Filters (appendix C).


def make_kaiser_filter(taps: int, cutoff: float, half_width: float, rate: int) -> Tensor:
    """Return a low-pass filter, float64 ``[taps]`` with sum 1: a sinc in Kaiser's window (equations 4 to 8).

    Args:
        taps: The number of taps, `rate` of them in the width of the picture.
        cutoff: The cutoff f_c, where the filter halves the amplitude.
        half_width: Half the width of the transition, f_h.
        rate: The sampling rate of the filter.
    """
    x = _place_taps(taps, rate)
    row: Tensor = torch.sinc(2 * cutoff * x) * _make_window(taps, half_width, rate)
    return row / row.sum()


def make_jinc_filter(taps: int, cutoff: float, half_width: float, rate: int) -> Tensor:
    """Return a radially symmetric low-pass filter, float64 ``[taps, taps]`` with sum 1 (equation 12).

    jinc(x) = 2 J_1(pi x) / (pi x) takes the place of the sinc; the window stays separable, as in the paper.

    Args:
        taps: The number of taps in each direction, an even number.
        cutoff: The cutoff f_c, in any direction.
        half_width: Half the width of the transition, f_h.
        rate: The sampling rate of the filter.
    """
    x, window = _place_taps(taps, rate), _make_window(taps, half_width, rate)
    angle = 2 * math.pi * cutoff * torch.hypot(x[:, None], x)  # never 0, because the number of taps is even
    square: Tensor = torch.special.bessel_j1(angle) / angle * window[:, None] * window
    return square / square.sum()


def _place_taps(taps: int, rate: int) -> Tensor:
    return (torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / rate


def _make_window(taps: int, half_width: float, rate: int) -> Tensor:
    """Return Kaiser's window, whose shape beta gives the attenuation A, in decibels, that the width allows."""
    attenuation = 2.285 * (taps - 1) * math.pi * (4 * half_width / rate) + 7.95
    return torch.kaiser_window(taps, periodic=False, beta=choose_beta(attenuation), dtype=torch.float64)


def choose_beta(attenuation: float) -> float:
    """Return the shape of Kaiser's window for an attenuation in decibels (equation 8; Kaiser 1974)."""
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    excess = max(attenuation - 21, 0.0)
    return 0.5842 * math.pow(excess, 0.4) + 0.07886 * excess
