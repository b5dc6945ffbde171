"""``ganzoo list``."""

from __future__ import annotations

from collections import Counter

import click

from ganzoo.cli.common import common_options, print_json
from ganzoo.cli.tables import print_table
from ganzoo.plugin import KINDS, Component, Model, Recipe
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
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for entry in entries:
            if entry.spec.kind == one:
                bare = counts[one, entry.spec.name] == 1 and one != Model.kind  # models are loaded by full names
                name = entry.spec.name if bare else entry.qualified
                also = f" (also {', '.join(entry.spec.aliases)})" if entry.spec.aliases else ""
                row = (name, entry.plugin.source, entry.spec.summary + also)
                groups.setdefault(_name_group(entry.spec), []).append(row)
        if groups:
            click.echo(PLURALS[one])
        for group in sorted(groups):
            if group:
                click.echo(f"  {group}")
            print_table(groups[group], indent="    " if group else "  ", optional=[1])


def _name_group(spec: Component) -> str:
    """Return the heading under which a component is listed: for a recipe, its data; empty for other kinds."""
    return f"for {spec.dataset or 'any data'}" if isinstance(spec, Recipe) else ""
