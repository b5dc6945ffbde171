"""csv: one row for each number of images, after interruptions and full disks."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import resource
import signal
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import GanzooError, Interrupted
from ganzoo.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run at 64 images."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "000000064.ckpt").touch()
    return Run(tmp_path)


def started(run: Run, **options):
    tracker = ganzoo.create("tracker", "csv", **options)
    tracker.start(run)
    return tracker


def text(run: Run) -> str:
    return (run.path / "scalars.csv").read_text()


def test_a_row_for_each_call_and_a_column_for_each_scalar(run):
    tracker = started(run)
    assert text(run) == "images\n"
    tracker.log(16, {"loss_d": 1.5, "loss_g": 1 / 3})
    tracker.log(32, {"loss_d": 1, "loss_g": -2e-9})
    assert text(run) == "images,loss_d,loss_g\n16,1.5,0.3333333333333333\n32,1.0,-2e-09\n"


def test_columns_that_come_later_are_added_and_those_that_are_missing_left_empty(run):
    tracker = started(run)
    tracker.log(16, {"a": 1.0})
    tracker.log(32, {"b/c, d": 2.0})
    tracker.log(48, {"a": 3.0})
    assert text(run) == 'images,a,"b/c, d"\n16,1.0,\n32,,2.0\n48,3.0,\n'


def test_scalars_of_the_same_images_share_a_row(run):
    tracker = started(run)
    tracker.log(16, {"a": 1.0})
    tracker.log(16, {"b": 2.0})
    tracker.log(16, {"b": 3.0})
    tracker.log(32, {"a": 4.0, "b": 5.0})
    assert text(run) == "images,a,b\n16,1.0,3.0\n32,4.0,5.0\n"


def test_rows_after_the_checkpoint_are_removed_on_resume(run):
    tracker = started(run)
    for images in (32, 64, 96):
        tracker.log(images, {"a": float(images)})
    tracker = started(run)
    assert text(run) == "images,a\n32,32.0\n64,64.0\n"
    tracker.log(64, {"b": 1.0})
    tracker.log(96, {"a": 2.0, "b": 3.0})
    assert text(run) == "images,a,b\n32,32.0,\n64,64.0,1.0\n96,2.0,3.0\n"


@pytest.mark.parametrize("torn", ["48", "48,1", "48,1.25"])
def test_a_last_line_that_a_crash_cut_is_dropped(run, torn):
    started(run).log(16, {"a": 1.0})
    with (run.path / "scalars.csv").open("a") as file:
        file.write(torn)
    started(run).log(80, {"a": 2.0})
    assert text(run) == "images,a\n16,1.0\n80,2.0\n"


@pytest.mark.parametrize("nothing", ["", "ima"])
def test_an_empty_file_is_replaced(run, nothing):
    (run.path / "scalars.csv").write_text(nothing)
    started(run).log(16, {"a": 1.0})
    assert text(run) == "images,a\n16,1.0\n"


def test_another_file_of_that_name_is_left_as_it_is(run):
    (run.path / "scalars.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(ValueError, match=r"is not a table of scalars: move it, or set tracker\.csv\.path"):
        started(run)
    assert text(run) == "step,loss\n1,2\n"
    started(run, path="mine.csv").log(16, {"a": 1.0})
    assert (run.path / "mine.csv").read_text() == "images,a\n16,1.0\n"


@contextlib.contextmanager
def no_file_above(size: int):
    """Let no file grow above `size` bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("scalars", [{"a": 2.0}, {"a": 2.0, "new": 3.0}], ids=["a row", "a column"])
def test_a_full_disk_is_reported_and_leaves_only_complete_rows(run, scalars):
    tracker = started(run)
    tracker.log(16, {"a": 1.0})
    before = text(run)
    with no_file_above(len(before) + 3), pytest.raises(GanzooError, match="larger than this system allows"):
        tracker.log(32, scalars)
    assert text(run) == before
    assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "scalars.csv"]


# ----------------------------------------------------------------------------
# In a run.


def train(**settings) -> Run:
    torch.set_num_threads(1)
    settings = {"arch": "toy", "dataset": "toy-array", "images": 128, "batch": 16, **settings}
    settings["options"] = {"train.checkpoint_every": 32, **settings.get("options", {})}
    return ganzoo.train(**settings)


def rows(run: Run) -> list[dict[str, str]]:
    with (run.path / "scalars.csv").open(newline="") as file:
        return list(csv.DictReader(file))


MACHINE = ("seconds", "images_per_second", "memory", "waiting")


def read_stats(run: Run) -> dict[int, dict[str, float]]:
    """Return the scalars in stats.jsonl by images, without what is of the machine or of the data."""
    found: dict[int, dict[str, float]] = {}
    for line in run.stats_file.read_text().splitlines():
        row = json.loads(line)
        kept = {name: row[name] for name in row if name not in MACHINE and not name.startswith("data/")}
        found.setdefault(row["images"], {}).update(kept)
    return found


def read_table(run: Run) -> dict[int, dict[str, float]]:
    return {int(row["images"]): {name: float(cell) for name, cell in row.items() if cell} for row in rows(run)}


class Stop:
    """Interrupts the run that it listens to, as Ctrl-C does, at its first tick."""

    stopped = False

    def tick(self, event: object) -> None:
        if not self.stopped:
            self.stopped = True
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_and_its_resumption_have_the_rows_that_stats_have(toys):
    with pytest.raises(Interrupted):
        train(tracker=["csv", "toy-tracker"], metric="toy-mean", listener=Stop())
    run = Run(Path("runs/0000-toy-toy-bce-toy-array"))
    with (run.path / "scalars.csv").open("a") as file:
        file.write(f"{run.images + 16},,,,,1.0\n")
    ganzoo.train(resume=run)
    assert read_table(run) == read_stats(run)
    images = [int(row["images"]) for row in rows(run)]
    assert images == sorted(set(images))
    assert {0, 32, 64, 96, 128} <= set(images)
    assert "toy-mean/difference" in rows(run)[-1]
    assert [event[0] for event in toys.EVENTS].count("start") == 2


def test_a_backend_that_fails_costs_one_line(toys):
    run = train(tracker=["csv", "toy-tracker"], options={"tracker.csv.path": "nowhere/scalars.csv"})
    assert run.finished
    log = (run.path / "log.txt").read_text()
    assert log.count("tracker 'csv' failed and is left out from here on: GanzooError: cannot write") == 1
    assert log.count("'csv'") == 1
    assert toys.EVENTS[-1] == ("finish", "finished")
