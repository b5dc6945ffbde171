"""The two networks of DCGAN (Radford, Metz & Chintala 2016, arXiv:1511.06434, section 3 and figure 1).

The generator doubles the resolution from 4x4 with transposed convolutions, the discriminator halves it to 4x4 with
strided ones. No pooling, no biases in convolutions, batch normalisation everywhere except at the image. The
discriminator may have another normalisation, or none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.layers import ProductConv2d, ProductConvTranspose2d, pack_samples, require_labels, spectral_norm_all
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_dcgan import SIZES, DCGANOptions

Norm = Literal["batch", "none", "spectral", "layer"]
SLOPE = 0.2  # of the discriminator's rectifiers below zero


def build(options: DCGANOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        ValueError: The samples are not square images of a size in `SIZES`, or their labels are not classes.
    """
    if data.label_shape:
        raise UsageError(f"dcgan takes classes as labels, not values of shape {data.label_shape}")
    if len(data.shape) != 3 or data.shape[1] != data.shape[2] or data.shape[1] not in SIZES:
        sizes = ", ".join(map(str, SIZES))
        raise ValueError(f"dcgan cannot build for shape {tuple(data.shape)}: give (C, S, S) with S one of {sizes}")
    (channels, size, _), latent_dim = data.shape, options.z_dim + options.codes
    return Networks(
        generator=Generator(channels, size, options.width, latent_dim, data.num_classes, options.slope, options.bias),
        discriminator=Discriminator(
            channels, size, options.width, data.num_classes, options.norm_d, options.projection, options.pack
        ),
        latent_dim=latent_dim,
        latent=f"normal+onehot{options.codes}" if options.codes else "normal",
    )


class Generator(nn.Module):
    """z ``[N, z_dim]``, standard normal, to images ``[N, channels, size, size]`` in [-1, 1].

    Args:
        channels: The number of channels of the image.
        size: The height and width of the image in pixels, a power of two of at least 16.
        width: The number of channels at half the image's resolution (see `list_channels`).
        z_dim: The length of z.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. Their
            embedding, as long as z, is concatenated to z (Mirza & Osindero 2014, arXiv:1411.1784, section 3.2).
        slope: The slope of the rectifiers below zero.
        bias: Whether the last layer has a bias.
    """

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        z_dim: int,
        num_classes: int = 0,
        slope: float = 0.0,
        bias: bool = False,
    ) -> None:
        super().__init__()
        levels = list_channels(size, width)
        self.embedding = nn.Embedding(num_classes, z_dim) if num_classes else None
        self.first = make_up_block(2 * z_dim if num_classes else z_dim, levels[0], stride=1, padding=0, slope=slope)
        self.blocks = nn.Sequential(*(make_up_block(wide, slim, slope=slope) for wide, slim in pairwise(levels)))
        self.last = nn.ConvTranspose2d(levels[-1], channels, kernel_size=4, stride=2, padding=1, bias=bias)
        self.apply(draw_weights)
        if self.embedding is not None:  # small, because an embedding at the scale of z would dominate z
            nn.init.normal_(self.embedding.weight, 0.0, 0.02)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images of latents `z`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels, self.embedding is not None)
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(labels)], dim=1)  # [N, 2 * z_dim]
        x: Tensor = z[:, :, None, None]  # [N, z_dim, 1, 1]
        x = self.first(x)  # [N, width * 2**k, 4, 4]
        x = self.blocks(x)  # [N, width, size / 2, size / 2]
        return torch.tanh(self.last(x))  # [N, channels, size, size]


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to logits ``[N]``, with features and an embedding.

    The features are the maps ``[N, C, 4, 4]`` before the last layer, and the embedding is the same numbers in a row.

    Args:
        channels, size, width: As in the generator.
        num_classes: The number of classes of the labels, int64 ``[N]``; 0 for a network without labels. The product of
            their embedding and D's embedding is added to the logit (Miyato & Koyama 2018, arXiv:1802.05637, section 3).
            As a channel of the image, the embedding's noise spoils what the first layer learns of the pixels.
        norm: The normalisation. ``batch``: as in the paper. ``none``. ``spectral``: spectral norm of every convolution
            (Miyato et al. 2018, arXiv:1802.05957). ``layer``: over all numbers of a sample (Ba et al. 2016,
            arXiv:1607.06450), as Gulrajani et al. 2017 recommend with their penalty. ``none`` and ``spectral`` have no
            shift of their own, so convolutions have biases then.
        projection: Whether the logits depend on the labels; if not, labels are ignored.
        pack: The number of images that it judges together; for more than 1 the logits are ``[N / pack]``, without
            features, and the embeddings of a pack's labels are summed.
    """

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        num_classes: int = 0,
        norm: Norm = "batch",
        projection: bool = True,
        pack: int = 1,
    ) -> None:
        super().__init__()
        self.projection, self.pack = projection, pack
        num_classes = num_classes if projection else 0
        levels = list_channels(size, width)[::-1]
        bias = norm in ("none", "spectral")
        self.embedding = nn.Embedding(num_classes, levels[-1] * 16) if num_classes else None
        self.first = make_down_block(pack * channels, levels[0], "none", bias)
        self.blocks = nn.Sequential(*(make_down_block(slim, wide, norm, bias) for slim, wide in pairwise(levels)))
        self.last = nn.Conv2d(levels[-1], 1, kernel_size=4, bias=bias)
        self.apply(draw_weights)
        if self.embedding is not None:
            nn.init.xavier_uniform_(self.embedding.weight)
        if norm == "none":
            self.apply(draw_he_normal)
        elif norm == "spectral":
            spectral_norm_all(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the output for images `x`; raise ValueError if labels are missing or unexpected."""
        require_labels(labels if self.projection else None, self.embedding is not None)
        x = self.first(pack_samples(x, self.pack))  # [N, width, size / 2, size / 2]
        x = self.blocks(x)  # [N, width * 2**k, 4, 4]
        logits: Tensor = self.last(x)  # [N, 1, 1, 1]
        logits = logits.view(len(x))  # [N]
        if self.embedding is not None:
            vectors = self.embedding(labels).view(len(x), self.pack, -1).sum(1)  # [N, C * 16]
            logits = logits + (vectors * x.flatten(1)).sum(1)
        if self.pack > 1:
            return DiscriminatorOutput(logits)
        return DiscriminatorOutput(logits, features=[x], embedding=x.flatten(1))


