"""The metrics of a run: they measure it as it goes; one that fails costs a line, not the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from ganzoo.data.source import Source
from ganzoo.engine.gan import Gan
from ganzoo.evaluate.compare import collect_directions, find_best, format_comparison
from ganzoo.evaluate.measure import Evaluator
from ganzoo.evaluate.reals import RealSamples
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.registry.installed import describe_error


class RunMetrics:
    """The metrics of one run, and what they said so far.

    Args:
        recipe: Names them, and says how many samples they see.
        source: The data.
        device: Where they compute.
        note: Gets a line for each one that fails.

    Raises:
        GanzooError: A metric or its extractor could not be built.
    """

    def __init__(
        self, recipe: ResolvedRecipe, source: Source, device: torch.device, note: Callable[[str], None]
    ) -> None:
        num = min(recipe.train.metric_samples, source.info.num_items or recipe.train.metric_samples)
        self.evaluator = Evaluator(recipe.metric, RealSamples(source, num, recipe.train.seed, device), note)
        self.dataset, self.note = recipe.dataset, note
        self.better = collect_directions(recipe.metric)
        self.best: dict[str, float] = {}  # of what was measured so far

    def load_history(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take up what was measured before, from the rows of the statistics of a run that goes on."""
        self.best = find_best(rows, self.better)

    def measure(self, gan: Gan) -> dict[str, float]:
        """Return what the metrics say of the averaged generator, on the same latents and reals at every call.

        ``ganzoo evaluate`` says the same of the package, with as many samples and the run's seed.
        """
        if not self.evaluator.metrics:
            return {}

        def failed(name: str, error: Exception) -> None:
            self.note(f"metric {name!r} failed: {describe_error(error)}")

        try:
            return self.evaluator.measure(gan.averaged_networks, gan.data.labelled, failed)
        except Exception as error:
            self.note(f"nothing could be measured: {describe_error(error)}")
            return {}

    def compare(self, values: Mapping[str, float]) -> str:
        """Return what `measure` returned in a line, each value with whether it is the best so far."""
        words = format_comparison(values, self.best, self.better)
        self.best = find_best([self.best, values], self.better)
        return words

    def records(self, values: Mapping[str, float]) -> list[dict[str, Any]]:
        """Return what `measure` returned as a package lists it: each value with all that it depends on."""
        reals, prints = self.evaluator.reals, self.evaluator.fingerprints(values, self.dataset)
        depends_on = {"num": reals.num, "seed": reals.seed}
        return [
            {"name": name, "value": value, **depends_on, "fingerprint": prints[name.partition("/")[0]]}
            for name, value in values.items()
        ]
