"""`ganzoo check`: what it prints, what it says last, and what it lists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli_calls import Ganzoo

LOUD = Path(__file__).parents[1] / "planted" / "import_prints.py"
NAME = "plugin/import_prints/silent-import"


@pytest.fixture(autouse=True)
def few_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove a check that takes seconds and is not about the command."""
    from ganzoo.testing.loss import execution

    monkeypatch.delattr(execution, "recordable")


def test_it_prints_each_check_and_fails_where_one_does(ganzoo: Ganzoo) -> None:
    done = ganzoo("check", "import_prints", "--plugin", LOUD, "--json")
    rows = json.loads(done.out[done.out.index("[") :])  # the plugin itself prints
    assert done.code == 1
    (failed,) = [row for row in rows if row["status"] == "FAIL"]
    assert failed["check"] == NAME
    assert "import_prints printed " in failed["message"]
    plain = ganzoo("check", "import_prints", "--plugin", LOUD)
    assert any(line.startswith("FAIL ") and NAME in line for line in plain.out.splitlines())
    assert "1 failed" in plain.err
    last = plain.err.splitlines()[-1]
    assert last.startswith(
        "not checked: cases of loss/planted: it has no cases, so a wrong factor, axis or point would pass"
    )


def test_failures_that_pyproject_expects_are_none(ganzoo: Ganzoo, own_folder: Path) -> None:
    file = own_folder / "pyproject.toml"
    file.write_text(f'[tool.ganzoo.expected-failures]\n"{NAME}" = "it greets"\n"loss/other/order" = "of another"\n')
    done = ganzoo("check", "import_prints", "--plugin", LOUD)
    assert (done.code, "1 failed as expected" in done.err) == (0, True)
    file.write_text('[tool.ganzoo.expected-failures]\n"plugin/import_prints/silent" = "a slip"\n')
    done = ganzoo("check", "import_prints", "--plugin", LOUD)
    assert done.code == 2
    assert "there is no check 'plugin/import_prints/silent': did you mean" in done.err


NEEDY = """
from dataclasses import dataclass
from ganzoo.plugin import Dataset, UsageError, hookimpl, option

@dataclass(frozen=True, kw_only=True)
class Options:
    path: str = option("", help="The table.")

@hookimpl
def ganzoo_datasets():
    yield Dataset(name="needy", summary="Needs a path.", factory="needy:build", options=Options, path_option="path")

def build(options):
    raise UsageError(f"dataset.path: {options.path!r} is not a table: name one")
"""


def test_a_dataset_that_needs_a_path_says_last_what_was_not_checked(ganzoo: Ganzoo, own_folder: Path) -> None:
    (own_folder / "needy.py").write_text(NEEDY)
    done = ganzoo("check", "needy", "--plugin", own_folder / "needy.py")
    last = done.err.splitlines()[-2:]
    assert done.code == 0
    assert re.match("not checked: 1[0-9] checks of dataset/needy: dataset.path: '' is not a table: name one", last[0])
    assert last[0].endswith("; give it: ganzoo check needy dataset.path=...")
    assert last[1].startswith("not checked: cases of dataset/needy: it has no cases")


def test_it_lists_what_is_checked(ganzoo: Ganzoo) -> None:
    done = ganzoo("check", "--list", "losses")
    assert (done.code, done.out.splitlines()[0]) == (0, "loss")
    assert (
        "  batch-size: A loss is a mean, not a sum: a batch that holds every sample twice gives the same value."
        in done.out
    )
    every = json.loads(ganzoo("check", "--list", "--json").out)
    assert {"plugin", "component", "architecture", "dataset"} <= set(every)
    assert ganzoo("check", "--list", "lses").code == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "give the name to check: ganzoo check NAME"),
        (["bec"], "no plugin or component 'bec' is installed: did you mean"),
        (["lsgan", "a=1"], "a=1: write options of 'lsgan' as loss.OPTION"),
        (["lsgan", "loss.aa=1"], "unknown key 'aa'"),
        (["gp", "reg.wgan-gp.weight=x"], "weight: expected a number"),
        (["gp", "reg.gp.weight=1"], "write options of 'gp' as reg.wgan-gp.OPTION"),
        (["lsgan", "loss.a=x"], "a: expected a number"),
        (["losses", "loss.a=1"], "loss.a=1: 'losses' is not a component: name one"),
        (["lsgan", "a"], "'a' is not KEY=VALUE"),
    ],
)
def test_a_mistake_is_one_sentence(ganzoo: Ganzoo, args: list[str], words: str) -> None:
    done = ganzoo("check", *args)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert words in done.err
