"""The subscribers of a run: their order, and the lines that report their failures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.engine import pace
from ganzoo.engine.events import Event, Events, Finish, NewVerdict, Note, Start, Tick
from ganzoo.engine.subscribers import Estimate
from ganzoo.errors import GanzooError
from ganzoo.plugin import Diagnosis, NoOptions, Verdict, hookimpl
from ganzoo.registry import register
from ganzoo.runs.run import Run


class Recorder:
    """A subscriber that keeps the events of the given names."""

    def __init__(self, *names: str) -> None:
        self.events: list[Event] = []
        for name in names:
            setattr(self, name, self.events.append)

    @property
    def lines(self) -> list[str]:
        return [event.line for event in self.events if isinstance(event, Note)]


class Flaky:
    """A subscriber that fails while `error` is set."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.calls = error, 0

    def finish(self, event: Finish) -> None:
        self.calls += 1
        if self.error:
            raise self.error


END = Finish(0, "finished")


def subscribe(subscriber: object, file: bool) -> tuple[Events, Recorder]:
    events, recorder = Events(), Recorder("note")
    events.subscribe("listener", recorder)
    events.subscribe("it", subscriber, file=file)
    return events, recorder


def test_a_failing_file_of_the_run_is_reported_once_until_it_works_again_and_always_tried() -> None:
    flaky = Flaky(GanzooError("cannot write it: the disk is full"))
    events, recorder = subscribe(flaky, file=True)
    for error in (flaky.error, flaky.error, None, None, flaky.error, flaky.error):
        flaky.error = error
        events.emit(END)
    assert flaky.calls == 6
    assert recorder.lines == ["cannot write it: the disk is full; going on without"] * 2


@pytest.mark.parametrize("error", [RuntimeError("out of order"), SystemExit(3), GanzooError("refused")])
def test_any_other_failing_subscriber_is_reported_and_left_out(error: BaseException) -> None:
    flaky = Flaky(error)
    events, recorder = subscribe(flaky, file=False)
    events.emit(END)
    events.emit(END)
    assert flaky.calls == 1
    (line,) = recorder.lines
    assert line.startswith(f"it failed and is left out from here on: {type(error).__name__}: {error}")


def test_an_interrupt_is_not_a_failure() -> None:
    events, recorder = subscribe(Flaky(KeyboardInterrupt()), file=False)
    with pytest.raises(KeyboardInterrupt):
        events.emit(END)
    assert recorder.lines == []


def test_a_failing_log_is_reported_to_the_others_and_missing_methods_are_not_called() -> None:
    class Log:
        def note(self, event: Note) -> None:
            raise GanzooError("cannot write log.txt")

    events, recorder = subscribe(Log(), file=True)
    events.note("one")
    events.note("two")
    events.emit(END)
    assert recorder.lines == ["cannot write log.txt; going on without", "one", "two"]


# ----------------------------------------------------------------------------
# In a run.


class WorseAndWorse:
    """A diagnosis with a verdict from the second tick on, which is more severe from the third."""

    def __init__(self, options: NoOptions, data: object) -> None:
        pass

    def __call__(self, rows: list[dict[str, Any]], recipe: dict[str, Any]) -> Verdict | None:
        assert recipe["train"]["images"] >= 96
        ticks = [row for row in rows if "loss_d" in row]
        severity: Any = "warn" if len(ticks) < 3 else "stop"
        return Verdict(code="seen", severity=severity, words=f"{len(ticks)} ticks") if len(ticks) > 1 else None


class Broken(WorseAndWorse):
    def __call__(self, rows: list[dict[str, Any]], recipe: dict[str, Any]) -> Verdict | None:
        raise RuntimeError("out of order")


@hookimpl
def ganzoo_diagnoses() -> Iterator[Diagnosis]:
    yield Diagnosis(name="looking", summary="Looks.", factory=f"{__name__}:WorseAndWorse")
    yield Diagnosis(name="broken", summary="Fails.", factory=f"{__name__}:Broken")


