"""The kit catches bugs: each plugin of tests/planted is wrong in one way, which the check that it names must see."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ganzoo.errors import GanzooError
from ganzoo.registry import registry
from ganzoo.testing import checks_of

PLANTED = sorted((Path(__file__).parents[1] / "planted").glob("*.py"))
SOUND = [path for path in PLANTED if path.stem.startswith("sound")]


def caught_by(path: Path) -> list[str]:
    """Return the names of the checks that must fail, read without importing the plugin."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "CAUGHT_BY":
            return list(ast.literal_eval(node.value))
    return []


@pytest.fixture
def planted() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("path", [path for path in PLANTED if path not in SOUND], ids=lambda path: path.stem)
def test_each_bug_is_caught_by_the_check_that_names_it(path: Path) -> None:
    with suppress(GanzooError):  # where it does not load, a check says so
        registry().add_file(path)
    wanted = caught_by(path)
    assert wanted
    checks = {check.name: check for check in checks_of(path.stem)}
    for name in wanted:
        result = checks[name].run()
        assert result.status == "FAIL", f"{name} did not see it: {path.read_text(encoding='utf-8').splitlines()[0]}"
        assert result.words.startswith(checks[name].contract)


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_what_is_right_passes(path: Path) -> None:
    registry().add_file(path)
    failed = [result for check in checks_of(path.stem) if (result := check.run()).status == "FAIL"]
    assert not failed


def test_there_are_enough_bugs() -> None:
    assert len(PLANTED) - len(SOUND) >= 25
