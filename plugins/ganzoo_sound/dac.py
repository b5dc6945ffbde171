"""DAC: a codec of sounds. An encoder halves the rate many times, and codebooks quantise what is left.

Source: Kumar, Seetharaman, Luebs, Kumar & Kumar 2023, High-Fidelity Audio Compression with Improved RVQGAN,
arXiv:2306.06546, section 3. The numbers of layers and channels are those of the authors' code. Other than there,
weights begin as torch draws them (biases as 0, as there), and the frequencies of Snake are trained as logarithms.
"""

from __future__ import annotations

from math import log2, prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from ganzoo.layers import Bottleneck, require_labels
from ganzoo.plugin import DataInfo, GeneratorOutput, Networks, UsageError
from ganzoo_sound.activations import Snake
from ganzoo_sound.discriminators import Discriminators
from ganzoo_sound.hifigan import make_upsampling
from ganzoo_sound.options import DACOptions
from ganzoo_sound.residual import ResidualQuantiser

DILATIONS = (1, 3, 9)  # of the residual blocks at each rate


def build(options: DACOptions, data: DataInfo) -> Networks:
    """Return the networks for sounds of `data`, which are their own labels.

    Raises:
        UsageError: The labels are not the samples, or an option does not fit the data.
    """
    if data.modality != "audio" or data.shape[0] != 1 or data.label_shape != data.shape:
        raise UsageError(
            "arch 'dac' encodes sounds of one channel, which must be their own labels: use --dataset audio "
            "dataset.labels=self"
        )
    return Networks(Codec(options, data), Discriminators(options, data), latent_dim=0)


class Codec(nn.Module):
    """Sounds ``[N, 1, T]`` to codes and back, for any T. As a generator, it reconstructs its labels.

    The end of a sound is continued by silence to a whole frame, and the result is cut to the sound's length.

    Args:
        options: The options of the architecture.
        data: The description of the data.

    Raises:
        UsageError: The width is odd.
    """

    def __init__(self, options: DACOptions, data: DataInfo) -> None:
        super().__init__()
        if options.width % 2:
            raise UsageError(f"arch.width={options.width} is odd, and G's decoder is 3/2 as wide: use an even number")
        rates, width = options.rates, options.width << len(options.rates)
        channels, num = options.latent_channels or width, options.codebooks
        self.hop = prod(rates)
        self.encoder = make_encoder(options.width, rates, channels)
        self.quantiser = ResidualQuantiser(
            num, options.codes, channels, options.code_width, options.dropout, options.beta
        )
        self.decoder = make_decoder(channels, width * 3 // 2, rates[::-1])
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):  # else all frames begin with nearly one direction, and with one code
                nn.init.zeros_(parameter)
        bits = num * log2(options.codes) / self.hop  # for each value of a sound
        self.kbps = bits * float(data.meta.get("sample_rate", 0)) / 1000  # with all codebooks

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor | GeneratorOutput:
        """Return the reconstructions of labels ``[N, 1, T]``, and in train mode the terms of the codebooks."""
        require_labels(labels, True)
        assert labels is not None
        found: Bottleneck = self.quantiser(self.encode(labels))
        samples: Tensor = self.decoder(found.latents)[..., : labels.shape[2]]
        if not self.training:
            return samples
        report = {"kbps": torch.full((), self.kbps, device=samples.device)} if self.kbps else {}
        return GeneratorOutput(samples, found.losses, report={**found.report, **report})

    def encode(self, samples: Tensor) -> Tensor:
        """Return the latents of sounds before their quantisation, ``[N, channels, frames]``."""
        latents: Tensor = self.encoder(F.pad(samples, (0, -samples.shape[2] % self.hop)))
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Return the sounds ``[N, 1, frames * hop]`` of latents, which are first moved to their codes."""
        return self.decode_codes(self.quantiser.find_codes(latents))

    def find_codes(self, samples: Tensor) -> Tensor:
        """Return what is stored of sounds: numbers of codes, int64 ``[N, codebooks, frames]``."""
        return self.quantiser.find_codes(self.encode(samples))

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Return the sounds ``[N, 1, frames * hop]`` of codes; the first codebooks alone give a lower bit rate."""
        samples: Tensor = self.decoder(self.quantiser.sum_codes(codes))
        return samples


def make_encoder(width: int, rates: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Return the encoder: blocks at falling rates, whose channels double with each convolution that lowers the rate."""
    layers: list[nn.Module] = [convolve(1, width, 7)]
    for rate in rates:
        layers += [*(Block(width, dilation) for dilation in DILATIONS), Snake(width, separate=False)]
        layers.append(weight_norm(nn.Conv1d(width, 2 * width, 2 * rate, rate, padding=(rate + 1) // 2)))
        width *= 2
    return nn.Sequential(*layers, Snake(width, separate=False), convolve(width, outputs, 3))


def make_decoder(inputs: int, width: int, rates: tuple[int, ...]) -> nn.Sequential:
    """Return the decoder: blocks at rising rates, whose channels halve with each convolution that raises the rate."""
    layers: list[nn.Module] = [convolve(inputs, width, 7)]
    for rate in rates:
        layers += [Snake(width, separate=False), weight_norm(make_upsampling(width, width // 2, rate))]
        width //= 2
        layers += [Block(width, dilation) for dilation in DILATIONS]
    return nn.Sequential(*layers, Snake(width, separate=False), convolve(width, 1, 7), nn.Tanh())


class Block(nn.Module):
    """x plus two convolutions of it, each after Snake: one of 7 values that lie a distance apart, and one of 1 value.

    Args:
        channels: The number of channels.
        dilation: The distance between the values that the first convolution reads.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Snake(channels, separate=False), convolve(channels, channels, 7, dilation),
            Snake(channels, separate=False), convolve(channels, channels, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape, ``[N, channels, T]``."""
        total: Tensor = x + self.layers(x)
        return total


def convolve(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Module:
    """Return a convolution with weight normalisation that keeps the length; its kernel is odd."""
    padding = dilation * (kernel // 2)
    conv: nn.Module = weight_norm(nn.Conv1d(inputs, outputs, kernel, padding=padding, dilation=dilation))
    return conv
