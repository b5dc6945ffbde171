"""The subscribers of every run: its own files, trackers, and the diagnoses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.engine.doctor import Doctor
from ganzoo.engine.events import Events, Facts, Finish, Grid, Measurement, NewVerdict, Note, Rollback, Start, Tick
from ganzoo.health.diagnose import Row, build_diagnoses
from ganzoo.plugin import DataInfo
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.wants import find_warnings
from ganzoo.registry import registry
from ganzoo.runs import words
from ganzoo.runs.run import Run

ESTIMATE_AFTER = 5.0  # seconds of training, after the first tick, that the estimate of a run's time is measured in
WORTH_ESTIMATING = 60.0  # seconds; no estimate is reported for a shorter run


def subscribe(events: Events, run: Run, recipe: ResolvedRecipe, data: DataInfo, trackers: Mapping[str, Any]) -> None:
    """Subscribe the run's own files (statistics and log), its trackers, the estimate and the installed diagnoses."""
    events.subscribe("statistics", Statistics(run), file=True)
    events.subscribe("log", Log(run), file=True)
    for name, tracker in trackers.items():
        events.subscribe(f"tracker {name!r}", TrackerAdapter(tracker))
    events.subscribe("estimate", Estimate(events))
    doctor = Doctor(events, find_warnings(recipe, registry()))
    doctor.diagnoses = build_diagnoses(registry(), data, doctor.leave_out)
    if doctor.diagnoses or doctor.known:
        events.subscribe("doctor", doctor)


class Log:
    """Writes ``log.txt``: all lines that a user sees, and how the run ended."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def note(self, event: Note) -> None:
        """Write a line."""
        self.run.log(event.line)

    def tick(self, event: Tick) -> None:
        """Write the tick as a sentence."""
        self.run.log(words.describe_tick(event.row, event.total))

    def measured(self, event: Measurement) -> None:
        """Write the values in one line."""
        self.run.log(words.describe_metrics(event.images, event.words))

    def verdict(self, event: NewVerdict) -> None:
        """Write the verdict as a sentence."""
        self.run.log(words.describe_verdict(event.verdict))

    def finish(self, event: Finish) -> None:
        """Write the error that ended the run."""
        if event.error:
            self.run.log(event.error)


class Statistics:
    """Writes ``stats.jsonl``."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def tick(self, event: Tick) -> None:
        """Append the tick's row."""
        self.run.add_stats(event.row)

    def measured(self, event: Measurement) -> None:
        """Append a row of the values."""
        self.run.add_stats({"images": event.images, **event.values})

    def facts(self, event: Facts) -> None:
        """Append a row of the numbers."""
        self.run.add_stats({"images": event.images, **event.values})

    def rolled_back(self, event: Rollback) -> None:
        """Remove the rows after the checkpoint."""
        self.run.cut_stats(event.images)


class TrackerAdapter:
    """Turns events into the calls of a tracker's contract.

    Args:
        tracker: The tracker: ``start(run)``, ``log(images, scalars)``, ``grid(images, path)``, ``finish(status)``, and
            ``verdict(images, verdict)`` if it has that method.
    """

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker
        self.run: Run | None = None

    def start(self, event: Start) -> None:
        """Call `start`, for a new run or one that goes on."""
        self.run = event.run
        self.tracker.start(event.run)

    def rolled_back(self, event: Rollback) -> None:
        """Call `finish` and `start`: to a tracker the run was interrupted, and goes on from its checkpoint."""
        self.tracker.finish("interrupted")
        self.tracker.start(self.run)

    def tick(self, event: Tick) -> None:
        """Call `log` with the statistics of updates."""
        self.tracker.log(event.images, event.stats)

    def measured(self, event: Measurement) -> None:
        """Call `log` with the values of metrics."""
        self.tracker.log(event.images, event.values)

    def grid(self, event: Grid) -> None:
        """Call `grid` with the picture's path."""
        self.tracker.grid(event.images, event.path)

    def verdict(self, event: NewVerdict) -> None:
        """Call `verdict` with what a diagnosis found, if the tracker has that method."""
        if call := getattr(self.tracker, "verdict", None):
            call(event.images, event.verdict)

    def finish(self, event: Finish) -> None:
        """Call `finish` with the status."""
        self.tracker.finish(event.status)


class Estimate:
    """Reports once, early in a new run, how long the run takes and where its samples appear.

    The first tick does not count, because it contains compiling and warming up.

    Args:
        events: The run's events, to emit the line to.
    """

    def __init__(self, events: Events) -> None:
        self.events = events
        self.run: Run | None = None  # the run, until the line is reported; a run that goes on has no line
        self.first: Row | None = None  # the row of the first tick

    def start(self, event: Start) -> None:
        """Remember a new run."""
        self.run = None if event.images else event.run

    def rolled_back(self, event: Rollback) -> None:
        """Report nothing, because the speed cannot be measured across a rollback."""
        self.run = None

    def tick(self, event: Tick) -> None:
        """Report the estimate when enough was measured."""
        first, row = self.first or event.row, event.row
        self.first, seconds = first, row["seconds"] - first["seconds"]
        if self.run is None or seconds < ESTIMATE_AFTER:
            return
        speed, path = (event.images - first["images"]) / seconds, self.run.path
        self.run = None
        if event.total / speed > WORTH_ESTIMATING:
            line = words.describe_estimate(event.total, speed, words.is_crowded(row))
            self.events.note(f"{line}; samples appear as {path}/fakes-*")
