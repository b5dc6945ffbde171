"""The rule on a measured score that was better before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import advice
from ganzoo_diagnoses.options import RegressionOptions
from ganzoo_diagnoses.reading import Recipe, Row, find_warm_up

LOWER = ("fd", "mind", "sliced-w2", "swd", "kid")  # distances, by the last part of their name
HIGHER = ("coverage", "density", "is", "vendi")


@dataclass(frozen=True)
class ScoreRegression:
    """A score is much worse than it was, in several measurements in a row: keep the best checkpoint.

    18 of 57 published logs of trainings on CIFAR-10, Tiny ImageNet and ImageNet (StudioGAN, arXiv:2206.09479) end at
    more than 1.5 times their best FID. Two measurements in a row find 17 of them.
    """

    options: RegressionOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the last scores are worse than the best one by a factor."""
        names = tuple(f"{entry['name'].rpartition(':')[2]}/" for entry in recipe["metric"])
        history: dict[str, list[tuple[float, float]]] = {}
        for row in rows if names else ():
            if "seconds" in row:  # a tick
                continue
            for key, value in row.items():
                if key.startswith(names) and value > 0:
                    history.setdefault(key, []).append((row["images"], value))
        start = find_warm_up(recipe)
        preferred = recipe["train"].get("best")
        for key in sorted(history, key=lambda key: key != preferred):
            if found := self._judge(key, [each for each in history[key] if each[0] >= start], recipe):
                return found
        return None

    def _judge(self, key: str, values: Sequence[tuple[float, float]], recipe: Recipe) -> Verdict | None:
        last, factor = self.options.evaluations, self.options.factor
        kind, metric = key.rpartition("/")[2], key.partition("/")[0]
        sign = -1 if kind in HIGHER else 1 if kind in LOWER or metric in LOWER else 0
        if not sign or len(values) <= last:
            return None
        best = min(values[:-last], key=lambda each: sign * each[1])
        worse = [(images, value) for images, value in values[-last:] if (value / best[1]) ** sign > factor]
        if len(worse) < last:
            return None
        now = worse[-1][1]
        keep = () if recipe["train"].get("best") == key else (f"train.best={key}",)
        return Verdict(
            code="score-regression",
            words=f"{key} is {now:.4g}, and was {best[1]:.4g} after {best[0]:,.0f} images",
            since=int(worse[0][0]),
            evidence={"now": now, "best": best[1]},
            advice=(*keep, *advice.change_rate(recipe, "g", 0.5), *advice.change_rate(recipe, "d", 0.5)),
        )
