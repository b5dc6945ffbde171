"""Trackers and metrics: they watch a run from outside; one that fails costs a line, not the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.engine.streams import draw_latents, seeded
from ganzoo.recipe import Recipe
from ganzoo.run import Run

NUM_SAMPLES = 1024  # that a metric sees of the real and of the generated samples during training


class Observers:
    """The trackers and metrics of one run.

    Args:
        recipe: Names them.
        device: Where metrics compute.

    Attributes:
        notify: Gets a line for each one that fails; a tracker that failed is left alone from then on.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.notify: Callable[[str], None] = lambda line: None
        self._trackers = {choice.name: choice.build() for choice in recipe.tracker}
        metrics = {choice.name: choice.build() for choice in recipe.metric}
        self._metrics = {name: m.to(device) if isinstance(m, nn.Module) else m for name, m in metrics.items()}

    def start(self, run: Run) -> None:
        """Tell the trackers that the run starts, or goes on."""
        self._tell("start", run)

    def log(self, images: int, scalars: Mapping[str, float]) -> None:
        """Hand the trackers what was measured."""
        self._tell("log", images, scalars)

    def grid(self, images: int, path: Path) -> None:
        """Hand the trackers a grid."""
        self._tell("grid", images, path)

    def finish(self, status: str) -> None:
        """Tell the trackers how it ended: ``finished``, ``interrupted`` or ``failed``."""
        self._tell("finish", status)

    def measure(self, gan: Gan, batches: Batches) -> dict[str, float]:
        """Return what the metrics say of the averaged generator, on the same latents and reals at every call."""
        values: dict[str, float] = {}
        for name, metric in self._metrics.items():
            try:
                measured = {f"{name}/{key}": float(value) for key, value in _measure(metric, gan, batches).items()}
                if not all(map(math.isfinite, measured.values())):
                    raise ValueError(f"measured {measured}")
                values |= measured
            except Exception as error:
                self.notify(f"metric {name!r} failed: {type(error).__name__}: {error}")
        return values

    def _tell(self, event: str, *args: Any) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                getattr(tracker, event)(*args)
            except Exception as error:
                self.notify(f"tracker {name!r} failed and is left out from here on: {type(error).__name__}: {error}")
                del self._trackers[name]


@torch.no_grad()
def _measure(metric: Any, gan: Gan, batches: Batches) -> dict[str, float]:
    real, labels = batches.examples(NUM_SAMPLES)
    generator = batches.streams.generator("metric-z", 0)
    z = draw_latents(gan.networks.latent, generator, NUM_SAMPLES, gan.networks.latent_dim)
    labels = labels if batches.conditional else None
    metric.reset()
    with seeded(0, gan.device):
        for start in range(0, NUM_SAMPLES, batches.batch):
            cut = slice(start, start + batches.batch)
            metric.real(real[cut])
            metric.fake(gan.ema.network(z[cut], None if labels is None else labels[cut]).float())
    result: dict[str, float] = metric.compute()
    return result
