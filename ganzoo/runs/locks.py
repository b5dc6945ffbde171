"""Locks on files and folders, which the system releases when a process ends."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """A context with a file or folder that is open for locking."""
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def lock(file: int, tries: int = 1) -> bool:
    """Lock an open file, with 0.1 s between tries, and return whether it worked. Systems without locks return True."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        return True
    for left in reversed(range(tries)):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if left:
            time.sleep(0.1)
    return False
