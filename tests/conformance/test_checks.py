"""The kit itself: what checks say, expected failures, the command and pytest's face of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo.errors import UsageError
from ganzoo.plugin import KINDS
from ganzoo.registry import registry
from ganzoo.testing import Broken, Check, Skip, check, check_architecture, check_loss, check_plugin, checks_of
from ganzoo.testing.checks import Trial, checks_in, usable
from ganzoo.testing.collect import modules_of
from outside_dist import answer, make_distribution

HEAVY = Path(__file__).parents[1] / "planted" / "heavy_import.py"
NAME = "plugin/heavy_import/light-import"


@pytest.fixture
def heavy() -> Iterator[None]:
    registry.cache_clear()
    registry().add_file(HEAVY)
    yield
    registry.cache_clear()


def made(function, name="kind/one/check") -> Check:
    return Check(name, "The contract.", function)


def broken() -> None:
    raise Broken("It gave 3, not 2.")


def skipped() -> None:
    raise Skip("nothing to check")


def test_a_check_passes_fails_or_says_why_it_does_not_apply() -> None:
    ticks = iter([1.0, 3.5])
    assert made(lambda: None).run(clock=lambda: next(ticks)).seconds == 2.5
    assert made(lambda: None).run().status == "PASS"
    failed = made(broken).run()
    assert (failed.check, failed.status, failed.words) == ("kind/one/check", "FAIL", "The contract. It gave 3, not 2.")
    assert (made(skipped).run().status, made(skipped).run().words) == ("SKIP", "nothing to check")


def test_what_a_plugin_raises_is_told_with_its_own_line() -> None:
    def crash() -> None:
        json.loads("{")  # the library's frame comes last, the author's is told

    def leave() -> None:
        raise SystemExit(3)

    words = made(crash).run().words
    assert words.startswith("The contract. JSONDecodeError: Expecting property name")
    line = crash.__code__.co_firstlineno + 1
    assert words.endswith(f"({__file__}:{line})")
    assert made(leave).run().status == "FAIL"
    with pytest.raises(KeyboardInterrupt):
        made(lambda: (_ for _ in ()).throw(KeyboardInterrupt)).run()


def test_what_makes_a_component_unusable_is_told_once() -> None:
    def wreck() -> None:
        with usable():
            raise KeyError("gone")

    shared: list[str] = []
    first, second = (Check(f"kind/one/{name}", "The contract.", wreck, unusable=shared) for name in ("a", "b"))
    for _ in range(2):  # itself it is told again
        assert first.run().status == "FAIL"
    assert first.run().words.startswith("The contract. KeyError: 'gone' (")
    assert (second.run().status, second.run().words) == ("SKIP", "nothing can be said before kind/one/a passes")
    with pytest.raises(Skip), usable():
        raise Skip("it declines")


def test_a_failure_that_names_no_line_says_where_the_component_is_written() -> None:
    check = Check("kind/one/check", "The contract.", broken, place=lambda: "acme/loss.py:7")
    assert check.run().words == "The contract. It gave 3, not 2. See acme/loss.py:7."


@pytest.mark.parametrize(
    ("planted", "check", "words", "line"),
    [
        ("returns_a_tuple", "returns-networks", "Image [3, 8, 8]: it returned tuple. See {file}:{line}.", "def build"),
        ("factory_misspelt", "factory-resolves", "factory_misspelt has no 'biuld': did you mean 'build'?", ""),
        (
            "factory_without_data", "factory-resolves",
            "factory_without_data:build is defined with (data) and called with (options, data) ({file}:{line}).",
            "def build",
        ),
        (
            "g_fixed_batch", "forward-and-backward",
            "Image [3, 8, 8]: 64 samples at once work, 2 do not (RuntimeError: shape '[64, 3, 8, 8]' is invalid for "
            "input of size 384 ({file}:{line})): a batch may be of any size.", "view(64",
        ),
        (
            "loss_misspelt", "returns-what-is-called",
            "Planted has no generator(fake, real): did you mean 'generater'? See {file}:{line}.", "class Planted",
        ),
        (
            "tracker_fewer_arguments", "returns-what-is-called",
            "log is defined with (scalars) and called with (images, scalars) ({file}:{line}).", "def log",
        ),
        (
            "networks_share", "returns-networks",
            "Image [3, 8, 8]: first.bias of the generator is the discriminator's as well: while one of them learns the "
            "other is frozen. See {file}:{line}.", "def build",
        ),
        (
            "augmentation_crashes", "keeps-shape-and-dtype",
            "AttributeError: 'Planted' object has no attribute 'strenght' ({file}:{line}).", "strenght",
        ),
        (
            "dataset_float_items", "opens-as-its-info-says",
            "Its item '0' is decoded to float64 [1, 8, 8], not uint8 [1, 8, 8]. See {file}:{line}.", "class Planted",
        ),
    ],
)  # fmt: skip
def test_one_mistake_is_told_once_with_the_line(planted: str, check: str, words: str, line: str) -> None:
    file = HEAVY.with_name(f"{planted}.py")
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if line in text)
    registry.cache_clear()
    registry().add_file(file)
    checks = [one for one in checks_of(planted) if not one.name.startswith("plugin")]  # whose top module is heavy
    failed = [result for one in checks if (result := one.run()).status == "FAIL"]
    registry.cache_clear()
    assert [result.check.rpartition("/")[2] for result in failed] == [check]
    assert failed[0].words.endswith(words.format(file=file, line=number))


def test_expected_failures_are_strict() -> None:
    result = made(broken).run(expected="not yet")
    assert (result.status, result.words) == ("XFAIL", "not yet (The contract. It gave 3, not 2.)")
    surprise = made(lambda: None).run(expected="not yet")
    assert surprise.status == "FAIL"
    assert "expected to fail (not yet) and passed" in surprise.words
    assert made(skipped).run(expected="not yet").status == "SKIP"


def test_an_expected_failure_names_a_check() -> None:
    with pytest.raises(UsageError, match="no check 'plugin/losses/laods': did you mean 'plugin/losses/loads'"):
        list(check_plugin("losses", expected_failures={"plugin/losses/laods": "a slip"}))


def test_the_functions_of_each_kind_find_their_component() -> None:
    names = [result.check for result in check_plugin("losses")]
    assert names[0] == "plugin/losses/loads"
    assert {name.rpartition("/")[0] for name in names} == {"plugin/losses"}
    with pytest.raises(UsageError, match="no loss 'dcgan' is installed"):
        check_loss("dcgan")
    with pytest.raises(UsageError, match="no architecture 'bec'"):
        check_architecture("bec")
    with pytest.raises(UsageError, match="no plugin 'loses' is installed: did you mean 'losses'"):
        check_plugin("loses")


def test_a_name_is_a_plugin_with_all_that_it_offers_or_a_component_with_its_plugin() -> None:
    of = {what: {name.rpartition("/")[0] for name in (c.name for c in checks_of(what))} for what in ("losses", "mse")}
    assert {"plugin/losses", "loss/bce", "loss/lsgan"} <= of["losses"]
    assert of["mse"] == {"plugin/losses", "loss/lsgan"}
    assert [c.name for c in checks_of("losses:lsgan")] == [c.name for c in checks_of("mse")]
    with pytest.raises(UsageError, match="no plugin or component 'lgsan' is installed: did you mean 'lsgan'"):
        checks_of("lgsan")


def test_checks_are_the_public_functions_of_one_argument() -> None:
    module = type(sys)("made")
    exec("def good(trial):\n  'A line.'\n\ndef _hidden(trial): ...\n\ndef two(trial, other): ...", vars(module))
    module.good.__module__ = module.two.__module__ = module._hidden.__module__ = "made"
    module.foreign = broken
    assert [(c.name, c.contract) for c in checks_in(module, "kind/one", None)] == [("kind/one/good", "A line.")]


def test_every_check_opens_with_the_contract() -> None:
    for kind in ("plugin", "component", *KINDS):
        for each in (one for module in modules_of(kind) for one in checks_in(module, kind, None)):
            assert each.contract.endswith("."), each.name
            assert len(each.contract) > 20, each.name


def test_options_of_a_trial_are_read_as_everywhere() -> None:
    trial = Trial(registry().resolve("loss", "lsgan"), {"a": "0.5"})
    assert trial.options().a == 0.5
    with pytest.raises(UsageError, match="unknown key 'aa'"):
        trial.options(aa=1)


# ----------------------------------------------------------------------------
# The command.


def ganzoo(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ganzoo", "check", *args], capture_output=True, text=True, check=False)


def test_the_command_prints_each_check_and_fails_where_one_does() -> None:
    done = ganzoo("heavy_import", "--plugin", str(HEAVY), "--json")
    assert done.returncode == 1
    (failed,) = [row for row in json.loads(done.stdout) if row["status"] == "FAIL"]
    assert failed["check"] == NAME
    assert f"heavy_import imports torch at {HEAVY}:3" in failed["words"]
    plain = ganzoo("heavy_import", "--plugin", str(HEAVY))
    assert any(line.startswith("FAIL ") and NAME in line for line in plain.stdout.splitlines())
    assert "1 failed" in plain.stderr
    assert "Traceback" not in plain.stdout + plain.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["bec"], "no plugin or component 'bec' is installed: did you mean"),
        (["lsgan", "a=1"], "a=1: options of 'lsgan' are written loss.OPTION"),
        (["lsgan", "loss.aa=1"], "unknown key 'aa'"),
        (["lsgan", "loss.a=x"], "a: expected a number"),
        (["losses", "loss.a=1"], "loss.a=1: options of 'losses' are written the name of one component before them"),
        (["lsgan", "a"], "'a' is no KEY=VALUE"),
    ],
)
def test_a_mistake_is_one_sentence(args: list[str], words: str) -> None:
    done = ganzoo(*args)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr


# ----------------------------------------------------------------------------
# Pytest.

CONTRACT = """
from ganzoo.testing import parametrize_checks

