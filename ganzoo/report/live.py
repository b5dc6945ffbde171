"""The page of runs that are being trained, and the state that a browser asks for again and again."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ganzoo.errors import GanzooError
from ganzoo.registry import Registry
from ganzoo.report.facts import Facts, gather_facts
from ganzoo.report.markup import quote as quote_html
from ganzoo.report.media import SHOWN, UnreadableError
from ganzoo.report.page import make_state, write_page
from ganzoo.runs.run import Run

SOONEST = 2.0  # seconds between two looks at the files
COST = 0.05  # the largest share of a core's time that looking may take
MOST_FRAMES = 200  # of each run


@dataclass(frozen=True)
class Answer:
    """The state as JSON, a name for it that changes with it, and the seconds after which to ask again."""

    content: bytes
    tag: str
    wait: float


class LivePage:
    """What a browser is shown of some runs. The files are read again only if they changed, and not too often.

    Args:
        choose: Returns the runs to show. Runs that were shown stay, whatever it returns later.
        registry: The registry of the diagnoses.
    """

    def __init__(self, choose: Callable[[], Sequence[Run]], registry: Registry) -> None:
        self.choose, self.registry = choose, registry
        self.runs: list[Run] = []
        self._lock = threading.Lock()  # a browser asks for several things at once
        self._due = 0.0
        self._seen: object = None
        self._state: dict[str, Any] = {}
        self._answer = Answer(b"", "", SOONEST)

    def get_page(self) -> bytes:
        """Return the page as it is now."""
        with self._lock:
            self._look()
            return write_page(self._state, live=True).encode()

    def get_state(self) -> Answer:
        """Return the state as it is now."""
        with self._lock:
            self._look()
            return self._answer

    def find_file(self, index: str, name: str) -> Path | None:
        """Return the path of a file that shows samples of a run; None for any other name."""
        known = index.isdecimal() and int(index) < len(self.runs) and SHOWN.fullmatch(name)
        return self.runs[int(index)].path / name if known else None

    def _look(self) -> None:
        """Read the files of the runs if it is time and they changed."""
        begin = time.monotonic()
        if begin < self._due:
            return
        shown = {run.path.resolve() for run in self.runs}
        self.runs += [run for run in self.choose() if run.path.resolve() not in shown]
        seen = [_describe_files(run) for run in self.runs]
        if seen != self._seen or not self._state:
            self._seen, self._state = seen, self._make_state()
            content = json.dumps(self._state, allow_nan=False).encode()
            self._answer = Answer(content, hashlib.sha256(content).hexdigest()[:16], SOONEST)
        wait = max(SOONEST, (time.monotonic() - begin) / COST)
        self._answer = Answer(self._answer.content, self._answer.tag, wait)
        self._due = time.monotonic() + wait / 2

    def _make_state(self) -> dict[str, Any]:
        found: list[tuple[int, Facts]] = []
        lines: list[str] = []
        for index, run in enumerate(self.runs):
            try:
                found.append((index, gather_facts(run, self.registry)))
            except (GanzooError, OSError) as error:  # of a run that was removed, or has a damaged recipe
                lines.append(str(error))
        state = make_state([facts for _, facts in found], [partial(_link, index) for index, _ in found], MOST_FRAMES)
        state["sections"]["overview"] += "".join(f'<p class="note">{quote_html(line)}</p>' for line in lines)
        return state


def _link(index: int, path: Path) -> str:
    """Return the address of a file of a run, which changes with the file."""
    try:
        return f"file/{index}/{quote(path.name)}?{path.stat().st_mtime_ns}"
    except OSError:
        raise UnreadableError("is missing") from None


def _describe_files(run: Run) -> list[object]:
    """Return what changes if any file of a run changes that the page shows."""
    files = [run.stats_file, run.evaluations_file, run.recipe_file, run.path / "log.txt", run.package / "config.json"]
    samples = [path for path in sorted(run.path.glob("*.*")) if SHOWN.fullmatch(path.name)]
    return [run.active, [_describe_file(path) for path in (*files, *samples)]]


def _describe_file(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return path.name, found.st_size, found.st_mtime_ns
