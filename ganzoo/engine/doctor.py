"""The doctor of a run: it calls the diagnoses at each tick, and reports what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.engine.events import Events, Facts, Finish, Measurement, NewVerdict, Rollback, Start, Tick, Verdicts
from ganzoo.health.diagnose import Diagnosis, Row, diagnose
from ganzoo.health.rows import thin_rows
from ganzoo.plugin import Verdict
from ganzoo.registry.failures import describe_error
from ganzoo.runs import words

MOST_ROWS = 4_096  # rows that are kept; older ticks are thinned out, so that a tick of a long run takes no longer


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

    def facts(self, event: Facts) -> None:
        """Keep the numbers for the next tick; after a run diverged there is none."""
        self.rows.append({"images": event.images, **event.values})
        if "diverged" in event.values:
            self.examine(event.images)

    def tick(self, event: Tick) -> None:
        """Call the diagnoses, and emit the verdicts that are new or whose severity changed."""
        self.rows.append(event.row)
        self.examine(event.images)

    def rolled_back(self, event: Rollback) -> None:
        """Forget the rows after the checkpoint."""
        self.rows = [row for row in self.rows if row["images"] <= event.images]

    def finish(self, event: Finish) -> None:
        """Repeat the verdicts of the last tick from which no run recovers."""
        for verdict in self.verdicts:
            if verdict.severity == "stop":
                self.events.note(words.describe_verdict(verdict))

    def examine(self, images: int) -> None:
        """Call the diagnoses, and emit what changed."""
        if len(self.rows) > MOST_ROWS:
            self.rows = thin_rows(self.rows, MOST_ROWS // 2)
        before = [verdict.code for verdict in self.verdicts]
        found = diagnose(dict(self.diagnoses), self.rows, self.recipe, self.leave_out)
        self.verdicts = [*found, *self.known]
        for verdict in self.verdicts:
            if self.severities.get(verdict.code) != verdict.severity:
                self.severities[verdict.code] = verdict.severity
                self.events.emit(NewVerdict(images, verdict))
        if before != [verdict.code for verdict in self.verdicts]:
            self.events.emit(Verdicts(images, tuple(self.verdicts)))

    def leave_out(self, name: str, error: Exception) -> None:
        """Report that a diagnosis failed, and do not call it again."""
        self.diagnoses.pop(name, None)
        self.events.note(f"diagnosis {name!r} failed and is left out from here on: {describe_error(error)}")
