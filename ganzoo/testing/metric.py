"""Checks of metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.streams import seeded
from ganzoo.evaluate.statistics import Statistics
from ganzoo.plugin import Case, DataInfo
from ganzoo.plugin.measuring import get_direction
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Skip, Trial, fatal_failures, require
from ganzoo.testing.examples import list_accepted, make_labels, make_samples, require_clear_refusals
from ganzoo.testing.guards import copy_generator_states, list_moved_generators

NUM = 96  # samples of each side
FEATURES, CLASSES = 5, 4  # of the made-up extractor
STEP = 0.5  # of a metric of paths, whose starts are the real samples of a case
TOLERANCE = 1e-4  # relative to a value above 1


def computes_numbers(trial: Trial) -> None:
    """`compute` returns a dict of finite floats by name."""
    with fatal_failures():
        info = _find_accepted(trial)
    metric = _build_metric(trial, info)
    _feed(trial, metric, [_make_input(trial, info)])
    with fatal_failures():
        values = metric.compute()
        require(isinstance(values, dict) and values, f"It returned {values!r}.")
        for name, value in values.items():
            require(isinstance(name, str), f"The name of a value is {name!r}, which is not a str.")
            require(isinstance(value, float | int), f"{name!r} is {type(value).__name__}: make it a float.")
            require(math.isfinite(value), f"{name!r} is {value}.")


def better_declared(trial: Trial) -> None:
    """The spec's `better` covers exactly the values, each as lower, higher or neither."""
    info, better = _find_accepted(trial), trial.spec.better
    values = _measure(trial, _build_metric(trial, info), [_make_input(trial, info)])
    silent = [name for name in values if not get_direction(name, better)]
    way_out = f"declare them, for example better={dict.fromkeys(silent, 'lower')}"
    require(not silent, f"It does not cover {', '.join(silent)}: {way_out}.")
    named = (*better, *trial.spec.distances)
    idle = [pattern for pattern in named if not any(name == pattern or fnmatchcase(name, pattern) for name in values)]
    require(not idle, f"It names {', '.join(idle)}, but the metric computed {', '.join(values)}.")


