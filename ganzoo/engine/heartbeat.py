"""Heartbeats of several processes: a thread of each process notices that another one does not answer any more.

A process that dies closes its connections, so a collective on the CPU fails at once. It does not fail where the other
process is stopped or its machine is gone. On CUDA it never fails: a kernel waits on the device, and Python waits for
the kernel, so that no error can be raised and no signal be handled. The thread then ends this process itself.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from torch.distributed.distributed_c10d import Store

INTERVAL = 5.0  # seconds from one beat of a process to the next
PATIENCE = 120.0  # seconds without a beat; a long call of C code can keep a process's thread from beating
LEFT = 1 << 40  # is added to the beats of a process that has finished


@contextmanager
def heartbeats(store: Store, rank: int, size: int) -> Iterator[None]:
    """Beat in the block, and end this process if another one has not done so for `PATIENCE` seconds.

    Args:
        store: A store that all processes share. A clone of it is used, since a store answers one thread at a time.
        rank: The number of this process, from 0.
        size: The number of processes.
    """
    shared: Any = store  # torch's type stubs lack the method
    own, finished = shared.clone(), Event()
    own.set_timeout(timedelta(seconds=PATIENCE))
    thread = Thread(target=_watch, args=(own, rank, size, finished, end_process), daemon=True, name="ganzoo-heartbeat")
    thread.start()
    try:
        yield
        with contextlib.suppress(RuntimeError):  # the process that has the store has left before
            store.add(_name(rank), LEFT)
    finally:
        finished.set()
        thread.join(1)  # else it could run while the interpreter ends


def _watch(store: Store, rank: int, size: int, finished: Event, end: Callable[[str], None]) -> None:
    """Beat and count the beats of the others until this process has finished; call `end` when one is lost."""
    seen = {other: (-1, time.monotonic()) for other in range(size) if other != rank}  # the count, and since when
    while not finished.wait(INTERVAL):
        with contextlib.suppress(RuntimeError):  # the store does not answer, so nobody does
            store.add(_name(rank), 1)
            for other, (before, _) in seen.items():
                if (count := store.add(_name(other), 0)) != before or count >= LEFT:
                    seen[other] = count, time.monotonic()
        lost = [other for other, (_, since) in seen.items() if time.monotonic() - since > PATIENCE]
        if lost and not finished.is_set():
            end(f"process {', '.join(map(str, lost))} of the run has not answered for {PATIENCE:.0f} s")
            return


def _name(rank: int) -> str:
    return f"beats {rank}"


def end_process(reason: str) -> None:
    """End this process at once, with one sentence on stderr and exit code 1."""
    os.write(2, f"ganzoo: {reason}; go on with torchrun ... -m ganzoo train --resume\n".encode())
    os._exit(1)
