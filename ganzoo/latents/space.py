"""The spaces in which latents are moved: z, and the styles w of an architecture that provides ``style``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.streams import derive_seed, interpolate_latents, seeded
from ganzoo.errors import UsageError
from ganzoo.package.generator import BATCH, Generator
from ganzoo.plugin import extract_samples

SPACES = ("z", "w")


class Space:
    """The latents of a model that are moved.

    Args:
        generator: The trained model, as `ganzoo.load` returns it.
        name: ``z``, or ``w`` for the styles ``[n, ...]`` that the mapping network makes of z.

    Raises:
        UsageError: The model has no latents, or no styles.
    """

    def __init__(self, generator: Generator, name: str = "z") -> None:
        if name not in SPACES:
            raise UsageError(f"space {name!r}: use z or w")
        if not generator.networks.latent_dim:
            raise UsageError("this model makes its samples from labels alone, so it has no latents to move")
        if name == "w":
            require_styles(generator)
        self.generator, self.name = generator, name

    @property
    def network(self) -> Any:
        """The generator's network, with ``mapping`` and ``synthesis`` if it has styles."""
        return self.generator.network

    def draw(self, seeds: Sequence[int], labels: Tensor | None = None) -> Tensor:
        """Return the latent of each seed, the first one of `Generator.sample` with that seed, on the CPU."""
        return self.enter(torch.cat([self.generator.draw_latents(1, seed) for seed in seeds]), labels)

    @torch.no_grad()
    def enter(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the points of this space, on the CPU, that latents ``[n, latent_dim]`` have with their labels."""
        if self.name == "z":
            return z
        parts = []
        for start in range(0, len(z), BATCH):
            cut, device = slice(start, start + BATCH), self.generator.device
            with seeded(derive_seed("latents"), device):
                w: Tensor = self.network.mapping(z[cut].to(device), self._place(labels, cut))
            parts.append(w.float().cpu())
        return torch.cat(parts)

    def interpolate(self, start: Tensor, end: Tensor, share: float) -> Tensor:
        """Return points that are a share of the way from `start` to `end`: on a sphere for normal z, straight in w."""
        if self.name == "w":
            return torch.lerp(start, end, share)
        return interpolate_latents(self.generator.networks.latent, start, end, share)

    def generate(self, points: Tensor, labels: Tensor | None = None, truncation: float | None = None) -> Tensor:
        """Return the samples ``[n, *shape]`` of points, on the CPU.

        The networks' own random numbers are the same in every call, so that nothing but the point moves.

        Raises:
            UsageError: The model takes no truncation, or the points are styles, which are truncated before.
        """
        options = {} if truncation is None else {"truncation": truncation}
        if options and self.name == "w":
            raise UsageError("truncation changes how latents become styles: use it with space z")
        parts = []
        for start in range(0, len(points), BATCH):
            cut, device = slice(start, start + BATCH), self.generator.device
            with seeded(derive_seed("latents"), device):
                if self.name == "z":
                    made = self.generator(points[cut], None if labels is None else labels[cut], **options)
                else:
                    with torch.inference_mode():
                        made = extract_samples(self.network.synthesis(points[cut].to(device)))
            parts.append(made.float().cpu())
        return torch.cat(parts)

    def synthesise(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples of points that are on the generator's device, with gradients with respect to them."""
        with seeded(derive_seed("latents"), self.generator.device):
            made = self.network.synthesis(points) if self.name == "w" else self.network(points, labels)
        return extract_samples(made).float()

    def _place(self, labels: Tensor | None, cut: slice) -> Tensor | None:
        return None if labels is None else labels[cut].to(self.generator.device)


def require_styles(generator: Generator) -> None:
    """Raise UsageError if a model has no styles: its architecture does not provide ``style``."""
    if "style" not in generator.provides:
        raise UsageError("this model has no styles w, as those of stylegan2 do: use space z")


def describe_model(generator: Generator) -> str:
    """Return a model's architecture and dataset as text, for pictures that may be shared: no path is in it."""
    recipe = generator.config.get("recipe", {})
    names = [str(recipe[key]["name"]).rpartition(":")[2] for key in ("arch", "dataset") if key in recipe]
    return " on ".join(names) or "a model"
