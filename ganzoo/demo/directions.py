"""The directions in which a page moves latents."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.latents import directions
from ganzoo.latents.space import Space
from ganzoo.package.generator import Generator

NUM = 8


def choose_directions(generator: Generator) -> Tensor:
    """Return directions ``[num, dim]`` of styles, or of latents if the model has no styles, each one sigma long.

    They are the principal components of styles, or those of the first layer's weights. Where neither is possible, they
    are orthogonal and drawn with a fixed seed. One-hot codes do not move.
    """
    styled = "style" in generator.provides
    free = _count_free(generator, styled)
    try:
        found = directions.find_directions(generator, "pca" if styled else "sefa", min(NUM, free), None, None)
    except UsageError:  # no layer reads the latents as they are
        draws = torch.randn(free, min(NUM, free), generator=torch.Generator().manual_seed(0))
        sigma = 3**-0.5 if generator.networks.latent == "uniform" else 1.0
        vectors = torch.linalg.qr(draws)[0].T * sigma
        return torch.nn.functional.pad(vectors, (0, generator.networks.latent_dim - free))
    return torch.from_numpy(found.vectors * found.scales[:, None])


def _count_free(generator: Generator, styled: bool) -> int:
    """Return the number of entries of a style, or of a latent without its one-hot code."""
    if styled:
        return int(Space(generator, "w").draw([0], generator.make_labels(1)).shape[-1])
    return generator.networks.latent_dim - int(generator.networks.latent.partition("onehot")[2] or 0)