def batches_add_up(trial: Trial) -> None:
    """Batch sizes do not matter: many batches give the same values as one batch of all samples."""
    if trial.spec.reads == "statistics":
        raise Skip("it reads statistics, which come in one piece")
    info = _find_accepted(trial)
    metric, given = _build_metric(trial, info), _make_input(trial, info)
    whole = _measure(trial, metric, [given])
    cuts = (0, 1, 8, NUM // 3, NUM)
    parts = [given.select(start, end) for start, end in pairwise(cuts)]
    words = f"in batches of 1, 7, {cuts[3] - 8} and {NUM - cuts[3]}"
    _require_same(whole, _measure(trial, metric, parts), "in one batch", words)


def resets(trial: Trial) -> None:
    """After `reset`, earlier samples do not count, because a run measures many times."""
    info = _find_accepted(trial)
    metric, given = _build_metric(trial, info), _make_input(trial, info)
    first = _measure(trial, metric, [given])
    _feed(trial, metric, [_make_input(trial, info, seed=7).map(lambda side: side * 0.3 + 0.2)])
    _require_same(first, _measure(trial, metric, [given]), "at first", "after other samples and a reset")


def same_answer_twice(trial: Trial) -> None:
    """`compute` changes nothing: a second call returns the same values."""
    info = _find_accepted(trial)
    metric = _build_metric(trial, info)
    first = _measure(trial, metric, [_make_input(trial, info)])
    with seeded(0):
        again = metric.compute()
    _require_same(first, again, "at first", "when called again")


def any_order_of_sides(trial: Trial) -> None:
    """Real and generated samples may come in any order."""
    if trial.spec.pairs or trial.spec.paths:
        raise Skip("it gets both sides at once")
    info = _find_accepted(trial)
    metric, given = _build_metric(trial, info), _make_input(trial, info)
    first = _measure(trial, metric, [given])
    with torch.no_grad():
        metric.reset()
        for side in _list_sides(trial, given)[::-1]:
            _feed_side(trial, metric, side, given)
        _require_same(first, metric.compute(), "with real first", "with fake first")
    if trial.spec.reads != "statistics":
        turns = _measure(trial, metric, [given.select(0, NUM // 2), given.select(NUM // 2, NUM)])
        _require_same(first, turns, "with real first", "in turn")


def reads_held_out(trial: Trial) -> None:
    """A metric whose spec says `held_out` measures with and without held-out samples, and they change its values."""
    if not trial.spec.held_out:
        raise Skip("it reads no held-out samples")
    info = _find_accepted(trial)
    metric, given = _build_metric(trial, info), _make_input(trial, info)
    with fatal_failures():
        without = _measure(trial, metric, [replace(given, held_out=None)])
    found = _measure(trial, metric, [given])
    require(found.keys() == without.keys(), f"It computed {sorted(found)}, and without them {sorted(without)}.")
    require(found != without, "Held-out samples changed no value: read them, or remove held_out from the spec.")


def batches_unchanged(trial: Trial) -> None:
    """Batches are not changed in place, because other metrics read them too."""
    info = _find_accepted(trial)
    metric, given = _build_metric(trial, info), _make_input(trial, info)
    before = given.map(Tensor.clone)
    _measure(trial, metric, [given])
    for side in _list_sides(trial, given):
        for name, tensor in getattr(given, side).items():
            num = int((tensor != getattr(before, side)[name]).sum())
            require(not num, f"It changed {num} numbers of the {side} batch.")


def takes_data_or_declines(trial: Trial) -> None:
    """Every kind of data is measured, or declined with a GanzooError of one sentence."""
    require_clear_refusals(trial, lambda info: _measure(trial, _build_metric(trial, info), [_make_input(trial, info)]))


def repeatable(trial: Trial) -> None:
    """Two builds give the same values for the same samples, and draw from torch's generators alone."""
    info = _find_accepted(trial)
    given, before = _make_input(trial, info), copy_generator_states()
    one, other = (_measure(trial, _build_metric(trial, info), [given]) for _ in range(2))
    _require_same(one, other, "at first", "when built again")
    others = [name for name in list_moved_generators(before) if not name.startswith("torch")]
    require(not others, f"It drew from {' and '.join(others)}.")


def measure_case(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return the values that the metric computes from a case's ``real`` and ``fake``."""
    metric = build_component(trial, case.given.get("data"), **case.options)
    name = "samples" if trial.spec.reads == "samples" else "features"

    def convert(side: Any) -> Mapping[str, Tensor]:
        return side if isinstance(side, Mapping) else {name: side}

    given = case.given
    held_out = convert(given["held_out"]) if "held_out" in given else None
    return _measure(
        trial, metric, [MetricInput(convert(given["real"]), convert(given["fake"]), given.get("labels"), held_out)]
    )


# ----------------------------------------------------------------------------
# Measuring.


@dataclass(frozen=True)
class MetricInput:
    """The input of a metric: tensors by name for either side (``samples``, or an extractor's outputs), and labels.

    Held-out samples are those of metrics that read them; None for none.
    """

    real: Mapping[str, Tensor]
    fake: Mapping[str, Tensor]
    labels: Tensor | None
    held_out: Mapping[str, Tensor] | None = None

    def select(self, start: int, end: int) -> MetricInput:
        """Return the samples from index `start` to `end`, with their labels."""
        labels = None if self.labels is None else self.labels[start:end]
        return replace(self.map(lambda side: side[start:end]), labels=labels)

    def map(self, change: Callable[[Tensor], Tensor]) -> MetricInput:
        """Return an input whose tensors are changed by `change`; the labels stay."""
        real, fake, held_out = (
            {name: change(each) for name, each in (side or {}).items()}
            for side in (self.real, self.fake, self.held_out)
        )
        return replace(self, real=real, fake=fake, held_out=held_out or None)


def _make_input(trial: Trial, info: DataInfo, seed: int = 0) -> MetricInput:
    """Return real and generated samples ``[NUM, *shape]`` that differ, or features of such samples."""
    if trial.spec.reads == "samples":
        real, fake = ({"samples": make_samples(info, NUM, seed + side)} for side in (0, 1))
    else:
        rows = [
            make_samples(DataInfo(shape=(FEATURES + CLASSES,), modality="points"), NUM, seed + side) for side in (0, 1)
        ]
        real, fake = ({"features": each[:, :FEATURES], "probabilities": each[:, FEATURES:].softmax(1)} for each in rows)
    labels = make_labels(_add_classes(trial, info), NUM)
    first = next(iter(fake))
    held_out = {name: each * 0.9 + 0.05 for name, each in real.items()}
    return MetricInput(real, {**fake, first: fake[first] * 0.8 + 0.1}, labels, held_out)


def _add_classes(trial: Trial, info: DataInfo) -> DataInfo:
    """Return the data; with classes if the metric reads labels and the data has none."""
    wanted = (trial.spec.pairs or trial.spec.labels) and not info.labelled
    return replace(info, num_classes=CLASSES) if wanted else info


def _build_metric(trial: Trial, info: DataInfo) -> Any:
    return build_component(trial, _add_classes(trial, info))


def _find_accepted(trial: Trial) -> DataInfo:
    return next(list_accepted(trial, lambda info: _feed(trial, _build_metric(trial, info), [_make_input(trial, info)])))


def _feed_side(trial: Trial, metric: Any, side: str, given: MetricInput) -> None:
    """Give a metric one side, or the pairs, as its spec says."""
    real, fake = (_convert_side(trial, each) for each in (given.real, given.fake))
    if side == "held_out":
        metric.held_out(_convert_side(trial, given.held_out or {}))
        return
    if trial.spec.pairs:
        metric.pair(real, fake, given.labels)
        return
    if trial.spec.paths:
        metric.path(real, fake, STEP)
        return
    more = (given.labels,) if trial.spec.labels else ()
    getattr(metric, side)(real if side == "real" else fake, *more)


def _convert_side(trial: Trial, side: Mapping[str, Tensor]) -> Any:
    if trial.spec.reads == "samples":
        return side["samples"]
    if trial.spec.reads == "features":
        return dict(side)
    statistics = Statistics()
    statistics.add(side["features"])
    return statistics


def _feed(trial: Trial, metric: Any, parts: Iterable[MetricInput]) -> None:
    """Reset a metric and give it samples as the engine does."""
    with torch.no_grad():
        metric.reset()
        for given in parts:
            for side in _list_sides(trial, given)[trial.spec.pairs or trial.spec.paths :]:
                _feed_side(trial, metric, side, given)


def _list_sides(trial: Trial, given: MetricInput) -> list[str]:
    return ["real", "fake", *(["held_out"] if trial.spec.held_out and given.held_out else [])]


def _measure(trial: Trial, metric: Any, parts: Iterable[MetricInput]) -> dict[str, float]:
    """Compute a metric's values as the engine does."""
    with seeded(0), torch.no_grad():
        _feed(trial, metric, parts)
        values: dict[str, float] = metric.compute()
    return values


def _require_same(first: Mapping[str, float], second: Mapping[str, float], one: str, other: str) -> None:
    require(first.keys() == second.keys(), f"It computed {sorted(first)} {one}, and {sorted(second)} {other}.")
    for name in first:
        close = abs(first[name] - second[name]) <= TOLERANCE * max(1.0, abs(first[name]))
        require(close, f"{name!r} is {first[name]:.6g} {one}, and {second[name]:.6g} {other}.")
