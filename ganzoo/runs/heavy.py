"""Importing the heavy half: what must be set before torch is loaded, and what must not happen meanwhile."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ganzoo.runs.interrupt import stop_on_signals

# Read once, as torch loads its OpenMP: threads that wait for one another sleep. By default they spin, and where another
# process has their core, each barrier takes as long as the system lets that one run.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
CHOSEN_BY = (*PASSIVE, "GOMP_SPINCOUNT", "KMP_LIBRARY")  # where a person set one of these, it stays as it is


@contextlib.contextmanager
def heavy_imports() -> Iterator[None]:
    """Import torch, and what imports it, inside the block.

    OpenMP's threads are told to wait passively, unless the environment says how they wait. Ctrl-C is held back until
    the end of the block: torch's C++ now and then swallows one, or aborts the process.
    """
    wait_passively()
    with stop_on_signals() as stop:
        yield
    if stop:
        raise KeyboardInterrupt


def wait_passively() -> None:
    """Tell OpenMP's threads to sleep while they wait; without effect on a torch that is loaded already."""
    if not any(name in os.environ for name in CHOSEN_BY):
        os.environ.update(PASSIVE)
