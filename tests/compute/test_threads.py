"""The number of a run's threads, and how long a thread waits for a core."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from ganzoo.compute import threads as cores
from ganzoo.compute.threads import WaitMeter, choose_threads, read_wait_seconds, threads
from ganzoo.runs.launch import Launch


@pytest.mark.parametrize(
    ("asked", "tiny", "local_size", "chosen", "wanted"),
    [
        (3, True, 2, None, 3),
        (None, True, 2, None, 1),
        (None, False, 1, None, "torch's"),
        (None, False, 2, None, 4),
        (None, False, 3, "1", 2),  # torchrun itself sets 1
        (None, False, 16, None, 1),
        (None, False, 2, "3", "torch's"),
    ],
)
def test_the_number_of_threads_follows_a_fixed_rule(
    monkeypatch: pytest.MonkeyPatch,
    asked: int | None,
    tiny: bool,
    local_size: int,
    chosen: str | None,
    wanted: int | str,
) -> None:
    monkeypatch.setattr(cores, "count_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if chosen is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", chosen)
    launch = Launch(size=local_size, local_size=local_size) if local_size > 1 else None
    found = choose_threads(asked, tiny, launch)
    assert found == (torch.get_num_threads() if wanted == "torch's" else wanted)


def test_threads_are_set_inside_the_block_and_restored() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@contextmanager
def busy(num: int) -> Iterator[None]:
    """Keep `num` other processes busy while the block runs."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(num)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.skipif(read_wait_seconds() is None, reason="this system does not report how long a thread waits")
def test_a_thread_that_shares_its_core_waits() -> None:
    with busy(cores.count_cores()):
        time.sleep(0.2)
        waiting, start = WaitMeter(), time.monotonic()
        while time.monotonic() < start + 0.5:
            pass
        assert 0.1 < (waiting.measure_share(time.monotonic() - start) or 0) <= 1


def test_on_other_systems_the_load_average_gives_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "SCHEDSTAT", Path("/nowhere"))
    monkeypatch.setattr(cores.os, "cpu_count", lambda: 2)
    for load, wanted in ((0.0, 0), (2.0, 0), (4.0, 0.5), (8.0, 0.75)):
        monkeypatch.setattr(cores.os, "getloadavg", lambda load=load: (load, 0, 0))
        assert WaitMeter().measure_share(1.0) == wanted
    monkeypatch.delattr(cores.os, "getloadavg")
    assert WaitMeter().measure_share(1.0) is None
