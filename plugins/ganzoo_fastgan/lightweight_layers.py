"""The layers of lightweight-gan that its two networks share, or that are no part of FastGAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import low_pass
from ganzoo_fastgan import LightweightGANOptions

HEADS = 8  # of attention
SLOPE = 0.1  # of rectifiers below zero


class Attention(nn.Module):
    """``[N, channels, H, W]`` to the same shape: y = x + o([gelu(f), n]), with f and n the outputs of two attentions.

    Both see the maps with the channels of each pixel normalised, and have 8 heads. f is linear in the number of pixels:
    with Q a softmax over the channels of a head and K one over pixels, each pixel gets Q (K^T V) (Shen et al. 2021,
    arXiv:1812.01243, section 3.2). In n a pixel attends to its 3x3 neighbourhood, in which pixels beyond the borders
    have keys and values of 0 (Ramachandran et al. 2019, arXiv:1906.05909, eq. 2, without positions). Q is divided by
    the root of the width of a head in both.

    Args:
        channels: The number of channels of the maps.
        width: The number of channels of a head.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        inner = HEADS * width
        self.scale = width**-0.5
        self.norm = ChannelNorm(channels)
        self.far_q = nn.Conv2d(channels, inner, 1, bias=False)
        self.far_kv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.Conv2d(channels, 2 * inner, 1, bias=False),
        )
        self.near_q = nn.Conv2d(channels, inner, 1, bias=False)
        self.near_kv = nn.Conv2d(channels, 2 * inner, 1, bias=False)
        self.last = nn.Conv2d(2 * inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps plus what their pixels attend to."""
        y = self.norm(x)
        far = self._attend_far(self.far_q(y), *self.far_kv(y).chunk(2, 1))
        near = self._attend_near(self.near_q(y), *self.near_kv(y).chunk(2, 1))
        added: Tensor = self.last(torch.cat([F.gelu(far), near], 1))
        return x + added

    def _attend_far(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return the linear attention over all pixels; all tensors are ``[N, inner, H, W]``."""
        shape = q.shape
        q, k, v = (each.reshape(len(each), HEADS, -1, shape[2] * shape[3]) for each in (q, k, v))  # [N, heads, d, H W]
        context = v @ k.softmax(3).transpose(2, 3)  # [N, heads, d, d], values by keys
        found: Tensor = context @ (self.scale * q.softmax(2))
        return found.reshape(shape)

    def _attend_near(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return the attention over 3x3 pixels. Shifted views need a ninth of the memory of an unfolding."""
        shape = q.shape
        q = self.scale * _split_heads(q)  # [N, heads, d, H, W]
        scores = torch.stack([(q * key).sum(2) for key in _list_neighbours(k)], 2)  # [N, heads, 9, H, W]
        weights = scores.softmax(2).unsqueeze(3).unbind(2)
        seen = [weight * value for weight, value in zip(weights, _list_neighbours(v), strict=True)]
        return sum(seen[1:], seen[0]).reshape(shape)


def _list_neighbours(x: Tensor) -> list[Tensor]:
    """Return the maps ``[N, inner, H, W]`` as ``[N, heads, d, H, W]``, shifted to each of 9 neighbours."""
    height, width = x.shape[2:]
    padded = _split_heads(F.pad(x, (1, 1, 1, 1)))
    return [padded[..., row : row + height, column : column + width] for row in range(3) for column in range(3)]


def _split_heads(x: Tensor) -> Tensor:
    """Return the maps ``[N, inner, H, W]`` as ``[N, heads, d, H, W]``."""
    return x.reshape(len(x), HEADS, -1, *x.shape[2:])


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel of maps ``[N, C, H, W]``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised maps."""
        return super().forward(input.movedim(1, 3)).movedim(3, 1)


class Blur(nn.Module):
    """The low-pass filter [1, 2, 1] / 4 in both directions, at the same resolution; borders mirror the maps."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the filtered maps, of the shape of `x`."""
        x = torch.cat([x[:, :, 1:2], x, x[:, :, -2:-1]], 2)  # torch's padding has no deterministic gradient on CUDA
        return low_pass(torch.cat([x[..., 1:2], x, x[..., -2:-1]], 3), taps=3)


class Gate(nn.Module):
    """Maps ``[N, inputs, R, R]`` to gates in [0, 1] of other maps' channels, ``[N, outputs, 1, 1]``.

    Two layers see a weighted mean over the pixels, whose weights are a softmax (Cao et al. 2020, arXiv:2012.13375,
    section 3).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = max(3, outputs // 2)
        self.weigh = nn.Conv2d(inputs, 1, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1), nn.LeakyReLU(SLOPE), nn.Conv2d(hidden, outputs, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the gates."""
        weights = self.weigh(x).flatten(1).softmax(1)[:, :, None]  # [N, R R, 1]
        gates: Tensor = self.layers((x.flatten(2) @ weights)[..., None])
        return gates


def make_attention(channels: int, resolution: int, options: LightweightGANOptions) -> nn.Module:
    """Return the attention of maps of a resolution, or the identity where the options have none there."""
    wanted = resolution in (options.attention or ())
    return Attention(channels, options.head_width) if wanted else nn.Identity()


def make_smoother(options: LightweightGANOptions) -> nn.Module:
    """Return the filter before or after each change of the resolution, or the identity."""
    return Blur() if options.antialias else nn.Identity()


def draw_weights(module: nn.Module) -> None:
    """Draw a convolution's weights, N(0, 2 / inputs). Biases and transposed convolutions stay as torch draws them."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
