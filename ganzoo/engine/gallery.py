"""The grids of a run, or its texts: real samples once, and the same latents again and again as the generator learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.compute.streams import derive, draw_latents, seeded
from ganzoo.engine.batches import Batches
from ganzoo.engine.events import Events, Grid
from ganzoo.engine.gan import Gan
from ganzoo.plugin import Dataset
from ganzoo.plugin.files import write_atomic
from ganzoo.runs.run import Run
from ganzoo.samples import grid


class Gallery:
    """Draws the grids of one run; where samples cannot be drawn, it writes them as text.

    Args:
        gan: Whose averaged generator is shown.
        batches: Where real samples come from.
        run: Whose directory they go to.
        events: Are told of each grid of generated samples.
    """

    def __init__(self, gan: Gan, batches: Batches, run: Run, events: Events) -> None:
        self.gan, self.batches, self.run, self.events = gan, batches, run, events
        assert isinstance(gan.recipe.dataset.spec, Dataset)
        self.dataset = gan.recipe.dataset.spec
        self.columns = grid.columns_for(gan.data.num_classes)
        num = grid.count(gan.data, self.dataset.render, self.dataset.write)
        self.num = grid.SIDE * self.columns if num == grid.NUM_SHOWN else num
        generator = batches.streams.generator("grid-z", 0)
        self.z = draw_latents(gan.networks.latent, generator, self.num, gan.networks.latent_dim)

    def draw_reals(self) -> None:
        """Write real samples into the run, as a picture or as text."""
        self._write("reals", self.reals)

    def draw_fakes(self, images: int) -> None:
        """Write generated samples into the run, as a picture or as text; tell of a picture."""
        path = self._write(self.run.grid(images).stem, self.fakes)
        if path == self.run.grid(images):
            self.events.tell(Grid(images, path))

    def _write(self, stem: str, draw: Callable[[], Image.Image | str | None]) -> Path | None:
        """Write what is shown, on the first process; return where, or None where nothing is or the disk is full."""
        shown = None if self.gan.world.rank else draw()
        if shown is None:
            return None
        suffix, content = (".txt", shown.encode()) if isinstance(shown, str) else (".png", grid.encode(shown))
        path = self.run.path / (stem + suffix)
        return path if self.events.attempt("pictures", write_atomic, path, [content]) else None

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
