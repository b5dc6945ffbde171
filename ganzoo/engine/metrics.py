"""The metrics of a run, which measure it during training. A metric that fails costs a line, not the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from ganzoo.data.source import Source
from ganzoo.engine.gan import Gan
from ganzoo.errors import UsageError
from ganzoo.evaluate.compare import collect_directions, find_best, find_regressions, format_comparison
from ganzoo.evaluate.evaluator import Evaluator
from ganzoo.evaluate.measure import generate_batches
from ganzoo.evaluate.reals import RealSamples, choose_others
from ganzoo.evaluate.score import Score
from ganzoo.evaluate.stopping import find_reason
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.settings import TrainOptions
from ganzoo.registry.failures import describe_error


class RunMetrics:
    """The metrics of one run, and their best values so far.

    Args:
        recipe: The recipe, which names the metrics and the number of their samples.
        source: The data that generated samples are compared with: those that are trained on.
        held_out: The held-out data, which give the floors; None where nothing is held out.
        device: The device on which metrics compute.
        note: A function that is called with a line for each metric that fails.

    Raises:
        GanzooError: A metric or its extractor could not be built.
        UsageError: The discriminator has the network of an extractor.
    """

    def __init__(
        self,
        recipe: ResolvedRecipe,
        source: Source,
        held_out: Source | None,
        device: torch.device,
        note: Callable[[str], None],
    ) -> None:
        num = min(recipe.train.metric_samples, source.info.num_items or recipe.train.metric_samples)
        reals = RealSamples(source, num, recipe.train.seed, device)
        others = choose_others(reals, held_out) if recipe.metric else None
        split = "all" if held_out is None else "training"
        self.evaluator = Evaluator(recipe.metric, reals, note, others, recipe.dataset.name, split, None, held_out)
        self.note = note
        self.better = collect_directions(recipe.metric)
        self.best: dict[str, float] = {}  # the best values so far, by name
        self.scores: dict[str, Score] = {}  # of the last measurement, by name
        self.rows: list[Mapping[str, float]] = []  # the values of all measurements that the run may finish early by
        _refuse_held_networks(recipe, self.evaluator)

    def load_history(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Find the best values so far in the statistics of a run that goes on."""
        rows = [*rows]
        self.best = find_best(rows, self.better)
        self.rows = [row for row in rows if "images_per_second" not in row]

    def measure(self, gan: Gan) -> dict[str, float]:
        """Measure the averaged generator with all metrics, on the same latents and real samples at every call.

        ``ganzoo evaluate`` returns the same values for the package, with as many samples and the run's seed.
        """
        if not self.evaluator.metrics:
            return {}

        def failed(name: str, error: Exception) -> None:
            self.note(f"metric {name!r} failed: {describe_error(error)}")

        self.scores = {}
        try:
            batches = generate_batches(gan.averaged_networks, self.evaluator.reals, gan.data.labelled)
            self.scores = self.evaluator.score(batches, failed)
        except Exception as error:
            self.note(f"nothing could be measured: {describe_error(error)}")
        values = {name: score.value for name, score in self.scores.items()}
        self.rows.append(values)
        return values

    def compare(self, values: Mapping[str, float]) -> str:
        """Return the values of `measure` in one line, each with whether it is the best so far."""
        ratios = {name: score.ratio for name, score in self.scores.items() if score.ratio is not None}
        words = format_comparison(values, self.best, self.better, ratios)
        self.best = find_best([self.best, values], self.better)
        return words

    def find_early_end(self, train: TrainOptions) -> str:
        """Return in words why the run finishes early, by ``train.best``; empty if it goes on."""
        if train.best is None:
            return ""
        values = [row[train.best] for row in self.rows if train.best in row]
        return find_reason(train.best, values, self.better, train.patience, train.on_regression == "stop")

    def describe_regressions(self, values: Mapping[str, float], best: str | None) -> str:
        """Return a line on the values that were much better earlier in the run; empty if there are none.

        Args:
            values: The values at the end of the run.
            best: The name in ``train.best``; None if no best checkpoint is kept.
        """
        worse = find_regressions(values, self.best, self.better)
        if not worse:
            return ""
        words = ", ".join(f"{name} {values[name]:.4g} (best was {was:.4g})" for name, was in worse.items())
        way_out = f"train.best={next(iter(worse))} keeps the best checkpoint of the next run"
        return f"it was better before its end: {words}; {'best/ is the best checkpoint' if best in worse else way_out}"

    def records(self, values: Mapping[str, float]) -> list[dict[str, Any]]:
        """Return the values of `measure` as a package lists them: each with everything that it depends on."""
        return [self.scores[name].to_json() for name in values]


def _refuse_held_networks(recipe: ResolvedRecipe, evaluator: Evaluator) -> None:
    """Raise UsageError if a metric reads a network that the training uses: it would flatter the generator."""
    for owner, held in recipe.frozen.items():
        if label := evaluator.find_reader(held):
            raise UsageError(
                f"metric {label!r} reads the network {held['name']!r}, which the training uses too ({owner}), so its "
                f"values would flatter the generator: add metric.{label}.extractor=NAME with another network"
            )
