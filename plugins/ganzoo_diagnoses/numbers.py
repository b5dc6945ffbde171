"""The rule on numbers that explode, or are not numbers any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import advice
from ganzoo_diagnoses.options import NumericOptions
from ganzoo_diagnoses.reading import TICKS, Recipe, Row

NAMES = {"loss_d": "D's loss", "loss_g": "G's loss", "real": "D(real)", "fake": "D(fake)"}
GRADIENTS = {"gradient_d": "D's gradient", "gradient_g": "G's gradient"}
HISTORY = 64  # rows whose median a gradient is compared with
KEYS = NAMES | GRADIENTS


@dataclass(frozen=True)
class NumericBlowup:
    """A loss, a logit or a gradient is not a number, is huge, or is suddenly much larger than it was."""

    options: NumericOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the last row is not finite, or if the last rows are too large. It needs no warm-up."""
        row = next((row for row in reversed(rows[-2 * TICKS :]) if KEYS.keys() & row.keys() or "diverged" in row), {})
        broken = [name for name in KEYS if not isfinite(row.get(name, 0.0))]
        if broken or row.get("diverged"):
            what = KEYS[broken[0]] if broken else "a number of the run"
            return self._report(f"{what} is not a finite number", row["images"], {}, recipe, lost=True)
        ticks = [row for row in rows[-2 * TICKS :] if NAMES.keys() & row.keys()][-TICKS:]
        sizes = {name: [abs(row[name]) for row in ticks if name in row] for name in NAMES}
        least = {name: min(values) for name, values in sizes.items() if len(values) == TICKS}
        name = max(least, key=lambda each: least[each], default="")
        if name and least[name] > self.options.warn:
            value = ticks[-1][name]
            lost = abs(value) > self.options.stop
            words = f"{NAMES[name]} is {value:.2g}, so the training diverges"
            return self._report(words, ticks[0]["images"], {name: value}, recipe, lost)
        return self._judge_gradients(rows, recipe)

    def _judge_gradients(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        for key, title in GRADIENTS.items():
            values = [(row["images"], row[key]) for row in rows[-HISTORY:] if key in row]
            before, now = values[:-TICKS], values[-TICKS:]
            usual = median(value for _, value in before) if len(before) >= TICKS else 0.0
            if usual > 0 and min(value for _, value in now) > self.options.gradient * usual:
                size = now[-1][1]
                words = f"{title} is {size / usual:,.0f} times as large as it was"
                return self._report(words, now[0][0], {key: size, "usual": usual}, recipe, lost=True)
        return None

    def _report(self, words: str, since: int, evidence: dict[str, float], recipe: Recipe, lost: bool) -> Verdict:
        todo = (*advice.change_rate(recipe, "d", 0.25), *advice.change_rate(recipe, "g", 0.25))
        if recipe["train"]["precision"] == "fp16":
            todo = ("train.precision=bf16", *todo)
        return Verdict(
            code="numeric-blowup",
            severity="stop" if lost else "warn",
            words=words,
            since=since,
            evidence=evidence,
            advice=todo,
        )
