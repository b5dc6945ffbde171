"""Reading the few large files of a dataset, from a folder or from the .tar.gz that has them."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from ganzoo.plugin import Corrupt

LARGEST = 1 << 32  # bytes of one file inside
ARCHIVES = (".gz", ".tgz", ".tar")

Files = Mapping[str, bytes]


def read_bundle(place: Path, inside: Iterable[str], names: Iterable[str]) -> Files | None:
    """Return the content of files by name; None if one of them is missing.

    Args:
        place: A folder with the files, a folder with one of the folders or archives of `inside`, or an archive.
        inside: The names of folders and archives that have the files.
        names: The names of the files. One with ``?`` at its end is optional.

    Raises:
        Corrupt: An archive is cut or damaged.
    """
    needed = [name for name in names if not name.endswith("?")]
    wanted = [name.rstrip("?") for name in names]
    for each in (place, *(place / name for name in inside)):
        if each.is_dir():
            found = {name: each / name for name in wanted if (each / name).is_file()}
            if all(name in found for name in needed):
                return {name: path.read_bytes() for name, path in found.items()}
        elif each.is_file() and each.suffix.lower() in ARCHIVES:
            files = _read_archive(each, set(wanted))
            if all(name in files for name in needed):
                return files
    return None


def _read_archive(path: Path, wanted: set[str]) -> Files:
    """Return the content of the wanted members, by their last names. Nothing is written anywhere."""
    files = {}
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                content = archive.extractfile(member) if name in wanted and member.isreg() else None
                if content is not None and member.size <= LARGEST:
                    files[name] = content.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise Corrupt(f"{str(path)!r} is cut or damaged ({error}): download it again") from error
    return files
