"""The processor's cores: on how many of them a run computes, and whether somebody else wants them too."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from ganzoo.runs.launch import Launch

SCHEDSTAT = Path("/proc/thread-self/schedstat")  # Linux: nanoseconds on a core, nanoseconds ready without one, turns


def choose_threads(asked: int | None, tiny: bool = False, launch: Launch | None = None) -> int:
    """Return on how many threads a run computes on the CPU.

    Args:
        asked: ``train.threads``; None chooses.
        tiny: Whether the networks are so small that more threads cost more than they bring.
        launch: How ``torchrun`` started this process; those on one machine share its cores, unless a person chose a
            number with ``OMP_NUM_THREADS`` (1 is what ``torchrun`` itself sets there).
    """
    if asked is not None:
        return asked
    if tiny:
        return 1
    if launch is not None and launch.local_size > 1 and os.environ.get("OMP_NUM_THREADS", "1") == "1":
        return max(1, count_cores() // launch.local_size)
    return torch.get_num_threads()


@contextlib.contextmanager
def threads(num: int) -> Iterator[None]:
    """Compute on `num` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(num)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def count_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WaitMeter:
    """Measures how long this thread waits for a core, as it does where other processes keep them busy."""

    def __init__(self) -> None:
        self._before = read_wait_seconds()

    def measure_share(self, elapsed: float) -> float | None:
        """Return the share of the last `elapsed` seconds, 0 to 1, since the last call; None where it is not known.

        Linux says it. Elsewhere it is what the machine's load means: of `load` threads that are ready, those that
        have no core.
        """
        now, before = read_wait_seconds(), self._before
        self._before = now
        if now is not None and before is not None:
            return min(max((now - before) / max(elapsed, 1e-9), 0.0), 1.0)
        try:
            load, _, _ = os.getloadavg()
        except (OSError, AttributeError):
            return None
        return max(0.0, 1.0 - (os.cpu_count() or 1) / max(load, 1e-9))


def read_wait_seconds() -> float | None:
    """Return for how many seconds this thread was ready to run and had no core; None where the system does not say."""
    try:
        return int(SCHEDSTAT.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
