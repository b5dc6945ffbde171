"""Code that all commands share: options and completion. ``KEY=VALUE`` arguments are in `ganzoo.cli.pairs`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from ganzoo.errors import UsageError, suggest_names
from ganzoo.plugin.numbers import parse_count
from ganzoo.registry import GROUP, registry
from ganzoo.runs import run as runs
from ganzoo.runs.display import print_line

F = TypeVar("F", bound=Callable[..., Any])

note = print_line


@dataclass
class Session:
    """The state of one call of the command line.

    Args:
        verbose: Whether ``-v`` was given, to show tracebacks.
        files: The plugin files of ``--plugin``, before and after the name of the command.
    """

    verbose: bool = False
    files: list[str] = field(default_factory=list)


# ----------------------------------------------------------------------------
# Options that every command takes.


def common_options(function: F) -> F:
    """Add the options ``--plugin FILE``, ``--no-plugin NAME`` and ``-v`` to a command.

    They take effect while the command line is parsed, so that commands of plugins and completion see the right plugins.
    Eager options are handled first.
    """
    for option in (
        click.option(
            "-v", "--verbose", is_flag=True, is_eager=True, expose_value=False, callback=_show_tracebacks,
            help="Show the traceback of an error.",
        ),
        click.option(
            "--no-plugin", metavar="NAME", multiple=True, is_eager=True, expose_value=False, callback=_disable_plugins,
            help="Disable an installed plugin. Repeat the flag for more.",
        ),
        click.option(
            "--plugin", metavar="FILE", multiple=True, expose_value=False, callback=_add_plugins,
            help="Add the plugin in a Python file. Repeat the flag for more.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def offline_option(function: F) -> F:
    """Add the option ``--offline`` to a command."""
    return click.option(
        "--offline", is_flag=True, help="Load a model of the Hub from the cache; do not use the network."
    )(function)


def _show_tracebacks(ctx: click.Context, param: click.Parameter, verbose: bool) -> None:
    ctx.ensure_object(Session).verbose |= verbose
    if verbose:
        logging.getLogger("ganzoo").setLevel(logging.DEBUG)


def _disable_plugins(ctx: click.Context, param: click.Parameter, names: Sequence[str]) -> None:
    """Disable installed plugins in this process's registry; plugins from files stay."""
    if not names:
        return
    installed = {point.name for point in metadata.entry_points(group=GROUP)}
    for name in names:
        if name.partition("@")[0] not in (*installed, "all"):
            hint = suggest_names(name, installed) or "; `ganzoo plugins` lists them"
            raise UsageError(f"--no-plugin {name}: this plugin is not installed{hint}")
    before = os.environ.get("GANZOO_DISABLE_PLUGINS", "")
    os.environ["GANZOO_DISABLE_PLUGINS"] = ",".join(filter(None, [before, *names]))
    registry.cache_clear()
    for file in ctx.ensure_object(Session).files:
        registry().add_file(Path(file))


def _add_plugins(ctx: click.Context, param: click.Parameter, files: Sequence[str]) -> None:
    """Add the plugins in Python files to this process's registry."""
    ctx.ensure_object(Session).files += files
    for file in files:
        registry().add_file(Path(file))


# ----------------------------------------------------------------------------
# Numbers.


class Count(click.ParamType):  # type: ignore[type-arg]  # newer versions of click make it generic
    """The type of an option that takes a whole number: ``10000``, ``10k``, ``1e4``, ``10_000`` or ``10,000``."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        try:
            return value if isinstance(value, int) else parse_count(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number", param, ctx)


# ----------------------------------------------------------------------------
# Shell completion, torch-free.

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_components(kind: str | None, *extra: str) -> Complete:
    """Return a function that completes the name of a component.

    Args:
        kind: The kind of component; None for all kinds.
        extra: Other words to complete.
    """

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found = {entry.spec.name: entry.spec.summary for entry in registry().components(kind)}
        found |= {name: "" for name in extra}
        items = [CompletionItem(name, help=text) for name, text in found.items() if name.startswith(incomplete)]
        return items or ([CompletionItem(incomplete, type="dir")] if kind == "dataset" else [])

    return complete


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a run."""
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
