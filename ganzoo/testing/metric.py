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
from ganzoo.plugin.specs import direction_of
from ganzoo.testing.building import built
from ganzoo.testing.checks import Skip, Trial, require, usable
from ganzoo.testing.examples import accepted, hold_to_declining, labels_of, samples
from ganzoo.testing.guards import generators, moved

NUM = 96  # samples of each side
FEATURES, CLASSES = 5, 4  # of the extractor that the kit stands in for
TOLERANCE = 1e-4  # relative to a value above 1


def computes_numbers(trial: Trial) -> None:
    """`compute` returns a dict of finite floats by name."""
    with usable():
        info = _taken(trial)
    metric = _built(trial, info)
    _feed(trial, metric, [_shown(trial, info)])
    with usable():
        values = metric.compute()
        require(isinstance(values, dict) and values, f"It returned {values!r}, not a dict of them.")
        for name, value in values.items():
            require(isinstance(name, str), f"It named a value {name!r}.")
            require(isinstance(value, float | int), f"{name!r} is {type(value).__name__}: make it a float.")
            require(math.isfinite(value), f"{name!r} is {value}.")


def says_what_is_better(trial: Trial) -> None:
    """The spec's `better` says of each value whether a lower or a higher one is better, or neither; and of no other."""
    info, better = _taken(trial), trial.spec.better
    values = _measure(trial, _built(trial, info), [_shown(trial, info)])
    silent = [name for name in values if not direction_of(name, better)]
    way_out = f"declare them, better={dict.fromkeys(silent, 'lower')} say"
    require(not silent, f"It says nothing of {', '.join(silent)}: {way_out}.")
    idle = [pattern for pattern in better if not any(name == pattern or fnmatchcase(name, pattern) for name in values)]
    require(not idle, f"It names {', '.join(idle)}, and measured {', '.join(values)}.")


