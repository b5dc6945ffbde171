"""Finding models by name: a model of a plugin, a run, a model package's directory, or a model on the Hub."""

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

ModelSource = int | str | os.PathLike[str] | Run
Notify = Callable[[str], None]
NAME = r"(?![^/@]*(?:--|\.\.))[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"  # the names that the Hub allows
REPO = re.compile(rf"({NAME}/{NAME})(?:@(.*))?")
EMBEDDED = re.compile(r"[\w.@+-]+:[\w-]+")  # PLUGIN:NAME
REVISION = re.compile(r"(?!.*\.\.)[\w][\w./-]{0,199}")
CACHED = re.compile(r"models--(.+)--(.+)/snapshots/([0-9a-f]{40})")  # a path in the cache of the Hub's client


class Repo(NamedTuple):
    """A model on the Hub.

    Args:
        id: The name of the repository, ``user/model``.
        revision: A branch, tag or commit; None for the newest commit of the main branch.
    """

    id: str
    revision: str | None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def ignore_line(line: str) -> None:
    """Do nothing with a line: the default of `notify`."""


def parse_repository(what: ModelSource, revision: str | None = None) -> Repo | None:
    """Return the model on the Hub that a name means; None if the name means something on this machine.

    Args:
        what: The name, ``user/model`` or ``user/model@revision`` for a model on the Hub. A Path, ``./x``, a run, and a
            path that exists, mean something on this machine.
        revision: The revision, if `what` has none; None for the newest commit.

    Raises:
        UsageError: There are two revisions, or the revision is not valid.
    """
    match = REPO.fullmatch(what) if isinstance(what, str) and not _is_local(what) else None
    if match is None or _is_local(match[1]):
        if revision is not None:
            raise UsageError(f"{what} is not a model on the Hub, so it has no revision: remove revision={revision!r}")
        return None
    if match[2] is not None and revision is not None:
        raise UsageError(f"{what} names a revision already: remove revision={revision!r}")
    chosen = revision if match[2] is None else match[2]
    if chosen is not None and not REVISION.fullmatch(chosen):
        raise UsageError(f"{chosen!r} is not a revision: give a branch, a tag or a commit")
    return Repo(match[1], chosen)


def _is_local(text: str) -> bool:
    """Return whether a text means a path: it exists, it may not be read, or it is in the folder of the runs."""
    try:
        os.stat(text)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return Path(text).parent == runs.get_root()
    return True


def check_repository_name(text: str) -> str:
    """Return the name of a repository to publish to, ``user/model``.

    Raises:
        UsageError: The text is not such a name.
    """
    match = REPO.fullmatch(text)
    if match is None or match[2] is not None:
        raise UsageError(
            f"{text!r} is not the name of a repository: write USER/NAME, with letters, digits, '.', '_' and '-'"
            + ("; give the branch as --revision" if "@" in text else "")
        )
    return match[1]


def find_package(what: ModelSource, notify: Notify = ignore_line) -> Path:
    """Return the directory of the model package that a name means on this machine.

    Args:
        what: A run, its name or number, a package's directory, or a model of a plugin, ``plugin:name``. A run means its
            best checkpoint if ``train.best`` keeps one, otherwise its last one.
        notify: Gets a line if the name could also mean a model on the Hub, or if a run's best checkpoint is used.

    Raises:
        NotFound: There is no such package, or the run has no package yet.
        UsageError: No plugin offers a model of that name.
        MissingPlugin: The plugin of the model is not installed.
    """
    if isinstance(what, str) and is_embedded(what):
        return locate_folder(resolve_embedded(what))
    if isinstance(what, int):
        what = runs.find_run(str(what))
    if isinstance(what, Run):
        what = what.path
    path = Path(what)
    Run(path.parent).recover()  # it may be RUN/best
    if (path / "config.json").is_file():
        if isinstance(what, str) and REPO.fullmatch(what):
            notify(f"{what} is used as a directory here, not as a model on the Hub; ./{what} means the same")
        return path
    try:
        run = runs.find_run(what if isinstance(what, str) else path)
    except NotFound as error:
        models = registry().components("model")
        alike = [entry.qualified for entry in models if what in (entry.spec.name, *entry.spec.similar_to)]
        if alike:
            raise NotFound(f"no run {what!r}: did you mean the model {' or '.join(alike)}?") from error
        raise
    run.recover()
    if not (run.package / "config.json").is_file():
        raise NotFound(f"run {run.path} has no model package yet: the first checkpoint writes it")
    if (run.best / "config.json").is_file():
        notify(f"{run.path}: its best checkpoint by train.best is used; {run.package} names the last one")
        return run.best
    return run.package


def format_title(directory: Path) -> str:
    """Return the name of a package for people: ``user/model@commit`` in the Hub's cache, else its path."""
    match = CACHED.fullmatch("/".join(directory.parts[-3:]))
    return "{}/{}@{}".format(*match.groups()) if match else str(directory)


def choose_file_name(what: ModelSource, package: Path) -> str:
    """Return the name of a model for the names of files that are made with it: that of its run or repository.

    Args:
        what: The name of the model, as a user typed it.
        package: The directory of its package.
    """
    if (repo := parse_repository(what)) is not None:
        return repo.id.partition("/")[2]
    return package.parent.name if package.name in ("package", "best") else package.name


def is_embedded(what: str) -> bool:
    """Return whether a name has the form ``plugin:name`` and so means a model of a plugin."""
    return EMBEDDED.fullmatch(what) is not None


def resolve_embedded(text: str) -> Model:
    """Return the model of a plugin by its name ``plugin:name``.

    Raises:
        UsageError: There is no such model; the text names similar models.
        MissingPlugin: The plugin is not installed, and no model has a similar name.
    """
    try:
        spec = registry().resolve("model", text).spec
    except GanzooError:
        models, word = registry().components("model"), text.rpartition(":")[2]
        near = get_close_matches(word, [entry.spec.name for entry in models])
        if not near or any(word in entry.spec.similar_to for entry in models):  # the error names that model
            raise
        names = " or ".join(entry.qualified for entry in models if entry.spec.name in near)
        raise UsageError(f"no model {text!r} is installed: did you mean {names}?") from None
    assert isinstance(spec, Model)
    return spec


def locate_folder(spec: Model) -> Path:
    """Return the directory of the model package that a plugin contains.

    Raises:
        NotFound: The directory does not exist or cannot be read, or its Python package is a zip file.
    """
    module, _, folder = spec.path.partition(":")
    try:
        path = importlib.resources.files(module).joinpath(folder)
        there = (path / "config.json").is_file()
    except Exception as error:
        raise NotFound(f"model {spec.name!r} cannot be read: {type(error).__name__}: {error}") from error
    if not there:
        raise NotFound(f"model {spec.name!r} is not at {spec.path}, as its plugin says: reinstall the plugin")
    if not isinstance(path, Path):
        raise NotFound(f"model {spec.name!r} is in a zip file, at {spec.path}: install its plugin as a directory")
    return path
