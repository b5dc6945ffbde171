"""``ganzoo check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from ganzoo.cli.common import common_options, complete_components, parse_pairs, print_json
from ganzoo.errors import UsageError
from ganzoo.recipe.keys import options_prefix
from ganzoo.registry import registry
from ganzoo.runs.heavy import heavy_imports


@click.command("check", short_help="Hold a plugin to its contracts.")
@click.argument("what", metavar="NAME", shell_complete=complete_components(None))
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--full", is_flag=True, help="Also what takes long: compilation by inductor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(what: str, pairs: tuple[str, ...], full: bool, as_json: bool) -> None:
    """Hold NAME to the contracts: a plugin with all that it offers, or a component.

    \b
    ganzoo check acme
    ganzoo check blobgan arch.width=16
    ganzoo check my_gan --plugin ./my_gan.py

    Exits with 1 where a check fails; each failure says which line of the contract broke and where.
    """
    options = _options(what, parse_pairs(pairs))
    with heavy_imports():
        from ganzoo.testing import checks_of

    results = []
    for check in checks_of(what, options=options, full=full):
        result = check.run()
        results.append(result)
        if not as_json:
            words = f": {result.words}" if result.words else ""
            click.echo(f"{result.status:4}  {result.seconds:5.1f} s  {result.check}{words}")
    counts = Counter(result.status for result in results)
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        click.echo(", ".join(f"{count} {_WORDS[status]}" for status, count in sorted(counts.items())), err=True)
    if counts["FAIL"]:
        click.get_current_context().exit(1)


_WORDS = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped", "XFAIL": "failed as expected"}


def _options(what: str, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that ``KEY=VALUE`` gives the component; keys are those of `ganzoo train`."""
    if not pairs:
        return {}
    name = what.rpartition(":")[2]
    kinds = {entry.spec.kind for entry in registry().components() if name in (entry.spec.name, *entry.spec.aliases)}
    prefixes = sorted(filter(None, (options_prefix(kind, name) for kind in kinds)))
    options = {}
    for key, value in pairs.items():
        found = [key.removeprefix(prefix) for prefix in prefixes if key.startswith(prefix)]
        if not found:
            wanted = " or ".join(f"{prefix}OPTION" for prefix in prefixes) or "the name of one component before them"
            raise UsageError(f"{key}={value}: options of {what!r} are written {wanted}")
        options[found[0]] = value
    return options
