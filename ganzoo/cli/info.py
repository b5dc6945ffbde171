"""``ganzoo info``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from textwrap import shorten
from typing import Any

import click

from ganzoo.cli.common import common_options, complete_components, note, offline_option, print_json
from ganzoo.cli.tables import print_table, print_text
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import Built, Model, Recipe, options
from ganzoo.plugin.citation import format_bibtex
from ganzoo.plugin.component import FACTORY
from ganzoo.plugin.options import list_options, to_text
from ganzoo.recipe.keys import make_options_prefix
from ganzoo.registry import registry
from ganzoo.registry.installed import RegisteredComponent
from ganzoo.registry.similar import suggest_component
from ganzoo.runs.display import format_value
from ganzoo.runs.scores import mark_scores
from ganzoo.runs.where import parse_repository

MOST_CHARACTERS = 200  # of one fact of a model, such as a vocabulary


@click.command("info")
@click.argument("name", metavar="NAME|RUN|DIR|USER/NAME", shell_complete=complete_components(None))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--bibtex", "as_bibtex", is_flag=True, help="Print the BibTeX of the paper that a component implements.")
@offline_option
@common_options
def command(name: str, as_json: bool, as_bibtex: bool, offline: bool) -> None:
    """Show the component NAME (or PLUGIN:NAME): its summary, its origin and its options.

    It also shows the model of a run (its path, name or number), a model package in a directory or a model on the Hub
    (USER/NAME[@REVISION]), without its weights.
    """
    if os.path.isdir(name) or name[:1].isdigit() or parse_repository(name) is not None:
        if as_bibtex:
            raise UsageError(
                f"{name} is a model: name the component whose paper you want, `ganzoo info dcgan --bibtex`"
            )
        _show_model(name, offline, as_json)
        return
    plugin, _, bare = name.rpartition(":")
    entries = [
        entry
        for entry in registry().components()
        if bare in (entry.spec.name, *entry.spec.aliases) and plugin in ("", entry.plugin.name)
    ]
    if not entries:
        hint = suggest_component(registry().components(), bare) or "; see `ganzoo list`"
        raise UsageError(f"no component {name!r} is installed{hint}")
    if as_bibtex:
        _print_bibtex(entries)
        return
    facts = [_collect_facts(entry) for entry in entries]
    for entry, fact in zip(entries, facts, strict=True):
        if plugin and isinstance(entry.spec, Model):  # the user gave the name that loads the model
            fact["model"] = _describe_model(entry.qualified)
    if as_json:
        print_json(facts)
        return
    for index, fact in enumerate(facts):
        if index:
            click.echo()
        _print(fact)


def _print_bibtex(entries: list[RegisteredComponent]) -> None:
    """Print the BibTeX of the papers that components name, each once."""
    papers = {entry.qualified: entry.spec.paper for entry in entries if entry.spec.paper}
    if not papers:
        names = " and ".join(entry.qualified for entry in entries)
        raise UsageError(f"{names} names no paper: cite ganzoo itself, by CITATION.cff of its repository")
    found: dict[str, None] = {}
    for name, paper in papers.items():
        try:
            found |= dict.fromkeys(format_bibtex(paper))
        except ValueError as error:
            raise GanzooError(f"the paper of {name} cannot be written as BibTeX: {error}") from None
    click.echo("\n\n".join(found))


def _show_model(name: str, offline: bool, as_json: bool) -> None:
    """Print the facts of a model from its config and from the Hub. All texts are the author's."""
    facts = _describe_model(name, offline)
    if as_json:
        print_json(facts)
    else:
        _print_model(facts)


def _describe_model(name: str, offline: bool = False) -> dict[str, Any]:
    from ganzoo import sharing

    return sharing.describe_model(name, offline=offline, notify=note)


def _print_model(facts: dict[str, Any], indent: str = "") -> None:
    rows = []
    marks, lines = mark_scores(facts["scores"])
    values = [
        f"{score['name']} {_to_words(score.get('value'))} {mark}".strip()
        for score, mark in zip(facts["scores"], marks, strict=True)
    ]
    for key, value in (facts | {"metrics": values, "scores": "; ".join(lines)}).items():
        if isinstance(value, dict):
            parts = {name: part for name, part in value.items() if name != "meta"} | value.get("meta", {})
            value = ", ".join(f"{name} {_to_words(part)}" for name, part in parts.items() if part not in ([], {}))
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        if value not in ("", None):
            rows.append((key, value))
    print_table(rows, indent)


def _to_words(value: object) -> str:
    """Return a part of a model's facts as short text: a measured value has four digits."""
    return format_value(value) if isinstance(value, float) else shorten(str(value), MOST_CHARACTERS, placeholder="...")


def _collect_facts(entry: RegisteredComponent) -> dict[str, Any]:
    """Return all facts of a component as JSON."""
    spec = entry.spec
    facts: dict[str, Any] = {
        "name": entry.qualified,
        "kind": spec.kind,
        "summary": spec.summary,
        "aliases": list(spec.aliases),
        "source": entry.plugin.source,
        "paper": spec.paper,
    }
    names = [each.name for each in fields(spec) if each.name not in ("source", "similar_to", *facts)]
    facts |= {name: value for name in names if (value := _to_json(getattr(spec, name))) is not None}
    if isinstance(spec, Recipe):
        facts["origin"] = spec.source
        if isinstance(spec.settings, str):
            facts["computed"] = f"by {spec.settings}, from the data and the device"
    if isinstance(spec, Built):
        facts["provides"] = list(spec.get_provided(spec.options()))
        prefix = make_options_prefix(spec.kind, spec.name)
        defaults = options.to_json(spec.options())
        facts["options"] = [
            {
                "key": prefix + option.name,
                "takes": option.expects,
                "default": defaults[option.name],
                "help": option.help,
            }
            for option in list_options(spec.options).values()
        ]
    return facts


def _to_json(value: object) -> Any:
    """Convert a field of a spec to JSON; None if it is code or does not help a person."""
    if isinstance(value, Mapping):
        plain = {key: to_text(each) for key, each in value.items()}
        return list(plain) if plain and all(map(FACTORY.fullmatch, plain.values())) else plain
    if isinstance(value, tuple):
        return list(value) if all(isinstance(each, (str, int)) for each in value) else None
    return value if isinstance(value, (str, bool)) and not FACTORY.fullmatch(str(value)) else None


def _print(facts: dict[str, Any]) -> None:
    click.echo(f"{facts['kind']} {facts['name']} ({facts['source']})")
    print_text(facts["summary"], indent="  ")
    if facts["paper"]:
        print_text(facts["paper"], indent="  ")
    lines = {key: value for key, value in facts.items() if key not in ("kind", "name", "source", "summary", "paper")}
    blocks = {key: value for key, value in lines.items() if isinstance(value, dict) and key != "model"}
    for key, value in lines.items():
        if value and key not in ("model", "options", *blocks):
            words = ", ".join(map(str, value)) if isinstance(value, list) else to_text(value)
            print_text(f"{key}: {words}", indent="  ")
    for key, block in blocks.items():
        if block:
            click.echo(f"  {key}:")
            print_table(list(block.items()), indent="    ")
    if facts.get("model"):
        _print_model(facts["model"], indent="  ")
    if facts.get("options"):
        click.echo("  options:")
        rows = [(row["key"], to_text(row["default"]), f"{row['help']} ({row['takes']})") for row in facts["options"]]
        print_table(rows, indent="    ")
