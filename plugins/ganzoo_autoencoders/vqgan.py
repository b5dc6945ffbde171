"""Autoencoders: an encoder, a bottleneck and a decoder, trained against a discriminator of patches.

Source: Esser, Rombach & Ommer 2021, Taming Transformers, arXiv:2012.09841, sections 3.1 and A.1, tables 7 and 8; its
authors' code; Rombach, Blattmann, Lorenz, Esser & Ommer 2022, arXiv:2112.10752, appendix E.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import Bottleneck, PatchGAN, VectorQuantiser, double_and_convolve, require_labels
from ganzoo.plugin import DataInfo, GeneratorOutput, Networks, UsageError
from ganzoo_autoencoders.options import VQGANOptions
from ganzoo_autoencoders.quantisers import NormalBottleneck

GROUPS = 32  # of group normalisation, where there are so many channels
EPS = 1e-6  # of group normalisation
LEAST = 3  # pixels of D's maps after its layers with stride 2


def build(options: VQGANOptions, data: DataInfo) -> Networks:
    """Build the networks of `vqgan`.

    Raises:
        UsageError: Labels are not the samples, their sides cannot be halved so often, or they are too small for D; or
            running means were asked for in several processes, each of which would have its own.
    """
    channels, (height, width) = data.shape[0], data.shape[1:]
    if data.label_shape != data.shape:
        raise UsageError(
            "arch 'vqgan' reconstructs samples, which must be labels too: use --dataset autoencoding dataset.of=NAME"
        )
    multiple = count_pixels(options)
    if height % multiple or width % multiple:
        raise UsageError(
            f"arch 'vqgan': images are {width}x{height}; with {len(options.multipliers)} levels sides must be "
            f"multiples of {multiple}: choose another size, or fewer arch.multipliers"
        )
    if options.layers_d and min(height, width) < LEAST * 2**options.layers_d:
        raise UsageError(
            f"arch 'vqgan': a discriminator with arch.layers_d={options.layers_d} needs images of at least "
            f"{LEAST * 2**options.layers_d} pixels, not {min(height, width)}: lower arch.layers_d"
        )
    if options.codebook == "average" and options.quantiser == "vq" and _count_processes() > 1:
        raise UsageError("arch.codebook=average is for one process: use arch.codebook=learned")
    settings = (options.width_d or options.width, options.layers_d, options.norm_d, options.spectral_d)
    patches = PatchGAN(channels, 0, *settings)
    return Networks(Autoencoder(channels, options), patches, latent_dim=0)


def count_pixels(options: VQGANOptions) -> int:
    """Return the side in pixels of the square that one latent belongs to."""
    return 1 << len(options.multipliers) - 1


def _count_processes() -> int:
    distributed = torch.distributed
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


class Autoencoder(nn.Module):
    """Samples to latents and back. As a generator, it reconstructs its labels.

    Args:
        channels: The number of channels of the samples.
        options: The options of `vqgan`.
    """

    def __init__(self, channels: int, options: VQGANOptions) -> None:
        super().__init__()
        self.kl, latent = options.quantiser == "kl", options.latent_channels
        code = latent if self.kl else options.code_width or latent
        outputs = 2 if self.kl else 1  # means and variances
        self.encoder = Encoder(channels, outputs * latent, options)
        self.narrow = nn.Conv2d(outputs * latent, outputs * code, 1)
        self.bottleneck: nn.Module
        if self.kl:
            numbers = channels * count_pixels(options) ** 2 / latent
            self.bottleneck = NormalBottleneck(options.kl_weight, numbers)
        else:
            average = options.codebook == "average"
            self.bottleneck = VectorQuantiser(
                options.codes, code, average, options.normalise, beta=options.beta, decay=options.decay
            )
        self.widen = nn.Conv2d(code, latent, 1)
        self.decoder = Decoder(latent, channels, options)

    @property
    def last_layer(self) -> nn.Module:
        """The last layer of the decoder, by whose gradients the adversarial loss is weighed."""
        return self.decoder.last

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor | GeneratorOutput:
        """Return the reconstructions of labels ``[N, C, H, W]``, and in train mode the terms of the bottleneck."""
        require_labels(labels, True)
        assert labels is not None
        found: Bottleneck = self.bottleneck(self.narrow(self.encoder(labels.to(self.narrow.weight.dtype))))
        samples: Tensor = self.decoder(self.widen(found.latents))
        return GeneratorOutput(samples, found.losses, report=found.report) if self.training else samples

    def encode(self, samples: Tensor) -> Tensor:
        """Return the latents ``[N, code, h, w]`` of samples: before the codebook, or the means of the distribution."""
        found: Tensor = self.narrow(self.encoder(samples))
        return found.chunk(2, 1)[0] if self.kl else found

    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples of latents ``[N, code, h, w]``, which are first moved to their codes."""
        if isinstance(self.bottleneck, VectorQuantiser):
            latents = self.bottleneck.quantise(latents)[3]
        samples: Tensor = self.decoder(self.widen(latents))
        return samples


