"""``ganzoo runs``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import common_options, note, print_json
from ganzoo.cli.tables import print_table
from ganzoo.comparing import find_regressed, find_scores
from ganzoo.errors import GanzooError
from ganzoo.plugin import Dataset
from ganzoo.registry import registry
from ganzoo.runs import run as runs
from ganzoo.runs.display import format_value, read_last_values
from ganzoo.runs.run import Run
from ganzoo.runs.scores import mark_scores

HEAD = ("run", "images", "of", "status", "dataset", "loss", "seed", "last value", "last change")
LESS_IMPORTANT = ("seed", "loss", "dataset", "of")  # a run's name has the loss and the dataset, unless it was chosen


@click.command("runs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(as_json: bool) -> None:
    """List the runs in ./runs (or $GANZOO_RUNS): images seen, length, status, dataset, loss, seed, the last value of
    the metric, and the time of the last change.

    With several metrics the value is the one of train.best, or else the first; --json prints all.
    """
    facts = [_collect_facts(run) for run in runs.list_runs()]
    if as_json:
        print_json(facts)
        return
    if not facts:
        click.echo(f"no runs in {runs.get_root()}/", err=True)
        return
    shown = [(run, key) for run in facts if (key := _choose_value(run))]
    marks, lines = mark_scores([{**run["scores"].get(key, {}), "name": key} for run, key in shown])
    marked = iter(marks)
    rows = [_make_row(run, next(marked) if _choose_value(run) else "") for run in facts]
    print_table([HEAD, *rows], optional=[HEAD.index(name) for name in LESS_IMPORTANT])
    for line in lines:
        note(line)


def _choose_value(facts: dict[str, Any]) -> str:
    """Return the ``METRIC/KEY`` that the table shows of a run; empty if nothing was measured."""
    values = facts["values"]
    return facts["best"] if facts["best"] in values else next(iter(values), "")


def _make_row(facts: dict[str, Any], mark: str) -> tuple[str, ...]:
    """Return the cells of a run's line in the table."""
    values, key = facts["values"], _choose_value(facts)
    last = f"{key} {format_value(values[key])}" if key else ""
    last += f" (best {format_value(facts['regressed'][key])})" if key in facts["regressed"] else ""
    last = f"{last} {mark}".strip()
    named = tuple(str(facts[name]) for name in ("status", "dataset", "loss", "seed"))
    return (facts["run"], f"{facts['images']:,}", f"{facts['of']:,}", *named, last, facts["changed"])


def _collect_facts(run: Run) -> dict[str, Any]:
    """Return what is known about a run; a run with a damaged recipe is ``unreadable``."""
    try:
        length, described = run.length, _describe_recipe(run.recipe())
    except (GanzooError, OSError, KeyError, TypeError, AttributeError):
        length, described = 0, {"dataset": "", "loss": "", "seed": "", "best": None}
    rows = run.rows() if run.active else []
    images = rows[-1]["images"] if rows else run.images
    ended = 0 < length <= images or (length and run.early_end)
    status = "training" if run.active else "finished" if ended else "unfinished" if length else "unreadable"
    changed = datetime.fromtimestamp(run.changed).isoformat(sep=" ", timespec="minutes")
    values = read_last_values(run) if length else {}
    regressed = find_regressed(run, values) if values else {}
    told = {"run": run.path.name, "images": images, "of": length, "status": status}
    scores = find_scores(run, values)
    return {**told, **described, "values": values, "scores": scores, "regressed": regressed, "changed": changed}


def _describe_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a frozen recipe that tell runs apart. A dataset in a folder has the name of the folder."""
    stored = recipe["dataset"]
    opener = next((e.spec for e in registry().components("dataset") if e.qualified == stored["name"]), None)
    path = stored["options"].get(opener.path_option) if isinstance(opener, Dataset) and opener.opens_paths else None
    return {
        "dataset": Path(path).name if path else _get_bare_name(stored),
        "loss": _get_bare_name(recipe["loss"]),
        "seed": recipe["train"]["seed"],
        "best": recipe["train"].get("best"),
    }


def _get_bare_name(stored: dict[str, Any]) -> str:
    return str(stored["name"]).rpartition(":")[2]
