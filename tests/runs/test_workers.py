"""Processes beside each other: how many, on which GPU, and how they are stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from ganzoo.runs.workers import STOPPED, Job, list_gpus, run_jobs

WAIT = """
import signal, sys, time
def stop(*_):
    print("saved", flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""


class Report:
    """What `run_jobs` reports."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.running: set[str] = set()
        self.most = 0

    def started(self, id: str) -> None:
        self.running.add(id)
        self.most = max(self.most, len(self.running))

    def ended(self, id: str, code: int) -> None:
        self.running.remove(id)
        self.codes[id] = code


def make_job(folder: Path, id: str, code: str) -> Job:
    return Job(id, [sys.executable, "-S", "-c", code], folder / f"{id}.txt", {"MINE": id})


def test_jobs_run_beside_each_other_each_on_its_gpu(tmp_path: Path) -> None:
    code = "import os, time; print(os.environ['MINE'], os.environ['CUDA_VISIBLE_DEVICES']); time.sleep(0.3)"
    report = Report()
    jobs = [make_job(tmp_path, id, code) for id in "abcd"]
    assert run_jobs(jobs, 2, ["3", "5"], report.started, report.ended)
    assert report.codes == dict.fromkeys("abcd", 0)
    assert report.most == 2
    assert {(tmp_path / "a.txt").read_text(), (tmp_path / "b.txt").read_text()} == {"a 3\n", "b 5\n"}


def test_exit_codes_are_reported(tmp_path: Path) -> None:
    report = Report()
    jobs = [
        make_job(tmp_path, "a", "raise SystemExit(3)"),
        make_job(tmp_path, "b", "import os; os.kill(os.getpid(), 9)"),
    ]
    assert run_jobs(jobs, 1, [], report.started, report.ended)
    assert report.codes == {"a": 3, "b": -9}


@pytest.mark.parametrize("code", [WAIT, "import time; print('ready', flush=True); time.sleep(60)"])
def test_a_signal_stops_the_jobs_and_starts_no_other(tmp_path: Path, code: str) -> None:
    report = Report()

    def interrupt() -> None:
        while not (tmp_path / "a.txt").exists() or "ready" not in (tmp_path / "a.txt").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    jobs = [make_job(tmp_path, id, code) for id in "ab"]
    assert not run_jobs(jobs, 1, [], report.started, report.ended)
    assert report.codes == {"a": STOPPED}
    assert ("saved" in (tmp_path / "a.txt").read_text()) == (code == WAIT)


def test_gpus_are_those_that_the_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-1a")
    assert list_gpus() == ["2", "GPU-1a"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert list_gpus() == []
