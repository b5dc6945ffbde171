"""HiFi-GAN: convolutions upsample a mel spectrogram to a sound, between residual blocks of several kernels.

Source: Kong, Kim & Bae 2020, arXiv:2010.05646, section 2.2 and appendix A.1. The names of G's layers are those of the
authors' code, so that their weights can be imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ganzoo.layers import require_labels
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_sound.activations import Activation, make_activation
from ganzoo_sound.discriminators import Discriminators
from ganzoo_sound.lengths import find_hop
from ganzoo_sound.options import HiFiGANOptions

SLOPE, LAST_SLOPE = 0.1, 0.01  # of rectifiers below zero; the last one before the sound
STD = 0.01  # of the first weights of upsampling and of blocks
LARGEST_RATE = 8  # of one layer


@dataclass(frozen=True)
class Version:
    """The numbers of a version of G (appendix A.1, table 5).

    Args:
        width: The number of channels before the first upsampling.
        rates: The factors of the upsampling.
        kernels: The length of the kernels of the blocks after each upsampling.
        dilations: For each kernel, the distances between the values that its convolutions read.
        twice: Whether each dilated convolution is followed by one without dilation.
    """

    width: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    twice: bool


LARGE = {"rates": (8, 8, 2, 2), "kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "twice": True}
VERSIONS = {
    "v1": Version(512, **LARGE),  # type: ignore[arg-type]
    "v2": Version(128, **LARGE),  # type: ignore[arg-type]
    "v3": Version(256, (8, 8, 4), (3, 5, 7), ((1, 2), (2, 6), (3, 12)), twice=False),
}


def build(options: HiFiGANOptions, data: DataInfo) -> Networks:
    """Return the networks for sounds of `data`, whose labels are spectrograms.

    Raises:
        UsageError: The labels are not spectrograms with a whole number of values for each frame, or an option does not
            fit the data.
    """
    return Networks(Generator(options, data), Discriminators(options, data), latent_dim=0)


class Generator(nn.Module):
    """Spectrograms ``[N, M, frames]`` to sounds ``[N, 1, frames * hop]`` in [-1, 1], for any number of frames.

    Args:
        options: The options of the architecture.
        data: The description of the data; a frame of its labels belongs to `hop` values of its samples.

    Raises:
        UsageError: The product of the rates is not the hop, or there are too few channels to halve.
    """

    def __init__(self, options: HiFiGANOptions, data: DataInfo) -> None:
        super().__init__()
        version = VERSIONS[options.version]
        rates, width = choose_rates(options, find_hop(data)), options.width or version.width
        if width >> len(rates) < 1:
            raise UsageError(f"arch.width={width} cannot be halved {len(rates)} times: use {1 << len(rates)} or more")
        widths = [width >> number for number in range(len(rates) + 1)]
        self.num_kernels = len(version.kernels)
        self.conv_pre = weight_norm(nn.Conv1d(data.label_shape[0], width, 7, padding=3))
        self.ups, self.resblocks, self.acts = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for rate, before, after in zip(rates, widths, widths[1:], strict=False):
            self.acts.append(make_activation(options.activation, before, SLOPE))
            self.ups.append(weight_norm(_draw(make_upsampling(before, after, rate))))
            for kernel, dilations in zip(version.kernels, version.dilations, strict=True):
                self.resblocks.append(Block(after, kernel, dilations, version.twice, options.activation))
        self.acts.append(make_activation(options.activation, widths[-1], LAST_SLOPE))
        self.conv_post = weight_norm(_draw(nn.Conv1d(widths[-1], 1, 7, padding=3)))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the sounds of spectrograms `labels`; `z` is ``[N, 0]``."""
        require_labels(labels, True)
        x = self.conv_pre(labels)  # [N, width, frames]
        for number, up in enumerate(self.ups):
            x = up(self.acts[number](x))  # half the channels, and `rate` times as long
            start = number * self.num_kernels
            x = torch.stack([block(x) for block in self.resblocks[start : start + self.num_kernels]]).mean(0)
        return torch.tanh(self.conv_post(self.acts[-1](x)))


class Block(nn.Module):
    """A residual block: convolutions of one kernel that read values at growing distances (figure 1).

    Args:
        channels: The number of channels.
        kernel: The length of the kernel; it is odd.
        dilations: The distance of the values that each convolution reads.
        twice: Whether each convolution is followed by one without dilation.
        activation: The activation before each convolution.
    """

    def __init__(
        self, channels: int, kernel: int, dilations: tuple[int, ...], twice: bool, activation: Activation
    ) -> None:
        super().__init__()

        def make(dilation: int) -> nn.Module:
            padding = dilation * (kernel - 1) // 2
            conv = _draw(nn.Conv1d(channels, channels, kernel, padding=padding, dilation=dilation))
            made: nn.Module = weight_norm(conv)
            return made

        num = len(dilations) * (2 if twice else 1)
        self.acts = nn.ModuleList(make_activation(activation, channels, SLOPE) for _ in range(num))
        self.convs1 = nn.ModuleList(make(dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(make(1) for _ in dilations) if twice else None

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape, ``[N, channels, T]``."""
        acts = iter(self.acts)
        for number, conv in enumerate(self.convs1):
            y = conv(next(acts)(x))
            x = x + (y if self.convs2 is None else self.convs2[number](next(acts)(y)))
        return x


def make_upsampling(inputs: int, outputs: int, rate: int) -> nn.ConvTranspose1d:
    """Return a layer that makes exactly `rate` values of each value; its kernel has twice that length, as in A.1."""
    return nn.ConvTranspose1d(inputs, outputs, 2 * rate, rate, padding=(rate + 1) // 2, output_padding=rate % 2)


def choose_rates(options: HiFiGANOptions, hop: int) -> tuple[int, ...]:
    """Return factors of the upsampling whose product is the hop: the option's, the version's, or large ones first.

    Raises:
        UsageError: The option's product is not the hop, or the hop has a prime factor above 8.
    """
    rates = options.rates or VERSIONS[options.version].rates
    if prod(rates) == hop:
        return rates
    if options.rates:
        text = ",".join(map(str, rates))
        raise UsageError(f"arch.rates={text} is {prod(rates)} values for each frame, and the data's hop is {hop}")
    found, left = [], hop
    while left > 1:
        rate = next((rate for rate in range(LARGEST_RATE, 1, -1) if left % rate == 0), 0)
        if not rate:
            raise UsageError(f"a hop of {hop} values has a prime factor above 8: add arch.rates={hop}, or another hop")
        found.append(rate)
        left //= rate
    return tuple(found)


def _draw(layer: nn.Module) -> nn.Module:
    """Draw the weight of a layer as in the authors' code, and return the layer."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    nn.init.normal_(weight, std=STD)
    return layer
