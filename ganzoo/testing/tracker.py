"""Checks of trackers: they follow runs, resumed runs, and runs during which their backend fails.

The runs are in a folder that is removed afterwards. A tracker whose `start` raises a GanzooError there (a service
that is not reached, a key that is not set) is skipped.
"""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo.engine.events import Events, Finish, Grid, NewVerdict, Note, Start, Tick
from ganzoo.engine.subscribers import TrackerAdapter
from ganzoo.errors import GanzooError
from ganzoo.plugin import Verdict
from ganzoo.recipe.recipe import Choice
from ganzoo.registry.failures import describe_error
from ganzoo.runs.run import Run
from ganzoo.samples import grid
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, NotChecked, Trial, fatal_failures, require
from ganzoo.testing.examples import make_frozen_recipe
from ganzoo.testing.guards import full_disk, offline, temporary_working_folder

MAX_SECONDS = 20.0  # the longest time of a call, in seconds

Calls = dict[str, Callable[[], object]]


def follows_a_run(trial: Trial) -> None:
    """It accepts all events of a run: scalars whose names appear later, grids, verdicts, and each way to end."""
    for status in ("finished", "interrupted", "failed"):
        with fatal_failures(), _example_run() as run:
            tracker = _start_tracker(trial, run)
            tracker.log(1000, {"loss_d": 1.25, "loss_g": 0.5})
            tracker.log(1000, {"pixel-moments/fd": 3.5})
            tracker.log(2000, {"loss_d": 1.0, "reg.r1/d": 0.25})
            tracker.grid(2000, _write_grid(run, 2000))
            tracker.log(3000, {})
            _report_verdicts(tracker)
            tracker.finish(status)


def scalars_unchanged(trial: Trial) -> None:
    """It does not change the scalars that it gets, because other trackers get them too."""
    with _example_run() as run:
        tracker, scalars = _start_tracker(trial, run), {"loss_d": 1.25, "loss_g": 0.5}
        tracker.log(1000, scalars)
        require(scalars == {"loss_d": 1.25, "loss_g": 0.5}, f"It changed them to {scalars}.")
        tracker.finish("finished")


def follows_an_interrupted_run(trial: Trial) -> None:
    """If an interrupted run goes on, the tracker starts again, accepts the rest and loses nothing."""
    with _example_run() as run:
        first = _start_tracker(trial, run)
        _log_moments(first, run, 1000, 2000, 3000)
        first.finish("interrupted")
        kept = _find_kept(run, 1000, 2000)
        _resume(trial, run, kept)
        words = f"It got scalars at 1,000 and 2,000 images, and kept {_join_moments(kept)}."
        require(not _find_kept(run, 4000) or kept == {1000, 2000}, words)


def follows_a_killed_run(trial: Trial) -> None:
    """If a killed run goes on from its last checkpoint, the tracker accepts the later scalars a second time."""
    with _example_run() as run:
        first = _start_tracker(trial, run)
        try:
            _log_moments(first, run, 1000, 2000, 3000)
            _resume(trial, run, _find_kept(run, 1000, 2000))
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # a killed process does not close its files
                del first
                gc.collect()


def backend_failure_is_harmless(trial: Trial) -> None:
    """If its backend fails, it works or soon raises an Exception, which costs one line and not the run."""
    with _example_run() as run:
        _start_tracker(trial, run).finish("finished")
        with full_disk(), offline():
            lines = _run_events(trial, run, "with a full disk and no network")
        require(len(lines) <= 1, f"It costs {len(lines)} lines: {lines}.")


def survives_a_backend_outage(trial: Trial) -> None:
    """If its backend fails in the middle of a run and comes back, the run goes on."""
    with _example_run() as run:
        tracker, path = _start_tracker(trial, run), _write_grid(run, 2000)
        _log_moments(tracker, run, 1000)
        calls: Calls = {"log": lambda: tracker.log(2000, _make_scalars(2000)), "grid": lambda: tracker.grid(2000, path)}
        with full_disk(), offline():
            _make_calls(_suppress_errors(calls), "with a full disk and no network")
        _make_calls(
            _suppress_errors({**calls, "finish": lambda: tracker.finish("finished")}), "after the backend came back"
        )


# ----------------------------------------------------------------------------
# A run to follow.


@contextmanager
def _example_run() -> Iterator[Run]:
    """Give the block a run of 10,000 images in a temporary folder."""
    with temporary_working_folder() as folder:
        run = Run(folder / "runs" / "0000-check")
        (run.path / "checkpoints").mkdir(parents=True)
        run.write_recipe(make_frozen_recipe())
        yield run


