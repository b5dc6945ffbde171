"""The U-Net of pix2pix (Isola et al. 2017, arXiv:1611.07004, sections 3.2.1 and 6.1.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import draw_normal_weights, has_bias, make_norm, require_labels
from ganzoo_translation.blocks import SLOPE, Norm, pad_to_multiple

MOST = 8  # times the channels of the first layer
DROPPED = 3  # decoder layers with dropout


class UNet(nn.Module):
    """Images ``[N, inputs, H, W]`` to images ``[N, outputs, H, W]`` in [-1, 1]: maps shrink to a bottleneck and back.

    Each layer of the decoder also gets the maps of the encoder of its size. Dropout after the first three layers of the
    decoder is the generator's only noise, in sampling as well as in training (section 3.2). The bottleneck has no
    normalisation, because that of a single pixel would be 0 (section 6.2).

    Args:
        inputs: The number of channels of the input images.
        outputs: The number of channels of the generated images.
        width: The number of channels of the encoder's first layer.
        levels: The number of layers of the encoder and of the decoder; each one halves or doubles the sides.
        dropout: The probability with which a number is dropped; 0 for a generator without noise.
        norm: The kind of normalisation, as `make_norm` takes it.
    """

    def __init__(self, inputs: int, outputs: int, width: int, levels: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        widths = [width * min(2**level, MOST) for level in range(levels)]
        self.multiple = 2**levels
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, channels in enumerate(widths):
            before = widths[level - 1] if level else inputs
            inner = 0 < level < levels - 1
            layers: list[nn.Module] = [nn.LeakyReLU(SLOPE)] if level else []
            layers.append(nn.Conv2d(before, channels, 4, 2, 1, bias=has_bias(norm)))
            self.down.append(nn.Sequential(*layers, *(make_norm(norm, channels) if inner else ())))
        for level in reversed(range(levels)):
            channels = widths[level - 1] if level else outputs
            both = widths[level] * (1 if level == levels - 1 else 2)
            conv = nn.ConvTranspose2d(both, channels, 4, 2, 1, bias=has_bias(norm) or not level)
            layers = [nn.ReLU(), conv, *(make_norm(norm, channels) if level else ())]
            drops = dropout > 0 and level > 0 and levels - level <= DROPPED
            self.up.append(nn.Sequential(*layers, *([Dropout(dropout)] if drops else ())))
        draw_normal_weights(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images that labels ``[N, inputs, H, W]`` are translated to."""
        require_labels(labels, True)
        assert labels is not None
        x, maps = pad_to_multiple(labels, self.multiple), []
        for down in self.down:
            x = down(x)  # [N, C, H / 2, W / 2]
            maps.append(x)
        x = maps.pop()
        for up in self.up:
            x = up(x)  # [N, C, 2 H, 2 W]
            x = torch.cat([x, maps.pop()], 1) if maps else x
        return torch.tanh(x[:, :, : labels.shape[2], : labels.shape[3]])


class Dropout(nn.Module):
    """Dropout in eval mode too: noise, not a regularization of training.

    Args:
        p: The probability with which a number is dropped.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with some numbers 0 and the others larger, so that the mean stays."""
        return F.dropout(x, self.p, training=True)
