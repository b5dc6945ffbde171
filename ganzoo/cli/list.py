"""``ganzoo list``."""

from __future__ import annotations

from collections import Counter

import click

from ganzoo.cli.common import common_options, print_json, print_table
from ganzoo.plugin import KINDS, Model
from ganzoo.registry import PLURALS, parse_kind, registry


@click.command("list")
@click.argument(
    "kind", required=False, shell_complete=lambda ctx, param, word: [k for k in KINDS if k.startswith(word)]
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(kind: str | None, as_json: bool) -> None:
    """List the installed components: all, or only those of one KIND (architecture, loss, dataset ...)."""
    entries = registry().components(parse_kind(kind) if kind else None)
    if as_json:
        fields = ("name", "summary", "aliases", "paper")
        print_json(
            [
                {"kind": entry.spec.kind, "plugin": entry.plugin.name, "source": entry.plugin.source}
                | {field: getattr(entry.spec, field) for field in fields}
                for entry in entries
            ]
        )
        return
    counts = Counter((entry.spec.kind, entry.spec.name) for entry in entries)
    for one in KINDS:
        rows = []
        for entry in entries:
            if entry.spec.kind == one:
                bare = counts[one, entry.spec.name] == 1 and one != Model.kind  # models are loaded by full names
                name = entry.spec.name if bare else entry.qualified
                also = f" (also {', '.join(entry.spec.aliases)})" if entry.spec.aliases else ""
                rows.append((name, entry.plugin.source, entry.spec.summary + also))
        if rows:
            click.echo(PLURALS[one])
            print_table(rows, indent="  ")
