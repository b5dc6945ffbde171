"""The metrics of a run: they measure it as it goes; one that fails costs a line, not the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from ganzoo.engine.batches import Batches
from ganzoo.engine.gan import Gan
from ganzoo.evaluate.compare import best_so_far, compare, directions
from ganzoo.evaluate.measure import build_metrics, compared, measure
from ganzoo.evaluate.request import fingerprint
from ganzoo.plugin import DataInfo
from ganzoo.recipe.recipe import Recipe
from ganzoo.registry.installed import told

NUM = 1024  # real samples that a metric sees during training, where there are as many, and generated ones


class Observers:
    """The metrics of one run.

    Args:
        recipe: Names them.
        data: What is measured, as the networks see it.
        device: Where metrics compute.

    Attributes:
        notify: Gets a line for each one that fails.
    """

    def __init__(self, recipe: Recipe, data: DataInfo, device: torch.device) -> None:
        self.notify: Callable[[str], None] = lambda line: None
        self._metrics = build_metrics(recipe.metric, data, device)
        self._recipe = recipe
        self._better = directions(recipe.metric)
        self._best: dict[str, float] = {}  # of what was measured so far

    def recall(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take up what was measured before, from the rows of the statistics of a run that goes on."""
        self._best = best_so_far(rows, self._better)

    def compare(self, values: Mapping[str, float]) -> str:
        """Return what `measure` returned in a line, each value with whether it is the best so far."""
        words = compare(values, self._best, self._better)
        self._best = best_so_far([self._best, values], self._better)
        return words

    def measure(self, gan: Gan, batches: Batches) -> dict[str, float]:
        """Return what the metrics say of the averaged generator, on the same latents and reals at every call.

        ``ganzoo evaluate`` says the same of the package, with as many samples and the run's seed.
        """
        if not self._metrics:
            return {}
        source, seed, num = batches.source, batches.streams.seed, _count(batches)
        networks = gan.averaged

        def failed(name: str, error: Exception) -> None:
            self.notify(f"metric {name!r} failed: {told(error)}")

        try:
            pairs = compared(networks, source, num, seed, gan.device, batches.conditional)
            return measure(self._metrics, gan.data, pairs, seed, gan.device, failed)
        except Exception as error:
            self.notify(f"nothing could be measured: {told(error)}")
            return {}

    def records(self, values: Mapping[str, float], batches: Batches) -> list[dict[str, Any]]:
        """Return what `measure` returned as a package lists it: each value with all that it depends on."""
        num, seed, dataset = _count(batches), batches.streams.seed, self._recipe.dataset
        prints = {choice.name: fingerprint(choice, dataset, num, seed) for choice in self._recipe.metric}
        return [
            {"name": name, "value": value, "num": num, "seed": seed, "fingerprint": prints[name.partition("/")[0]]}
            for name, value in values.items()
        ]


def _count(batches: Batches) -> int:
    """Return how many samples are measured."""
    return min(NUM, batches.source.info.num_items or NUM)