@parametrize_checks("heavy_import", expected_failures={expected})
def test_contract(check):
    check()
"""


def run_pytest(folder: Path, expected: dict[str, str]) -> str:
    place = folder / "site"
    if not place.exists():
        place.mkdir()
        make_distribution(place, "heavy-import", "1.0", HEAVY.read_text(encoding="utf-8"))
    (folder / "test_it.py").write_text(CONTRACT.format(expected=expected), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", "plugin", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stdout  # fmt: skip


def test_pytest_gets_a_test_for_each_check(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, {})
    assert f"FAILED test_it.py::test_contract[{NAME}]" in said
    assert "PASSED test_it.py::test_contract[plugin/heavy_import/loads]" in said
    assert "imports torch at" in said


def test_pytest_is_strict_about_expected_failures(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, {NAME: "it is planted"})
    assert f"XFAIL test_it.py::test_contract[{NAME}] - it is planted" in said
    said = run_pytest(tmp_path, {NAME: "it is planted", "plugin/heavy_import/loads": "a mistake"})
    assert "XPASS(strict)" in said
    assert "no check 'nothing'" in run_pytest(tmp_path, {"nothing": "a slip"})


def test_nothing_to_check_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(CONTRACT.format(expected={}), encoding="utf-8")  # no such plugin is installed
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no plugin or component 'heavy_import' is installed" in done.stdout


def test_the_kit_does_not_import_pytest() -> None:
    code = """
import json, sys
from ganzoo.testing import check
results = list(check("losses:bce"))
print(json.dumps([len(results) > 5, "pytest" in sys.modules]))
"""
    assert answer(code)[0] == [True, False]


@pytest.mark.usefixtures("heavy")
def test_results_come_one_by_one() -> None:
    results = {result.check: result for result in check("heavy_import", expected_failures={NAME: "planted"})}
    assert results[NAME].status == "XFAIL"
