"""What a word means that names a model: a plugin's, a run, a model package's directory, or a model on the Hub."""

from __future__ import annotations

import importlib.resources
import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.plugin import Model
from ganzoo.registry import registry
from ganzoo.runs import run as runs
from ganzoo.runs.run import Run

ModelSource = str | os.PathLike[str] | Run
Notify = Callable[[str], None]
NAME = r"(?![^/@]*(?:--|\.\.))[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"  # as the Hub takes them
REPO = re.compile(rf"({NAME}/{NAME})(?:@(.*))?")
EMBEDDED = re.compile(r"[\w.@+-]+:[\w-]+")  # PLUGIN:NAME
REVISION = re.compile(r"(?!.*\.\.)[\w][\w./-]{0,199}")
CACHED = re.compile(r"models--(.+)--(.+)/snapshots/([0-9a-f]{40})")  # as the Hub's client lays its cache out


class Repo(NamedTuple):
    """A model on the Hub.

    Args:
        id: ``user/model``.
        revision: A branch, tag or commit; None for what is newest.
    """

    id: str
    revision: str | None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def ignore_line(line: str) -> None:
    """Drop a line that nobody wants to see."""


def parse_repository(what: ModelSource, revision: str | None = None) -> Repo | None:
    """Return the model on the Hub that a word means; None where it means something here.

    Args:
        what: ``user/model`` or ``user/model@revision``; a Path, ``./x``, a run, and whatever exists, is here.
        revision: The revision, where the word names none.

    Raises:
        UsageError: There are two revisions, or one that is none.
    """
    match = REPO.fullmatch(what) if isinstance(what, str) and not _is_local(what) else None
    if match is None or _is_local(match[1]):
        if revision is not None:
            raise UsageError(f"revision {revision!r} belongs to a model on the Hub, which {what} is not")
        return None
    if match[2] is not None and revision is not None:
        raise UsageError(f"{what} names a revision already: leave revision={revision!r} away")
    chosen = revision if match[2] is None else match[2]
    if chosen is not None and not REVISION.fullmatch(chosen):
        raise UsageError(f"{chosen!r} is no revision: name a branch, a tag or a commit")
    return Repo(match[1], chosen)


def _is_local(text: str) -> bool:
    """Whether a text means a path: one that exists, may not be looked at, or is among the runs."""
    try:
        os.stat(text)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return Path(text).parent == runs.get_root()
    return True


def check_repository_name(text: str) -> str:
    """Return the name of a repository to publish to.

    Raises:
        UsageError: It is none.
    """
    match = REPO.fullmatch(text)
    if match is None or match[2] is not None:
        raise UsageError(
            f"{text!r} is no name of a repository: say USER/NAME, of letters, digits, '.', '_' and '-'"
            + ("; name a branch by --revision" if "@" in text else "")
        )
    return match[1]


def find_package(what: ModelSource, notify: Notify = ignore_line) -> Path:
    """Return the directory of the model package that a word means on this machine.

    Raises:
        NotFound: There is none, or a run has no package yet.
        UsageError: No plugin offers a model of that name; MissingPlugin where the plugin is not there either.
    """
    if isinstance(what, str) and is_embedded(what):
        return locate_folder(resolve_embedded(what))
    if isinstance(what, Run):
        what = what.path
    path = Path(what)
    Run(path.parent).recover()  # it may be RUN/best
    if (path / "config.json").is_file():
        if isinstance(what, str) and REPO.fullmatch(what):
            notify(f"{what} is a directory here, and taken as that, not as a model on the Hub; ./{what} says so too")
        return path
    try:
        run = runs.find_run(what if isinstance(what, str) else path)
    except NotFound as error:
        if alike := [entry.qualified for entry in registry().components("model") if entry.spec.name == what]:
            raise NotFound(f"no run {what!r}: did you mean {' or '.join(alike)}, which comes along?") from error
        raise
    run.recover()
    if not (run.package / "config.json").is_file():
        raise NotFound(f"run {run.path} has no model package yet: it comes with the first checkpoint")
    return run.package


def format_title(directory: Path) -> str:
    """Return what a package is called by people: ``user/model@commit`` in the Hub's cache, elsewhere its path."""
    match = CACHED.fullmatch("/".join(directory.parts[-3:]))
    return "{}/{}@{}".format(*match.groups()) if match else str(directory)


def is_embedded(what: str) -> bool:
    """Whether a word is of the form ``plugin:name``, and so means a model that comes with a plugin."""
    return EMBEDDED.fullmatch(what) is not None


def resolve_embedded(text: str) -> Model:
    """Return the model that comes with a plugin, by its name ``plugin:name``.

    Raises:
        UsageError: There is none; the text gives close ones.
        MissingPlugin: There is no such plugin, nor anything close.
    """
    try:
        spec = registry().resolve("model", text).spec
    except GanzooError:
        models = registry().components("model")
        near = get_close_matches(text.rpartition(":")[2], [entry.spec.name for entry in models])
        if not near:
            raise
        names = " or ".join(entry.qualified for entry in models if entry.spec.name in near)
        raise UsageError(f"no model {text!r} is installed: did you mean {names}?") from None
    assert isinstance(spec, Model)
    return spec


def locate_folder(spec: Model) -> Path:
    """Return the directory of the model package that a plugin brings along.

    Raises:
        NotFound: It is not there, or no directory: its Python package is zipped.
    """
    module, _, folder = spec.path.partition(":")
    try:
        path = importlib.resources.files(module).joinpath(folder)
        there = (path / "config.json").is_file()
    except Exception as error:
        raise NotFound(f"model {spec.name!r} cannot be read: {type(error).__name__}: {error}") from error
    if not there:
        raise NotFound(f"model {spec.name!r} is not at {spec.path}, where its plugin says: install that anew")
    if not isinstance(path, Path):
        raise NotFound(f"model {spec.name!r} lies in a zip file, at {spec.path}: install its plugin as a directory")
    return path
