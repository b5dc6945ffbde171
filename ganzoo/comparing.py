"""Several runs side by side, grouped by their settings: scores over the seeds, speed, memory and stability.

`ganzoo compare` calls `compare`. Only files of the runs are read; torch is not imported.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt, GanzooError, UsageError, suggest_names
from ganzoo.evaluate.compare import find_best, find_regressions, is_better
from ganzoo.package.config import read_config
from ganzoo.plugin import Metric
from ganzoo.plugin.measuring import get_direction
from ganzoo.recipe.table import SEED
from ganzoo.registry import registry
from ganzoo.runs import run as runs
from ganzoo.runs.display import read_last_values
from ganzoo.runs.run import Run
from ganzoo.runs.scores import ignore_seeds, mark_scores
from ganzoo.runs.settings import find_differences, list_settings
from ganzoo.runs.sweeps import find_sweep


@dataclass(frozen=True)
class MeasuredRun:
    """What is compared of one run.

    Args:
        run: The run that was read.
        settings: Its settings by key, without the seed.
        seed: Its seed, as text.
        values: The last value of each ``METRIC/KEY``; those of ``ganzoo evaluate`` replace those of the training.
        scores: The stored scores of these values, with their fingerprints.
        regressed: The names whose last value in the training is more than 1.5 times worse than the best one.
        tracked: The names that were measured during the training.
        speed: Images per second, the median over the training; None if nothing was written.
        memory: The most memory, in bytes; None if nothing was written.
    """

    run: Run
    settings: Mapping[str, str]
    seed: str
    values: Mapping[str, float]
    scores: Mapping[str, Mapping[str, Any]]
    regressed: frozenset[str]
    tracked: frozenset[str]
    speed: float | None
    memory: float | None


@dataclass(frozen=True)
class Score:
    """A metric over the seeds of a group.

    Args:
        mean: The mean of the last values.
        worst: The worst one; None if neither lower nor higher values are better.
        stable: The share of seeds whose last value is within 1.5 times the best one of its training; None if no value
            was measured during the training.
        num: The number of seeds that have a value.
        mark: What tells values that cannot be compared apart: ``(a)``; empty if all can be.
    """

    mean: float
    worst: float | None
    stable: float | None
    num: int
    mark: str = ""


@dataclass(frozen=True)
class Group:
    """The runs whose settings differ in nothing but the seed.

    Args:
        differing: The settings whose values differ between groups; None where a group lacks the setting.
        runs: The names of the runs' directories.
        seeds: The seed of each run, as text.
        num_finished: The number of finished runs.
        scores: A score for each ``METRIC/KEY``.
        speed: Images per second, the mean of the runs.
        memory: The most memory of a run, in bytes.
    """

    differing: Mapping[str, str | None]
    runs: Sequence[str]
    seeds: Sequence[str]
    num_finished: int
    scores: Mapping[str, Score]
    speed: float | None
    memory: float | None


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, the best first.

    Args:
        groups: The groups, by the mean of the first score that has a direction.
        notes: Lines on values that cannot be compared.
        runs: All runs that were compared.
    """

    groups: Sequence[Group]
    notes: Sequence[str]
    runs: Sequence[Run] = ()

    def list_names(self) -> list[str]:
        """Return the names of all scores, in their order."""
        return list(dict.fromkeys(name for group in self.groups for name in group.scores))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row for each group by column: settings, seeds, scores, speed and memory. What is missing is None."""
        return [self._make_row(group) for group in self.groups]

    def _make_row(self, group: Group) -> dict[str, Any]:
        row: dict[str, Any] = {**group.differing, "seeds": len(group.runs), "finished": group.num_finished}
        for name in self.list_names():
            score = group.scores.get(name)
            row |= {name: score and score.mean, f"{name} worst": score and score.worst}
            row |= {f"{name} stable": score and score.stable, f"{name} mark": score.mark if score else ""}
        return {**row, "images_per_second": group.speed, "memory": group.memory, "runs": " ".join(group.runs)}

    def to_csv(self) -> str:
        """Return the rows as CSV, with a header."""
        rows, text = self.to_rows(), io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
        return text.getvalue()

    def __str__(self) -> str:
        return self.to_csv()


def compare(*what: int | str | os.PathLike[str] | Run | Iterable[Run], metric: str | None = None) -> Comparison:
    """Compare runs: scores as mean and worst seed, speed, memory and stability, grouped by settings without the seed.

    Args:
        what: Runs, as objects, paths, names or numbers; lists of runs; and folders of runs, such as that of a sweep.
        metric: A metric, or a ``METRIC/KEY``, to compare alone; by default all that were measured.

    Raises:
        ganzoo.GanzooError: There is no such run, or its recipe is damaged.
    """
    found = {run.path.resolve(): run for each in what for run in _find_runs(each)}
    measured = [measure_run(run) for run in found.values()]
    names = list(dict.fromkeys(name for each in measured for name in each.values))
    if metric is not None:
        chosen = [name for name in names if metric in (name, name.partition("/")[0])]
        if not chosen:
            hint = suggest_names(metric, [*names, *(name.partition("/")[0] for name in names)])
            hint = hint or f"; they measured {', '.join(names) or 'nothing: add --metric NAME to `ganzoo train`'}"
            raise UsageError(f"no run measured {metric!r}{hint}")
        names = chosen
    return _group(measured, names)


def _find_runs(what: int | str | os.PathLike[str] | Run | Iterable[Run]) -> list[Run]:
    """Return the runs that an argument means."""
    if isinstance(what, Run):
        return [what]
    if not isinstance(what, (int, str, os.PathLike)):
        return list(what)
    text = os.fspath(what) if isinstance(what, os.PathLike) else str(what)
    if sweep := find_sweep(text):
        return sweep.runs
    inside = runs.list_runs(Path(text)) if not (Path(text) / "recipe.json").is_file() else []
    return inside or [runs.find_run(text)]


def measure_run(run: Run) -> MeasuredRun:
    """Return what is compared of a run.

    Raises:
        Corrupt: Its recipe is damaged.
    """
    try:
        settings = list_settings(run.recipe())
    except Corrupt as error:
        raise Corrupt(f"run {run.path}: {error}") from None
    seed = settings.pop(SEED, "")
    values, rows = read_last_values(run), run.rows()
    scores = find_scores(run, values)
    regressed = find_regressed(run, values) if values else {}
    evaluated = {str(score["name"]): score for each in run.evaluations() for score in _list_scores(each)}
    ticks = [row for row in rows if "images_per_second" in row]
    return MeasuredRun(
        run=run,
        settings=settings,
        seed=seed,
        values={**values, **{name: float(score["value"]) for name, score in evaluated.items()}},
        scores={**{name: {"name": name, **scores.get(name, {})} for name in values}, **evaluated},
        regressed=frozenset(regressed),
        tracked=frozenset(values),
        speed=statistics.median(row["images_per_second"] for row in ticks) if ticks else None,
        memory=max((row["memory"] for row in ticks if row.get("memory") is not None), default=None),
    )


def _list_scores(evaluation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the scores of a stored evaluation that have a name and a value."""
    stored = evaluation.get("scores")
    scores = stored if isinstance(stored, list) else []
    return [each for each in scores if isinstance(each, dict) and {"name", "value"} <= each.keys()]


