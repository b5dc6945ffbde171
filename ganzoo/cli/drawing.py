"""What the commands share that draw pictures with a model: their options, and the files that they write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option
from ganzoo.errors import NotFound, UsageError
from ganzoo.package.config import read_config
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.where import choose_file_name

if TYPE_CHECKING:
    from ganzoo.latents.animation import Animation
    from ganzoo.latents.picture import Picture
    from ganzoo.package.generator import Generator

F = TypeVar("F", bound=Callable[..., Any])

ARRAYS = (".npz", ".safetensors")
ANIMATIONS = (".gif", ".png", ".apng", ".mp4", ".webm")
MOST_SEEDS = 1000


class Seeds(click.ParamType):  # type: ignore[type-arg]  # newer versions of click make it generic
    """The type of an option that takes seeds: ``0,5,9`` or ``0-7``."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the seeds in their order."""
        if isinstance(value, tuple):
            return value
        seeds: list[int] = []
        for part in value.split(","):
            if not (match := re.fullmatch(r"\s*(\d{1,18})(?:-(\d{1,18}))?\s*", part, re.ASCII)):
                self.fail(f"{value!r} are not seeds: write whole numbers as 0,5,9 or 0-7", param, ctx)
            first, last = int(match[1]), int(match[2] or match[1])
            if not 0 <= last - first < MOST_SEEDS:
                self.fail(f"{part.strip()} does not go from a seed to a larger one, or has too many", param, ctx)
            seeds += range(first, last + 1)
        return tuple(seeds)


class Numbers(click.ParamType):  # type: ignore[type-arg]
    """The type of an option that takes numbers: ``0,0.5,1``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers in their order."""
        try:
            return value if isinstance(value, tuple) else tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} are not numbers: write them as 0,0.5,1", param, ctx)


def model_options(suffixes: Sequence[str]) -> Callable[[F], F]:
    """Return a decorator that adds MODEL and the options of all commands that write a picture with these suffixes."""

    def decorate(function: F) -> F:
        for option in (
            click.argument("what", metavar="MODEL", shell_complete=complete_runs),
            click.option(
                "--out", type=click.Path(), help=f"File to write: {', '.join(suffixes[:-1])} or {suffixes[-1]}. "
                f"Default: MODEL-COMMAND{suffixes[0]}.",
            ),
            click.option(
                "--arrays", type=click.Path(), help="File of the numbers behind the picture, .npz or .safetensors.",
            ),
            click.option(
                "--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1."
            ),
            offline_option,
            common_options,
        ):  # fmt: skip
            function = option(function)
        return function

    return decorate


@dataclass(frozen=True)
class OutputFiles:
    """The files that a command writes, and the model that it draws with.

    Args:
        package: The directory of the model's package.
        picture: The path of the picture.
        arrays: The path of the numbers behind the picture; None if they are not written.
    """

    package: Path
    picture: Path
    arrays: Path | None

    def load(self, device: str) -> Generator:
        """Return the model."""
        from ganzoo import models

        return models.load(self.package, device, notify=note)

    def split_labels(self, texts: Sequence[str]) -> list[str] | None:
        """Return the classes in the texts of ``--label``; None if there are none."""
        with heavy_imports():
            from ganzoo.package.labels import split_labels
        return split_labels(texts, read_config(self.package).data) if texts else None

    def write(self, made: Picture | Animation) -> None:
        """Write the files; print what they show on stderr, and their paths on stdout."""
        for path in (self.picture, self.arrays):
            if path is not None:
                made.save(path)
        note(made.words)
        for path in (self.picture, self.arrays):
            if path is not None:
                click.echo(path)


def choose_files(
    what: str, name: str, out: str | None, arrays: str | None, suffixes: Iterable[str], offline: bool,
    with_arrays: bool = False,
) -> OutputFiles:  # fmt: skip
    """Return the files that a command writes; the model is fetched if it is on the Hub.

    Args:
        what: The name of the model.
        name: The name of the command, for the names of files.
        out: The picture, or None.
        arrays: The file of the numbers behind the picture, or None.
        suffixes: The suffixes that the picture may have; the first one is that of the default.
        offline: Whether nothing is downloaded.
        with_arrays: Whether the numbers are written if `arrays` is None; beside the picture, as ``.npz``.

    Raises:
        UsageError: A file has another suffix.
        NotFound: A file's folder does not exist, or there is no such model.
    """
    from ganzoo import models

    suffixes = tuple(suffixes)
    _check_path("--out", out, suffixes)
    _check_path("--arrays", arrays, ARRAYS)
    package = models.resolve_package(what, offline=offline, notify=note)
    picture = Path(out or f"{choose_file_name(what, package)}-{name}{suffixes[0]}")
    beside = picture.with_suffix(".npz") if with_arrays else None
    return OutputFiles(package, picture, Path(arrays) if arrays else beside)


def _check_path(flag: str, path: str | None, suffixes: Sequence[str]) -> None:
    if path is None:
        return
    if Path(path).suffix.lower() not in suffixes:
        raise UsageError(f"{flag} {path}: end it in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    if not Path(path).parent.is_dir():
        raise NotFound(f"{flag} {path}: the folder {Path(path).parent} does not exist: create it first")
