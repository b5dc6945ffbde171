"""What happens in a run, told to all who want to know: log, statistics, terminal, trackers, diagnoses.

A subscriber is any object with a method of an event's name, which takes the event: ``tick(event)``, ``grid(event)``.
One that fails never ends a run. It costs a line; the run's own files are tried again at the next event, and cost a
further line only once they worked in between; everything else is left out from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import GanzooError
from ganzoo.registry.installed import describe_error

if TYPE_CHECKING:
    from ganzoo.plugin import Verdict
    from ganzoo.runs.run import Run


@dataclass(frozen=True)
class Note:
    """A line that is worth reading."""

    name: ClassVar[str] = "note"
    line: str


@dataclass(frozen=True)
class Start:
    """The run starts, or goes on after `images` images."""

    name: ClassVar[str] = "start"
    run: Run
    images: int


@dataclass(frozen=True)
class Tick:
    """About every two seconds: the means of what updates measured since the last one.

    Args:
        images: Seen so far.
        total: Length of the run, in images.
        row: A row of ``stats.jsonl``: ``images``, ``seconds`` of training over all sittings, ``images_per_second``,
            `stats`, ``memory`` in bytes, and ``waiting``, the share of the time that the training had no core.
        stats: Of it, what updates measured.
    """

    name: ClassVar[str] = "tick"
    images: int
    total: int
    row: Mapping[str, Any]
    stats: Mapping[str, float]


@dataclass(frozen=True)
class Grid:
    """Samples were drawn into a picture at `path`."""

    name: ClassVar[str] = "grid"
    images: int
    path: Path


@dataclass(frozen=True)
class Measurement:
    """Metrics were measured.

    Args:
        images: Seen so far.
        values: By ``METRIC/KEY``.
        words: The values in a line, each with whether it is the best so far.
    """

    name: ClassVar[str] = "measured"
    images: int
    values: Mapping[str, float]
    words: str


@dataclass(frozen=True)
class NewVerdict:
    """A diagnosis says something that it did not say before."""

    name: ClassVar[str] = "verdict"
    images: int
    verdict: Verdict


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint is written, whole, and the package of the same moment."""

    name: ClassVar[str] = "saved"
    images: int
    path: Path


@dataclass(frozen=True)
class Finish:
    """The end.

    Args:
        images: Seen so far.
        status: ``finished``, ``interrupted`` or ``failed``.
        error: What ended it, in words; empty where it is finished.
    """

    name: ClassVar[str] = "finish"
    images: int
    status: str
    error: str = ""


Event = Note | Start | Tick | Grid | Measurement | NewVerdict | SavedCheckpoint | Finish


class Events:
    """The subscribers of one run, and the one rule for what fails."""

    def __init__(self) -> None:
        self._files: dict[str, object] = {}
        self._others: dict[str, object] = {}
        self._failing: set[str] = set()

    def subscribe(self, name: str, subscriber: object, file: bool = False) -> None:
        """Tell a subscriber of everything from now on.

        Args:
            name: What it is, for the line that its failure costs.
            subscriber: Has a method for each event that it wants.
            file: Whether it is one of the run's own files: those are told first, and tried again where they fail.
        """
        (self._files if file else self._others)[name] = subscriber

    def emit(self, event: Event) -> None:
        """Tell all subscribers of an event, in their order."""
        for name, subscriber in [*self._files.items(), *self._others.items()]:
            if call := getattr(subscriber, event.name, None):
                self.attempt(name, call, event)

    def note(self, line: str) -> None:
        """Tell a line that is worth reading."""
        self.emit(Note(line))

    def attempt(self, name: str, act: Callable[..., object], *args: Any) -> bool:
        """Do what a run can do without; return whether it went well.

        Where it does not, that costs a line: once for a subscriber that is left out from then on, else once until it
        went well in between.
        """
        try:
            act(*args)
        except (Exception, SystemExit) as error:
            left_out = self._others.pop(name, None) is not None
            if name not in self._failing:
                self._failing.add(name)
                words = str(error) if isinstance(error, GanzooError) else f"{name} failed: {describe_error(error)}"
                gone = f"{name} failed and is left out from here on: {describe_error(error)}"
                self.note(gone if left_out else f"{words}; going on without")
            return False
        self._failing.discard(name)
        return True
