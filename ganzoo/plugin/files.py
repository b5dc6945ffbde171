"""Files that are there whole or not at all, and what a full disk or a missing permission says.

`DISK` is the one seam to the file system for everything that must survive a crash; tests put one there that stops after
any byte, sync or rename.
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
    """The four operations that an atomic write is made of."""

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        """Append bytes to an open file."""
        file.write(data)

    def sync(self, file: BinaryIO) -> None:
        """Wait until the file's bytes are on the disk."""
        file.flush()
        os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Put a file or an empty place's directory at its final name in one step."""
        os.replace(source, target)

    def sync_directory(self, directory: Path) -> None:
        """Wait until the directory's names are on the disk."""
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


DISK = Disk()


def write_atomic(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one, whole.

    Raises:
        GanzooError: The disk is full or the place may not be written; nothing is left behind.
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
    """Append bytes to a file, or none of them: half a line on a full disk would spoil the next one.

    Raises:
        GanzooError: The disk is full or the place may not be written.
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
    """Whether a person who names a place to write to means a folder: it ends in a separator, or there is one."""
    return os.fspath(path).endswith(("/", os.sep)) or Path(path).is_dir()


def replace_directory(new: Path, target: Path) -> None:
    """Put the directory `new` in the place of `target`; a crash in between is mended by `recover_directory`."""
    old = target.with_name(f".{target.name}.old")
    with write_errors_explained(target):
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            DISK.rename(target, old)
        DISK.rename(new, target)
        DISK.sync_directory(target.parent)
        shutil.rmtree(old, ignore_errors=True)


def recover_directory(target: Path) -> None:
    """Bring the old directory back where a crash came between the two renames of `replace_directory`."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        with write_errors_explained(target):
            DISK.rename(old, target)


@contextlib.contextmanager
def write_errors_explained(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a GanzooError of one sentence with the way out."""
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
            return "something that is no folder is in the way; choose another place"
        case _:
            return (error.strerror or str(error)).lower()
