"""The metrics of a run, which measure it during training. A metric that fails costs a line, not the run."""

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
    """The metrics of one run, and their best values so far.

    Args:
        recipe: The recipe, which names the metrics and the number of their samples.
        source: The data that generated samples are compared with.
        device: The device on which metrics compute.
        note: A function that is called with a line for each metric that fails.

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
        self.best: dict[str, float] = {}  # the best values so far, by name

    def load_history(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Find the best values so far in the statistics of a run that goes on."""
        self.best = find_best(rows, self.better)

    def measure(self, gan: Gan) -> dict[str, float]:
        """Measure the averaged generator with all metrics, on the same latents and real samples at every call.

        ``ganzoo evaluate`` returns the same values for the package, with as many samples and the run's seed.
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
        """Return the values of `measure` in one line, each with whether it is the best so far."""
        words = format_comparison(values, self.best, self.better)
        self.best = find_best([self.best, values], self.better)
        return words

    def records(self, values: Mapping[str, float]) -> list[dict[str, Any]]:
        """Return the values of `measure` as a package lists them: each with everything that it depends on."""
        reals, prints = self.evaluator.reals, self.evaluator.compute_fingerprints(values, self.dataset)
        depends_on = {"num": reals.num, "seed": reals.seed}
        return [
            {"name": name, "value": value, **depends_on, "fingerprint": prints[name.partition("/")[0]]}
            for name, value in values.items()
        ]
