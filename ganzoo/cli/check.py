"""``ganzoo check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import common_options, complete_components, print_json
from ganzoo.cli.pairs import parse_pairs
from ganzoo.errors import UsageError
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.registry import parse_kind, registry
from ganzoo.runs.heavy import heavy_imports

if TYPE_CHECKING:
    from ganzoo.testing import Result


@click.command("check")
@click.argument("what", metavar="[NAME]", required=False, shell_complete=complete_components(None))
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--list", "as_list", is_flag=True, help="List the checks, of all kinds or of the KIND given as NAME.")
@click.option("--full", is_flag=True, help="Also run the slow checks: compilation by inductor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(what: str | None, pairs: tuple[str, ...], as_list: bool, full: bool, as_json: bool) -> None:
    """Check that NAME keeps its contracts. NAME is a plugin, with all its components, or a component.

    \b
    ganzoo check acme
    ganzoo check blobgan arch.width=16
    ganzoo check my_gan --plugin ./my_gan.py
    ganzoo check --list loss

    Exits with 1 if a check fails. Each failure names the line of the contract and the line of code. A failure that
    pyproject.toml expects ([tool.ganzoo.expected-failures]) does not count, but an expected failure that passes does.
    """
    if as_list:
        _print_contracts(what, as_json)
        return
    if what is None:
        raise UsageError("give the name to check: ganzoo check NAME (`ganzoo list` and `ganzoo plugins` show names)")
    options = _parse_options(what, parse_pairs(pairs))
    with heavy_imports():
        from ganzoo.testing import collect_checks
        from ganzoo.testing.expected import read_expected_failures, require_known_names, select_expected_failures

    checks, results = collect_checks(what, options=options, full=full), []
    expected = require_known_names(checks, select_expected_failures(read_expected_failures(), checks))
    for check in checks:
        result = check.run(expected.get(check.name, ""))
        results.append(result)
        if not as_json:
            words = f": {result.message}" if result.message else ""
            click.echo(f"{result.status:5}  {result.seconds:5.1f} s  {result.check}{words}")
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        for line in (_summarize(results), *_list_not_checked(results)):
            click.echo(line, err=True)
    if any(result.status == "FAIL" for result in results):
        click.get_current_context().exit(1)


_WORDS = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped", "XFAIL": "failed as expected"}


def _summarize(results: Sequence[Result]) -> str:
    counts = Counter(result.status for result in results)
    return ", ".join(f"{count} {_WORDS[status]}" for status, count in sorted(counts.items()))


def _list_not_checked(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each reason why a check that applies did not run."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in filter(attrgetter("not_checked"), results):
        subject, _, name = result.check.rpartition("/")
        reasons.setdefault((subject, result.message), []).append(name)
    for (subject, words), names in reasons.items():
        what = names[0] if len(names) == 1 else f"{len(names)} checks"
        yield f"not checked: {what} of {subject}: {words}"


def _print_contracts(what: str | None, as_json: bool) -> None:
    """Print the sentence of each check, of one kind or of all kinds."""
    with heavy_imports():
        from ganzoo.testing.collect import collect_contracts

    found = collect_contracts()
    if what is not None:
        kind = what if what in found else parse_kind(what)
        found = {kind: found[kind]}
    if as_json:
        print_json(found)
        return
    for kind, sentences in found.items():
        click.echo(kind)
        for name, sentence in sentences.items():
            click.echo(f"  {name}: {sentence}")


def _parse_options(what: str, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a component that ``KEY=VALUE`` sets. The keys are those of `ganzoo train`."""
    if not pairs:
        return {}
    name = what.rpartition(":")[2]
    specs = [entry.spec for entry in registry().components() if name in (entry.spec.name, *entry.spec.aliases)]
    prefixes = sorted({make_options_prefix(spec.kind, spec.name) for spec in specs} - {""})
    options = {}
    for key, value in pairs.items():
        found = [key.removeprefix(prefix) for prefix in prefixes if key.startswith(prefix)]
        if not found:
            wanted = " or ".join(f"{prefix}OPTION" for prefix in prefixes)
            way_out = f"write options of {what!r} as {wanted}" if wanted else f"{what!r} is not a component: name one"
            raise UsageError(f"{key}={value}: {way_out}")
        options[found[0]] = value
    return options