def streams(trial: Trial) -> None:
    """Samples that come in batches of any sizes count as if they came at once."""
    if trial.spec.reads == "statistics":
        raise Skip("it reads statistics, which come once")
    info = _taken(trial)
    metric, shown = _built(trial, info), _shown(trial, info)
    whole = _measure(trial, metric, [shown])
    cuts = (0, 1, 8, NUM // 3, NUM)
    parts = [shown.part(start, end) for start, end in pairwise(cuts)]
    words = f"in batches of 1, 7, {cuts[3] - 8} and {NUM - cuts[3]}"
    _require_same(whole, _measure(trial, metric, parts), "at once", words)


def resets(trial: Trial) -> None:
    """After `reset` nothing of what came before counts: it is measured many times in a run."""
    info = _taken(trial)
    metric, shown = _built(trial, info), _shown(trial, info)
    first = _measure(trial, metric, [shown])
    _feed(trial, metric, [_shown(trial, info, seed=7).changed(lambda side: side * 0.3 + 0.2)])
    _require_same(first, _measure(trial, metric, [shown]), "at first", "after other samples and a reset")


def same_answer_twice(trial: Trial) -> None:
    """`compute` changes nothing: called again it gives the same."""
    info = _taken(trial)
    metric = _built(trial, info)
    first = _measure(trial, metric, [_shown(trial, info)])
    with seeded(0):
        again = metric.compute()
    _require_same(first, again, "at first", "when called again")


def order_of_sides_is_free(trial: Trial) -> None:
    """Real and generated samples may come in either order, or by turns."""
    if trial.spec.pairs:
        raise Skip("it takes pairs")
    info = _taken(trial)
    metric, shown = _built(trial, info), _shown(trial, info)
    first = _measure(trial, metric, [shown])
    with torch.no_grad():
        metric.reset()
        for side in ("fake", "real"):
            _give(trial, metric, side, shown)
        _require_same(first, metric.compute(), "with real first", "with fake first")
    if trial.spec.reads != "statistics":
        turns = _measure(trial, metric, [shown.part(0, NUM // 2), shown.part(NUM // 2, NUM)])
        _require_same(first, turns, "with real first", "by turns")


def batches_unchanged(trial: Trial) -> None:
    """It leaves batches as they are: other metrics get the same."""
    info = _taken(trial)
    metric, shown = _built(trial, info), _shown(trial, info)
    before = shown.changed(Tensor.clone)
    _measure(trial, metric, [shown])
    for side in ("real", "fake"):
        for name, tensor in getattr(shown, side).items():
            num = int((tensor != getattr(before, side)[name]).sum())
            require(not num, f"It changed {num} numbers of the {side} batch in place.")


def takes_data_or_declines(trial: Trial) -> None:
    """Every kind of data is measured, or declined by a GanzooError of one sentence."""
    hold_to_declining(trial, lambda info: _measure(trial, _built(trial, info), [_shown(trial, info)]))


def repeats_itself(trial: Trial) -> None:
    """Built twice and given the same it measures the same, and draws from no generator but torch's."""
    info = _taken(trial)
    shown, before = _shown(trial, info), generators()
    one, other = (_measure(trial, _built(trial, info), [shown]) for _ in range(2))
    _require_same(one, other, "at first", "when built again")
    others = [name for name in moved(before) if not name.startswith("torch")]
    require(not others, f"It drew from {' and '.join(others)}.")


def measured(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return the values that a case is about."""
    metric = built(trial, case.given.get("data"), **case.options)
    name = "samples" if trial.spec.reads == "samples" else "features"
    sides = [side if isinstance(side, Mapping) else {name: side} for side in (case.given["real"], case.given["fake"])]
    return _measure(trial, metric, [Shown(sides[0], sides[1], case.given.get("labels"))])


# ----------------------------------------------------------------------------
# Measuring.


@dataclass(frozen=True)
class Shown:
    """What a metric is shown: tensors by name of either side (``samples``, or what an extractor gives), and labels."""

    real: Mapping[str, Tensor]
    fake: Mapping[str, Tensor]
    labels: Tensor | None

    def part(self, start: int, end: int) -> Shown:
        """Return some of the samples."""
        labels = None if self.labels is None else self.labels[start:end]
        return replace(self.changed(lambda side: side[start:end]), labels=labels)

    def changed(self, change: Callable[[Tensor], Tensor]) -> Shown:
        """Return other samples with the same labels."""
        real, fake = ({name: change(each) for name, each in side.items()} for side in (self.real, self.fake))
        return replace(self, real=real, fake=fake)


def _shown(trial: Trial, info: DataInfo, seed: int = 0) -> Shown:
    """Return real and generated samples, ``[NUM, *shape]`` each, that differ; or features of such."""
    if trial.spec.reads == "samples":
        real, fake = ({"samples": samples(info, NUM, seed + side)} for side in (0, 1))
    else:
        rows = [samples(DataInfo(shape=(FEATURES + CLASSES,), modality="points"), NUM, seed + side) for side in (0, 1)]
        real, fake = ({"features": each[:, :FEATURES], "probabilities": each[:, FEATURES:].softmax(1)} for each in rows)
    labels = labels_of(_labelled(trial, info), NUM)
    first = next(iter(fake))
    return Shown(real, {**fake, first: fake[first] * 0.8 + 0.1}, labels)


def _labelled(trial: Trial, info: DataInfo) -> DataInfo:
    """Return the data, with classes where the metric asks for labels and there are none."""
    wanted = (trial.spec.pairs or trial.spec.labels) and not info.labelled
    return replace(info, num_classes=CLASSES) if wanted else info


def _built(trial: Trial, info: DataInfo) -> Any:
    return built(trial, _labelled(trial, info))


def _taken(trial: Trial) -> DataInfo:
    return next(accepted(trial, lambda info: _feed(trial, _built(trial, info), [_shown(trial, info)])))


def _give(trial: Trial, metric: Any, side: str, shown: Shown) -> None:
    """Hand a metric one side as its spec says, or the pairs."""
    real, fake = (_as_read(trial, each) for each in (shown.real, shown.fake))
    if trial.spec.pairs:
        metric.pair(real, fake, shown.labels)
        return
    more = (shown.labels,) if trial.spec.labels else ()
    getattr(metric, side)(real if side == "real" else fake, *more)


def _as_read(trial: Trial, side: Mapping[str, Tensor]) -> Any:
    if trial.spec.reads == "samples":
        return side["samples"]
    if trial.spec.reads == "features":
        return dict(side)
    statistics = Statistics()
    statistics.add(side["features"])
    return statistics


def _feed(trial: Trial, metric: Any, parts: Iterable[Shown]) -> None:
    """Show a metric samples as the engine does."""
    with torch.no_grad():
        metric.reset()
        for shown in parts:
            for side in ("real", "fake")[trial.spec.pairs :]:
                _give(trial, metric, side, shown)


def _measure(trial: Trial, metric: Any, parts: Iterable[Shown]) -> dict[str, float]:
    """Measure as the engine does."""
    with seeded(0), torch.no_grad():
        _feed(trial, metric, parts)
        values: dict[str, float] = metric.compute()
    return values


def _require_same(first: Mapping[str, float], second: Mapping[str, float], one: str, other: str) -> None:
    require(first.keys() == second.keys(), f"It gave {sorted(first)} {one}, {sorted(second)} {other}.")
    for name in first:
        close = abs(first[name] - second[name]) <= TOLERANCE * max(1.0, abs(first[name]))
        require(close, f"{name!r} is {first[name]:.6g} {one}, {second[name]:.6g} {other}.")
