"""The grids of a run, or its texts: real samples once, and the same latents again and again as the generator learns."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from ganzoo.compute.streams import derive, draw_latents, seeded
from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.plugin import Dataset
from ganzoo.samples import grid


class Gallery:
    """Draws the grids of one run; where samples cannot be drawn, it writes them as text.

    Args:
        gan: Whose averaged generator is shown.
        batches: Where real samples come from.
    """

    def __init__(self, gan: Gan, batches: Batches) -> None:
        self.gan = gan
        self.batches = batches
        assert isinstance(gan.recipe.dataset.spec, Dataset)
        self.dataset = gan.recipe.dataset.spec
        self.columns = grid.columns_for(gan.data.num_classes)
        num = grid.count(gan.data, self.dataset.render, self.dataset.write)
        self.num = grid.SIDE * self.columns if num == grid.NUM_SHOWN else num
        generator = batches.streams.generator("grid-z", 0)
        self.z = draw_latents(gan.networks.latent, generator, self.num, gan.networks.latent_dim)

    def reals(self) -> Image.Image | str | None:
        """Return a picture of real samples, or their text; None where nothing says how to show them."""
        return self._shown(self.batches.examples(self.num)[0])

    @torch.no_grad()
    def fakes(self) -> Image.Image | str | None:
        """Return a picture of generated samples, or their text, always from the same latents."""
        with seeded(derive("grid"), self.gan.device):
            return self._shown(self.gan.ema.network(self.z, self._labels()))

    def _shown(self, samples: Tensor) -> Image.Image | str | None:
        picture = grid.draw(samples, self.gan.data, self.dataset.render, self.columns)
        return grid.write(samples, self.gan.data, self.dataset.write) if picture is None else picture

    def _labels(self) -> Tensor | None:
        data = self.gan.data
        if data.num_classes:
            return torch.arange(self.num, device=self.gan.device) % data.num_classes
        return self.batches.examples(self.num)[1] if data.label_shape else None
