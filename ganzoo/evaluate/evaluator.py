"""Metrics with the real samples that they compare with generated ones: scores with floors and intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import torch
from torch import nn

from ganzoo.compute.streams import derive_seed, seeded
from ganzoo.data.source import ArraySource, Source
from ganzoo.errors import GanzooError
from ganzoo.evaluate import cache
from ganzoo.evaluate.extract import Extraction
from ganzoo.evaluate.measure import Batch, FailureHandler, MetricRunner, measure, pair_batches, rounds_samples
from ganzoo.evaluate.parts import compute_of_first, estimate_intervals
from ganzoo.evaluate.reals import RealSamples
from ganzoo.evaluate.score import Protocol, Score
from ganzoo.evaluate.selection import label_metrics
from ganzoo.plugin import Metric
from ganzoo.plugin.measuring import get_direction
from ganzoo.recipe.measured import get_spec
from ganzoo.recipe.recipe import Choice
from ganzoo.registry.code import hash_package
from ganzoo.registry.failures import describe_error


class Evaluator:
    """Metrics, and the real samples that they compare with generated ones.

    Args:
        metrics: The metrics, with the extractors that they read. A metric may be there for several extractors.
        reals: The real samples that generated ones are compared with.
        notify: A function that shows one line to the user: features that could not be cached, floors that could not be
            measured.
        others: Other real samples, which give the floors; None for no floors.
        reference: The name of the real samples' dataset.
        split: The part of the dataset that they are from, as a `Protocol` says it.
        trained_on: The samples that extractors are trained on, if they are; by default those of `reals`' source.
        held_out: The samples that are not trained on, for metrics that read them (`Metric.held_out`); None for none.

    Raises:
        GanzooError: A metric or an extractor could not be built.
    """

    def __init__(
        self,
        metrics: Sequence[Choice],
        reals: RealSamples,
        notify: Callable[[str], None],
        others: RealSamples | None = None,
        reference: str = "",
        split: str = "all",
        trained_on: Source | None = None,
        held_out: Source | None = None,
    ) -> None:
        self.metrics, self.reals, self.notify, self.others = label_metrics(metrics), reals, notify, others
        self.reference, self.split = reference, split
        self.held_out: RealSamples | None = None
        if isinstance(held_out, ArraySource) and any(get_spec(choice).held_out for choice in metrics):
            self.held_out = RealSamples(held_out, min(reals.num, len(held_out)), reals.seed, reals.device)
        self._without_floors: dict[str, Exception] = {}  # errors of metrics that failed on real samples, by label
        read = {choice.extractor.name: choice.extractor for choice in metrics if choice.extractor}
        extractions = {name: self._make_extraction(extractor, trained_on) for name, extractor in read.items()}
        self.runners = {label: self._make_runner(label, choice, extractions) for label, choice in self.metrics.items()}

    def _make_extraction(self, choice: Choice, trained_on: Source | None) -> Extraction:
        """Build an extractor; an error of it ends with what can be measured instead (`Metric.instead`)."""
        try:
            return Extraction(choice, self.reals, self.notify, trained_on, self.held_out)
        except GanzooError as error:
            readers = [get_spec(each) for each in self.metrics.values() if each.extractor == choice]
            if instead := next((spec.instead for spec in readers if spec.instead), ""):
                error.args = (f"{error}; or measure something similar now: {instead}",)
            raise

    def _make_runner(self, label: str, choice: Choice, extractions: Mapping[str, Extraction]) -> MetricRunner:
        with seeded(derive_seed(0, choice.name), self.reals.device):
            metric = choice.build(self.reals.info)
        metric = metric.to(self.reals.device) if isinstance(metric, nn.Module) else metric
        spec, extraction = get_spec(choice), extractions[choice.extractor.name] if choice.extractor else None
        return MetricRunner(label, spec, metric, extraction, self.held_out if spec.held_out else None)

    def score(
        self, batches: Iterable[Batch], on_failure: FailureHandler, dtype: str = "", intervals: bool = False
    ) -> dict[str, Score]:
        """Return the scores of generated samples by name, ``METRIC/KEY``.

        Args:
            batches: The real samples in their order, and as many generated ones.
            on_failure: A function that gets the label and the error of a failed metric; where it returns, the others
                continue.
            dtype: The numbers that the generated samples are made of; empty for those of a network.
            intervals: Whether intervals are estimated.
        """
        floors = self.floors  # first, because it passes other samples through the networks
        values = measure(self.runners.values(), batches, self.reals.seed, self.reals.device, on_failure)
        for label in {name.partition("/")[0] for name in values} & self._without_floors.keys():
            self.notify(f"metric {label!r} has no floor: {describe_error(self._without_floors.pop(label))}")
        same, widths = self._compute_beside_floors(values), dict[str, float]()
        if intervals:
            widths = estimate_intervals(self.runners.values(), self.reals.seed, self.reals.device)
        scores = [
            Score(
                self._name_value(name),
                value,
                get_direction(name.partition("/")[2], self._find_spec(name).better) or "neither",
                self.make_protocol(name.partition("/")[0], dtype),
                floors.get(name),
                self._compute_ratio(name, same.get(name), floors.get(name)),
                widths.get(name),
                others.num if others and others.num != self.reals.num else None,
            )
            for name, value in values.items()
            for others in [self._get_others(name.partition("/")[0])]
        ]
        return {score.name: score for score in scores}

    def _name_value(self, name: str) -> str:
        label, _, key = name.partition("/")
        return f"{label}/{self._find_spec(name).name_key(key, self.reals.num)}"

    def make_protocol(self, label: str, dtype: str = "") -> Protocol:
        """Return the protocol of a metric's values; `dtype` as in `score`."""
        usual = "uint8" if rounds_samples(self.reals.info) else "float32"
        runner = self.runners[label]
        compared, held_out = self.reals.whole if runner.spec.whole else self.reals, runner.held_out
        return Protocol(
            self.metrics[label],
            runner.weights,
            self.reference,
            self.split,
            compared.digest,
            self.reals.num,
            compared.num,
            self.reals.seed,
            dtype or usual,
            held_out.num if held_out else 0,
            held_out.digest if held_out else "",
        )

    def find_reader(self, network: Mapping[str, str]) -> str:
        """Return the label of a metric that reads a network; empty if there is none.

        Args:
            network: Name and SHA-256 of a network, as a recipe's `frozen` has them.
        """
        for label, runner in self.runners.items():
            extractor = self.metrics[label].extractor
            named = extractor and network.get("name") == extractor.component.qualified
            if named or (extractor and network.get("sha256") == runner.weights):
                return label
        return ""

    def _find_spec(self, name: str) -> Metric:
        return self.runners[name.partition("/")[0]].spec

    # ------------------------------------------------------------------------
    # Floors.

    @cached_property
    def floors(self) -> dict[str, float]:
        """The values that other real samples get instead of generated ones, by name; measured once and cached."""
        floors, missing = dict[str, float](), dict[RealSamples, list[MetricRunner]]()
        for label, runner in self.runners.items():
            if not (others := self._get_others(label)):
                continue
            found = cache.load(self._make_key(label, others))
            floors |= {f"{label}/{key}": float(value) for key, value in (found or {}).items()}
            if found is None:
                missing.setdefault(others, []).append(runner)
        for others, runners in missing.items():
            floors |= self._measure_floors(runners, others)
        return floors

    def _get_others(self, label: str) -> RealSamples | None:
        """Return the real samples that give a metric's floor: held-out ones, if it reads those anyway."""
        runner = self.runners[label]
        return None if runner.spec.whole or not runner.spec.compares_sets else runner.held_out or self.others

    def _measure_floors(self, runners: Sequence[MetricRunner], others: RealSamples) -> dict[str, float]:
        """Measure and cache the floors of some metrics. A metric that fails has none."""
        device, seed, on_failure = self.reals.device, self.reals.seed, self._without_floors.__setitem__
        values = measure(runners, pair_batches(self.reals, others), seed, device, on_failure)
        for label in {name.partition("/")[0] for name in values}:
            own = {name.partition("/")[2]: value for name, value in values.items() if name.startswith(f"{label}/")}
            tensors = {key: torch.tensor(value, dtype=torch.float64) for key, value in own.items()}
            cache.store(self._make_key(label, others), tensors, self.notify)
        return values

    def _make_key(self, label: str, others: RealSamples) -> dict[str, Any]:
        """Return all that a metric's floors depend on, for the cache."""
        choice, runner = self.metrics[label], self.runners[label]
        return {
            "what": "floors", "metric": choice.to_json(), "code": hash_package(choice.component),
            "weights": runner.weights, "reals": self.reals.digest, "others": others.digest,
            "data_info": self.reals.info.to_json(), "seed": self.reals.seed, "device": self.reals.device.type,
            "torch": torch.__version__, "held_out": runner.held_out.digest if runner.held_out else "",
        }  # fmt: skip

    def _compute_beside_floors(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """Return values of as many generated samples as the floors were measured with."""
        found: dict[str, float] = {}
        for label, runner in self.runners.items():
            own = {name: value for name, value in values.items() if name.startswith(f"{label}/")}
            others = self._get_others(label)
            if own and others and others.num != self.reals.num and runner.spec.distances:
                own = compute_of_first(runner, others.num, self.reals.seed, self.reals.device)
            found |= own
        return found

    def _compute_ratio(self, name: str, value: float | None, floor: float | None) -> float | None:
        """Return a distance in multiples of its floor; None where it is not a distance, or has no floor."""
        key = name.partition("/")[2]
        if value is None or not floor or not any(fnmatchcase(key, each) for each in self._find_spec(name).distances):
            return None
        return value / floor
