"""The layers of the package stylegan2_pytorch (https://github.com/lucidrains/stylegan2-pytorch)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import low_pass, upsample
from ganzoo_stylegan2.modulated import SLOPE, ModulatedConv2d

HEADS, HEAD = 8, 64  # the number of heads of attention, and the channels of each


class PlainModulatedConv2d(ModulatedConv2d):
    """`ModulatedConv2d` whose layers have no equalised learning rate. Its affine bias has the 1 that is added."""

    def __init__(self, inputs: int, outputs: int, size: int, w_dim: int, demodulate: bool = True) -> None:
        super().__init__(inputs, outputs, size, w_dim, demodulate=demodulate)
        affine = nn.Linear(w_dim, inputs)
        with torch.no_grad():
            affine.bias.add_(1)
        self.affine, self.scale = affine, 1.0


class NoisyConv2d(nn.Module):
    """A modulated 3x3 convolution, noise with a strength and a bias for each channel, and a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, w_dim: int) -> None:
        super().__init__()
        self.conv = PlainModulatedConv2d(inputs, outputs, 3, w_dim)
        self.strength = nn.Parameter(torch.zeros(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """Return the activated maps ``[N, outputs, R, R]``; the noise is ``[R, R]`` or ``[N, 1, R, R]``."""
        added = noise * self.strength[:, None, None] + self.bias[:, None, None]
        return F.leaky_relu(self.conv(x, w) + added, SLOPE)


def draw_he(network: nn.Module) -> None:
    """Draw the weights of plain and modulated layers from N(0, 2 / fan_in), by He et al. 2015, arXiv:1502.01852."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear, PlainModulatedConv2d)) and not layer.weight.is_meta:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


class LinearAttention2d(nn.Module):
    """``[N, channels, R, R]`` to the same shape: x + attention, then x + a network of each pixel.

    The softmax is over the channels of queries and over the positions of keys, so that the cost is linear in the number
    of pixels (Shen et al. 2018, arXiv:1812.01243).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.queries = nn.Conv2d(channels, HEADS * HEAD, 1, bias=False)
        self.near = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.keys_and_values = nn.Conv2d(channels, 2 * HEADS * HEAD, 1, bias=False)
        self.last = nn.Conv2d(HEADS * HEAD, channels, 1)
        self.hidden, self.result = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps plus what attention and the network of each pixel add."""
        y = _normalise(x, self.norm1)
        queries = self.queries(y).unflatten(1, (HEADS, HEAD)).flatten(3)  # [N, heads, head, R R]
        keys, values = self.keys_and_values(self.near(y)).unflatten(1, (2, HEADS, HEAD)).flatten(4).unbind(1)
        seen = values @ keys.softmax(3).transpose(2, 3) @ queries.softmax(2) / math.sqrt(HEAD)
        x = x + self.last(F.gelu(seen.flatten(1, 2).unflatten(2, x.shape[2:])))
        y = F.leaky_relu(self.hidden(_normalise(x, self.norm2)), SLOPE)
        added: Tensor = self.result(y)
        return x + added


def _normalise(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Normalise each pixel over its channels."""
    y: Tensor = norm(x.movedim(1, 3)).movedim(3, 1)
    return y


# ----------------------------------------------------------------------------
# Resampling.


def double(x: Tensor) -> Tensor:
    """Return maps at twice the resolution, interpolated bilinearly; pixels beyond the borders are those at them."""
    return upsample(_extend(x, 0), taps=4)[:, :, 2:-2, 2:-2]


def blur(x: Tensor) -> Tensor:
    """Return maps filtered by [1, 2, 1] / 4 in both directions; they are reflected at the borders."""
    return low_pass(_extend(x, 1), taps=3)


def _extend(x: Tensor, skip: int) -> Tensor:
    """Add a pixel on each side: that at the border, or the one `skip` pixels before it.

    Joining parts is deterministic on all devices, unlike torch's padding.
    """
    for dim in (2, 3):
        last = x.shape[dim] - 1
        x = torch.cat([x.narrow(dim, skip, 1), x, x.narrow(dim, last - skip, 1)], dim)
    return x
