"""Generators whose latents are known: linear ones, with and without styles."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo, Networks


class Linear(nn.Module):
    """z ``[N, dim]`` to images ``[N, 1, 4, 4]``, which are linear in z."""

    def __init__(self, dim: int = 6) -> None:
        super().__init__()
        with seeded(0, torch.device("cpu")):
            self.first = nn.Linear(dim, 16)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.first(z).view(-1, 1, 4, 4).tanh()


class Styled(nn.Module):
    """z to two styles w ``[N, 2, dim]``, whose first one sets the left half of an image and the second the right."""

    def __init__(self, dim: int = 6) -> None:
        super().__init__()
        with seeded(0, torch.device("cpu")):
            self.map = nn.Linear(dim, dim)
            self.left, self.right = nn.Linear(dim, 8), nn.Linear(dim, 8)

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.map(z)[:, None].expand(-1, 2, -1)

    def synthesis(self, w: Tensor) -> Tensor:
        halves = [layer(w[:, number]).view(-1, 1, 4, 2) for number, layer in enumerate((self.left, self.right))]
        return torch.cat(halves, 3).tanh()

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        return self.synthesis(truncation * self.mapping(z, labels))


def make_generator(network: nn.Module, dim: int = 6, latent: str = "normal", **data: Any) -> Generator:
    """Return a model with this network; one of styles provides ``style`` and ``truncation``."""
    provides = ("style", "truncation") if hasattr(network, "mapping") else ()
    info = DataInfo(**{"shape": (1, 4, 4), **data})
    recipe = {"arch": {"name": "acme:tiny"}, "dataset": {"name": "acme:squares"}}
    return Generator(Networks(network, nn.Identity(), dim, latent), info, {"recipe": recipe, "images": 5}, provides)
