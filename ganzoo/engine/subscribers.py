"""The subscribers of every run: its own files, trackers, and the diagnoses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.engine.events import Events, Finish, Grid, Measurement, NewVerdict, Note, Start, Tick
from ganzoo.health.diagnose import Diagnosis, Row, build_diagnoses, diagnose
from ganzoo.plugin import DataInfo, Verdict
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.wants import find_unmet_wants
from ganzoo.registry import registry
from ganzoo.registry.installed import describe_error
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
    doctor = Doctor(events, find_unmet_wants(recipe, registry()))
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


class TrackerAdapter:
    """Turns events into the calls of a tracker's contract.

    Args:
        tracker: The tracker: ``start(run)``, ``log(images, scalars)``, ``grid(images, path)`` and ``finish(status)``.
    """

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker

    def start(self, event: Start) -> None:
        """Call `start`, for a new run or one that goes on."""
        self.tracker.start(event.run)

    def tick(self, event: Tick) -> None:
        """Call `log` with the statistics of updates."""
        self.tracker.log(event.images, event.stats)

    def measured(self, event: Measurement) -> None:
        """Call `log` with the values of metrics."""
        self.tracker.log(event.images, event.values)

    def grid(self, event: Grid) -> None:
        """Call `grid` with the picture's path."""
        self.tracker.grid(event.images, event.path)

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


class Doctor:
    """Calls the diagnoses at each tick, and emits each verdict once, and once more when its severity changes.

    Verdicts from which no run recovers are repeated at the end, because the lines of a long run are not all read.

    Args:
        events: The run's events, to emit verdicts to.
        known: Verdicts that follow from the recipe alone, which are emitted at the first tick.

    Attributes:
        diagnoses: The diagnoses by name; one that fails is left out from then on.
    """

    def __init__(self, events: Events, known: Sequence[Verdict] = ()) -> None:
        self.events, self.known = events, known
        self.verdicts: Sequence[Verdict] = ()  # of the last tick
        self.recipe: Mapping[str, Any] = {}
        self.diagnoses: dict[str, Diagnosis] = {}
        self.rows: list[Row] = []
        self.severities: dict[str, str] = {}  # the last severity of each verdict, by code

    def start(self, event: Start) -> None:
        """Read the recipe, and the rows of a run that goes on."""
        self.recipe, self.rows = event.run.recipe(), [*event.run.rows()]

    def measured(self, event: Measurement) -> None:
        """Keep the values for the next tick."""
        self.rows.append({"images": event.images, **event.values})

    def tick(self, event: Tick) -> None:
        """Call the diagnoses, and emit the verdicts that are new or whose severity changed."""
        self.rows.append(event.row)
        found = diagnose(dict(self.diagnoses), self.rows, self.recipe, self.leave_out)
        self.verdicts = [*self.known, *found]
        for verdict in self.verdicts:
            if self.severities.get(verdict.code) != verdict.severity:
                self.severities[verdict.code] = verdict.severity
                self.events.emit(NewVerdict(event.images, verdict))

    def finish(self, event: Finish) -> None:
        """Repeat the verdicts of the last tick from which no run recovers."""
        for verdict in self.verdicts:
            if verdict.severity == "stop":
                self.events.note(words.describe_verdict(verdict))

    def leave_out(self, name: str, error: Exception) -> None:
        """Report that a diagnosis failed, and do not call it again."""
        self.diagnoses.pop(name, None)
        self.events.note(f"diagnosis {name!r} failed and is left out from here on: {describe_error(error)}")
