"""The run directory: numbers, names, and finding runs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.runs import run as runs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str, images: int = 100) -> runs.Run:
    run = runs.create_run(name)
    run.write_recipe({"format": 1, "train": {"images": images}})
    return run


def test_numbers_go_up_and_are_never_reused():
    names = [make("a").path.name, make("b").path.name]
    assert names == ["0000-a", "0001-b"]
    (Path("runs") / "0007-left-behind").mkdir()  # no run, yet its number is taken
    assert make("c").path.name == "0008-c"


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_RUNS", str(tmp_path / "elsewhere" / "deep"))
    assert make("a").path == tmp_path / "elsewhere" / "deep" / "0000-a"


@pytest.mark.parametrize("text", ["0001-b", "1", "0001", "runs/0001-b", "./runs/0001-b"])
def test_a_run_is_found_by_path_name_and_number(text):
    make("a")
    wanted = make("b")
    assert runs.find_run(text).path.resolve() == wanted.path.resolve()


def test_missing_runs_are_reported():
    make("photos")
    with pytest.raises(NotFound, match=r"no run '0000-photo' in runs/: did you mean '0000-photos'\?"):
        runs.find_run("0000-photo")
    with pytest.raises(NotFound, match="`ganzoo runs` lists the runs"):
        runs.find_run("7")
    Path("other").mkdir()
    with pytest.raises(NotFound, match=r"other is not a run: it has no recipe.json"):
        runs.find_run("other")


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "é/"])
def test_a_name_cannot_leave_the_folder(name):
    if name == "..":
        assert runs.create_run(name).path.parent == Path("runs")
        return
    with pytest.raises(UsageError, match="use letters, digits"):
        runs.create_run(name)


def test_finished_and_latest_unfinished():
    first, second = make("a"), make("b")
    for run, images in ((first, 50), (second, 100)):
        run.get_checkpoint_path(images).touch()
    (second.path / "checkpoints" / "notes.ckpt").touch()
    assert (first.images, first.finished) == (50, False)
    assert (second.images, second.finished) == (100, True)
    assert runs.find_latest_unfinished() == first


def test_the_latest_unfinished_run_is_the_one_that_was_trained_last():
    first, second = make("a"), make("b")
    for run, seconds in ((first, 2_000_000_000), (second, 1_000_000_000)):
        run.add_stats({"images": 1})
        os.utime(run.stats_file, (seconds, seconds))
    assert runs.find_latest_unfinished() == first
    os.utime(first.stats_file, (5, 5))
    assert runs.find_latest_unfinished() == second


def test_processes_that_start_together_get_different_runs(tmp_path):
    code = "import sys; from ganzoo.runs import run\nfor i in range(25): print(run.create_run(sys.argv[1]).number)"
    children = [
        subprocess.Popen([sys.executable, "-c", code, name], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for name in "abcd"
    ]
    numbers = [int(line) for child in children for line in child.communicate()[0].split()]
    assert sorted(numbers) == list(range(100))


def test_a_line_that_does_not_fit_on_the_disk_is_removed():
    run = make("a")
    run.add_stats({"images": 1})
    size, (soft, hard) = run.stats_file.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5, hard))
    try:
        with pytest.raises(GanzooError, match="ulimit -f"):
            run.add_stats({"images": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run.stats_file.stat().st_size == size
    run.add_stats({"images": 3})
    assert run.stats_file.read_text() == '{"images": 1}\n{"images": 3}\n'
