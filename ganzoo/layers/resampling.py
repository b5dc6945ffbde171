"""Resampling: by 2 with a binomial low-pass filter, as StyleGAN2 and R3GAN do, and by any factor with any filter.

A binomial filter of t taps takes the mean of two neighbours t - 1 times: [1, 1] / 2, [1, 2, 1] / 4, [1, 3, 3, 1] / 8.
Pixels beyond the borders are 0. Away from the borders constant maps keep their value.

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

Pair = tuple[int, int]  # of the vertical direction and of the horizontal one


def low_pass(x: Tensor, taps: int = 4, padding: int = 0) -> Tensor:
    """Filter maps ``[N, C, H, W]`` at the same resolution; return ``[N, C, H + 2 padding - taps + 1, ...]``.

    Args:
        x: The maps that are filtered, ``[N, C, H, W]``.
        taps: Number of taps of the filter: 2 for [1, 1] / 2, 3 for [1, 2, 1] / 4, 4 for [1, 3, 3, 1] / 8.
        padding: Number of zeros on each side.

    Raises:
        ValueError: `taps` is not 2, 3 or 4.
    """
    return _apply_filter(x, _make_kernel(x, taps), (1, 1), (padding, padding))


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
    padding = (taps - 1) // 2
    return _apply_filter(x, _make_kernel(x, taps), (2, 2), (padding, padding))


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
    height, width = x.shape[2:]
    padding = (taps - 1) // 2
    return _apply_transpose(x, 4 * _make_kernel(x, taps), (2, 2), (padding, padding), (2 * height, 2 * width))


def interpolate(x: Tensor, kernel: Tensor, factor: int, crop: int = 0) -> Tensor:
    """Raise the sampling rate of maps ``[N, C, H, W]``: put zeros between the pixels, filter, multiply by factor^2.

    Return ``[N, C, (H - 1) factor + n - 2 crop, (W - 1) factor + n - 2 crop]``: every pixel that the filter reaches,
    less `crop` of them on each side.

    Args:
        x: The maps that get more pixels, ``[N, C, H, W]``.
        kernel: A filter for both directions, ``[n]``, or one that is not separable, ``[n, n]``. Its sum is the factor
            by which constant maps change. It is symmetric, and gets no gradient.
        factor: The number of pixels of the output for each pixel of the input, in each direction.
        crop: The number of pixels that are cut off at each side.
    """
    if kernel.dim() == 2:
        return _apply_interpolation(x, factor**2 * kernel, (factor, factor), (crop, crop))
    row = factor * kernel
    x = _apply_interpolation(x, row[None], (1, factor), (0, crop))
    return _apply_interpolation(x, row[:, None], (factor, 1), (crop, 0))


def decimate(x: Tensor, kernel: Tensor, factor: int) -> Tensor:
    """Lower the sampling rate of maps ``[N, C, H, W]``: filter, then keep one of `factor` pixels in each direction.

    Return ``[N, C, (H - n) / factor + 1, (W - n) / factor + 1]``: only pixels that the filter computes without values
    from beyond the borders.

    Args:
        x: The maps that get fewer pixels, ``[N, C, H, W]``.
        kernel: A filter, as in `interpolate`.
        factor: The number of pixels of the input for each pixel of the output, in each direction.
    """
    if kernel.dim() == 2:
        return _apply_filter(x, kernel, (factor, factor), (0, 0))
    x = _apply_filter(x, kernel[None], (1, factor), (0, 0))
    return _apply_filter(x, kernel[:, None], (factor, 1), (0, 0))


# ----------------------------------------------------------------------------
# A linear map and its transpose.


class _Filter(Function):
    """Convolve each channel with a kernel, ``[N, C, H, W] -> [N, C, h, w]``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(kernel)
        ctx.rest = (stride, padding, tuple(x.shape[2:]))
        return F.conv2d(x, _expand(kernel, x), stride=stride, padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _apply_transpose(gradients[0], *ctx.saved_tensors, *ctx.rest), None, None, None


class _Transpose(Function):
    """The transpose of `_Filter`, ``[N, C, h, w] -> [N, C, H, W]``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: Pair, padding: Pair, size: Pair) -> Tensor:
        ctx.save_for_backward(kernel)
        ctx.rest = (stride, padding)
        ends = [
            side - ((small - 1) * step - 2 * pad + taps)
            for side, small, step, pad, taps in zip(size, x.shape[2:], stride, padding, kernel.shape, strict=True)
        ]
        return F.conv_transpose2d(
            x, _expand(kernel, x), stride=stride, padding=padding, output_padding=ends, groups=x.shape[1]
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _apply_filter(gradients[0], *ctx.saved_tensors, *ctx.rest), None, None, None, None


def _apply_filter(x: Tensor, kernel: Tensor, stride: Pair, padding: Pair) -> Tensor:
    result: Tensor = _Filter.apply(x, kernel, stride, padding)  # type: ignore[no-untyped-call]
    return result


def _apply_transpose(x: Tensor, kernel: Tensor, stride: Pair, padding: Pair, size: Pair) -> Tensor:
    result: Tensor = _Transpose.apply(x, kernel, stride, padding, size)  # type: ignore[no-untyped-call]
    return result


def _apply_interpolation(x: Tensor, kernel: Tensor, stride: Pair, crop: Pair) -> Tensor:
    """Return the transpose of a filter without a rest, whose output has every pixel that the kernel reaches."""
    sides = zip(x.shape[2:], stride, kernel.shape, crop, strict=True)
    height, width = ((side - 1) * step + taps - 2 * cut for side, step, taps, cut in sides)
    return _apply_transpose(x, kernel, stride, crop, (height, width))


def _expand(kernel: Tensor, x: Tensor) -> Tensor:
    """Return the kernel for the channels of `x`, ``[C, 1, height, width]``, in its dtype."""
    return kernel.to(x.dtype).expand(x.shape[1], 1, -1, -1)


def _make_kernel(x: Tensor, taps: int) -> Tensor:
    """Return the binomial kernel, ``[taps, taps]``, made on the device of `x` without a copy."""
    if taps not in (2, 3, 4):
        raise ValueError(f"a filter has 2, 3 or 4 taps, not {taps}")
    row = x.new_full((taps,), 0.5 ** (taps - 1))
    row[1:-1].mul_(taps - 1)  # 1, t - 1, ..., 1: the binomial coefficients for up to four taps
    return row[:, None] * row
