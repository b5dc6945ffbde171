"""The events of a run, and their subscribers: log, statistics, terminal, trackers, diagnoses.

A subscriber is any object with a method of an event's name, which takes the event: ``tick(event)``, ``grid(event)``.
A subscriber that fails never ends a run; a line reports it. The run's own files are tried again at the next event, and
their next failure is reported only after a success. Every other subscriber is left out from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import GanzooError
from ganzoo.registry.failures import describe_error
from ganzoo.runs.interrupt import StopRequest

if TYPE_CHECKING:
    from ganzoo.plugin import Verdict
    from ganzoo.runs.run import Run


@dataclass(frozen=True)
class Note:
    """A line for the user to read."""

    name: ClassVar[str] = "note"
    line: str


@dataclass(frozen=True)
class Preparation:
    """Before the run starts, about ten times a second: how far its data are prepared.

    Args:
        line: How far it is, in words, in place of the last such line.
        share: The share that is done, from 0 to 1.
    """

    name: ClassVar[str] = "preparing"
    line: str
    share: float


@dataclass(frozen=True)
class Start:
    """The run starts, or goes on after `images` images."""

    name: ClassVar[str] = "start"
    run: Run
    images: int


@dataclass(frozen=True)
class Tick:
    """About every two seconds: the means of the updates' statistics since the last tick.

    Args:
        images: Images seen so far.
        total: The length of the run, in images.
        row: A row of ``stats.jsonl``: ``images``; ``seconds`` of training, over all sessions of the run;
            ``images_per_second``; all of `stats`; ``memory`` in bytes; and ``waiting``, the share of the time in which
            the training had no core.
        stats: The means of the updates' statistics, by name.
    """

    name: ClassVar[str] = "tick"
    images: int
    total: int
    row: Mapping[str, Any]
    stats: Mapping[str, float]


@dataclass(frozen=True)
class Facts:
    """Numbers of the run that are neither means of updates nor values of metrics: of its data, or that it diverged."""

    name: ClassVar[str] = "facts"
    images: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Grid:
    """A picture of generated samples was written to `path`."""

    name: ClassVar[str] = "grid"
    images: int
    path: Path


@dataclass(frozen=True)
class Measurement:
    """Metrics were measured.

    Args:
        images: Images seen so far.
        values: The values by ``METRIC/KEY``.
        words: The values in one line, each with whether it is the best so far.
    """

    name: ClassVar[str] = "measured"
    images: int
    values: Mapping[str, float]
    words: str


@dataclass(frozen=True)
class Rollback:
    """The run diverged, and goes on from `images` images: what was measured after them is of weights that are gone."""

    name: ClassVar[str] = "rolled_back"
    images: int


@dataclass(frozen=True)
class NewVerdict:
    """A diagnosis has a verdict that is new, or more or less severe than before."""

    name: ClassVar[str] = "verdict"
    images: int
    verdict: Verdict


@dataclass(frozen=True)
class Verdicts:
    """The verdicts that hold now, the worst first, if they are others than at the last tick; empty if all is well."""

    name: ClassVar[str] = "diagnosed"
    images: int
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint, and the package of the same moment, were written completely."""

    name: ClassVar[str] = "saved"
    images: int
    path: Path


@dataclass(frozen=True)
class Finish:
    """The run ended.

    Args:
        images: Images seen so far.
        status: ``finished``, ``interrupted`` or ``failed``.
        error: The error that ended the run, in words; empty where it is finished.
    """

    name: ClassVar[str] = "finish"
    images: int
    status: str
    error: str = ""


Event = (
    Note
    | Preparation
    | Start
    | Tick
    | Facts
    | Grid
    | Measurement
    | Rollback
    | NewVerdict
    | Verdicts
    | SavedCheckpoint
    | Finish
)


class TickCaller:
    """Calls a function at each tick. If it raises KeyboardInterrupt, the training stops as by Ctrl-C.

    It stops there too where Ctrl-C is ignored, as in the background of a shell, or reaches another thread.

    Args:
        function: The function, which gets the event of the tick.
        stop: The request to stop, which the training loop handles between two updates.
    """

    def __init__(self, function: Callable[[Tick], object], stop: StopRequest) -> None:
        self.function, self.stop = function, stop
        self.stopped = False  # whether it has asked for the end of the training

    def tick(self, event: Tick) -> None:
        """Call the function, unless it has asked for the end."""
        if self.stopped:
            return
        try:
            self.function(event)
        except KeyboardInterrupt:
            self.stopped = self.stop.requested = True


class Events:
    """The subscribers of one run, and the rule for those that fail.

    Attributes:
        stop: The request to stop the run, which signals and subscribers make.
    """

    def __init__(self) -> None:
        self.stop = StopRequest()
        self._files: dict[str, object] = {}
        self._others: dict[str, object] = {}
        self._failing: set[str] = set()

    def subscribe(self, name: str, subscriber: object, file: bool = False) -> None:
        """Call a subscriber at every event from now on.

        Args:
            name: The subscriber's name, for the line that reports its failure.
            subscriber: An object with a method for each event that it wants.
            file: Whether it writes one of the run's own files. Those are called first, and tried again where they fail.
        """
        (self._files if file else self._others)[name] = subscriber

    def emit(self, event: Event) -> None:
        """Call all subscribers with an event, in their order."""
        for name, subscriber in [*self._files.items(), *self._others.items()]:
            if call := getattr(subscriber, event.name, None):
                self.attempt(name, call, event)

    def note(self, line: str) -> None:
        """Emit a line for the user to read."""
        self.emit(Note(line))

    def report_preparation(self, line: str, share: float) -> None:
        """Emit how far the data are prepared, in words and as a share from 0 to 1."""
        self.emit(Preparation(line, share))

    def attempt(self, name: str, act: Callable[..., object], *args: Any) -> bool:
        """Do something that a run can go on without; return whether it succeeded.

        A failure is reported in one line. A subscriber that is not a file of the run is then left out; for all else the
        next failure is reported only after a success.

        Args:
            name: The name of the subscriber or of the act, for the line.
            act: The function to call.
            args: The arguments that the function is called with.
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
