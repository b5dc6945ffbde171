"""Finding the files of a known dataset: at the path that the user gives, or where packages install them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ganzoo.plugin import NotFound

T = TypeVar("T")


def find_data(name: str, path: str, places: Sequence[str], probe: Callable[[Path], T | None], ways: str) -> T:
    """Return what a probe finds at the user's path, or else at the first of the usual places where it finds something.

    Args:
        name: The name of the dataset, for errors.
        path: The user's path; empty for the usual places.
        places: The usual places, of which relative ones are in the current folder.
        probe: A function that returns the files of the dataset in a folder (or the file itself); None if the files
            are not there.
        ways: How to get the files, as the end of an error.

    Raises:
        NotFound: The files are not there. The text says every way to get them.
    """
    for place in [path] if path else places:
        folder = Path(os.path.expanduser(place))
        found = probe(folder) if folder.exists() else None
        if found is not None:
            return found
    if not path:
        raise NotFound(f"dataset {name!r} is not on this machine ({', '.join(places)}): {ways}")
    exists = os.path.exists(os.path.expanduser(path))
    wrong = f"does not have the files of {name!r}" if exists else "does not exist or may not be read"
    raise NotFound(f"dataset.path: {path!r} {wrong}: {ways}")
