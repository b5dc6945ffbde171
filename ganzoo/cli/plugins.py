"""``ganzoo plugins``."""

from __future__ import annotations

from dataclasses import asdict

import click

from ganzoo.cli.common import common_options, print_json
from ganzoo.cli.tables import print_table
from ganzoo.registry import registry


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(as_json: bool) -> None:
    """List the plugins with their origin, their number of components, and their errors."""
    found = registry()
    counts = {plugin.name: sum(entry.plugin == plugin for entry in found.components()) for plugin in found.plugins}
    if as_json:
        print_json([asdict(plugin) | {"components": counts[plugin.name]} for plugin in found.plugins])
        return
    rows = []
    for plugin in found.plugins:
        state = plugin.error or plugin.warning or "ok"
        count = counts[plugin.name]
        rows.append((plugin.name, plugin.source, f"{count} component{'' if count == 1 else 's'}", state))
    if rows:
        print_table(rows)
