"""What the commands share: the options of all of them, completion, and tables."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from ganzoo.errors import UsageError, suggest_names
from ganzoo.recipe.keys import COMPONENTS, list_keys
from ganzoo.registry import GROUP, registry
from ganzoo.runs import run as runs

F = TypeVar("F", bound=Callable[..., Any])

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # and what turns the direction of text


@dataclass
class Session:
    """What one call of the command line knows."""

    verbose: bool = False
    files: list[str] = field(default_factory=list)  # of plugins, named before and behind the command


# ----------------------------------------------------------------------------
# Options that every command takes.


def common_options(function: F) -> F:
    """Give a command ``--plugin FILE``, ``--no-plugin NAME`` and ``-v``.

    They act while the line is read: a command that a plugin offers, and completion, find the plugins as they were
    asked for. Those that are eager come first.
    """
    for option in (
        click.option(
            "-v", "--verbose", is_flag=True, is_eager=True, expose_value=False, callback=_show_tracebacks,
            help="Show the traceback of an error.",
        ),
        click.option(
            "--no-plugin", metavar="NAME", multiple=True, is_eager=True, expose_value=False, callback=_leave_out,
            help="Leave an installed plugin out.",
        ),
        click.option(
            "--plugin", metavar="FILE", multiple=True, expose_value=False, callback=_add,
            help="Add the plugin in a Python file.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def offline_option(function: F) -> F:
    """Give a command ``--offline``."""
    return click.option(
        "--offline", is_flag=True, help="Take a model of the Hub from the cache, and ask the network for nothing."
    )(function)


def note(line: str) -> None:
    """Show a line to whoever watches; words of others cannot act on the terminal."""
    click.echo(CONTROL.sub("", line), err=True)


def _show_tracebacks(ctx: click.Context, param: click.Parameter, verbose: bool) -> None:
    ctx.ensure_object(Session).verbose |= verbose
    if verbose:
        logging.getLogger("ganzoo").setLevel(logging.DEBUG)


def _leave_out(ctx: click.Context, param: click.Parameter, names: Sequence[str]) -> None:
    """Leave installed plugins out of this process's registry; those that came in files stay."""
    if not names:
        return
    installed = {point.name for point in metadata.entry_points(group=GROUP)}
    for name in names:
        if name.partition("@")[0] not in (*installed, "all"):
            hint = suggest_names(name, installed) or "; `ganzoo plugins` lists them"
            raise UsageError(f"--no-plugin {name}: no such plugin is installed{hint}")
    before = os.environ.get("GANZOO_DISABLE_PLUGINS", "")
    os.environ["GANZOO_DISABLE_PLUGINS"] = ",".join(filter(None, [before, *names]))
    registry.cache_clear()
    for file in ctx.ensure_object(Session).files:
        registry().add_file(Path(file))


def _add(ctx: click.Context, param: click.Parameter, files: Sequence[str]) -> None:
    """Add the plugins in files to this process's registry."""
    ctx.ensure_object(Session).files += files
    for file in files:
        registry().add_file(Path(file))


# ----------------------------------------------------------------------------
# KEY=VALUE.


def parse_pairs(arguments: Iterable[str]) -> dict[str, str]:
    """Return ``KEY=VALUE`` arguments as a mapping.

    Raises:
        UsageError: An argument is not of that form, or a key is given twice.
    """
    pairs: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or not key:
            raise UsageError(f"{argument!r} is not KEY=VALUE: {_instead_of(argument)}")
        if key in pairs:
            raise UsageError(f"{key} is given twice: keep one of {key}={pairs[key]} and {argument}")
        pairs[key] = value
    return pairs


def _instead_of(word: str) -> str:
    """Return what to write instead of a lone word: the flag, where it is a component's name."""
    for key in COMPONENTS:
        if any(word in (entry.spec.name, *entry.spec.aliases) for entry in registry().components(key.kind)):
            return f"did you mean --{key.name} {word}?"
    return "settings are written like train.images=50000"


# ----------------------------------------------------------------------------
# Shell completion, torch-free.

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_components(kind: str | None, *extra: str) -> Complete:
    """Return the completion of a component's name."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found = {entry.spec.name: entry.spec.summary for entry in registry().components(kind)}
        found |= {name: "" for name in extra}
        items = [CompletionItem(name, help=text) for name, text in found.items() if name.startswith(incomplete)]
        return items or ([CompletionItem(incomplete, type="dir")] if kind == "dataset" else [])

    return complete


def complete_pairs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the key of a ``KEY=VALUE``."""
    keys = [key for key in list_keys(registry(), ctx.params.get("arch")) if key.startswith(incomplete)]
    return [CompletionItem(f"{key}=") for key in keys]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a run's name."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = [run.path.name for run in runs.list_runs()]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="dir")]


# ----------------------------------------------------------------------------
# Output.


def print_json(value: object) -> None:
    """Print JSON for a script."""
    click.echo(json.dumps(value, indent=2))


def print_table(rows: Sequence[Sequence[object]], indent: str = "") -> None:
    """Print rows with aligned columns; control characters of foreign text are dropped."""
    texts = [[CONTROL.sub("", str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo((indent + "  ".join(cells)).rstrip())
