"""Progress in a notebook and from Python; tests/cli/test_commands.py has that of the command."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ganzoo
from ganzoo.engine.events import Grid, Note, Preparation, Tick, Verdicts
from ganzoo.plugin import Verdict
from ganzoo.runs.progress import NOTEBOOK_LINES, LiveProgress, NotebookProgress, PlainProgress, make_progress
from ganzoo.runs.words import describe_packing

ROW = {"images": 500, "images_per_second": 100.0, "seconds": 5.0, "memory": 2**20}


class Cell:
    """The output of a notebook's cell, as IPython's `display` writes it."""

    def __init__(self) -> None:
        self.parts: list[dict[str, str]] = []

    def display(self, content: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw
        assert display_id
        number = len(self.parts)
        self.parts.append(content)
        return SimpleNamespace(update=lambda content, raw: self.parts.__setitem__(number, content))


def test_a_notebook_shows_the_newest_numbers_lines_and_grid(tmp_path: Path) -> None:
    cell, grids = Cell(), [tmp_path / "fakes-000000000.png", tmp_path / "fakes-000000500.png"]
    for number, path in enumerate(grids):
        path.write_bytes(b"%d" % number)
    with NotebookProgress(cell.display) as progress:
        assert cell.parts == [{"text/html": "<div><b>starting</b></div>", "text/plain": "starting"}]
        for path in grids:
            progress.grid(Grid(0, path))
        for number in range(NOTEBOOK_LINES + 1):
            progress.note(Note(f"line <{number}>"))
        progress.tick(Tick(500, 1000, ROW, {}))
    text, grid = cell.parts
    assert text["text/plain"] == "0:05 left  500/1,000  100 images/s  1 MiB"
    assert text["text/html"].startswith("<div><b>0:05 left  500/1,000  100 images/s  1 MiB</b><br>line &lt;1&gt;<br>")
    assert text["text/html"].endswith(f"<br>line &lt;{NOTEBOOK_LINES}&gt;</div>")
    assert "base64,MQ==" in grid["text/html"]


@pytest.mark.parametrize("kernel", [None, object()])
def test_a_kernel_of_a_notebook_is_found(kernel: object, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(kernel=kernel)  # in a terminal, IPython's shell has none
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=Cell().display))
    assert type(make_progress()) is (NotebookProgress if kernel else PlainProgress)


@pytest.mark.parametrize("progress", [True, False])
def test_training_from_python_reports_on_stderr_unless_it_is_told_not_to(
    progress: bool, toys: object, capfd: pytest.CaptureFixture[str]
) -> None:
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, progress=progress)
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    if progress:
        assert lines[0].startswith(f"{run.path}: toy with toy-bce on toy-array 1x4x4")
        assert lines[-1].startswith("finished after 64 images")
    else:
        assert lines == []


def test_a_run_is_named_by_its_number_or_as_an_object(toys: object) -> None:
    first = ganzoo.train(arch="toy", dataset="toy-array", images=32, options={"arch.norm": True})
    again = ganzoo.train(config=0, images=48, progress=False)
    assert again.recipe()["arch"]["options"] == first.recipe()["arch"]["options"]
    tuned = ganzoo.train(init=first, images=32, progress=False)
    assert tuned.recipe()["train"]["init"] == str(first.package.resolve())
    assert ganzoo.train(init=0, images=32, progress=False).recipe()["train"] == tuned.recipe()["train"]
    assert ganzoo.train(resume=0, images=48, progress=False) == first
    assert first.images == 48


def test_a_notebook_shows_how_far_the_data_are_prepared() -> None:
    cell = Cell()
    with NotebookProgress(cell.display) as progress:
        progress.preparing(Preparation("packed 5 of 10 samples", 0.5))
    assert cell.parts[0]["text/plain"] == "packed 5 of 10 samples"


def test_a_log_has_a_line_on_the_data_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with PlainProgress() as progress:
        for now[0] in (105.0, 111.0, 115.0, 122.0):
            progress.preparing(Preparation(f"at {now[0]:g} s", 0.5))
    assert capsys.readouterr().err == "at 111 s\nat 122 s\n"


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with LiveProgress() as progress:
        progress.preparing(Preparation("packed 5 of 10 samples", 0.5))
    assert "[##########----------] packed 5 of 10 samples" in capsys.readouterr().err


def test_a_line_on_packing_says_how_long_it_takes() -> None:
    assert describe_packing(2500, 10_000, 5.0) == "packed 2,500 of 10,000 samples, 500/s, 0:15 left"
    assert describe_packing(10, 10, 5.0) == "packed 10 of 10 samples"
    assert describe_packing(1, 3, 0.0).endswith("0:00 left")


def test_the_numbers_say_what_is_wrong_until_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    progress, bad = PlainProgress(), Verdict(code="d-too-weak", words="It is.")
    for verdicts in ((), (bad,), ()):
        progress.diagnosed(Verdicts(500, verdicts))
        progress.tick(Tick(1000, 1000, ROW, {}))
    lines = capsys.readouterr().err.splitlines()
    assert ["d too weak" in line for line in lines] == [False, True, False]