class Encoder(nn.Module):
    """Samples ``[N, inputs, H, W]`` to ``[N, outputs, h, w]``: residual blocks at levels of falling resolution.

    Args:
        inputs: The number of channels of the samples.
        outputs: The number of channels of the result.
        options: The options of `vqgan`.
    """

    def __init__(self, inputs: int, outputs: int, options: VQGANOptions) -> None:
        super().__init__()
        widths = [options.width * factor for factor in options.multipliers]
        before = options.width
        layers: list[nn.Module] = [nn.Conv2d(inputs, before, 3, padding=1)]
        for level, channels in enumerate(widths):
            lowest = level == len(widths) - 1
            layers += make_level(before, channels, options.blocks, lowest and options.attention == "lowest")
            layers += [] if lowest else [Halve(channels)]
            before = channels
        self.layers = nn.Sequential(*layers, *make_middle(before, options.attention != "none"))
        self.norm, self.last = make_group_norm(before), nn.Conv2d(before, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the encoded samples."""
        y: Tensor = self.last(F.silu(self.norm(self.layers(x))))
        return y


class Decoder(nn.Module):
    """Latents ``[N, inputs, h, w]`` to samples ``[N, outputs, H, W]``: the encoder's way back, with a block more.

    Args:
        inputs: The number of channels of the latents.
        outputs: The number of channels of the samples.
        options: The options of `vqgan`.
    """

    def __init__(self, inputs: int, outputs: int, options: VQGANOptions) -> None:
        super().__init__()
        widths = [options.width * factor for factor in reversed(options.multipliers)]
        before = widths[0]
        layers: list[nn.Module] = [nn.Conv2d(inputs, before, 3, padding=1)]
        layers += make_middle(before, options.attention != "none")
        for level, channels in enumerate(widths):
            layers += [] if not level else [Double(before)]
            lowest = not level and options.attention == "lowest"
            layers += make_level(before, channels, options.blocks + 1, lowest)
            before = channels
        self.layers = nn.Sequential(*layers)
        self.norm, self.last = make_group_norm(before), nn.Conv2d(before, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the samples."""
        y: Tensor = self.last(F.silu(self.norm(self.layers(x))))
        return y


def make_level(before: int, channels: int, blocks: int, attends: bool) -> list[nn.Module]:
    """Return the residual blocks of a level, each followed by attention where it `attends`."""
    layers: list[nn.Module] = []
    for _ in range(blocks):
        layers += [Block(before, channels), *([Attention(channels)] if attends else [])]
        before = channels
    return layers


def make_middle(channels: int, attends: bool) -> list[nn.Module]:
    """Return two residual blocks, with attention between them where it `attends`."""
    return [Block(channels, channels), *([Attention(channels)] if attends else []), Block(channels, channels)]


def make_group_norm(channels: int) -> nn.GroupNorm:
    """Return a group normalisation with 32 groups, or as many as divide both 32 and the channels."""
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels, EPS)


# ----------------------------------------------------------------------------
# Blocks.


class Block(nn.Module):
    """x plus two convolutions of it, each after group normalisation and swish; a 1x1 convolution makes x as wide."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = make_group_norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = make_group_norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same height and width."""
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y)))
        total: Tensor = self.skip(x) + y
        return total


class Attention(nn.Module):
    """x plus attention over all pixels with one head, after a group normalisation, by 1x1 convolutions with biases."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = make_group_norm(channels)
        self.query, self.key, self.value, self.out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        y = self.norm(x)
        queries, keys, values = (layer(y).flatten(2) for layer in (self.query, self.key, self.value))  # [N, C, h w]
        weights = (queries.transpose(1, 2) @ keys * x.shape[1] ** -0.5).softmax(2)  # [N, h w, h w]
        total: Tensor = x + self.out((values @ weights.transpose(1, 2)).view_as(x))
        return total


class Halve(nn.Module):
    """A 3x3 convolution with stride 2, of maps that get a row below and a column on the right."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of half the height and width."""
        y: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return y


class Double(nn.Module):
    """Each pixel is repeated to 2x2, then a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of twice the height and width."""
        return double_and_convolve(x, self.conv)
