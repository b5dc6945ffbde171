"""Rules on how the two networks move: D without a limit, and a game that runs in circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import advice
from ganzoo_diagnoses.options import LipschitzOptions, OscillationOptions
from ganzoo_diagnoses.reading import (
    LIMITS,
    TICKS,
    UNBOUNDED,
    Recipe,
    Row,
    find_episode,
    find_terms,
    find_warm_up,
    get_bare_name,
    get_norm_d,
    is_number,
    take_median,
)

PER_SAMPLE = ("r1", "r2", "wgan-gp", "zero-centred-gp", "max-gp", "dragan")  # penalties of single samples
WEIGHTS = ("gamma", "weight")


@dataclass(frozen=True)
class Lipschitz:
    """D must have a limited slope, and has none: a loss without a bound, or batch statistics under a penalty.

    Arjovsky, Chintala & Bottou 2017 (arXiv:1701.07875), section 3: D's gradient must be bounded. Gulrajani et al. 2017
    (arXiv:1704.00028), section 4: a penalty of each sample's gradient makes no sense if the batch is normalised, and
    keeps the norm near 1.
    """

    options: LipschitzOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if nothing limits D and its logits or weights grow, or if a penalty misses its target."""
        terms = find_terms(recipe, "reg")
        mixed = [name for name in terms if name in PER_SAMPLE]
        if mixed and get_norm_d(recipe) == "batch":
            return Verdict(
                code="lipschitz-violation",
                words=f"D normalises batches, so {mixed[0]} cannot penalise the gradient of one sample",
                evidence={"batchnorm": 1.0},
                advice=advice.normalise_weights(recipe),
            )
        limited = any(_is_on(name, options) for name, options in terms.items())
        bounded = limited or get_norm_d(recipe) == "spectral" or recipe["arch"]["options"].get("spectral_d", False)
        if get_bare_name(recipe["loss"]) in UNBOUNDED and not bounded:
            return self._judge_growth(rows, recipe)
        return self._judge_target(rows, recipe, terms.get("wgan-gp", {})) if "wgan-gp" in terms else None

    def _judge_growth(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D's logits or weights grew since the first tick."""
        first: dict[str, float] = {}
        for row in rows[: 20 * TICKS]:
            sizes = _measure_sizes(row)
            first |= {key: value for key, value in sizes.items() if key not in first and value > 0}
        if not first:
            return None

        def grew(row: Row) -> bool:
            sizes = _measure_sizes(row)
            return any(value > self.options.growth * first[key] for key, value in sizes.items() if key in first)

        found = find_episode(rows, ("real", "fake"), grew)
        if not found:
            return self._judge_slope(rows, recipe)
        last = _measure_sizes(found[-1])
        key = max(last, key=lambda each: last[each] / first.get(each, float("inf")))
        what = {"logit": "D's logits", "norm_d": "D's weights", "slope": "D's gradient"}[key]
        return Verdict(
            code="lipschitz-violation",
            words=f"{what} grew {last[key] / first[key]:,.0f}-fold, because nothing limits the slope of D",
            since=found[0]["images"],
            evidence={key: last[key], f"{key}_first": first[key]},
            advice=self._list_limits(recipe),
        )

    def _judge_slope(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D's gradient is larger than that of a D whose slope is limited to 1."""
        key, high = "input_gradient", self.options.high
        found = find_episode(
            rows, (key,), lambda row: row[key] > high, ends=lambda row: row[key] < 0.8 * high,
            start=find_warm_up(recipe),
        )  # fmt: skip
        if not found:
            return None
        slope = take_median(found, key)
        return Verdict(
            code="lipschitz-violation",
            words=f"the norm of D's gradient is {slope:.2g}, and nothing keeps it at 1, as the loss needs",
            since=found[0]["images"],
            evidence={key: slope},
            advice=self._list_limits(recipe),
        )

    def _judge_target(self, rows: Sequence[Row], recipe: Recipe, options: Mapping[str, Any]) -> Verdict | None:
        """Return a verdict if the penalty says that D's gradient is far from its target 1."""
        weight, key = options.get("weight"), "reg.wgan-gp/d"
        if not is_number(weight) or options.get("target") != 1:
            return None
        low, high = self.options.low, self.options.high

        def is_far(row: Row) -> bool:  # the penalty is weight * E (norm - 1)^2
            miss = (max(row[key], 0.0) / weight) ** 0.5
            return bool(miss > (high - 1 if row.get("input_gradient", 1.0) > 1 else 1 - low))

        found = find_episode(rows, (key,), is_far, start=find_warm_up(recipe)) if weight else []
        if not found:
            return None
        miss = (take_median(found, key) / float(weight or 1)) ** 0.5
        return Verdict(
            code="lipschitz-violation",
            words=f"the norm of D's gradient misses its target 1 by {miss:.2g}",
            since=found[0]["images"],
            evidence={"miss": miss},
            advice=(*advice.scale_penalties(recipe, 4), *advice.change_rate(recipe, "d", 0.5)),
        )

    def _list_limits(self, recipe: Recipe) -> tuple[str, ...]:
        if "wgan-gp" in find_terms(recipe, "reg"):
            return ("reg.wgan-gp.weight=10", *advice.change_rate(recipe, "d", 0.5))
        if get_norm_d(recipe) == "batch":  # the usual penalty refuses it
            return (*advice.normalise_weights(recipe), *advice.change_rate(recipe, "d", 0.5))
        return ("--reg wgan-gp", *advice.change_rate(recipe, "d", 0.5))


def _is_on(name: str, options: Mapping[str, Any]) -> bool:
    """Return whether a term limits D's slope; one of weight 0 does not."""
    return name in LIMITS and all(options.get(key) != 0 for key in WEIGHTS)


def _measure_sizes(row: Row) -> dict[str, float]:
    sizes = {"norm_d": row.get("norm_d", 0.0), "slope": row.get("input_gradient", 0.0)}
    if "real" in row and "fake" in row:  # below 1 logits are those of a network that has not learned
        sizes["logit"] = max(1.0, abs(row["real"] - row["fake"]), row.get("real_std", 0.0))
    return sizes


@dataclass(frozen=True)
class Oscillation:
    """The networks move much and get nowhere, and D's gap changes its sign: they turn around an equilibrium.

    Mescheder, Geiger & Nowozin 2018 (arXiv:1801.04406), section 2: without a penalty gradient descent turns around the
    equilibrium, and a zero-centred penalty makes it converge.
    """

    options: OscillationOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D's path was inefficient in the last probes while its gap changed its sign."""
        start = find_warm_up(recipe)
        found = find_episode(
            rows, ("travel_d",), lambda row: row["travel_d"] < self.options.efficiency,
            ends=lambda row: row["travel_d"] > 2 * self.options.efficiency, start=start,
        )  # fmt: skip
        if not found:
            return None
        ticks = [row for row in rows[-200:] if {"real", "fake"} <= row.keys() and row["images"] >= start]
        signs = [row["real"] > row["fake"] for row in ticks]
        flips = sum(a != b for a, b in pairwise(signs)) / max(1, len(signs) - 1)
        if flips < self.options.flips:
            return None
        travel = take_median(found, "travel_d")
        return Verdict(
            code="oscillation",
            words=f"D's weights moved {1 / max(travel, 1e-6):,.0f} times as far as they got, and its gap changes its "
            f"sign at {flips:.0%} of the ticks",
            since=found[0]["images"],
            evidence={"travel_d": travel, "flips": flips},
            advice=(*advice.limit_d(recipe), *advice.change_rate(recipe, "g", 0.5)),
        )
