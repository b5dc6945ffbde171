"""The files that show a run's samples: real ones once, and generated ones of the same latents as G learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.engine.batches import Batches
from ganzoo.engine.events import Events, Grid
from ganzoo.engine.gan import Gan
from ganzoo.plugin import Dataset, extract_samples
from ganzoo.plugin.files import write_atomic
from ganzoo.runs.run import Run
from ganzoo.samples import grid
from ganzoo.samples.classes import spread_classes
from ganzoo.samples.show import Files, count_shown, select_kept_files, show, shows_labels


class Gallery:
    """Writes files that show the samples of one run.

    Args:
        gan: The GAN; its averaged generator makes the samples.
        batches: The run's batches, for real samples.
        run: The run, whose directory the files are written to.
        events: The run's events, which each grid of generated samples is emitted to.
    """

    def __init__(self, gan: Gan, batches: Batches, run: Run, events: Events) -> None:
        self.gan, self.batches, self.run, self.events = gan, batches, run, events
        assert isinstance(gan.recipe.dataset.spec, Dataset)
        self.dataset = gan.recipe.dataset.spec
        self.columns = grid.choose_columns(gan.data.num_classes)
        num = count_shown(gan.data, self.dataset)
        self.num = grid.SIDE * self.columns if num == grid.NUM_SHOWN else num
        if shows_labels(gan.data, self.dataset):
            self.num //= 2
        generator = batches.streams.generator("grid-z", 0)
        self.z = draw_latents(gan.networks.latent, generator, self.num, gan.networks.latent_dim)

    def write_reals(self) -> None:
        """Write files that show real samples into the run."""
        self._write("reals", self.show_reals)

    def write_fakes(self, images: int) -> None:
        """Write files that show generated samples into the run; emit an event for a picture."""
        grid_path = self.run.get_grid_path(images)
        if grid_path in self._write(grid_path.stem, self.show_fakes):
            self.events.emit(Grid(images, grid_path))

    def _write(self, stem: str, draw: Callable[[], Files]) -> list[Path]:
        """Write the files that show samples, on rank 0 alone; return the paths that were written."""
        shown = {} if self.gan.world.rank else draw()
        paths = {self.run.path / (stem + suffix): content for suffix, content in shown.items()}
        attempt = self.events.attempt
        return [path for path, content in paths.items() if attempt("pictures", write_atomic, path, [content])]

    def show_reals(self) -> Files:
        """Return files that show real samples, by suffix; empty where the dataset does not say how to show them."""
        return self._show(*self.batches.draw_examples(self.num))

    @torch.no_grad()
    def show_fakes(self) -> Files:
        """Return files that show generated samples, by suffix, always from the same latents and labels."""
        labels = self._labels()
        with seeded(derive_seed("grid"), self.gan.device):
            samples = extract_samples(self.gan.ema.network(self.z, labels))
        return self._show(samples, labels)

    def _show(self, samples: Tensor, labels: Tensor | None) -> Files:
        return select_kept_files(show(samples, self.gan.data, self.dataset, labels, self.columns))

    def _labels(self) -> Tensor | None:
        data = self.gan.data
        if data.num_classes:
            return spread_classes(self.num, data).to(self.gan.device)
        return self.batches.draw_examples(self.num)[1] if data.label_shape else None
