"""Resampling by 2 behind a binomial low-pass filter, as StyleGAN2 and R3GAN change the resolution.

A filter of t taps is t - 1 means of two neighbours, one after the other: [1, 1] / 2 is the mean itself, [1, 2, 1] / 4 a
mean of means, [1, 3, 3, 1] / 8 once more. So each is written as average poolings, which cost the same when they are
differentiated twice, while a depthwise convolution's second derivative runs channel by channel. Zeros stand beyond the
borders, and constant maps keep their value away from them.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def low_pass(x: Tensor, taps: int = 4, padding: int = 0) -> Tensor:
    """Return maps ``[N, C, H, W]`` filtered at the same resolution, ``[N, C, H + 2 padding - taps + 1, ...]``.

    Args:
        x: The maps.
        taps: Length of the filter: 2 for [1, 1] / 2, 3 for [1, 2, 1] / 4, 4 for [1, 3, 3, 1] / 8 and so on.
        padding: Zeros on each side.
    """
    if padding:
        x = F.pad(x, (padding,) * 4)
    for _ in range(taps - 1):
        x = F.avg_pool2d(x, 2, stride=1)
    return x


def downsample(x: Tensor, taps: int = 4) -> Tensor:
    """Return maps ``[N, C, H, W]`` at half the resolution, ``[N, C, H/2, W/2]``.

    In each direction, with x_i the pixels:

    - 4 taps: y_i = (x_{2i-1} + 3 x_{2i} + 3 x_{2i+1} + x_{2i+2}) / 8 (Karras et al. 2020, arXiv:1912.04958).
    - 3 taps: y_i = (x_{2i-1} + 2 x_{2i} + x_{2i+1}) / 4 (Huang et al. 2024, arXiv:2501.05441).
    - 2 taps: y_i = (x_{2i} + x_{2i+1}) / 2, the plain mean of four pixels.

    Args:
        x: The maps; H and W are even.
        taps: Of the filter: 2, 3 or 4.

    Raises:
        ValueError: Another number of taps.
    """
    _require_taps(taps)
    if taps > 2:
        x = F.avg_pool2d(x, 2, stride=1, padding=1)  # [N, C, H + 1, W + 1]
    if taps > 3:
        x = F.avg_pool2d(x, 2, stride=1)  # [N, C, H, W]
    return F.avg_pool2d(x, 2)


def upsample(x: Tensor, taps: int = 4) -> Tensor:
    """Return maps ``[N, C, H, W]`` at twice the resolution: 4 times the transpose of `downsample`.

    In each direction:

    - 4 taps: y_{2i} = (x_{i-1} + 3 x_i) / 4 and y_{2i+1} = (3 x_i + x_{i+1}) / 4, bilinear interpolation.
    - 3 taps: y_{2i} = x_i and y_{2i+1} = (x_i + x_{i+1}) / 2.
    - 2 taps: y_{2i} = y_{2i+1} = x_i, the nearest pixel.

    Args:
        x: The maps.
        taps: Of the filter: 2, 3 or 4.

    Raises:
        ValueError: Another number of taps.
    """
    _require_taps(taps)
    x = F.interpolate(x, scale_factor=2, mode="nearest")  # [N, C, 2H, 2W]
    if taps == 3:
        x = F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, stride=1)
    if taps == 4:
        x = F.avg_pool2d(F.avg_pool2d(x, 2, stride=1, padding=1), 2, stride=1)
    return x


def _require_taps(taps: int) -> None:
    if taps not in (2, 3, 4):
        raise ValueError(f"a filter of {taps} taps cannot resample: give 2, 3 or 4")