# ----------------------------------------------------------------------------
# Parts of both networks.


def list_channels(size: int, width: int) -> list[int]:
    """Return the numbers of channels at resolutions 4, 8, ..., size / 2.

    From `width` they double with each halving of the resolution, as in the paper's networks for 64x64, up to 8 * width.
    Without this limit, networks for 128 and 256 pixels would have nearly all parameters at resolution 4 and would be
    hard to train.
    """
    return [width * min(2**level, 8) for level in reversed(range(size.bit_length() - 3))]


def make_up_block(inputs: int, outputs: int, stride: int = 2, padding: int = 1, slope: float = 0.0) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, 2R, 2R]``. Stride 1 without padding maps 1x1 to 4x4."""
    conv = ProductConvTranspose2d(inputs, outputs, kernel_size=4, stride=stride, padding=padding, bias=False)
    act = nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)  # gradients need only its result
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), act)


def make_down_block(inputs: int, outputs: int, norm: Norm, bias: bool) -> nn.Sequential:
    """Return a block ``[N, inputs, R, R] -> [N, outputs, R/2, R/2]``."""
    conv = ProductConv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=bias)
    norms: dict[Norm, nn.Module] = {"batch": nn.BatchNorm2d(outputs), "layer": nn.GroupNorm(1, outputs)}
    return nn.Sequential(conv, *([norms[norm]] if norm in norms else []), nn.LeakyReLU(SLOPE, inplace=True))


def draw_he_normal(module: nn.Module) -> None:
    """Draw a convolution's weights from He's normal distribution (He et al. 2015, arXiv:1502.01852, eq. 15).

    N(0, 0.02) is made for layers with normalisation. Without it, the signal would shrink a hundredfold in D.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)


def draw_weights(module: nn.Module) -> None:
    """Draw a layer's weights: convolutions N(0, 0.02) (section 4), batch normalisation N(1, 0.02), biases 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
