"""Importing torch: settings that it reads once, and signals that must wait."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ganzoo.runs.interrupt import stop_on_signals

# OpenMP reads these once, when torch loads it. With them, threads that wait for each other sleep. By default they spin;
# if another process uses their core, each barrier then takes as long as the system lets that process run.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
CHOSEN_BY = (*PASSIVE, "GOMP_SPINCOUNT", "KMP_LIBRARY")  # if the user set one of these, nothing is changed


@contextlib.contextmanager
def heavy_imports() -> Iterator[None]:
    """A context in which torch and modules that need it are imported.

    OpenMP's threads wait passively, unless the environment says how they wait. Ctrl-C is deferred until the end of the
    block, because torch's C++ code sometimes loses it or aborts the process.
    """
    wait_passively()
    with stop_on_signals() as stop:
        yield
    if stop:
        raise KeyboardInterrupt


def wait_passively() -> None:
    """Make OpenMP's threads sleep while they wait. It has no effect if torch is already loaded."""
    if not any(name in os.environ for name in CHOSEN_BY):
        os.environ.update(PASSIVE)
