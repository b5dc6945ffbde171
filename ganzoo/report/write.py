"""Writing the report of one or several runs to a file: on request, and at the end of each run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin.files import write_atomic
from ganzoo.registry import registry
from ganzoo.report.facts import Facts, gather_facts
from ganzoo.report.page import make_state, write_page
from ganzoo.runs.run import Run, find_run

if TYPE_CHECKING:
    from ganzoo.engine.events import Finish, Start

SUFFIXES = (".html", ".htm")


def report(*runs: int | str | os.PathLike[str] | Run, out: str | os.PathLike[str] | None = None) -> Path:
    """Write the report of a run as one HTML page that needs no network; of several runs, one page that compares them.

    Args:
        runs: The runs, each as an object, path, name or number.
        out: The path of the page; by default ``report.html`` in the directory of the run, and for several runs in the
            current folder.

    Returns:
        The path of the page.

    Raises:
        ganzoo.GanzooError: A run does not exist or has a damaged recipe, or the page cannot be written.
    """
    if not runs:
        raise ValueError("report: give at least one run")
    found = unite_runs([run if isinstance(run, Run) else find_run(run) for run in runs])
    path = _choose_path(found, out)
    write_report([gather_facts(run, registry()) for run in found], path)
    return path


def write_report(runs: Sequence[Facts], path: Path) -> None:
    """Write the page of runs to a file."""
    write_atomic(path, [write_page(make_state(runs)).encode()])


def unite_runs(runs: Sequence[Run]) -> list[Run]:
    """Return the runs without those that were named twice."""
    found: dict[Path, Run] = {}
    for run in runs:
        found.setdefault(run.path.resolve(), run)
    return list(found.values())


def _choose_path(runs: Sequence[Run], out: str | os.PathLike[str] | None) -> Path:
    if out is None:
        return (runs[0].path if len(runs) == 1 else Path()) / "report.html"
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES or path.is_dir():
        raise UsageError(f"--out {out}: name a file that ends in .html")
    if not path.parent.is_dir():
        raise NotFound(f"--out {out}: the folder {path.parent} does not exist: create it first")
    return path


class RunReport:
    """Writes ``report.html`` when a run ends: finished, interrupted or failed. It subscribes to the run's events."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def start(self, event: Start) -> None:
        """Remember the run."""
        self.run = event.run

    def finish(self, event: Finish) -> None:
        """Write the report."""
        if self.run is not None:
            facts = gather_facts(self.run, registry(), event.status, event.error)
            write_report([facts], self.run.path / "report.html")
