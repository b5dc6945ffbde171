"""The discriminator of patches (Isola et al. 2017, arXiv:1611.07004, section 3.2.2), and the norms of its layers."""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from ganzoo.layers.initial import draw_weights
from ganzoo.layers.labels import require_labels
from ganzoo.layers.spectral import spectral_norm_all
from ganzoo.plugin import DiscriminatorOutput

Norm = Literal["batch", "instance", "unscaled", "none"]
Network = TypeVar("Network", bound=nn.Module)
SLOPE = 0.2  # of leaky rectifiers below 0
STD = 0.02  # of first weights
MOST = 8  # times the channels of the first layer


class PatchGAN(nn.Module):
    """Images ``[N, C, H, W]`` to a map of logits ``[N, 1, h, w]``, each of which sees one square of the images.

    With 3 layers of stride 2 the squares are 70x70: C64-C128-C256-C512 in the paper's words. 1 layer gives 16x16, 5
    give 286x286, and 0 a network of 1x1 convolutions that sees single pixels. The first layer has no normalisation. The
    features are the maps of all layers but the last one.

    Args:
        channels: The number of channels of the images.
        conditions: The number of channels of the labels, which are concatenated with the images; 0 for a discriminator
            that does not see the labels.
        width: The number of channels of the first layer.
        layers: The number of layers with stride 2.
        norm: The kind of normalisation, as `make_norm` takes it.
        spectral: Whether weights are normalised too.
    """

    def __init__(
        self, channels: int, conditions: int, width: int, layers: int, norm: Norm, spectral: bool = False
    ) -> None:
        super().__init__()
        self.conditional = conditions > 0
        size, padding = (4, 1) if layers else (1, 0)
        widths = [width * min(2**layer, MOST) for layer in range(max(layers, 1) + 1)]
        strides = [2] * layers + [1] * (len(widths) - layers)
        self.layers, before = nn.ModuleList(), channels + conditions
        for number, (after, stride) in enumerate(zip(widths, strides, strict=True)):
            conv = nn.Conv2d(before, after, size, stride, padding, bias=has_bias(norm) or not number)
            normed = make_norm(norm, after) if number else []
            self.layers.append(nn.Sequential(conv, *normed, nn.LeakyReLU(SLOPE)))
            before = after
        self.last = nn.Conv2d(before, 1, size, 1, padding)
        draw_normal_weights(self)
        if spectral:
            spectral_norm_all(self)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return logits and features of images `x`."""
        if self.conditional:
            require_labels(labels, True)
            assert labels is not None
            x = torch.cat([x, labels.to(x.dtype)], 1)
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return DiscriminatorOutput(self.last(x), features=features)


def make_norm(norm: Norm, channels: int) -> list[nn.Module]:
    """Return the normalisation of a layer: a list of one module, or of none.

    ``instance`` has a learned scale and bias, so it is ``batch`` for batches of one sample. ``unscaled`` is instance
    normalisation without them, as in CycleGAN.

    Args:
        norm: The kind: ``batch``, ``instance``, ``unscaled`` or ``none``.
        channels: The number of channels of the layer's maps.
    """
    match norm:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "instance":
            return [nn.InstanceNorm2d(channels, affine=True)]
        case "unscaled":
            return [nn.InstanceNorm2d(channels)]
    return []


def has_bias(norm: Norm) -> bool:
    """Return whether a convolution before this normalisation has a bias: where the normalisation has none."""
    return norm not in ("batch", "instance")


def draw_normal_weights(network: Network) -> Network:
    """Draw weights from N(0, 0.02), and the scales of normalisations from N(1, 0.02); return the network.

    Biases become 0 (Isola et al. 2017, section 6.2, and the authors' code).

    Args:
        network: The network whose weights are drawn.
    """
    draw_weights(network, partial(nn.init.normal_, std=STD))
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)) and module.weight is not None:
            nn.init.normal_(module.weight, 1.0, STD)
    return network
