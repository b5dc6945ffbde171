"""Trained models for other programs, from Python. The commands `ganzoo export` and `demo` call these functions.

Torch is imported when it is needed, not before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganzoo.errors import Conflict, MissingPlugin, NotFound
from ganzoo.models import load, resolve_package
from ganzoo.package.config import read_config
from ganzoo.plugin import DataInfo, Exporter
from ganzoo.plugin.files import replace_directory, write_errors_explained
from ganzoo.plugin.options import read
from ganzoo.registry import registry
from ganzoo.registry.installed import RegisteredComponent
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, format_title, ignore_line, is_embedded

MARK = "latents.js"  # a file that only pages of `demo` have


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
    entry.check_requirements()
    target = Path(directory)
    check_new(target)
    generator = load(what, "cpu", offline=offline, notify=notify)
    exporter = _build(entry, generator.data)
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


# ----------------------------------------------------------------------------
# A page for browsers.


def demo(
    what: int | str | os.PathLike[str] | Run,
    directory: str | os.PathLike[str],
    *,
    runtime: str | os.PathLike[str] | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Path:
    """Write a page that runs the generator of a model in a browser, without a server; return its ``index.html``.

    Args:
        what: The model, as in `ganzoo.load`; its samples are pictures.
        directory: The directory to write, a new or an empty one.
        runtime: The folder of npm's package ``onnxruntime-web``; None for ``node_modules/onnxruntime-web`` in the
            current folder or above.
        offline: Whether a model on the Hub is read from the cache alone, as with ``HF_HUB_OFFLINE=1``.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: The model makes no pictures, or makes them of inputs.
        MissingPlugin: A package that the export needs, or ``onnxruntime-web``, is not installed.
        Conflict: The directory contains files.
        GanzooError: As in `export`.
    """
    target = Path(directory)
    check_new(target)
    package = resolve_package(what, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.demo import make
        from ganzoo.demo.runtime import read_runtime
    make.check_model(read_config(package))
    entry, found = _find_onnx_exporter(), read_runtime(runtime)
    generator = load(package, "cpu", notify=notify)
    exporter = _build(entry, generator.data)
    with new_directory(target) as folder:
        make.write_demo(generator, exporter, found, _choose_title(what, package), folder)
    return target / "index.html"


def publish_demo(
    directory: str | os.PathLike[str],
    space: str,
    *,
    model: str = "",
    private: bool = False,
    notify: Notify = ignore_line,
) -> str:
    """Publish a page that `demo` wrote as a static Space of the Hugging Face Hub; return its address.

    Args:
        directory: The directory of the page.
        space: The Space, ``user/name``; a missing one is created. Text that people wrote into its card is kept.
        model: The model on the Hub that the page shows, ``user/model``; empty for none.
        private: Whether a new Space is private.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        NotFound: The directory has no page. Denied, a subclass: the token has no write access.
        Conflict: The Space contains something else, or somebody else changed it at the same time.
        Unreachable: The Hub cannot be reached.
    """
    if not (Path(directory) / MARK).is_file():
        raise NotFound(f"{directory} has no page that `ganzoo demo` wrote: name its directory")
    with heavy_imports():
        from ganzoo.hub.space import publish_space
    return publish_space(Path(directory), space, mark=MARK, model=model, private=private, notify=notify)


def _find_onnx_exporter() -> RegisteredComponent:
    """Return the exporter that writes a file of ONNX, the first one that is installed."""
    for entry in registry().components("exporter"):
        if isinstance(entry.spec, Exporter) and entry.spec.suffix == ".onnx":
            entry.check_requirements()
            return entry
    raise MissingPlugin("no exporter of .onnx files is installed; ganzoo has one, which is disabled here")


def _choose_title(what: object, package: Path) -> str:
    """Return the name of a model for a page that may be shared: no path of the user is in it."""
    if isinstance(what, str) and is_embedded(what):
        return what
    title = format_title(package)
    if title != str(package):
        return title.partition("@")[0]
    recipe = read_config(package).recipe
    names = [str(recipe[key]["name"]).rpartition(":")[2] for key in ("arch", "dataset") if key in recipe]
    return " on ".join(names)


def _build(entry: RegisteredComponent, data: DataInfo) -> Callable[[Any, Path], list[Path]]:
    """Return the exporter of a component with its default options."""
    assert isinstance(entry.spec, Exporter)
    with heavy_imports():
        exporter: Callable[[Any, Path], list[Path]] = entry.build(read(entry.spec.options, {}), data)
    return exporter