def train(**settings: Any) -> Any:
    options = {"train.checkpoint_every": 48, "train.grid_every": 16}
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 96, "options": options, **settings})


def test_a_run_emits_all_events_and_its_end(toys: object) -> None:
    torch.set_num_threads(1)
    recorder = Recorder("start", "tick", "grid", "measured", "saved", "finish")
    run = train(metric="toy-mean", listener=recorder)
    names = [event.name for event in recorder.events]
    assert (names[0], names[-1], names.count("start"), names.count("finish")) == ("start", "finish", 1, 1)
    assert [event.images for event in recorder.events if event.name == "grid"] == [0, 16, 32, 48, 64, 80, 96]
    assert [event.images for event in recorder.events if event.name == "measured"] == [0, 48, 96]
    saved = [event for event in recorder.events if event.name == "saved"]
    assert [(event.images, event.path) for event in saved] == [(at, run.get_checkpoint_path(at)) for at in (0, 48, 96)]
    assert [dict(event.row) for event in recorder.events if isinstance(event, Tick)] == [
        row for row in run.rows() if "loss_d" in row
    ]
    log = (run.path / "log.txt").read_text()
    assert "measured at 48 images: toy-mean/difference " in log
    assert recorder.events[-1] == Finish(96, "finished")


def test_a_slow_run_has_its_first_grid_by_time(toys: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "EARLY_GRIDS", (0.0, 300.0))
    recorder = Recorder("grid")
    train(listener=recorder, options={"train.grid_every": 10**6})
    assert {0, 16, 96} <= {event.images for event in recorder.events if event.name == "grid"}


@pytest.mark.parametrize(("before", "total", "said"), [(0, 150_000, True), (0, 1_400, False), (64, 150_000, False)])
def test_the_time_of_a_long_new_run_is_estimated_once(before: int, total: int, said: bool) -> None:
    events, recorder = Events(), Recorder("note")
    events.subscribe("listener", recorder)
    events.subscribe("estimate", Estimate(events))
    events.emit(Start(Run(Path("runs/0007-toy")), before))
    for tick in range(10):  # the first tick takes a minute, then 25 images take a second
        row = {"images": before + 64 + 50 * tick, "seconds": 60.0 + 2 * tick}
        events.emit(Tick(row["images"], total, row, {}))
    line = "about 1.7 h on this machine: --images 30000 takes 20 min; samples appear as runs/0007-toy/fakes-*"
    assert recorder.lines == [line] * said


def test_a_listener_that_fails_does_not_end_the_run(toys: object) -> None:
    class Clumsy:
        def tick(self, event: Tick) -> None:
            raise ValueError("no such widget")

    run = train(listener=Clumsy())
    assert run.finished
    assert (run.path / "log.txt").read_text().count("listener failed and is left out from here on: ValueError") == 1


def test_a_verdict_is_emitted_once_and_again_when_it_becomes_more_severe(toys: object) -> None:
    register(sys.modules[__name__])
    recorder = Recorder("verdict", "note")
    run = train(listener=recorder, loss="wasserstein", reg="none")
    verdicts = [event for event in recorder.events if isinstance(event, NewVerdict)]
    seen = [(event.images, event.verdict.severity) for event in verdicts if event.verdict.code == "seen"]
    assert seen == [(32, "warn"), (48, "stop")]
    assert [event.images for event in verdicts if event.verdict.code == "unmet-want"] == [16]  # of the recipe
    assert len([line for line in recorder.lines if "broken' failed and is left out from here on" in line]) == 1
    log = (run.path / "log.txt").read_text()
    assert "warning: 2 ticks\n" in log
    assert "this run will not recover: 3 ticks\n" in log
    assert log.endswith("this run will not recover: 6 ticks\n")  # once more at the end

    again = Recorder("verdict")
    ganzoo.train(resume=run, images=128, listener=again)
    (words,) = [event.verdict.words for event in again.events if event.verdict.code == "seen"]  # type: ignore[union-attr]
    assert words == "7 ticks"
