"""The layers of StyleGAN2's generator (Karras et al. 2020, arXiv:1912.04958, section 2.2, figure 2c and 2d)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import EqualisedLinear, low_pass

SLOPE = 0.2  # of the leaky ReLU below 0
GAIN = math.sqrt(2.0)  # keeps the mean square through a ReLU


def activate(x: Tensor) -> Tensor:
    """Return the leaky ReLU of `x`, scaled so that it keeps the mean square."""
    return F.leaky_relu(x, SLOPE) * GAIN


class ModulatedConv2d(nn.Module):
    """Maps ``[N, inputs, R, R]`` and styles ``[N, w_dim]`` to ``[N, outputs, R', R']``, by kernels of each sample.

    With s = A(w) the scales of the input channels, a sample's kernel is w'_ijk = s_i w_ijk (eq. 1). Demodulation gives
    each output channel j the norm 1: w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2 + eps) (eq. 3), so that a map keeps the
    expected variance of its input. Scaling the channels of maps before and after one convolution for all samples
    computes the same, without a kernel for each sample.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        size: Height and width of the kernel, in pixels.
        w_dim: Length of a style.
        up: Whether the resolution doubles, R' = 2R.
        demodulate: Whether kernels are demodulated.
        padding: Number of zeros on each side; by default R' = R.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        w_dim: int,
        up: bool = False,
        demodulate: bool = True,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        self.affine: nn.Linear = EqualisedLinear(w_dim, inputs)
        nn.init.ones_(self.affine.bias)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.scale = 1 / math.sqrt(inputs * size * size)  # an equalised learning rate
        self.up, self.demodulate = up, demodulate
        self.padding = size // 2 if padding is None else padding

    def forward(self, x: Tensor, w: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Return the maps that the kernels of styles `w` make of `x`, multiplied by `gain`, which has no dimension."""
        scales, weight = self.affine(w), self.weight * self.scale  # [N, inputs], [outputs, inputs, k, k]
        y = self._convolve(x * (gain * scales)[:, :, None, None], weight)
        if self.demodulate:
            squares = F.linear(scales.square(), weight.square().sum((2, 3)))  # [N, outputs]
            y = y * (squares + 1e-8).rsqrt()[:, :, None, None]
        return y

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return the convolution of `x`, at twice its resolution if `up`.

        Zeros between the pixels, convolution and low-pass filter [1, 3, 3, 1] equal an interpolation that a convolution
        follows, because the order of filters does not matter, but need a quarter of the multiplications.
        """
        if not self.up:
            return F.conv2d(x, weight, padding=self.padding)
        y = F.conv_transpose2d(x, 4 * weight.transpose(0, 1), stride=2)  # [N, outputs, 2R + 1, 2R + 1] for 3x3
        return low_pass(y, taps=4, padding=1)


class StyledConv2d(nn.Module):
    """A modulated convolution, noise with a learned strength, a bias and a leaky ReLU (figure 2c).

    In train mode each sample gets new noise. In eval mode all get the same, which was drawn with the first weights, so
    that a sample depends on its latent alone.

    Args:
        inputs, outputs, w_dim, up: As in `ModulatedConv2d`; the kernels are 3x3.
        resolution: Height and width of the output, in pixels.
    """

    noise: Tensor

    def __init__(self, inputs: int, outputs: int, w_dim: int, resolution: int, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(inputs, outputs, 3, w_dim, up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("noise", torch.randn(resolution, resolution))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the activated maps ``[N, outputs, resolution, resolution]``."""
        y: Tensor = self.conv(x, w)
        noise = torch.randn_like(y[:, :1]) if self.training else self.noise
        return activate(y + (noise * self.strength + self.bias[:, None, None]))
