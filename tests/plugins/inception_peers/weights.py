"""Random weights with the names and shapes of Inception's file, and images: the same numbers wherever they are made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

SHAPES = Path(__file__).with_name("shapes.txt")  # a line for each tensor: its name and its sides


def read_shapes() -> Iterable[tuple[str, tuple[int, ...]]]:
    for line in SHAPES.read_text(encoding="utf-8").splitlines():
        name, *sides = line.split()
        yield name, tuple(map(int, sides))


def make_weights() -> dict[str, Tensor]:
    """Return weights that keep the scale of activations, so that no feature is constant."""
    generator, weights = torch.Generator().manual_seed(0), {}
    for name, shape in read_shapes():
        noise = torch.randn(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            weights[name] = torch.zeros(shape, dtype=torch.int64)
        elif len(shape) > 1:
            weights[name] = noise * math.sqrt(2 / math.prod(shape[1:]))
        elif name.endswith(("running_var", "bn.weight")):
            weights[name] = (0.1 * noise).exp()
        else:
            weights[name] = 0.1 * noise
    return weights


def make_images(count: int, seed: int) -> Tensor:
    """Return images of bytes ``[count, 3, 40, 36]``: blurred noise with some fine noise in it."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (40, 36), mode="bilinear")
    return (255 * (0.9 * smooth + 0.1 * torch.rand(smooth.shape, generator=generator))).to(torch.uint8)
