"""A generator whose latents have further numbers at their end: how far it moves along each direction."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import restrict_latents
from ganzoo.package.generator import Generator
from ganzoo.plugin import Networks, extract_samples


class Explorer(nn.Module):
    """Latents and amounts ``[N, latent_dim + num]`` to samples.

    Args:
        generator: The model that is moved along directions.
        directions: The directions ``[num, dim]``, of styles if the model has styles.
    """

    directions: Tensor

    def __init__(self, generator: Generator, directions: Tensor) -> None:
        super().__init__()
        self.network: Any = generator.network  # with `mapping` and `synthesis`, if it has styles
        self.networks = generator.networks
        self.has_styles = "style" in generator.provides
        self.register_buffer("directions", directions)

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float | Tensor | None = None) -> Tensor:
        """Return the samples of moved latents, or of moved styles; arguments as in the model's own network."""
        dim = self.networks.latent_dim
        z, moves = z[:, :dim], z[:, dim:] @ self.directions
        options = {} if truncation is None else {"truncation": truncation}
        if self.has_styles:
            w: Tensor = self.network.mapping(z, labels, **options)
            made = self.network.synthesis(w + moves.reshape(-1, *[1] * (w.dim() - 2), moves.shape[1]))
        else:
            made = self.network(restrict_latents(self.networks.latent, z + moves, z), labels, **options)
        return extract_samples(made)


def make_explorer(generator: Generator, directions: Tensor) -> Generator:
    """Return a model that moves along directions; its latents have an amount for each of them at their end."""
    networks = Networks(Explorer(generator, directions), nn.Identity(), generator.networks.latent_dim + len(directions))
    with torch.no_grad():
        return Generator(networks, generator.data, generator.config, generator.provides)
