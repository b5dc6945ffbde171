"""Crashes: a forked child process that SIGKILL ends at a chosen moment of its writing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ganzoo.errors import GanzooError
from ganzoo.plugin import files


class Dying(files.Disk):
    """A disk that kills its process after `after_bytes` bytes, or before the n-th of the other operations."""

    def __init__(self, after_bytes: int | None = None, before_operation: int | None = None) -> None:
        self.bytes_left, self.operations_left = after_bytes, before_operation

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        if self.bytes_left is not None and self.bytes_left <= len(data):
            file.write(data[: self.bytes_left])
            file.flush()
            die()
        super().write(file, data)
        if self.bytes_left is not None:
            self.bytes_left -= len(data)

    def sync(self, file: BinaryIO) -> None:
        self._count()
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)

    def sync_directory(self, directory: Path) -> None:
        self._count()
        super().sync_directory(directory)

    def _count(self) -> None:
        if self.operations_left == 0:
            die()
        if self.operations_left is not None:
            self.operations_left -= 1


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], None]) -> int:
    """Do the work in a forked child process; return its exit status, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            work()
            status = 0
        except GanzooError:
            status = 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_until_killed(disk: files.Disk, work: Callable[[], object]) -> bool:
    """Do the work in a forked child process with that disk; return whether it was killed."""

    def work_on_disk() -> None:
        files.DISK = disk
        work()

    return in_child(work_on_disk) == -signal.SIGKILL
