"""Atomic writes of files and directories, and the errors of a full disk or a missing permission.

Everything that must survive a crash uses `DISK` to write. Tests replace it by a disk that fails after any byte, sync or
rename.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ganzoo.errors import GanzooError


class Disk:
    """The four operations of an atomic write."""

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        """Append bytes to an open file."""
        file.write(data)

    def sync(self, file: BinaryIO) -> None:
        """Wait until the file's bytes are on the disk."""
        file.flush()
        os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file or a directory to its final name in one step."""
        os.replace(source, target)

    def sync_directory(self, directory: Path) -> None:
        """Wait until the names in the directory are on the disk."""
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


DISK = Disk()


def write_atomic(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file atomically: after a crash at any moment, either the old or the new file is there, complete.

    Args:
        path: The path of the file.
        chunks: The content, as pieces of bytes.

    Raises:
        GanzooError: The disk is full, or the path may not be written. No temporary file remains.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with write_errors_explained(path):
        try:
            with temporary.open("wb") as file:
                for chunk in chunks:
                    DISK.write(file, chunk)
                DISK.sync(file)
            DISK.rename(temporary, path)
            DISK.sync_directory(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def append(path: Path, data: bytes) -> None:
    """Append bytes to a file, all of them or none: half a line would corrupt the next line.

    Args:
        path: The path of the file; it is created if it does not exist.
        data: The bytes to append.

    Raises:
        GanzooError: The disk is full, or the path may not be written.
    """
    with write_errors_explained(path), path.open("ab", buffering=0) as file:
        size, left = file.tell(), data
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            raise


def means_folder(path: str | os.PathLike[str]) -> bool:
    """Return whether an output path means a folder: it ends in a separator, or a folder of that name exists."""
    return os.fspath(path).endswith(("/", os.sep)) or Path(path).is_dir()


def replace_directory(new: Path, target: Path) -> None:
    """Replace the directory `target` by the directory `new`. `recover_directory` repairs a crash in between."""
    old = target.with_name(f".{target.name}.old")
    with write_errors_explained(target):
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            DISK.rename(target, old)
        DISK.rename(new, target)
        DISK.sync_directory(target.parent)
        shutil.rmtree(old, ignore_errors=True)


def recover_directory(target: Path) -> None:
    """Restore the old directory if a crash happened between the two renames of `replace_directory`."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        with write_errors_explained(target):
            DISK.rename(old, target)


@contextlib.contextmanager
def write_errors_explained(path: Path) -> Iterator[None]:
    """Convert an OSError of the block to a GanzooError: one sentence that says why and what to do."""
    try:
        yield
    except OSError as error:
        raise GanzooError(f"cannot write {path}: {_describe_reason(error)}") from error


def _describe_reason(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full; free some space and try again"
        case errno.EFBIG:
            return "the file would be larger than this system allows; raise the limit (ulimit -f) and try again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "no permission to write there; choose a folder that you can write to"
        case errno.EEXIST | errno.ENOTDIR:
            return "a file is in the way where a folder is needed; choose another path"
        case _:
            return (error.strerror or str(error)).lower()
