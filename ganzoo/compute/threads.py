"""CPU threads: how many a run uses, and how long it waits for a core where other processes are busy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from ganzoo.runs.launch import Launch

SCHEDSTAT = Path("/proc/thread-self/schedstat")  # Linux: nanoseconds on a core, nanoseconds without one, time slices


def choose_threads(asked: int | None, tiny: bool = False, launch: Launch | None = None) -> int:
    """Return the number of CPU threads for a run.

    Args:
        asked: ``train.threads``; None lets this function choose.
        tiny: Whether the networks are so small that more than one thread is slower.
        launch: How ``torchrun`` started this process; None where it did not. Processes on one machine share its cores,
            unless the user chose a number with ``OMP_NUM_THREADS`` (``torchrun`` itself sets it to 1).
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
    """Compute on `num` CPU threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(num)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WaitMeter:
    """Measures how long this thread waits for a core because other processes keep all of them busy."""

    def __init__(self) -> None:
        self._before = read_wait_seconds()

    def measure_share(self, elapsed: float) -> float | None:
        """Return the share of the time since the last call in which this thread had no core.

        Linux reports the time. On other systems the share is estimated from the load average: the share of all ready
        threads that have no core.

        Args:
            elapsed: Seconds since the last call.

        Returns:
            The share, from 0 to 1; None where the system reports neither.
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
    """Return how many seconds this thread waited for a core; None where the system does not report it."""
    try:
        return int(SCHEDSTAT.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
