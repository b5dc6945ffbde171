"""Resampling by 2 with a binomial low-pass filter, as StyleGAN2 and R3GAN change the resolution.

A filter of t taps takes the mean of two neighbours t - 1 times: [1, 1] / 2, [1, 2, 1] / 4, [1, 3, 3, 1] / 8. Pixels
beyond the borders are 0. Away from the borders constant maps keep their value.

Resampling is linear, so its gradient is its transpose. The classes below tell autograd so: every derivative is one
depthwise convolution, and no map is kept for it. Without them, torch would keep each map and, outside the engine's
updates, run one convolution for each channel in second derivatives, which penalties need. Average poolings, which
compute the same, were two to seven times slower on a CPU.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F


def low_pass(x: Tensor, taps: int = 4, padding: int = 0) -> Tensor:
    """Filter maps ``[N, C, H, W]`` at the same resolution; return ``[N, C, H + 2 padding - taps + 1, ...]``.

    Args:
        x: The maps that are filtered, ``[N, C, H, W]``.
        taps: Number of taps of the filter: 2 for [1, 1] / 2, 3 for [1, 2, 1] / 4, 4 for [1, 3, 3, 1] / 8.
        padding: Number of zeros on each side.

    Raises:
        ValueError: `taps` is not 2, 3 or 4.
    """
    _check_taps(taps)
    return _apply_filter(x, taps, 1, padding, 1.0)


def downsample(x: Tensor, taps: int = 4) -> Tensor:
    """Scale maps ``[N, C, H, W]`` down to half the resolution, ``[N, C, H/2, W/2]``.

    In each direction, with x_i the pixels:

    - 4 taps: y_i = (x_{2i-1} + 3 x_{2i} + 3 x_{2i+1} + x_{2i+2}) / 8 (Karras et al. 2020, arXiv:1912.04958).
    - 3 taps: y_i = (x_{2i-1} + 2 x_{2i} + x_{2i+1}) / 4 (Huang et al. 2024, arXiv:2501.05441).
    - 2 taps: y_i = (x_{2i} + x_{2i+1}) / 2, so that each pixel is the mean of four.

    Args:
        x: The maps; H and W are even.
        taps: Number of taps of the filter: 2, 3 or 4.

    Raises:
        ValueError: `taps` is not 2, 3 or 4.
    """
    _check_taps(taps)
    return _apply_filter(x, taps, 2, (taps - 1) // 2, 1.0)


def upsample(x: Tensor, taps: int = 4) -> Tensor:
    """Scale maps ``[N, C, H, W]`` up to twice the resolution: 4 times the transpose of `downsample`.

    In each direction:

    - 4 taps: y_{2i} = (x_{i-1} + 3 x_i) / 4 and y_{2i+1} = (3 x_i + x_{i+1}) / 4.
    - 3 taps: y_{2i} = x_i and y_{2i+1} = (x_i + x_{i+1}) / 2.
    - 2 taps: y_{2i} = y_{2i+1} = x_i, the nearest pixel.

    Args:
        x: The maps that are scaled up, ``[N, C, H, W]``.
        taps: Number of taps of the filter: 2, 3 or 4.

    Raises:
        ValueError: `taps` is not 2, 3 or 4.
    """
    _check_taps(taps)
    height, width = x.shape[2:]
    return _apply_transpose(x, taps, 2, (taps - 1) // 2, 4.0, (2 * height, 2 * width))


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
        return _apply_transpose(gradients[0], *ctx.rest), None, None, None, None


class _Transpose(Function):
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
        return _apply_filter(gradients[0], *ctx.rest), None, None, None, None, None


def _apply_filter(x: Tensor, taps: int, stride: int, padding: int, gain: float) -> Tensor:
    result: Tensor = _Filter.apply(x, taps, stride, padding, gain)  # type: ignore[no-untyped-call]
    return result


def _apply_transpose(x: Tensor, taps: int, stride: int, padding: int, gain: float, size: tuple[int, int]) -> Tensor:
    result: Tensor = _Transpose.apply(x, taps, stride, padding, gain, size)  # type: ignore[no-untyped-call]
    return result


def _kernel(x: Tensor, taps: int, gain: float) -> Tensor:
    """Return the filter for the channels of `x`, ``[C, 1, taps, taps]``, made on the device of `x` without a copy."""
    row = x.new_full((taps,), 0.5 ** (taps - 1))
    row[1:-1].mul_(taps - 1)  # 1, t - 1, ..., 1: the binomial coefficients for up to four taps
    return (gain * row[:, None] * row).expand(x.shape[1], 1, taps, taps)


def _check_taps(taps: int) -> None:
    if taps not in (2, 3, 4):
        raise ValueError(f"a filter has 2, 3 or 4 taps, not {taps}")
