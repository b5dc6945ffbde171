"""3x3 convolutions before or after a change of the resolution, as one convolution with fewer multiplications."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def convolve_and_pool(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return the means of 2x2 pixels of ``conv(x)``, ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``.

    The mean of four shifted 3x3 kernels is one 4x4 kernel with a stride of 2, which needs 4/9 of the multiplications.

    Args:
        x: The maps, with an even height and width.
        conv: A convolution with a 3x3 kernel and a padding of 1. Its weight is read once.
    """
    return F.conv2d(x, _average_shifts(conv.weight), conv.bias, stride=2, padding=1)


def double_and_convolve(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return ``conv`` of `x` with each pixel repeated, ``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``.

    The convolution is the transpose of one as in `convolve_and_pool`, except for a factor of 4.

    Args:
        x: The maps, of any height and width.
        conv: A convolution with a 3x3 kernel and a padding of 1. Its weight is read once.
    """
    kernel = 4 * _average_shifts(conv.weight.flip(2, 3)).transpose(0, 1)  # [inputs, outputs, 4, 4]
    return F.conv_transpose2d(x, kernel, conv.bias, stride=2, padding=1)


def _average_shifts(kernel: Tensor) -> Tensor:
    """Return the mean ``[A, B, 4, 4]`` of kernels ``[A, B, 3, 3]`` that are shifted by 0 or 1 in both directions."""
    return F.avg_pool2d(kernel, 2, stride=1, padding=1)
