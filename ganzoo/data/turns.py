"""Turns: of several processes of a machine that would make the same file, one makes it and the others wait."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def taken_turn(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """A context that one process of this machine is in at a time.

    The turn of a killed process ends with it. On a system or a disk without locks, several processes are in at once.

    Args:
        path: The path of a file for the lock. Its folder exists; the file is removed at the end.
        on_wait: A function that is called if another process is in the context.
    """
    file = _open_locked(path, on_wait)
    try:
        yield
    finally:
        if file is not None:
            path.unlink(missing_ok=True)
            file.close()


def _open_locked(path: Path, on_wait: Callable[[], None]) -> IO[bytes] | None:
    """Return the file of a lock, open and locked; None where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    waited = False
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waited:
                on_wait()
            waited = True
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a disk without locks
            file.close()
            path.unlink(missing_ok=True)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # the process before removed it, so that a lock on it excludes nobody
