"""The two networks of R3GAN (Huang, Gokaslan, Kuleshov & Tompkin 2024, arXiv:2501.05441, section 4 and appendix).

A modern ResNet: inverted bottlenecks with grouped 3x3 convolutions; no normalisation, but an initial scale that keeps
the variance (Zhang, Dauphin & Ma 2019, Fixup, arXiv:1901.09321); resampling by a low-pass filter; and a discriminator
that mirrors the generator. The generator's output is not bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import downsample, require_labels, upsample
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_r3gan import SMALL, R3GANOptions

SLOPE = 0.2  # of the leaky ReLU below 0


def build(options: R3GANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The samples are not square images of 8, 16, 32, ... pixels, their labels are not classes, or the
            widths do not fit the size or the groups.
    """
    return build_both("r3gan", Generator, Discriminator, options, data)


def build_both(
    name: str,
    generator: Callable[..., nn.Module],
    discriminator: Callable[..., nn.Module],
    options: R3GANOptions,
    data: DataInfo,
) -> Networks:
    """Return two networks for images of `data`; raise UsageError as `build`, with the architecture's name.

    Args:
        name: The name of the architecture.
        generator: The class of the generator, which is called as `Generator`.
        discriminator: The class of the discriminator, which is called as `Discriminator`.
        options: The options of the architecture.
        data: The data that the networks see.
    """
    widths = list_widths(options, find_size(name, data))
    return Networks(
        generator=generator(data.shape[0], widths, options, data.num_classes),
        discriminator=discriminator(data.shape[0], widths, options, data.num_classes),
        latent_dim=options.z_dim,
        latent="normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, S, S]``, which only training brings to [-1, 1].

    Args:
        channels: The number of channels of the image.
        widths: The numbers of channels at resolutions 4, 8, ..., S.
        options: The other options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. Their
            embedding is concatenated to z.
    """

    def __init__(self, channels: int, widths: list[int], options: R3GANOptions, num_classes: int = 0) -> None:
        super().__init__()
        inputs = options.z_dim + (options.class_dim if num_classes else 0)
        self.embedding = nn.Embedding(num_classes, options.class_dim) if num_classes else None  # N(0, 1), as z
        self.linear = initialise_layer(nn.Linear(inputs, widths[0], bias=False))
        self.basis = nn.Parameter(torch.randn(widths[0], 4, 4))
        gain = compute_residual_gain(options.blocks * len(widths))
        layers: list[nn.Module] = []
        for level, width in enumerate(widths):
            if level:
                layers.append(Up(widths[level - 1], width))
            layers += [Block(width, options, gain) for _ in range(options.blocks)]
        self.stages = nn.Sequential(*layers)
        self.last = initialise_layer(nn.Conv2d(widths[-1], channels, 1, bias=False))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels, self.embedding is not None)
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(labels)], dim=1)  # [N, z_dim + class_dim]
        x: Tensor = self.linear(z)[:, :, None, None] * self.basis  # [N, widths[0], 4, 4]
        x = self.stages(x)  # [N, widths[-1], S, S]
        x = self.last(x)  # [N, channels, S, S]
        return x


class Discriminator(nn.Module):
    """Images ``[N, channels, S, S]`` to logits ``[N]``: the generator mirrored; with features and an embedding.

    The features are the maps ``[N, widths[0], 4, 4]``; the embedding is their product with the basis,
    ``[N, widths[0]]``; the class logits are the logits with each label.

    Args:
        channels, widths, options: As in the generator.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The logit is
            the inner product of the image's features and the label's embedding (Miyato & Koyama 2018,
            arXiv:1802.05637, without the unconditional term), unless ``options.projection`` is false: labels are
            ignored then.
    """

    def __init__(self, channels: int, widths: list[int], options: R3GANOptions, num_classes: int = 0) -> None:
        super().__init__()
        self.projection = options.projection
        num_classes = num_classes if options.projection else 0
        self.first = initialise_layer(nn.Conv2d(channels, widths[-1], 1, bias=False))
        gain = compute_residual_gain(options.blocks * len(widths))
        layers: list[nn.Module] = []
        for level, width in reversed(list(enumerate(widths))):
            layers += [Block(width, options, gain) for _ in range(options.blocks)]
            if level:
                layers.append(Down(width, widths[level - 1]))
        self.stages = nn.Sequential(*layers)
        self.basis = nn.Conv2d(widths[0], widths[0], 4, groups=widths[0], bias=False)
        initialise_layer(self.basis)
        self.linear = initialise_layer(nn.Linear(widths[0], widths[0] if num_classes else 1, bias=False))
        self.embedding = nn.Embedding(num_classes, widths[0]) if num_classes else None
        if self.embedding is not None:  # logits then have the variance of the features at the start
            nn.init.normal_(self.embedding.weight, 0.0, widths[0] ** -0.5)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output for images `x`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels if self.projection else None, self.embedding is not None)
        x = self.first(x)  # [N, widths[-1], S, S]
        x = self.stages(x)  # [N, widths[0], 4, 4]
        embedding = (x * self.basis.weight[:, 0]).sum((2, 3))  # [N, widths[0]], faster than `self.basis(x)`, its equal
        y: Tensor = self.linear(embedding)  # [N, widths[0]] or [N, 1]
        if self.embedding is None:
            return DiscriminatorOutput(y.sum(1), features=[x], embedding=embedding)
        class_logits = y @ self.embedding.weight.t()  # [N, num_classes]
        return DiscriminatorOutput((y * self.embedding(labels)).sum(1), class_logits, [x], embedding)


# ----------------------------------------------------------------------------
# Parts of both networks.


class Block(nn.Module):
    """``x + W3 act(b2 + W2 act(b1 + W1 x))`` on ``[N, width, R, R]``: 1x1 out, grouped 3x3, 1x1 back.

    Only the layers before an activation have biases. W3 starts at 0, so that the block starts as the identity.
    """

    def __init__(self, width: int, options: R3GANOptions, gain: float) -> None:
        super().__init__()
        inner = width * options.expansion
        self.first = initialise_layer(nn.Conv2d(width, inner, 1), gain)
        self.grouped = initialise_layer(
            nn.Conv2d(inner, inner, 3, padding=1, groups=inner // options.group_width), gain
        )
        self.last = initialise_layer(nn.Conv2d(inner, width, 1, bias=False), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, of the shape of `x`."""
        y: Tensor = F.leaky_relu(self.first(x), SLOPE, inplace=True)  # [N, width * expansion, R, R]
        y = F.leaky_relu(self.grouped(y), SLOPE, inplace=True)  # in place: gradients need only its result
        y = self.last(y)  # [N, width, R, R]
        return x + y


class Up(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``: a 1x1 convolution if the width changes, then interpolation.

    The filter [1, 2, 1] in each direction keeps pixel i at 2i and puts the mean of i and i + 1 between them. Pixels
    beyond the right and the lower border are zeros.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = make_convolution_if_needed(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` at twice its resolution."""
        return upsample(self.conv(x), taps=3)


class Down(nn.Module):
    """``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``: a low-pass filter, then a 1x1 convolution if the width changes.

    The filter [1, 2, 1] in each direction is centred on the pixels 2i, where `Up` puts pixel i, with zeros beyond the
    borders. Except for a factor of 4 it is the transpose of the filter of `Up`.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = make_convolution_if_needed(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` at half its resolution."""
        x = downsample(x, taps=3)  # [N, inputs, R/2, R/2]
        x = self.conv(x)  # [N, outputs, R/2, R/2]
        return x


def make_convolution_if_needed(inputs: int, outputs: int) -> nn.Module:
    """Return a 1x1 convolution, or the identity if the width does not change."""
    return nn.Identity() if inputs == outputs else initialise_layer(nn.Conv2d(inputs, outputs, 1, bias=False))


def initialise_layer(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """Draw a layer's weight from N(0, gain^2 / fan_in), set its bias to 0, and return the layer."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def compute_residual_gain(num_blocks: int) -> float:
    """Return the gain of the first two layers of a residual branch, in a network of `num_blocks` blocks.

    The first factor keeps the variance through a leaky ReLU (He et al. 2015, arXiv:1502.01852); the second is Fixup's
    ``L ** (-1 / (2m - 2))`` for branches of m = 3 layers, whose last layer starts at 0.
    """
    return math.sqrt(2 / (1 + SLOPE**2)) * math.pow(num_blocks, -0.25)


def find_size(name: str, data: DataInfo) -> int:
    """Return the height and width of square images; raise UsageError if the architecture `name` cannot be built."""
    if data.label_shape:
        raise UsageError(f"{name} takes classes as labels, not values of shape {data.label_shape}")
    size = data.shape[-1]
    if len(data.shape) != 3 or data.shape[1] != size or size < 8 or size & (size - 1):
        raise UsageError(f"{name} cannot build for shape {data.shape}: give (C, S, S) with S one of 8, 16, 32, 64, ...")
    return size


def list_widths(options: R3GANOptions, size: int) -> list[int]:
    """Return the channels at resolutions 4, 8, ..., `size`.

    Raises:
        UsageError: There are no widths, or more widths than resolutions, or the groups do not divide a block's
            channels.
    """
    levels = size.bit_length() - 2
    given = options.widths if options.widths is not None else SMALL[:levels]
    if not 1 <= len(given) <= levels:
        raise UsageError(
            f"arch.widths has {len(given)} entries, but images of {size} pixels have {levels} resolutions from 4 up: "
            f"give 1 to {levels}" + (f", or images of {2 << len(given)} pixels" if given else "")
        )
    widths = [*given, *[given[-1]] * (levels - len(given))]
    for width in widths:
        if width * options.expansion % options.group_width:
            raise UsageError(
                f"arch.group_width={options.group_width} does not divide the {width * options.expansion} channels "
                f"inside a block of width {width}: give arch.widths that are multiples of {options.group_width}"
            )
    return widths
