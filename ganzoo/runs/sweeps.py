"""The folder of a sweep: its runs, each found by the settings that it was started with, and why some of them failed.

Files:
    0000-lr-1e-4-seed-0-1a2b3c4d/: A run. Its name ends with the id of its settings.
    1a2b3c4d.txt: What the command of a run printed.
    sweep.json: The settings of all runs, by id, and the errors of those that failed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from ganzoo.errors import Conflict, GanzooError, UsageError
from ganzoo.plugin.files import write_atomic, write_errors_explained
from ganzoo.recipe.table import Cell
from ganzoo.runs.locks import lock, opened
from ganzoo.runs.run import Run, check_name, get_root, list_runs

FILE = "sweep.json"
State = Literal["new", "training", "unfinished", "failed", "finished"]


class Sweep:
    """The folder of a sweep.

    Args:
        path: The path of the folder; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stored: dict[str, dict[str, Any]] = {}  # settings and error, by id
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            stored = json.loads((path / FILE).read_text(encoding="utf-8"))["runs"]
            self.stored = {str(key): dict(value) for key, value in stored.items()}

    @property
    def runs(self) -> list[Run]:
        """The runs, oldest first."""
        return list_runs(self.path)

    def find_run(self, cell: Cell) -> Run | None:
        """Return the latest run with the settings of a cell; None if there is none."""
        found = [run for run in self.runs if run.path.name.endswith(f"-{cell.id}")]
        return found[-1] if found else None

    def get_error(self, cell: Cell) -> str:
        """Return why the run of a cell failed at the last try; empty if it did not."""
        return str(self.stored.get(cell.id, {}).get("error", ""))

    def get_state(self, cell: Cell) -> State:
        """Return how far the run of a cell is."""
        run = self.find_run(cell)
        if run is not None and run.active:
            return "training"
        with contextlib.suppress(GanzooError):
            if run is not None and run.finished:
                return "finished"
        return "failed" if self.get_error(cell) else "unfinished" if run else "new"

    def get_output(self, cell: Cell) -> Path:
        """Return the path of the file with what the command of a cell's run prints."""
        return self.path / f"{cell.id}.txt"

    def remember(self, cell: Cell, error: str = "") -> None:
        """Store the settings of a cell, and why its run failed; empty if it did not."""
        entry: dict[str, Any] = {"settings": dict(cell.settings)} | ({"error": error} if error else {})
        if self.stored.get(cell.id) != entry:
            self.stored[cell.id] = entry
            write_atomic(self.path / FILE, [json.dumps({"runs": self.stored}, indent=2).encode() + b"\n"])

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """A context that locks the sweep for this process.

        Raises:
            Conflict: Another process runs it.
        """
        with write_errors_explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / ".lock").touch()
        with opened(self.path / ".lock") as file:
            if not lock(file):
                raise Conflict(f"sweep {self.path} is being run by another process: wait for it or stop it first")
            yield


def make_sweep_path(name: str) -> Path:
    """Return the path of the folder of a sweep, in the folder of the runs.

    Raises:
        UsageError: The name is not that of a folder, or it is that of a run.
    """
    check_name(name)
    path = get_root() / name
    if not name.strip(".") or (path / "recipe.json").exists():
        raise UsageError(f"--name {name!r} cannot be the folder of a sweep: choose another name")
    return path


def choose_sweep_name(table: Path | None, cells: list[Cell]) -> str:
    """Return the name of a sweep that has none: that of its file, or else ``sweep-`` and what varies."""
    if table is not None:
        return re.sub(r"[^\w.+-]+", "-", table.stem)
    varied = dict.fromkeys(key.rpartition(".")[2] for cell in cells for key in cell.varied)
    return "-".join(["sweep", *varied])[:80]


def find_sweep(text: str | os.PathLike[str]) -> Sweep | None:
    """Return the sweep that a path or a name means; None if there is none."""
    for path in (Path(text), get_root() / text):
        if (path / FILE).is_file():
            return Sweep(path)
    return None


def describe_states(states: Mapping[State, int]) -> str:
    """Return how many runs are in each state, in words: ``3 finished, 2 new``."""
    order: tuple[State, ...] = ("finished", "training", "unfinished", "failed", "new")
    return ", ".join(f"{states[state]} {state}" for state in order if states.get(state))
