"""StyleGAN's mapping network, from latents to styles (Karras et al. 2019, arXiv:1812.04948, figure 1b)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.layers import EqualisedLinear, one_hot, pixel_norm, require_labels
from ganzoo_stylegan2 import StyleGAN2Options
from ganzoo_stylegan2.modulated import activate

RATE = 0.01  # the learning rate of the layers, relative to those of other networks
DECAY = 0.995  # the share that the running mean of styles keeps in an update


class StyleMapping(nn.Module):
    """z ``[N, z_dim]`` to one style for each layer of the synthesis network, ``[N, layers, w_dim]``.

    In eval mode a sample has the same style in all layers. In train mode some have a second one from a random layer on
    (mixing regularization, Karras et al. 2019, arXiv:1812.04948, section 3.1), and the running mean of styles moves.
    A subclass computes the styles themselves, in `_map`.

    Args:
        layers: The number of layers of the synthesis network that take a style.
        w_dim: The length of a style.
        mixing: The probability with which a sample has two styles in train mode.
        labelled: Whether the network takes labels.
    """

    mean: Tensor

    def __init__(self, layers: int, w_dim: int, mixing: float, labelled: bool = False) -> None:
        super().__init__()
        self.layers, self.mixing, self.labelled = layers, mixing, labelled
        self.track_running_stats = True  # as of BatchNorm: the engine stops both in further forwards
        self.register_buffer("mean", torch.zeros(w_dim))

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """Return the styles; raise ValueError if labels are missing or unexpected."""
        require_labels(labels, self.labelled)
        w = self._map(z, labels)  # [N, w_dim]
        if self.training and self.track_running_stats:
            with torch.no_grad():
                self.mean.lerp_(w.mean(0).to(self.mean.dtype), 1 - DECAY)
        styles = w[:, None].expand(-1, self.layers, -1)  # [N, layers, w_dim]
        if self.training and self.mixing:
            second = self._map(torch.randn_like(z), labels)[:, None]
            styles = torch.where(self._draw_second(len(z))[:, :, None], second, styles)
        if not isinstance(truncation, Tensor) and truncation == 1:  # an exported graph has a tensor, of any value
            return styles
        return self.mean + truncation * (styles - self.mean)

    def _map(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return the styles of latents, ``[N, w_dim]``."""
        raise NotImplementedError

    def _draw_second(self, num: int) -> Tensor:
        """Return which layers of `num` samples take a second style, bool ``[num, layers]``."""
        draws = torch.rand(2, num, 1, device=self.mean.device)
        start = 1 + (draws[0] * (self.layers - 1)).floor()  # 1 to layers - 1, equally probable
        second: Tensor = torch.arange(self.layers, device=self.mean.device) >= start
        return second & (draws[1] < self.mixing)


class Mapping(StyleMapping):
    """StyleGAN2's mapping network, `StyleMapping` from normalised latents and classes.

    Args:
        layers: The number of layers of the synthesis network that take a style.
        options: The options of the architecture.
        num_classes: The number of classes of the labels; 0 for a network without labels.
    """

    def __init__(self, layers: int, options: StyleGAN2Options, num_classes: int = 0) -> None:
        super().__init__(layers, options.w_dim, options.mixing, labelled=bool(num_classes))
        self.embedding = EqualisedLinear(num_classes, options.w_dim) if num_classes else None
        inputs = options.z_dim + (options.w_dim if num_classes else 0)
        self.network = make_mapping([inputs, *[options.w_dim] * options.mapping])

    def _map(self, z: Tensor, labels: Tensor | None) -> Tensor:
        z = pixel_norm(z)
        if self.embedding is not None:
            z = torch.cat([z, embed(labels, self.embedding)], dim=1)  # [N, z_dim + w_dim]
        w: Tensor = self.network(z)
        return w


def make_mapping(widths: list[int]) -> nn.Sequential:
    """Return fully connected layers of these widths, each with a leaky ReLU after it."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [EqualisedLinear(inputs, outputs, rate=RATE), Activation()]
    return nn.Sequential(*layers)


def embed(labels: Tensor | None, layer: EqualisedLinear) -> Tensor:
    """Return vectors of mean square 1 for classes, ``[N, outputs]`` (Karras et al. 2020, arXiv:2006.06676)."""
    assert labels is not None
    return pixel_norm(layer(one_hot(labels, layer.in_features, layer.weight.dtype)))


class Activation(nn.Module):
    """The function `activate` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated features."""
        return activate(x)
