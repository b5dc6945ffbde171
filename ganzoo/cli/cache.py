"""``ganzoo cache``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.common import common_options, note, print_json
from ganzoo.cli.tables import print_table
from ganzoo.runs import cache
from ganzoo.runs.cache import CacheEntry

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _complete_entries(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(entry.name) for entry in cache.list_entries() if entry.name.startswith(incomplete)]


@click.group("cache", invoke_without_command=True)
@json_option
@common_options
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show what is in the cache, ~/.cache/ganzoo or $GANZOO_CACHE: packed datasets, and features of metrics.

    \b
    ganzoo cache                 the entries: size, last use, and what they are
    ganzoo cache clear NAME      remove one of them
    ganzoo cache clear           remove all

    Everything in the cache is made again when it is needed. A run that uses an entry now is not disturbed; its disk
    space is free when the run ends. Models of the Hugging Face Hub are in the Hub's own cache, and stay.
    """
    if ctx.invoked_subcommand is None:
        _show_entries(cache.list_entries(), as_json, "the cache has")


@command.command("clear")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=_complete_entries)
@json_option
@common_options
def clear(names: tuple[str, ...], as_json: bool) -> None:
    """Remove entries of the cache, or all entries if no name is given; show what was removed."""
    _show_entries(cache.clear_cache(names), as_json, "freed")


def _show_entries(entries: Sequence[CacheEntry], as_json: bool, words: str) -> None:
    """Print entries, and their size in all after some words."""
    if as_json:
        print_json([asdict(entry) | {"path": str(entry.path)} for entry in entries])
    elif entries:
        print_table([("name", "size", "last used", "what"), *map(_make_row, entries)])
    note(f"{words} {_format_size(sum(entry.size for entry in entries))} in {cache.find_cache_folder()}")


def _make_row(entry: CacheEntry) -> tuple[str, str, str, str]:
    used = datetime.fromtimestamp(entry.used).isoformat(sep=" ", timespec="minutes")
    return entry.name, _format_size(entry.size), used, entry.title


def _format_size(size: int) -> str:
    """Return a number of bytes in KiB, MiB or GiB."""
    for exponent, unit in ((30, "GiB"), (20, "MiB")):
        if size >= 2**exponent:
            return f"{size / 2**exponent:.1f} {unit}"
    return f"{size / 2**10:.1f} KiB"
