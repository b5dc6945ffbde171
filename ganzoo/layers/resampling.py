"""Resampling by 2 behind a binomial low-pass filter, as StyleGAN2 and R3GAN change the resolution.

A filter of t taps is t - 1 means of two neighbours, one after the other: [1, 1] / 2, [1, 2, 1] / 4, [1, 3, 3, 1] / 8.
Zeros stand beyond the borders; away from them constant maps keep their value.

Resampling is linear, and its gradient is its transpose. Said so to autograd, every derivative is one more depthwise
convolution; left to itself it differentiates one for each channel where a penalty asks for second derivatives.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F


def low_pass(x: Tensor, taps: int = 4, padding: int = 0) -> Tensor:
    """Return maps ``[N, C, H, W]`` filtered at the same resolution, ``[N, C, H + 2 padding - taps + 1, ...]``.

    Args:
        x: The maps.
        taps: Of the filter: 2 for [1, 1] / 2, 3 for [1, 2, 1] / 4, 4 for [1, 3, 3, 1] / 8.
        padding: Zeros on each side.

    Raises:
        ValueError: Another number of taps.
    """
    return _filtered(x, _known(taps), 1, padding, 1.0)


def downsample(x: Tensor, taps: int = 4) -> Tensor:
    """Return maps ``[N, C, H, W]`` at half the resolution, ``[N, C, H/2, W/2]``.

    In each direction, with x_i the pixels:

    - 4 taps: y_i = (x_{2i-1} + 3 x_{2i} + 3 x_{2i+1} + x_{2i+2}) / 8 (Karras et al. 2020, arXiv:1912.04958).
    - 3 taps: y_i = (x_{2i-1} + 2 x_{2i} + x_{2i+1}) / 4 (Huang et al. 2024, arXiv:2501.05441).
    - 2 taps: y_i = (x_{2i} + x_{2i+1}) / 2, so that each pixel is the mean of four.

    Args:
        x: The maps; H and W are even.
        taps: Of the filter: 2, 3 or 4.

    Raises:
        ValueError: Another number of taps.
    """
    return _filtered(x, _known(taps), 2, (taps - 1) // 2, 1.0)


def upsample(x: Tensor, taps: int = 4) -> Tensor:
    """Return maps ``[N, C, H, W]`` at twice the resolution: 4 times the transpose of `downsample`.

    In each direction:

    - 4 taps: y_{2i} = (x_{i-1} + 3 x_i) / 4 and y_{2i+1} = (3 x_i + x_{i+1}) / 4.
    - 3 taps: y_{2i} = x_i and y_{2i+1} = (x_i + x_{i+1}) / 2.
    - 2 taps: y_{2i} = y_{2i+1} = x_i, the nearest pixel.

    Args:
        x: The maps.
        taps: Of the filter: 2, 3 or 4.

    Raises:
        ValueError: Another number of taps.
    """
    height, width = x.shape[2:]
    return _spread(x, _known(taps), 2, (taps - 1) // 2, 4.0, (2 * height, 2 * width))


# ----------------------------------------------------------------------------
# A linear map and its transpose.


class _Filter(Function):
    """Convolve each channel with ``gain`` times the filter, ``[N, C, H, W] -> [N, C, h, w]``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: int, stride: int, padding: int, gain: float) -> Tensor:
        ctx.rest = (taps, stride, padding, gain, tuple(x.shape[2:]))
        return F.conv2d(x, _kernel(x, taps, gain), stride=stride, padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _spread(gradients[0], *ctx.rest), None, None, None, None


class _Spread(Function):
    """The transpose of `_Filter`, ``[N, C, h, w] -> [N, C, H, W]``."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, taps: int, stride: int, padding: int, gain: float, size: tuple[int, int]
    ) -> Tensor:
        ctx.rest = (taps, stride, padding, gain)
        ends = [
            side - ((small - 1) * stride - 2 * padding + taps) for side, small in zip(size, x.shape[2:], strict=True)
        ]
        return F.conv_transpose2d(
            x, _kernel(x, taps, gain), stride=stride, padding=padding, output_padding=ends, groups=x.shape[1]
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _filtered(gradients[0], *ctx.rest), None, None, None, None, None


def _filtered(x: Tensor, taps: int, stride: int, padding: int, gain: float) -> Tensor:
    result: Tensor = _Filter.apply(x, taps, stride, padding, gain)  # type: ignore[no-untyped-call]
    return result


def _spread(x: Tensor, taps: int, stride: int, padding: int, gain: float, size: tuple[int, int]) -> Tensor:
    result: Tensor = _Spread.apply(x, taps, stride, padding, gain, size)  # type: ignore[no-untyped-call]
    return result


def _kernel(x: Tensor, taps: int, gain: float) -> Tensor:
    """Return the filter for the channels of `x`, ``[C, 1, taps, taps]``, made where `x` is: nothing is copied there."""
    row = x.new_full((taps,), 0.5 ** (taps - 1))
    row[1:-1].mul_(taps - 1)  # 1, t - 1, ..., 1, which up to four taps are the binomial coefficients
    return (gain * row[:, None] * row).expand(x.shape[1], 1, taps, taps)


def _known(taps: int) -> int:
    if taps not in (2, 3, 4):
        raise ValueError(f"there is no filter of {taps} taps: give 2, 3 or 4")
    return taps
