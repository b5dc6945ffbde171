"""Vocos: frames of a mel spectrogram to frames of the sound's spectrum, without upsampling (Siuzdak 2023).

Source: arXiv:2306.00814, section 3. The numbers of layers and channels are those of the authors' code for mel
spectrograms. Its frames are as long as those of the mel spectrogram. Here they are four hops long, as there, unless
`arch.n_fft` says otherwise, and there are as many samples as frames times hop for every number of frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import draw_weights, invert_spectra, require_labels
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_sound.discriminators import Discriminators
from ganzoo_sound.lengths import find_hop
from ganzoo_sound.options import VocosOptions

LARGEST = math.log(100.0)  # the logarithm of a magnitude; larger ones have no effect
EPS = 1e-6  # of layer normalisation


def build(options: VocosOptions, data: DataInfo) -> Networks:
    """Return the networks for sounds of `data`, whose labels are spectrograms.

    Raises:
        UsageError: The labels are not spectrograms with a whole number of values for each frame, or an option does not
            fit the data.
    """
    return Networks(Generator(options, data), Discriminators(options, data), latent_dim=0)


class Generator(nn.Module):
    """Spectrograms ``[N, M, frames]`` to sounds ``[N, 1, frames * hop]``, for any number of frames.

    Args:
        options: The options of the architecture.
        data: The description of the data; a frame of its labels belongs to `hop` values of its samples.
    """

    def __init__(self, options: VocosOptions, data: DataInfo) -> None:
        super().__init__()
        self.hop = find_hop(data)
        self.n_fft = options.n_fft or 4 * self.hop
        if self.n_fft < 2 * self.hop:
            raise UsageError(f"arch.n_fft={self.n_fft} is less than two hops of {self.hop}: use {4 * self.hop}")
        width = options.width
        self.first = nn.Conv1d(data.label_shape[0], width, 7, padding=3)
        self.norm = nn.LayerNorm(width, EPS)
        self.blocks = nn.ModuleList(Block(width, 3 * width, 1 / options.depth) for _ in range(options.depth))
        self.last_norm = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, 2 * (self.n_fft // 2 + 1))
        draw_weights(self, lambda weight: nn.init.trunc_normal_(weight, std=0.02))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the sounds of spectrograms `labels`; `z` is ``[N, 0]``."""
        require_labels(labels, True)
        x = self.norm(self.first(labels).transpose(1, 2))  # [N, frames, width]
        for block in self.blocks:
            x = block(x)
        head = self.head(self.last_norm(x))  # [N, frames, 2 bins]
        magnitudes, phases = (head if head.dtype == torch.float64 else head.float()).chunk(2, 2)
        return make_sounds(magnitudes, phases, self.n_fft, self.hop)


def make_sounds(magnitudes: Tensor, phases: Tensor, n_fft: int, hop: int) -> Tensor:
    """Return the sounds ``[N, 1, frames * hop]`` of logarithms of magnitudes and of phases, ``[N, frames, bins]`` each.

    The spectrum is exp(m) (cos p + i sin p) (section 3.2). No phase has to be unwrapped: p may be any number.
    """
    lengths = magnitudes.clamp(max=LARGEST).exp()
    spectra = torch.stack([lengths * phases.cos(), lengths * phases.sin()], -1)  # [N, frames, bins, 2]
    return invert_spectra(spectra, n_fft, hop)[:, None]


class Block(nn.Module):
    """A block of ConvNeXt for frames ``[N, frames, width]`` (Liu et al. 2022, A ConvNet for the 2020s, figure 4).

    Args:
        width: The number of channels.
        inner: The number of channels between the two linear layers.
        scale: The first value of the gain of the block's branch, one for each channel.
    """

    def __init__(self, width: int, inner: int, scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, EPS)
        self.wide = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """Return frames of the same shape."""
        y: Tensor = self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        y = self.scale * self.narrow(F.gelu(self.wide(y)))
        return x + y