def _write_grid(run: Run, images: int) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    run.get_grid_path(images).write_bytes(grid.encode_picture(grid.tile(pixels)))
    return run.get_grid_path(images)


def _make_scalars(images: int) -> dict[str, float]:
    """Return scalars whose digits can be found in the text that a tracker writes."""
    return {"loss_d": float(f"0.{images}7283"), "loss_g": 0.5}


def _find_kept(run: Run, *moments: int) -> set[int]:
    """Return the moments whose scalars are in a file of the run's folder or of the folders beside it."""
    files = [path.read_bytes() for path in run.path.parents[1].rglob("*") if path.is_file()]
    return {images for images in moments if any(f"{images}7283".encode() in content for content in files)}


def _log_moments(tracker: Any, run: Run, *moments: int) -> None:
    """Log scalars and a grid at each of these moments, in images; at 2,000 images write a checkpoint too."""
    for images in moments:
        tracker.log(images, _make_scalars(images))
        tracker.grid(images, _write_grid(run, images))
        if images == 2000:
            run.get_checkpoint_path(images).touch()


def _resume(trial: Trial, run: Run, kept: set[int]) -> None:
    """Resume a run from its checkpoint at 2,000 images; the tracker must not lose the scalars of `kept`."""
    tracker = build_component(trial)
    tracker.start(run)
    _log_moments(tracker, run, 3000, 4000)
    tracker.finish("finished")
    lost = kept - _find_kept(run, 1000, 2000)
    require(not lost, f"It kept the scalars at {_join_moments(lost)} images, and lost them when the run went on.")


def _report_verdicts(tracker: Any) -> None:
    """Report verdicts of each severity to a tracker that takes them."""
    adapter = TrackerAdapter(tracker)
    for severity in ("info", "warn", "stop"):
        verdict = Verdict(code="mean-too-large", severity=severity, words="The mean is 9.", since=2000)
        adapter.verdict(NewVerdict(3000, verdict))


# ----------------------------------------------------------------------------
# Calling a tracker.


def _start_tracker(trial: Trial, run: Run) -> Any:
    try:
        tracker = build_component(trial)
        tracker.start(run)
    except GanzooError as error:
        raise NotChecked(f"it does not start here: {error}") from error
    return tracker


class LineCollector:
    """A subscriber that keeps the lines of a run's notes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, event: Note) -> None:
        """Keep the line of a note."""
        self.lines.append(event.line)


def _run_events(trial: Trial, run: Run, where: str) -> list[str]:
    """Send the events of a whole run to a tracker, as the engine does; return the lines that its failures cost."""
    lines, events = LineCollector(), Events()
    try:
        tracker = Choice(trial.entry, trial.make_options()).build()
    except GanzooError as error:
        raise Failure(f"It could not be built ({error}): connect to the backend in `start`.") from error
    events.subscribe("tracker", TrackerAdapter(tracker))
    events.subscribe("lines", lines)
    scalars, grid_path = _make_scalars(1000), run.get_grid_path(1000)
    calls: Calls = {
        "start": lambda: events.emit(Start(run, 0)),
        "log": lambda: events.emit(Tick(1000, 10_000, {"images": 1000, **scalars}, scalars)),
        "grid": lambda: events.emit(Grid(1000, grid_path)),
        "finish": lambda: events.emit(Finish(1000, "failed")),
    }
    _make_calls(calls, where)
    return lines.lines


def _suppress_errors(calls: Calls) -> Calls:
    """Return calls whose Exceptions are suppressed."""

    def run_quietly(call: Callable[[], object]) -> None:
        with suppress(Exception):
            call()

    return {name: partial(run_quietly, call) for name, call in calls.items()}


def _make_calls(calls: Calls, where: str) -> None:
    """Make calls one by one; raise `Failure` where one raises anything or takes longer than `MAX_SECONDS` seconds."""
    started: list[str] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            for name, call in calls.items():
                started.append(name)
                call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(MAX_SECONDS)
    require(not thread.is_alive(), f"`{started[-1]}`, {where}, did not return within {MAX_SECONDS:.0f} s.")
    for error in errors:
        raise Failure(f"`{started[-1]}`, {where}, raised {describe_error(error)}, which ends the training.") from error


def _join_moments(moments: set[int]) -> str:
    return " and ".join(f"{images:,}" for images in sorted(moments)) or "nothing"
