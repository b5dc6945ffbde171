"""The kit finds bugs: each plugin of tests/planted has one bug, and the checks that it names must fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ganzoo.errors import GanzooError
from ganzoo.registry import registry
from ganzoo.testing import Check, collect_checks, command, plugin
from ganzoo.testing.checks import Trial, make_checks
from ganzoo.testing.collect import collect_contracts

PLANTED = sorted((Path(__file__).parents[1] / "planted").glob("*.py"))
SOUND = [path for path in PLANTED if path.stem.startswith("sound")]
IN_TERMS = ("sound_loss", "sound_losses", "sound_regularizer", "sound_regularizers")  # in test_testing_terms.py


def read_caught_by(path: Path) -> list[str]:
    """Read the names of the checks that must fail from a plugin's file, without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "CAUGHT_BY":
            return list(ast.literal_eval(node.value))
    return []


def make_installed_checks(name: str) -> list[Check]:
    """Return a plugin's own checks as if it were in a distribution; a bare file may import torch."""
    found = next(each for each in registry().plugins if each.name == name)
    installed = replace(found, distribution="planted")
    entries = [replace(entry, plugin=installed) for entry in registry().components("command") if entry.plugin == found]
    commands = [
        check for entry in entries for check in make_checks(command, f"command/{entry.spec.name}", Trial(entry))
    ]
    return [*make_checks(plugin, f"plugin/{name}", installed), *commands]


@pytest.fixture
def planted() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("path", [path for path in PLANTED if path not in SOUND], ids=lambda path: path.stem)
def test_each_bug_is_caught_by_the_check_that_names_it(path: Path) -> None:
    with suppress(GanzooError):  # if it does not load, a check reports it
        registry().add_file(path)
    wanted = read_caught_by(path)
    assert wanted
    checks = {check.name: check for check in collect_checks(path.stem)}
    checks |= {check.name: check for check in make_installed_checks(path.stem)}
    for name in wanted:
        result = checks[name].run()
        assert result.status == "FAIL", f"{name} does not find it: {path.read_text(encoding='utf-8').splitlines()[0]}"
        assert result.message.startswith(checks[name].contract)


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("path", [path for path in SOUND if path.stem not in IN_TERMS], ids=lambda path: path.stem)
def test_correct_plugins_pass(path: Path) -> None:
    registry().add_file(path)
    failed = [result for check in collect_checks(path.stem) if (result := check.run()).status == "FAIL"]
    assert not failed


def test_a_bug_is_planted_for_every_check() -> None:
    caught = {tuple(name.split("/", 2)[::2]) for path in PLANTED for name in read_caught_by(path)}
    caught |= {("component", check) for _, check in caught}  # the checks of every component
    caught.add(("architecture", "compiled-equals-plain"))  # it takes minutes, and is in test_testing_architecture.py
    assert {(kind, check) for kind, checks in collect_contracts().items() for check in checks} - caught == set()
