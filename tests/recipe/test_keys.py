"""One table has all settings; all code that reads or shows settings uses it, and no other code lists them."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

import ganzoo
from acme_components import REGISTRY
from ganzoo.cli.train import command
from ganzoo.plugin import KINDS
from ganzoo.recipe.keys import COMPONENTS, FLAGS, MANY, NETWORKS, ONE, list_keys, make_options_prefix, map_flags_to_keys
from ganzoo.recipe.recipe import ResolvedRecipe

CORE = Path(ganzoo.__file__).parent
TABLE = CORE / "recipe" / "keys.py"
LISTS = [{entry.name for entry in COMPONENTS}, {flag.name for flag in FLAGS}, {flag.key for flag in FLAGS}]


def lists(path: Path) -> Iterator[set[str]]:
    """Yield the words of each literal of several (a tuple's, a mapping's keys ...), and of all ``--FLAG`` of a file."""
    flags = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        items = getattr(node, "keys" if isinstance(node, ast.Dict) else "elts", [])
        yield {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("--"):
            flags.add(node.value.removeprefix("--"))
    yield flags


def repeats(path: Path) -> list[set[str]]:
    """Return the lists of a file with three or more names of the table, without lists of kinds."""
    kinds = set(KINDS) - LISTS[0]
    return [words & keys for words in lists(path) for keys in LISTS if len(words & keys) > 2 and not words & kinds]


SECOND = [
    'x = "arch", "loss", "dataset"',
    "x = {'reg': 1, 'aug': 2, 'metric': 3}",
    'f("--arch"), f("--loss"), f("--reg")',
]


@pytest.mark.parametrize("text", SECOND)
def test_the_search_below_finds_a_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "second.py").write_text(text)
    assert repeats(tmp_path / "second.py")


def test_no_module_lists_the_keys_again() -> None:
    second = {str(path.relative_to(CORE)): repeats(path) for path in {*CORE.rglob("*.py")} - {TABLE}}
    assert {path: found for path, found in second.items() if found} == {}


def test_lists_outside_of_the_table_agree_with_it() -> None:
    """A data class, a signature and a schema cannot be made from the table."""
    chosen = [entry.name for entry in COMPONENTS]
    assert [field.name for field in fields(ResolvedRecipe)][: len(chosen)] == chosen
    arguments = list(inspect.signature(ganzoo.train).parameters)
    assert set(arguments) >= {*chosen, *(flag.name for flag in FLAGS)}
    schema = json.loads((CORE / "package" / "config.schema.json").read_text(encoding="utf-8"))
    stored = schema["properties"]["recipe"]["properties"]
    component = {"$ref": "#/$defs/component"}
    assert {key for key, value in stored.items() if value == component} == set(ONE)
    assert {key for key, value in stored.items() if value == {"type": "array", "items": component}} == set(MANY)


def test_every_key_is_a_flag_of_the_command() -> None:
    options = {param.opts[0]: param for param in command.params if isinstance(param, click.Option)}
    for entry in COMPONENTS:
        assert options[f"--{entry.name}"].multiple is entry.many
    for flag in FLAGS:
        assert flag.key in (options[f"--{flag.name}"].help or "")


def test_each_flag_sets_one_setting() -> None:
    said = map_flags_to_keys({"arch": "dcgan", "reg": (), "images": "10", "size": None, "conditional": False})
    assert said == {"arch": "dcgan", "train.images": "10", "train.conditional": False}


def test_every_key_that_can_be_set_is_known() -> None:
    assert {entry.kind for entry in COMPONENTS} < set(KINDS)
    keys = list_keys(REGISTRY)
    assert {"arch.width", "reg.r1.gamma", "dataset.size", "train.images"} <= set(keys)
    assert {f"optim.{network}.{name}" for network in NETWORKS for name in ("name", "lr", "momentum")} <= set(keys)
    of_terms = list_keys(REGISTRY, kinds=("regularizer",))
    assert "reg.r1.gamma" in of_terms
    assert all(key.startswith("reg.") for key in of_terms)
    assert "arch.width" not in list_keys(REGISTRY, arch="plain")
    assert make_options_prefix("command", "demo") == ""
