"""Checks of metrics."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.streams import seeded
from ganzoo.plugin import Case, DataInfo
from ganzoo.testing.building import built
from ganzoo.testing.checks import Trial, require, usable
from ganzoo.testing.examples import accepted, hold_to_declining, samples
from ganzoo.testing.guards import generators, moved

NUM = 96  # samples of each side
TOLERANCE = 1e-4  # relative to a value above 1


def computes_numbers(trial: Trial) -> None:
    """`compute` returns a dict of finite floats by name."""
    with usable():
        info = next(accepted(trial, lambda info: _feed(_told(trial, info), *_sides(info))))
    metric = _told(trial, info)
    _feed(metric, *_sides(info))
    with usable():
        values = metric.compute()
        require(isinstance(values, dict) and values, f"It returned {values!r}, not a dict of them.")
        for name, value in values.items():
            require(isinstance(name, str), f"It named a value {name!r}.")
            require(isinstance(value, float | int), f"{name!r} is {type(value).__name__}: make it a float.")
            require(math.isfinite(value), f"{name!r} is {value}.")


def streams(trial: Trial) -> None:
    """Samples that come in batches of any sizes count as if they came at once."""
    info = _taken(trial)
    metric, sides = _told(trial, info), _sides(info)
    whole = _measure(metric, [sides])
    cuts = (0, 1, 8, NUM // 3, NUM)
    parts = [tuple(side[start:end] for side in sides) for start, end in pairwise(cuts)]
    _require_same(whole, _measure(metric, parts), "at once", f"in batches of 1, 7, {cuts[3] - 8} and {NUM - cuts[3]}")


def resets(trial: Trial) -> None:
    """After `reset` nothing of what came before counts: it is measured many times in a run."""
    info = _taken(trial)
    metric, sides = _told(trial, info), _sides(info)
    first = _measure(metric, [sides])
    _feed(metric, *(side * 0.3 + 0.2 for side in _sides(info, seed=7)))
    _require_same(first, _measure(metric, [sides]), "at first", "after other samples and a reset")


def same_answer_twice(trial: Trial) -> None:
    """`compute` changes nothing: called again it gives the same."""
    info = _taken(trial)
    metric, sides = _told(trial, info), _sides(info)
    first = _measure(metric, [sides])
    with seeded(0):
        again = metric.compute()
    _require_same(first, again, "at first", "when called again")


def order_of_sides_is_free(trial: Trial) -> None:
    """Real and generated samples may come in either order, or by turns."""
    info = _taken(trial)
    metric, (real, fake) = _told(trial, info), _sides(info)
    with torch.no_grad():
        metric.reset()
        metric.real(real)
        metric.fake(fake)
        first = metric.compute()
        metric.reset()
        metric.fake(fake)
        metric.real(real)
        _require_same(first, metric.compute(), "with real first", "with fake first")
    half = NUM // 2
    turns = _measure(metric, [(real[:half], fake[:half]), (real[half:], fake[half:])])
    _require_same(first, turns, "with real first", "by turns")


def batches_unchanged(trial: Trial) -> None:
    """It leaves batches as they are: other metrics get the same."""
    info = _taken(trial)
    metric, sides = _told(trial, info), _sides(info)
    before = [side.clone() for side in sides]
    _measure(metric, [sides])
    for name, side, copy in zip(("real", "fake"), sides, before, strict=True):
        num = int((side != copy).sum())
        require(not num, f"It changed {num} numbers of the {name} batch in place.")


def keeps_no_graph(trial: Trial) -> None:
    """It keeps no graph of what it is given: the activations of a whole evaluation would fill the memory."""
    info = _taken(trial)
    metric, (real, fake) = _told(trial, info), _sides(info)
    metric.reset()
    metric.real(real)
    graph = fake.requires_grad_() * 1
    mark = _Mark()
    assert graph.grad_fn is not None
    graph.grad_fn.metadata["mark"] = mark  # type: ignore[index]
    held = weakref.ref(mark)
    metric.fake(graph)
    del graph, mark
    gc.collect()
    require(held() is None, "After `fake` the graph of the batch was still there: detach, or use torch.no_grad().")


def takes_data_or_declines(trial: Trial) -> None:
    """Every kind of data is measured, or declined by a GanzooError of one sentence."""
    hold_to_declining(trial, lambda info: _measure(_told(trial, info), [_sides(info)]))


def repeats_itself(trial: Trial) -> None:
    """Built twice and given the same it measures the same, and draws from no generator but torch's."""
    info = _taken(trial)
    sides, before = _sides(info), generators()
    one, other = (_measure(_told(trial, info), [sides]) for _ in range(2))
    _require_same(one, other, "at first", "when built again")
    others = [name for name in moved(before) if not name.startswith("torch")]
    require(not others, f"It drew from {' and '.join(others)}.")


def measured(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return the values that a case is about."""
    metric = _told(trial, case.given.get("data"), **case.options)
    return _measure(metric, [(case.given["real"], case.given["fake"])])


# ----------------------------------------------------------------------------
# Measuring.


class _Mark:
    """An object that can be referred to weakly."""


def _told(trial: Trial, data: DataInfo | None, **options: object) -> Any:
    """Return the metric, told what it is to measure where it asks."""
    metric = built(trial, data, **options)
    if hasattr(metric, "prepare") and data is not None:
        metric.prepare(data)
    return metric


def _taken(trial: Trial) -> DataInfo:
    return next(accepted(trial, lambda info: _measure(_told(trial, info), [_sides(info)])))


def _sides(info: DataInfo, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return real and generated samples, ``[NUM, *shape]`` each, that differ."""
    return samples(info, NUM, seed), samples(info, NUM, seed + 1) * 0.8 + 0.1


def _feed(metric: Any, real: Tensor, fake: Tensor) -> None:
    with torch.no_grad():
        metric.reset()
        metric.real(real)
        metric.fake(fake)


@torch.no_grad()
def _measure(metric: Any, parts: Iterable[tuple[Tensor, ...]]) -> dict[str, float]:
    """Measure as the engine does."""
    metric.reset()
    with seeded(0):
        for real, fake in parts:
            metric.real(real)
            metric.fake(fake)
        values: dict[str, float] = metric.compute()
    return values


def _require_same(first: Mapping[str, float], second: Mapping[str, float], one: str, other: str) -> None:
    require(first.keys() == second.keys(), f"It gave {sorted(first)} {one}, {sorted(second)} {other}.")
    for name in first:
        close = abs(first[name] - second[name]) <= TOLERANCE * max(1.0, abs(first[name]))
        require(close, f"{name!r} is {first[name]:.6g} {one}, {second[name]:.6g} {other}.")
