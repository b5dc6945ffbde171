"""Projected GAN's discriminators (Sauer, Chitta, Müller & Geiger 2021, arXiv:2111.01007, section 3 and appendix)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import Frozen, build_networks, require_labels, spectral_norm_all
from ganzoo.plugin import DataInfo, Networks
from ganzoo_projected import ProjectedOptions
from ganzoo_projected.backbone import Backbone

COARSEST = 32  # pixels of the image for one of the maps from which all discriminators compute their logits


def build(options: ProjectedOptions, data: DataInfo) -> Networks:
    """Return the generator of another architecture, and discriminators on features of `timm`.

    Raises:
        UsageError: The generator's architecture does not exist, or does not take these options or this data; or timm
            has no such backbone.
    """
    other = build_networks(options.generator, data, options.settings)
    return Networks(other.generator, Discriminator(data.shape[0], options), other.latent_dim, other.latent)


class Discriminator(nn.Module):
    """Images ``[N, channels, size, size]`` in [-1, 1] to a list of logits ``[N, 1, h, w]``, one for each level (eq. 4).

    Neither the backbone nor the mixing of its features is trained: they are the projection P of the paper. The weights
    of the mixing are random and stored with D; those of the backbone are not.

    Args:
        channels: The number of channels of the image; the backbone sees grey images as three equal channels.
        options: The options of the architecture.
    """

    def __init__(self, channels: int, options: ProjectedOptions) -> None:
        super().__init__()
        backbone = Backbone(options.backbone, options.pretrained)
        self.backbone = Frozen(backbone, backbone.title)
        self.resize, self.grey = options.resize, channels == 1
        widths, strides = backbone.channels, backbone.strides
        wide = [options.channels << level for level in range(len(widths))]
        self.channel_mixing = nn.ModuleList()
        self.scale_mixing = nn.ModuleList()
        if options.mixing != "none":
            self.channel_mixing.extend(nn.Conv2d(*each, 1) for each in zip(widths, wide, strict=True))
            widths = wide
        if options.mixing == "both":
            slim = [wide[0], *wide[:-1]]
            self.scale_mixing.extend(nn.Conv2d(*each, 1) for each in zip(wide, slim, strict=True))
            widths, strides = slim, [strides[0] // 2, *strides[:-1]]
        for fixed in (*self.channel_mixing.parameters(), *self.scale_mixing.parameters()):
            fixed.requires_grad_(False)
        self.members = nn.ModuleList(
            make_discriminator(*each, options.width_d) for each in zip(widths, strides, strict=True)
        )
        spectral_norm_all(self.members)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """Return the logits of images `x`; raise ValueError if labels are given."""
        require_labels(labels, False)
        return [member(maps) for member, maps in zip(self.members, self.project(x), strict=True)]

    def project(self, x: Tensor) -> list[Tensor]:
        """Return the mixed features of images, the finest first."""
        x = x.expand(-1, 3, -1, -1) if self.grey else x
        if x.shape[2] < self.resize:
            x = F.interpolate(x, (self.resize, self.resize), mode="bilinear")
        levels: list[Tensor] = self.backbone(x)
        if self.channel_mixing:  # section 3.2, cross-channel mixing
            levels = [mix(maps) for mix, maps in zip(self.channel_mixing, levels, strict=True)]
        if not self.scale_mixing:
            return levels
        mixed: list[Tensor] = []  # cross-scale mixing: from the coarsest level on, each is added to the next finer one
        for level in reversed(range(len(levels))):
            maps = levels[level] + mixed[-1] if mixed else levels[level]
            size = levels[level - 1].shape[2:] if level else [2 * side for side in maps.shape[2:]]
            maps = F.interpolate(maps, tuple(size), mode="bilinear", align_corners=True)
            mixed.append(self.scale_mixing[level](maps))
        return mixed[::-1]


def make_discriminator(inputs: int, stride: int, width: int) -> nn.Sequential:
    """Return a discriminator of maps ``[N, inputs, h, w]``, whose pixels are `stride` pixels of the image apart.

    The finer the maps, the more layers halve them, so that the logits of all levels have one resolution (table 8).
    """
    layers: list[nn.Module] = []
    while stride < COARSEST:
        stride *= 2
        outputs = width * stride // 4
        layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Conv2d(inputs, 1, 4, bias=False))
