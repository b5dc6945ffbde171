"""WaveGAN: sounds of one length from noise, by convolutions of 25 values that change the rate by 4.

Source: Donahue, McAuley & Puckette 2018, Adversarial Audio Synthesis, arXiv:1802.04208, section 3 and appendix D. The
paper's sounds have 16,384 values.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import draw_weights, require_labels
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_sound.options import WaveGANOptions

FIRST = 16  # values of the shortest maps
KERNEL, RATE, SLOPE = 25, 4, 0.2
PADDING = (KERNEL - RATE + 1) // 2  # with one value more at the end, each layer changes the length by exactly RATE


def build(options: WaveGANOptions, data: DataInfo) -> Networks:
    """Return the networks for sounds of `data`.

    Raises:
        UsageError: The sounds have no length of 16 times a power of 4, or an option does not fit them.
    """
    if data.modality != "audio":
        raise UsageError("wavegan makes sounds: choose a dataset of sounds, such as --dataset audio")
    channels, length = data.shape
    widths = list_widths(length, options.width)
    if options.shuffle >= FIRST * RATE:
        raise UsageError(f"arch.shuffle={options.shuffle} moves the shortest maps beyond their end: use 2")
    return Networks(
        Generator(channels, widths, options.z_dim), Discriminator(channels, widths, options.shuffle), options.z_dim,
        "uniform",
    )  # fmt: skip


def list_widths(length: int, width: int) -> list[int]:
    """Return the channels of the maps from the shortest to the longest: they halve where the length is 4 times as much.

    Raises:
        UsageError: The length is not 16 times a power of 4.
    """
    lengths = [FIRST * RATE]
    while lengths[-1] < length:
        lengths.append(lengths[-1] * RATE)
    if lengths[-1] != length:
        near = min(lengths, key=lambda each: abs(each - length))
        raise UsageError(f"wavegan makes sounds of 64, 256, 1024, 4096, 16384 ... values, not {length}: use {near}")
    return [width << number for number in reversed(range(len(lengths)))]


class Generator(nn.Module):
    """z ``[N, z_dim]``, uniform in [-1, 1], to sounds ``[N, channels, T]`` in [-1, 1] (table 3).

    Args:
        channels: The number of channels of a sound.
        widths: The channels of the maps, the shortest first.
        z_dim: The length of the latent z.
    """

    def __init__(self, channels: int, widths: list[int], z_dim: int) -> None:
        super().__init__()
        self.first = nn.Linear(z_dim, widths[0] * FIRST)
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(a, b, KERNEL, RATE, PADDING, output_padding=1) for a, b in pairwise([*widths, channels])
        )
        draw_weights(self, nn.init.xavier_uniform_)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the sounds of latents `z`; raise ValueError if labels are given."""
        require_labels(labels, False)
        x = self.first(z).unflatten(1, (-1, FIRST))  # [N, C, 16]
        for layer in self.layers:
            x = layer(x.relu())  # [N, C / 2, 4 T]
        return torch.tanh(x)


class Discriminator(nn.Module):
    """Sounds ``[N, channels, T]`` to logits ``[N, 1]`` (table 4); the output has the maps and the last of them.

    Args:
        channels: The number of channels of a sound.
        widths: The channels of the maps, the shortest first.
        shuffle: The largest number of steps by which `PhaseShuffle` moves the maps.
    """

    def __init__(self, channels: int, widths: list[int], shuffle: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, KERNEL, RATE, PADDING) for a, b in pairwise([channels, *reversed(widths)])
        )
        self.shuffle = PhaseShuffle(shuffle)
        self.last = nn.Linear(widths[0] * FIRST, 1)
        draw_weights(self, nn.init.xavier_uniform_)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits; raise ValueError if labels are given."""
        require_labels(labels, False)
        for number, layer in enumerate(self.layers):
            x = F.leaky_relu(layer(x), SLOPE)  # [N, 2 C, T / 4]
            x = self.shuffle(x) if number + 1 < len(self.layers) else x
        logits: Tensor = self.last(x.flatten(1))
        return logits


class PhaseShuffle(nn.modules.dropout._DropoutNd):
    """Move the maps of each sample by a random number of steps in training, so that D cannot see phases (section 3.3).

    What moves in is a mirror image. It counts as dropout: where two forwards are compared, the engine turns it off.

    Args:
        most: The largest number of steps.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape, ``[N, C, T]``."""
        if not self.training or not self.most:
            return x
        moves = torch.randint(-self.most, self.most + 1, (len(x), 1, 1), device=x.device)
        last = x.shape[2] - 1
        places = (torch.arange(last + 1, device=x.device) + moves).abs()
        places = last - (last - places).abs()  # [N, 1, T]
        return x.gather(2, places.expand(-1, x.shape[1], -1))
