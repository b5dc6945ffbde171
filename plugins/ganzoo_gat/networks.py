"""The two networks of GAT (Hyun, Lee & Heo 2025, Scalable GANs with Transformers, arXiv:2509.24935, section 3, fig. 2).

Both are plain transformers of patches. The generator starts from positions alone, and a style, which it makes of the
latent, scales the features of each layer and the layer's share in the sum. Four layers at equal distances add to the
image; the partial sums are `GeneratorOutput.intermediates`. The discriminator reads its logit from a class token.

Differences from the paper: D sees the finished image alone, not also noisy intermediate ones (section 3.2), because an
augmentation and a penalty know one image of a sample; and no features of a pretrained network guide D, unless the term
`kd` is added. D's last layer has no bias, which a loss of differences cannot train. The generator's output is not
bounded.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import pixel_norm, require_labels
from ganzoo.plugin import DataInfo, DiscriminatorOutput, GeneratorOutput, Networks, UsageError
from ganzoo_gat import GATOptions
from ganzoo_gat.transformer import (
    Attention,
    GatedLayer,
    RMSNorm,
    compute_positions,
    compute_rotations,
    join_patches,
    make_linear,
    rms_norm,
    split_into_patches,
)

GAIN = 0.1  # of all modulations of G, and the share of D's layers in the sum, at the start
RATE = 0.01  # the learning rate of the layers that make the style, relative to the other layers'
LEVELS = 4  # how many layers of G add to the image


def build(options: GATOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: The patches do not divide the image, the heads do not divide the width, or labels are not classes.
    """
    if data.label_shape:
        raise UsageError(f"gat takes classes as labels, not values of shape {data.label_shape}")
    if len(data.shape) != 3 or data.shape[1] % options.patch or data.shape[2] % options.patch:
        size = "x".join(map(str, data.shape[1:]))
        raise UsageError(f"arch.patch={options.patch} does not divide images of {size}: give a divisor of both sides")
    if options.width % (4 * options.heads):
        raise UsageError(
            f"arch.width={options.width} is not a multiple of 4 * arch.heads: give {4 * options.heads} times a number"
        )
    channels, height, width = data.shape
    return Networks(
        generator=Generator((channels, height, width), options, data.num_classes),
        discriminator=Discriminator((channels, height, width), options, data.num_classes),
        latent_dim=options.z_dim,
        latent="normal",
    )


