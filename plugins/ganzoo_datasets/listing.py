"""Listing the files of a folder or archive that a user names."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from pathlib import PurePath

from ganzoo.plugin import NotFound, UsageError
from ganzoo_datasets.archives import SourceFile, list_archive

READABLE = (".zip", ".tar")  # archives that are read without unpacking
ARCHIVES = (*READABLE, ".7z", ".bz2", ".gz", ".rar", ".tbz2", ".tgz", ".txz", ".xz")
PACKED_TARS = {  # a .tar that is compressed as a whole, whose members lie at no place; how to get it
    ".tar.gz": "gunzip -k", ".tgz": "gunzip -k", ".tar.bz2": "bunzip2 -k", ".tbz2": "bunzip2 -k",
    ".tar.xz": "xz -dk", ".txz": "xz -dk",
}  # fmt: skip
OUTPUTS = (("recipe.json",), ("config.json", "model.safetensors"))  # the files of a run, and of a model package


def list_files(path: str, is_wanted: Callable[[PurePath], bool], what: str, suffixes: str) -> list[SourceFile]:
    """Return the wanted files of a folder and its sub-folders, or of an archive, in the order of their names.

    Hidden files and folders are ignored, and so are sub-folders that are runs or model packages, whose files are
    generated. Links in folders are followed, each folder once.

    Args:
        path: The path that the user gave, which is not empty.
        is_wanted: A function that says whether a file is wanted, by its path inside.
        what: The plural of what the files are, for errors: ``images``.
        suffixes: Their usual suffixes, in words.

    Raises:
        NotFound: The path is neither a folder nor an archive that is read here, cannot be listed, or has no such file.
        Corrupt: The archive is damaged or cannot be trusted.
    """
    root = os.path.expanduser(path)  # unlike Path, it does not raise for an unknown ~user
    if os.path.isfile(root) and root.lower().endswith(READABLE):
        found = list_archive(root, lambda name: not _is_hidden(name) and is_wanted(name))
    elif os.path.isdir(root):
        found = _list_folder(root, is_wanted)
    else:
        state = "is a file" if os.path.exists(root) else "does not exist or may not be read"
        suffix = next((suffix for suffix in PACKED_TARS if os.path.isfile(root) and root.lower().endswith(suffix)), "")
        if suffix:
            raise NotFound(
                f"dataset.path: {root!r} is compressed as a whole, so that every start would unpack all of it: make "
                f"the .tar once with {PACKED_TARS[suffix]} {shlex.quote(root)}, and give that with "
                f"--dataset {shlex.quote(root[: -len(suffix)] + '.tar')}"
            )
        if os.path.isfile(root) and root.lower().endswith(ARCHIVES):
            state = "is an archive of a kind that is not read here: unpack it, and"
            raise NotFound(f"dataset.path: {root!r} {state} give the folder, a .zip or a .tar with --dataset PATH")
        raise NotFound(f"dataset.path: {root!r} {state}: give a folder of {what} with --dataset PATH")
    if not found:
        inside = sorted(os.listdir(root)) if os.path.isdir(root) else []
        archive = next((name for name in inside if name.lower().endswith(ARCHIVES)), "")
        way_out = f"unpack {archive}" if archive else f"give a folder with {suffixes}"
        if archive.lower().endswith(READABLE):
            way_out = f"add --dataset {os.path.join(root, archive)}"
        raise NotFound(f"dataset.path: {root!r} has no {what}: {way_out}")
    return found


def require_path(dataset: str, path: str, what: str) -> None:
    """Raise UsageError if a dataset of the user's own files has no path."""
    if not path:
        raise UsageError(f"dataset {dataset!r} needs a folder of {what}: add --dataset PATH")


def _is_hidden(name: PurePath) -> bool:
    """Return whether a member of an archive is hidden, or among the files that macOS adds."""
    return any(part == "__MACOSX" or (part.startswith(".") and part[:2] != "..") for part in name.parts)


def _list_folder(root: str, is_wanted: Callable[[PurePath], bool]) -> list[SourceFile]:
    try:
        return list(_walk(root, PurePath(), is_wanted, set()))
    except OSError as error:
        raise NotFound(
            f"dataset.path: cannot list {error.filename!r} ({error.strerror}): make it readable or give another folder"
        ) from error


def _walk(
    folder: str, name: PurePath, is_wanted: Callable[[PurePath], bool], seen: set[tuple[int, int]]
) -> Iterator[SourceFile]:
    """Yield the wanted files in a folder and its sub-folders, in the order of their names, each folder once."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as listed:  # it knows folders without a look at each file
        entries = sorted((entry for entry in listed if not entry.name.startswith(".")), key=attrgetter("name"))
    for entry in entries:
        inside = name / entry.name
        if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
            if not _is_output(entry.path):
                yield from _walk(entry.path, inside, is_wanted, seen)
        elif is_wanted(inside):
            file = open_file(entry.path, inside)
            if file.stamp is not None:
                yield file


def _is_output(folder: str) -> bool:
    """Return whether a folder is a run or a model package."""
    return any(all(os.path.isfile(os.path.join(folder, name)) for name in names) for names in OUTPUTS)


def open_file(path: str | os.PathLike[str], name: PurePath) -> SourceFile:
    """Return a file of the disk under a name. Its stamp is None if it is not a file (a pipe), '' for a dead link."""
    return SourceFile(name, partial(_read_bytes, path), _make_stamp(path))


def _read_bytes(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _make_stamp(path: str | os.PathLike[str]) -> str | None:
    """Return a file's size and time of change (bytes, ns)."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else None
