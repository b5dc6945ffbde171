"""Files inside of .zip and .tar archives, read at their places without unpacking anything.

Nothing is ever written, so that a member cannot get out of its archive. Archives that try are refused all the same,
and so are bombs: small archives whose members claim to be huge, or share their bytes.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import NamedTuple

from ganzoo.plugin import Corrupt, UsageError

LARGE, RATIO = 1 << 28, 100  # a member that is both larger (bytes) and smaller than this share when packed is a bomb
SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")  # names of folders
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature; lengths of the name and of the extra field, which follow
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


class SourceFile(NamedTuple):
    """A file in a folder or archive.

    Args:
        name: The path inside the folder or archive.
        read: A function without arguments that returns its bytes.
        stamp: Text that changes when the content changes; None for what is not a file.
    """

    name: PurePath
    read: Callable[[], bytes]
    stamp: str | None


DAMAGES = (  # the errors of an archive that is damaged, or of a version that Python does not read
    zipfile.BadZipFile, tarfile.TarError, OSError, ValueError, struct.error, EOFError, NotImplementedError,
)  # fmt: skip


def list_archive(path: str, is_wanted: Callable[[PurePath], bool]) -> list[SourceFile]:
    """Return the wanted files of a .zip or .tar archive, in the order of their names.

    A folder that contains everything is removed from the names, unless it has the name of a split: some datasets
    need that.

    Raises:
        Corrupt: The archive is cut or damaged, a bomb, or has a member that climbs out of it.
        UsageError: A wanted member is a link or encrypted, or the archive is compressed in another way.
    """
    listed = _list_zip if path.lower().endswith(".zip") else _list_tar
    try:
        by_name = {file.name: file for file in listed(path, is_wanted)}  # the last of a name, as if it were unpacked
        files = [by_name[name] for name in sorted(by_name)]
    except DAMAGES as error:
        raise Corrupt(f"{path!r} is not a whole archive ({error}): copy or download it again") from error
    while (around := find_folder_around([file.name for file in files])) and around.lower() not in SPLITS:
        files = [file._replace(name=PurePosixPath(*file.name.parts[1:])) for file in files]
    return files


def find_folder_around(names: Sequence[PurePath]) -> str:
    """Return the folder of the first level that all files are in; empty if there is none."""
    first = {name.parts[0] if len(name.parts) > 1 else "" for name in names}
    return first.pop() if len(first) == 1 else ""


def cut_folders_around(names: Sequence[PurePath]) -> list[PurePath]:
    """Return names without the folders that all files are in: what is in them is at the top."""
    cut = list(names)
    while find_folder_around(cut):
        cut = [PurePath(*name.parts[1:]) for name in cut]
    return cut


def _check_member(path: str, name: str, is_link: bool) -> None:
    """Raise an error if a member climbs out of its archive, or is a link."""
    if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
        raise Corrupt(f"{path!r} has a member that climbs out of it, {name!r}: do not trust this archive")
    if is_link:
        raise UsageError(f"{path!r} has a link, {name!r}, which is not followed: unpack it and give the folder")


# ----------------------------------------------------------------------------
# Zip.


def _list_zip(path: str, is_wanted: Callable[[PurePath], bool]) -> Iterator[SourceFile]:
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir() and is_wanted(PurePosixPath(info.filename))]
    end = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        _check_member(path, info.filename, stat.S_ISLNK(info.external_attr >> 16))
        if info.flag_bits & 1 or info.compress_type not in (STORED, DEFLATED):
            how = "encrypted" if info.flag_bits & 1 else "compressed in a way that is not read here"
            raise UsageError(f"{path!r}: {info.filename!r} is {how}: unzip it and give the folder")
        if info.header_offset < end or (info.file_size > LARGE and info.file_size > RATIO * info.compress_size):
            raise Corrupt(f"{path!r} is a bomb, it would unpack to far more than it has: do not trust this archive")
        end = info.header_offset + LOCAL_HEADER.size + info.compress_size
        place = (info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type)
        yield SourceFile(
            PurePosixPath(info.filename), partial(_read_zip_member, path, *place), f"{info.CRC} {info.file_size}"
        )


def _read_zip_member(path: str, offset: int, packed: int, size: int, crc: int, method: int) -> bytes:
    """Return the bytes of a member. Several members may be read at the same time."""
    with open(path, "rb") as file:
        file.seek(offset)
        signature, *lengths = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
        file.seek(sum(lengths), os.SEEK_CUR)
        content = file.read(packed)
    if method == DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
    if signature != b"PK\3\4" or len(content) != size or zlib.crc32(content) != crc:
        raise ValueError("damaged inside of the archive")
    return content


# ----------------------------------------------------------------------------
# Tar.


def _list_tar(path: str, is_wanted: Callable[[PurePath], bool]) -> Iterator[SourceFile]:
    status = os.stat(path)
    with tarfile.open(path, "r:") as archive:
        for info in archive:
            if info.isdir() or not is_wanted(PurePosixPath(info.name)):
                continue
            _check_member(path, info.name, info.issym() or info.islnk())
            if info.isfile() and not info.issparse():
                if info.offset_data + info.size > status.st_size:
                    raise ValueError(f"it ends inside of {info.name!r}")
                stamp = f"{status.st_size} {status.st_mtime_ns} {info.offset_data}"
                read = partial(_read_part, path, info.offset_data, info.size)
                yield SourceFile(PurePosixPath(info.name), read, stamp)


def _read_part(path: str, offset: int, size: int) -> bytes:
    """Return the bytes of a part of a file."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)