# ----------------------------------------------------------------------------
# The generator.


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, *shape]``, which only training brings to [-1, 1].

    Args:
        shape: The shape of an image: channels, height, width.
        options: The options of the architecture.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. Their embedding
            is concatenated to z, after both were normalised.
    """

    positions: Tensor
    rotations: Tensor

    def __init__(self, shape: tuple[int, int, int], options: GATOptions, num_classes: int = 0) -> None:
        super().__init__()
        width, rows, columns = options.width, shape[1] // options.patch, shape[2] // options.patch
        self.shape, self.patch = shape, options.patch
        self.embedding = nn.Embedding(num_classes, options.z_dim) if num_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, 0.0, 0.02)
        self.style = make_mapping(options.z_dim * (2 if num_classes else 1), width)
        self.register_buffer("positions", compute_positions(rows, columns, width))
        self.register_buffer("rotations", compute_rotations(rows, columns, width // options.heads))
        self.blocks = nn.ModuleList(ModulatedBlock(options) for _ in range(options.depth))
        num = min(LEVELS, options.depth)
        self.levels = [options.depth * level // num - 1 for level in range(1, num + 1)]  # the blocks before the heads
        self.heads = nn.ModuleList(Head(width, options.patch**2 * shape[0]) for _ in range(num))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> GeneratorOutput:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected."""
        images = self.draw(self.mapping(z, labels))
        return GeneratorOutput(images[-1], intermediates=images[:-1])

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the style w ``[N, width]`` of latents."""
        require_labels(labels, self.embedding is not None)
        z = pixel_norm(z)
        if self.embedding is not None:
            z = torch.cat([pixel_norm(self.embedding(labels)), z], dim=1)
        w: Tensor = self.style(z)
        return w

    def synthesis(self, w: Tensor) -> Tensor:
        """Return the images of styles w ``[N, width]``."""
        return self.draw(w)[-1]

    def draw(self, w: Tensor) -> tuple[Tensor, ...]:
        """Return the sums ``[N, *shape]`` of the first 1, 2, ... heads; the last is the image."""
        w = F.silu(w)
        x = self.positions.expand(w.shape[0], -1, -1)  # [N, T, width]
        images: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x = block(x, w, self.rotations)
            if index in self.levels:
                added = join_patches(self.heads[len(images)](x, w), self.patch, self.shape)
                images.append(images[-1] + added if images else added)
        return tuple(images)


class ModulatedBlock(nn.Module):
    """``x + b * attention((1 + a) * norm(x))``, then the same with the gated layer.

    a and b, ``[N, width]`` for each of the two, are linear maps of the style (Peebles & Xie 2023, arXiv:2212.09748,
    section 3.2, without shifts).
    """

    def __init__(self, options: GATOptions) -> None:
        super().__init__()
        self.modulation = make_linear(options.width, 4 * options.width, GAIN)
        self.attention = Attention(options.width, options.heads, options.attention == "fused")
        self.layer = GatedLayer(options.width)

    def forward(self, x: Tensor, w: Tensor, rotations: Tensor) -> Tensor:
        """Return the tokens after the block, ``[N, T, width]``."""
        a1, b1, a2, b2 = self.modulation(w)[:, None].chunk(4, dim=2)  # [N, 1, width] each
        x = x + b1 * self.attention(rms_norm(x) * (1 + a1), rotations)
        x = x + b2 * self.layer(rms_norm(x) * (1 + a2))
        return x


class Head(nn.Module):
    """Tokens ``[N, T, width]`` to patches ``[N, T, outputs]``: normalised, scaled by the style, one linear layer."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.modulation = make_linear(width, width, GAIN)
        self.linear = make_linear(width, outputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the patches."""
        patches: Tensor = self.linear(rms_norm(x) * (1 + self.modulation(w)[:, None]))
        return patches


# ----------------------------------------------------------------------------
# The discriminator.


class Discriminator(nn.Module):
    """Images ``[N, *shape]`` to logits ``[N]``, read from a token of its own that stands before the patches.

    Args:
        shape, options: As in the generator.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The logit is
            the inner product of the token's features and those of the class (Miyato & Koyama 2018, arXiv:1802.05637,
            without the unconditional term). If ``options.projection`` is false, labels are ignored.
    """

    positions: Tensor
    rotations: Tensor

    def __init__(self, shape: tuple[int, int, int], options: GATOptions, num_classes: int = 0) -> None:
        super().__init__()
        width, rows, columns = options.width, shape[1] // options.patch, shape[2] // options.patch
        self.patch, self.projection = options.patch, options.projection
        num_classes = num_classes if options.projection else 0
        self.first = make_linear(options.patch**2 * shape[0], width)
        self.token = nn.Parameter(0.02 * torch.randn(width))
        self.register_buffer("positions", compute_positions(rows, columns, width))
        self.register_buffer("rotations", compute_rotations(rows, columns, width // options.heads, extra=1))
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.depth))
        self.norm = RMSNorm(width)
        self.last = make_linear(width, options.class_dim if num_classes else 1, bias=False)
        self.embedding = nn.Embedding(num_classes, options.class_dim) if num_classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, 0.0, 0.02)
            self.mapping = make_mapping(options.class_dim, options.class_dim)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits of images `x`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels if self.projection else None, self.embedding is not None)
        x = self.first(split_into_patches(x, self.patch)) + self.positions  # [N, T, width]
        x = torch.cat([self.token.to(x.dtype).expand(len(x), 1, -1), x], dim=1)  # [N, 1 + T, width]
        features = []
        for block in self.blocks:
            x = block(x, self.rotations)
            features.append(x)
        embedding = self.norm(x[:, 0])  # [N, width]
        logits = self.last(embedding)  # [N, class_dim] or [N, 1]
        if self.embedding is not None:
            logits = logits * self.mapping(self.embedding(labels))
        return DiscriminatorOutput(logits.sum(1), features=features, embedding=embedding)


class Block(nn.Module):
    """``x + c * attention(norm(x))``, then the same with the gated layer.

    c, ``[width]`` for each of the two, is learnt and starts small (LayerScale, Touvron et al. 2021, arXiv:2103.17239).
    """

    def __init__(self, options: GATOptions) -> None:
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(options.width), RMSNorm(options.width)
        self.attention = Attention(options.width, options.heads, options.attention == "fused")
        self.layer = GatedLayer(options.width)
        self.scale1, self.scale2 = (nn.Parameter(torch.full((options.width,), GAIN)) for _ in range(2))

    def forward(self, x: Tensor, rotations: Tensor) -> Tensor:
        """Return the tokens after the block, ``[N, 1 + T, width]``."""
        x = x + self.scale1 * self.attention(self.norm1(x), rotations)
        x = x + self.scale2 * self.layer(self.norm2(x))
        return x


# ----------------------------------------------------------------------------
# The mappings of both networks.


def make_mapping(inputs: int, outputs: int) -> nn.Sequential:
    """Return two slow layers ``[N, inputs] -> [N, outputs]`` that make a style of a latent, or features of a class."""
    return nn.Sequential(SlowLinear(inputs, outputs), nn.SiLU(), SlowLinear(outputs, outputs))


class SlowLinear(nn.Linear):
    """A linear layer that learns at `RATE` times the learning rate: its parameters are multiplied by `RATE`."""

    def reset_parameters(self) -> None:
        """Draw the weight from Glorot's uniform distribution, divided by `RATE`; the bias becomes 0."""
        nn.init.xavier_uniform_(self.weight, 1 / RATE)
        nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return the outputs."""
        return F.linear(input, self.weight * RATE, self.bias * RATE)
