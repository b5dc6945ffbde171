"""Who is told of a run besides whoever started it: its own files, trackers, and the diagnoses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.engine.events import Events, Finish, Grid, Measurement, NewVerdict, Note, Start, Tick
from ganzoo.health.diagnose import Diagnosis, Row, build_diagnoses, diagnose
from ganzoo.plugin import DataInfo
from ganzoo.registry import registry
from ganzoo.registry.installed import describe_error
from ganzoo.runs import words
from ganzoo.runs.run import Run


def subscribe(events: Events, run: Run, data: DataInfo, trackers: Mapping[str, Any]) -> None:
    """Let all that belongs to a run hear of it: its statistics and its log, then trackers, then installed diagnoses."""
    events.subscribe("statistics", Statistics(run), file=True)
    events.subscribe("log", Log(run), file=True)
    for name, tracker in trackers.items():
        events.subscribe(f"tracker {name!r}", TrackerAdapter(tracker))
    doctor = Doctor(events)
    doctor.diagnoses = build_diagnoses(registry(), data, doctor.leave_out)
    if doctor.diagnoses:
        events.subscribe("doctor", doctor)


class Log:
    """Writes ``log.txt``: all that a person would have seen, and how it ended."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def note(self, event: Note) -> None:
        """Write a line."""
        self.run.log(event.line)

    def tick(self, event: Tick) -> None:
        """Write the tick in words."""
        self.run.log(words.describe_tick(event.row, event.total))

    def measured(self, event: Measurement) -> None:
        """Write the values in words."""
        self.run.log(words.describe_metrics(event.images, event.words))

    def verdict(self, event: NewVerdict) -> None:
        """Write what a diagnosis says."""
        self.run.log(words.describe_verdict(event.verdict))

    def finish(self, event: Finish) -> None:
        """Write what ended it."""
        if event.error:
            self.run.log(event.error)


class Statistics:
    """Writes ``stats.jsonl``."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def tick(self, event: Tick) -> None:
        """Add a row."""
        self.run.add_stats(event.row)

    def measured(self, event: Measurement) -> None:
        """Add a row of the values."""
        self.run.add_stats({"images": event.images, **event.values})


class TrackerAdapter:
    """Hands a tracker what its contract says.

    Args:
        tracker: Has ``start(run)``, ``log(images, scalars)``, ``grid(images, path)`` and ``finish(status)``.
    """

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker

    def start(self, event: Start) -> None:
        """Say that the run starts, or goes on."""
        self.tracker.start(event.run)

    def tick(self, event: Tick) -> None:
        """Hand over what updates measured."""
        self.tracker.log(event.images, event.stats)

    def measured(self, event: Measurement) -> None:
        """Hand over what metrics measured."""
        self.tracker.log(event.images, event.values)

    def grid(self, event: Grid) -> None:
        """Hand over a picture."""
        self.tracker.grid(event.images, event.path)

    def finish(self, event: Finish) -> None:
        """Say how it ended."""
        self.tracker.finish(event.status)


class Doctor:
    """Asks the diagnoses at each tick, and tells each verdict once, and once more where it became worse or better.

    Args:
        events: Where verdicts are told.

    Attributes:
        diagnoses: By name; one that fails is left out from then on.
    """

    def __init__(self, events: Events) -> None:
        self.events = events
        self.recipe: Mapping[str, Any] = {}
        self.diagnoses: dict[str, Diagnosis] = {}
        self.rows: list[Row] = []
        self.said: dict[str, str] = {}  # the severity that was told last, by code

    def start(self, event: Start) -> None:
        """Take up the recipe, and what a run that goes on measured before."""
        self.recipe, self.rows = event.run.recipe(), [*event.run.rows()]

    def measured(self, event: Measurement) -> None:
        """Keep the values; they are looked at with the next tick."""
        self.rows.append({"images": event.images, **event.values})

    def tick(self, event: Tick) -> None:
        """Tell what is new."""
        self.rows.append(event.row)
        for verdict in diagnose(dict(self.diagnoses), self.rows, self.recipe, self.leave_out):
            if self.said.get(verdict.code) != verdict.severity:
                self.said[verdict.code] = verdict.severity
                self.events.emit(NewVerdict(event.images, verdict))

    def leave_out(self, name: str, error: Exception) -> None:
        """Tell that a diagnosis failed, and ask it no more."""
        self.diagnoses.pop(name, None)
        self.events.note(f"diagnosis {name!r} failed and is left out from here on: {describe_error(error)}")