def collect_directions() -> dict[str, str]:
    """Return whether lower or higher values of the installed metrics are better, by ``METRIC/KEY``."""
    specs = [entry.spec for entry in registry().components("metric")]
    return {f"{spec.name}/{key}": way for spec in specs if isinstance(spec, Metric) for key, way in spec.better.items()}


def find_scores(run: Run, values: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Return the stored scores of a run's last values, with their fingerprints, by ``METRIC/KEY``."""
    found: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(GanzooError):
        for entry in read_config(run.package).metrics if values else ():
            if entry["name"] in values and (entry["name"] not in found or entry["value"] == values[entry["name"]]):
                found[entry["name"]] = dict(entry)
    return found


def find_regressed(run: Run, values: Mapping[str, float]) -> dict[str, float]:
    """Return the best values of a run that are much better than its last ones, by ``METRIC/KEY``."""
    better = collect_directions()
    return find_regressions(values, find_best(run.rows(), better), better)


# ----------------------------------------------------------------------------
# Groups.


def _group(measured: Sequence[MeasuredRun], names: Sequence[str]) -> Comparison:
    """Return the groups of runs with equal settings, the best first."""
    together: dict[tuple[tuple[str, str], ...], list[MeasuredRun]] = {}
    for each in measured:
        together.setdefault(tuple(sorted(each.settings.items())), []).append(each)
    columns = find_differences([members[0].settings for members in together.values()])
    differing = {key: column for key, column in columns.items() if len({*column} - {None}) > 1}  # no option of one loss
    better = collect_directions()
    shown = [(each, name) for each in measured for name in names if name in each.values]
    marks, notes = mark_scores(ignore_seeds([each.scores[name] for each, name in shown]))
    marked = {(each.run.path, name): mark for (each, name), mark in zip(shown, marks, strict=True)}
    groups = [
        _make_group(members, {key: column[index] for key, column in differing.items()}, names, better, marked)
        for index, members in enumerate(together.values())
    ]
    first = next((name for name in names if get_direction(name, better) in ("lower", "higher")), None)
    if first is not None:
        sign = 1 if get_direction(first, better) == "lower" else -1
        groups.sort(key=lambda group: sign * group.scores[first].mean if first in group.scores else float("inf"))
    return Comparison(groups, notes, [each.run for each in measured])


def _make_group(
    members: Sequence[MeasuredRun], differing: Mapping[str, str | None], names: Sequence[str],
    better: Mapping[str, str], marked: Mapping[tuple[Path, str], str],
) -> Group:  # fmt: skip
    scores = {}
    for name in names:
        having = [each for each in members if name in each.values]
        if having:
            marks = list(dict.fromkeys(marked[each.run.path, name] for each in having))
            scores[name] = _summarise(name, having, get_direction(name, better), "".join(marks))
    speeds = [each.speed for each in members if each.speed is not None]
    return Group(
        differing=differing,
        runs=[each.run.path.name for each in members],
        seeds=[each.seed for each in members],
        num_finished=sum(each.run.finished for each in members),
        scores=scores,
        speed=statistics.fmean(speeds) if speeds else None,
        memory=max((each.memory for each in members if each.memory is not None), default=None),
    )


def _summarise(name: str, having: Sequence[MeasuredRun], direction: str, mark: str) -> Score:
    """Return the score of a metric over runs that have a value of it."""
    values = [each.values[name] for each in having]
    worst = None
    if direction in ("lower", "higher"):
        worst = values[0]
        for value in values:
            worst = value if is_better(worst, value, direction) else worst
    tracked = [each for each in having if name in each.tracked]
    stable = (
        sum(name not in each.regressed for each in tracked) / len(tracked) if tracked and worst is not None else None
    )
    return Score(statistics.fmean(values), worst, stable, len(values), mark)
