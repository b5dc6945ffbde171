"""Trained models for other programs, from Python. The command `ganzoo export` calls this function.

Torch is imported when it is needed, not before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganzoo.errors import Conflict, NotFound
from ganzoo.models import load
from ganzoo.plugin import Exporter
from ganzoo.plugin.files import replace_directory, write_errors_explained
from ganzoo.plugin.options import read
from ganzoo.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, ignore_line


def export(
    what: int | str | os.PathLike[str] | Run,
    to: str,
    directory: str | os.PathLike[str],
    *,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> list[Path]:
    """Write the generator of a model in a format that other programs read; return the paths of the files.

    Args:
        what: The model, as in `ganzoo.load`.
        to: The format: the name of an installed exporter (``onnx``, ``torch-export``, ``state-dict``, ``numpy``).
        directory: The directory to write, a new or an empty one.
        offline: Whether a model on the Hub is read from the cache alone, as with ``HF_HUB_OFFLINE=1``.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: No exporter of this name is installed.
        MissingPlugin: The exporter needs a package that is not installed. The text has the command that installs it.
        Conflict: The directory contains files.
        GanzooError: The format cannot store the generator, or the files cannot be written. Nothing is written then.
            Further errors as in `ganzoo.load`.
    """
    entry = registry().resolve("exporter", to)
    assert isinstance(entry.spec, Exporter)
    entry.check_requirements()
    target = Path(directory)
    check_new(target)
    generator = load(what, "cpu", offline=offline, notify=notify)
    exporter = entry.build(read(entry.spec.options, {}), generator.data)
    with new_directory(target) as folder:
        names = [path.relative_to(folder) for path in exporter(generator, folder)]
    return [target / name for name in names]


def check_new(directory: Path) -> None:
    """Raise an error unless a directory is empty, or can be created in a folder that exists."""
    if directory.is_dir() and any(directory.iterdir()):
        raise Conflict(f"{directory} contains files: name a new directory, so that nothing is overwritten")
    if directory.exists() and not directory.is_dir():
        raise Conflict(f"{directory} is a file: name a new directory")
    if not directory.absolute().parent.is_dir():
        raise NotFound(f"the folder {directory.parent} does not exist: create it first")


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """A context whose files are in `target` afterwards, all of them, or none if there was an error.

    Args:
        target: The directory to write, a new or an empty one.

    Yields:
        The directory in which the files are written first.
    """
    new = target.absolute().with_name(f".{target.absolute().name}.new")
    with write_errors_explained(target):
        shutil.rmtree(new, ignore_errors=True)  # a killed process may have left it
        new.mkdir()
    try:
        yield new
        replace_directory(new, target.absolute())
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
