"""What the commands share: the options of all of them, completion, and tables."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ganzoo import run as runs
from ganzoo.errors import GanzooError, UsageError
from ganzoo.options import options_of
from ganzoo.plugin import Built
from ganzoo.recipe import MANY, NETWORKS, ONE
from ganzoo.registry import registry
from ganzoo.settings import OPTIMIZERS, TrainOptions

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass
class Session:
    """What one call of the command line knows."""

    verbose: bool = False


# ----------------------------------------------------------------------------
# Options that every command takes.


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--plugin FILE``, ``--no-plugin NAME`` and ``-v``."""

    @click.option("--plugin", "files", multiple=True, metavar="FILE", help="Add the plugin in a Python file.")
    @click.option("--no-plugin", "blocked", multiple=True, metavar="NAME", help="Leave an installed plugin out.")
    @click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
    @functools.wraps(function)
    def wrapper(files: Sequence[str], blocked: Sequence[str], verbose: bool, **arguments: Any) -> Any:
        click.get_current_context().ensure_object(Session).verbose |= verbose
        use_plugins(files, blocked)
        return function(**arguments)

    return wrapper


def use_plugins(files: Iterable[str], blocked: Sequence[str]) -> None:
    """Leave plugins out of this process's registry, then add those in files."""
    if blocked:
        before = os.environ.get("GANZOO_DISABLE_PLUGINS", "")
        os.environ["GANZOO_DISABLE_PLUGINS"] = ",".join(filter(None, [before, *blocked]))
        registry.cache_clear()
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
            raise UsageError(f"{argument!r} is no KEY=VALUE: settings are written like train.images=50000")
        if key in pairs:
            raise UsageError(f"{key} is given twice")
        pairs[key] = value
    return pairs


def known_keys(arch: str | None = None) -> list[str]:
    """Return the keys that ``KEY=VALUE`` may name, those of one architecture where it is given."""
    keys = [f"train.{name}" for name in options_of(TrainOptions)]
    for network in NETWORKS:
        keys.append(f"optim.{network}.name")
        names = {name for cls in OPTIMIZERS.values() for name in options_of(cls)}
        keys += [f"optim.{network}.{name}" for name in sorted(names)]
    for key, kind in (ONE | MANY).items():
        for entry in registry().components(kind):
            if isinstance(entry.spec, Built) and not (key == "arch" and arch not in (None, entry.spec.name)):
                prefix = key if key in ONE else f"{key}.{entry.spec.name}"
                keys += [f"{prefix}.{name}" for name in options_of(entry.spec.options)]
    return list(dict.fromkeys(keys))


# ----------------------------------------------------------------------------
# Shell completion, torch-free.

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_components(kind: str | None, *extra: str) -> Complete:
    """Return the completion of a component's name."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        _plugins_of(ctx)
        found = {entry.spec.name: entry.spec.summary for entry in registry().components(kind)}
        found |= {name: "" for name in extra}
        items = [CompletionItem(name, help=text) for name, text in found.items() if name.startswith(incomplete)]
        return items or ([CompletionItem(incomplete, type="dir")] if kind == "dataset" else [])

    return complete


def complete_pairs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the key of a ``KEY=VALUE``."""
    _plugins_of(ctx)
    keys = [key for key in known_keys(ctx.params.get("arch")) if key.startswith(incomplete)]
    return [CompletionItem(f"{key}=") for key in keys]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a run's name."""
    names = [run.path.name for run in runs.all_runs()]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="dir")]


def _plugins_of(ctx: click.Context) -> None:
    """Take up the plugin options that stand before the word that is completed."""
    with contextlib.suppress(GanzooError):  # a completion has nowhere to say so; the command will
        use_plugins(ctx.params.get("files") or (), ctx.params.get("blocked") or ())


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
