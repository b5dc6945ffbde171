"""The kit itself: results of checks, expected failures, and the kit as tests of pytest."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from forks import start_python
from ganzoo.compute.threads import threads
from ganzoo.errors import UsageError
from ganzoo.plugin import KINDS
from ganzoo.registry import registry
from ganzoo.testing import (
    Check,
    Failure,
    NotChecked,
    Skip,
    check,
    check_architecture,
    check_loss,
    check_plugin,
    collect_checks,
    expected,
    parametrize_checks,
)
from ganzoo.testing.checks import Trial, fatal_failures, make_checks
from ganzoo.testing.collect import import_check_modules
from outside_dist import make_distribution, run_json

LOUD = Path(__file__).parents[1] / "planted" / "import_prints.py"
NAME = "plugin/import_prints/silent-import"


@pytest.fixture
def loud() -> Iterator[None]:
    registry.cache_clear()
    registry().add_file(LOUD)
    yield
    registry.cache_clear()


def make_check(function, name="kind/one/check") -> Check:
    return Check(name, "The contract.", function)


def broken() -> None:
    raise Failure("It gave 3, not 2.")


def skipped() -> None:
    raise Skip("nothing to check")


def test_a_check_passes_fails_or_says_why_it_does_not_apply() -> None:
    ticks = iter([1.0, 3.5])
    assert make_check(lambda: None).run(clock=lambda: next(ticks)).seconds == 2.5
    assert make_check(lambda: None).run().status == "PASS"
    failed = make_check(broken).run()
    assert (failed.check, failed.status, failed.message) == (
        "kind/one/check",
        "FAIL",
        "The contract. It gave 3, not 2.",
    )
    assert (make_check(skipped).run().status, make_check(skipped).run().message) == ("SKIP", "nothing to check")


def test_a_check_runs_on_one_thread() -> None:
    seen: list[int] = []
    with threads(2):
        make_check(lambda: seen.append(torch.get_num_threads())).run()
        assert (seen, torch.get_num_threads()) == ([1], 2)


def test_an_error_of_a_plugin_is_reported_with_the_plugins_line() -> None:
    def crash() -> None:
        json.loads("{")  # the last frame is the library's, but the author's is reported

    def leave() -> None:
        raise SystemExit(3)

    words = make_check(crash).run().message
    assert words.startswith("The contract. JSONDecodeError: Expecting property name")
    line = crash.__code__.co_firstlineno + 1
    assert words.endswith(f"({__file__}:{line})")
    assert make_check(leave).run().status == "FAIL"
    with pytest.raises(KeyboardInterrupt):
        make_check(lambda: (_ for _ in ()).throw(KeyboardInterrupt)).run()


def test_a_fatal_failure_is_reported_once() -> None:
    def wreck() -> None:
        with fatal_failures():
            raise KeyError("gone")

    shared: list[str] = []
    first, second = (Check(f"kind/one/{name}", "The contract.", wreck, fatal=shared) for name in ("a", "b"))
    for _ in range(2):  # its own check reports it again
        assert first.run().status == "FAIL"
    assert first.run().message.startswith("The contract. KeyError: 'gone' (")
    assert (second.run().status, second.run().message) == ("SKIP", "it needs kind/one/a to pass first")
    with pytest.raises(Skip), fatal_failures():
        raise Skip("it declines")


def test_a_failure_that_names_no_line_says_where_the_component_is_written() -> None:
    check = Check("kind/one/check", "The contract.", broken, locate=lambda: "acme/loss.py:7")
    assert check.run().message == "The contract. It gave 3, not 2. See acme/loss.py:7."


@pytest.mark.parametrize(
    ("planted", "check", "words", "line"),
    [
        ("returns_a_tuple", "returns-networks", "Image [3, 8, 8]: it returns tuple. See {file}:{line}.", "def build"),
        ("factory_misspelt", "factory-resolves", "factory_misspelt has no 'biuld': did you mean 'build'?", ""),
        (
            "factory_without_data", "factory-resolves",
            "factory_without_data:build is defined with (data) and called with (options, data) ({file}:{line}).",
            "def build",
        ),
        (
            "g_fixed_batch", "forward-and-backward",
            "Image [3, 8, 8]: a batch of 64 samples works, and one of 2 does not (RuntimeError: shape '[64, 3, 8, 8]' "
            "is invalid for input of size 384 ({file}:{line})): a batch may have any size.", "view(64",
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
            "Image [3, 8, 8]: the discriminator has first.bias of the generator too: while one of them learns, the "
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
def test_one_mistake_is_reported_once_with_its_line(planted: str, check: str, words: str, line: str) -> None:
    file = LOUD.with_name(f"{planted}.py")
    number = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if line in text)
    registry.cache_clear()
    registry().add_file(file)
    checks = [one for one in collect_checks(planted) if not one.name.startswith("plugin")]  # whose top module is heavy
    failed = [result for one in checks if (result := one.run()).status == "FAIL"]
    registry.cache_clear()
    assert [result.check.rpartition("/")[2] for result in failed] == [check]
    assert failed[0].message.endswith(words.format(file=file, line=number))


def test_expected_failures_are_strict() -> None:
    result = make_check(broken).run(expected="not yet")
    assert (result.status, result.message) == ("XFAIL", "not yet (The contract. It gave 3, not 2.)")
    surprise = make_check(lambda: None).run(expected="not yet")
    assert surprise.status == "FAIL"
    assert "expected to fail (not yet) and passed" in surprise.message
    assert make_check(skipped).run(expected="not yet").status == "SKIP"


def test_a_check_that_a_spec_excuses_must_fail() -> None:
    excused = Check("kind/one/check", "The contract.", broken, excuse="by design")
    assert (excused.run().status, excused.run().message) == ("XFAIL", "by design (The contract. It gave 3, not 2.)")
    assert replace(excused, function=lambda: None).run().status == "FAIL"
    with pytest.raises(UsageError, match="kind/one excuses 'chekc', which is not one of its checks: did you mean"):
        expected.apply_excuses([excused], {"chekc": "a slip"}, "kind/one")


def test_expected_failures_stand_in_the_nearest_pyproject(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[tool.ganzoo.expected-failures]\n"loss/bce/order" = "not yet"\n"metric/fd/batches-add-up" = "nor this"\n'
    )
    stated = expected.read_expected_failures(tmp_path / "src")
    assert stated == {"loss/bce/order": "not yet", "metric/fd/batches-add-up": "nor this"}
    assert expected.select_expected_failures(stated, [make_check(broken, "loss/bce/scalar")]) == {
        "loss/bce/order": "not yet"
    }
    assert expected.read_expected_failures(Path("/")) == {}
    file.write_text('[tool.ganzoo.expected-failures]\n"loss/bce/order" = 3\n')
    with pytest.raises(UsageError, match="gives a reason, in words, for each check"):
        expected.read_expected_failures(tmp_path)


def test_a_check_that_cannot_run_differs_from_one_that_does_not_apply() -> None:
    def needy() -> None:
        raise NotChecked("it needs a path")

    assert make_check(needy).run().not_checked
    assert not make_check(skipped).run().not_checked


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


def test_a_name_means_a_plugin_with_its_components_or_a_component_with_its_plugin() -> None:
    of = {
        what: {name.rpartition("/")[0] for name in (c.name for c in collect_checks(what))} for what in ("losses", "mse")
    }
    assert {"plugin/losses", "loss/bce", "loss/lsgan"} <= of["losses"]
    assert of["mse"] == {"plugin/losses", "loss/lsgan"}
    assert [c.name for c in collect_checks("losses:lsgan")] == [c.name for c in collect_checks("mse")]
    with pytest.raises(UsageError, match="no plugin or component 'lgsan' is installed: did you mean 'lsgan'"):
        collect_checks("lgsan")


def test_checks_are_the_public_functions_of_one_argument() -> None:
    module = type(sys)("made")
    exec("def good(trial):\n  'A line.'\n\ndef _hidden(trial): ...\n\ndef two(trial, other): ...", vars(module))
    module.good.__module__ = module.two.__module__ = module._hidden.__module__ = "made"
    module.foreign = broken
    assert [(c.name, c.contract) for c in make_checks(module, "kind/one", None)] == [("kind/one/good", "A line.")]


def test_the_docstring_of_every_check_begins_with_its_rule() -> None:
    for kind in ("plugin", "component", *KINDS):
        for each in (one for module in import_check_modules(kind) for one in make_checks(module, kind, None)):
            assert each.contract.endswith("."), each.name
            assert len(each.contract) > 20, each.name


def test_options_of_a_trial_are_read_from_text() -> None:
    trial = Trial(registry().resolve("loss", "lsgan"), {"a": "0.5"})
    assert trial.make_options().a == 0.5
    with pytest.raises(UsageError, match="unknown key 'aa'"):
        trial.make_options(aa=1)


# ----------------------------------------------------------------------------
# Pytest.

CONTRACT = """
from ganzoo.testing import parametrize_checks

@parametrize_checks("import_prints")
def test_contract(check):
    check()

@parametrize_checks("import_prints", expected_failures={"%s": "it is planted", "%s": "a mistake"})
def test_expected(check):
    check()
"""


def test_pytest_gets_a_test_for_each_check_and_is_strict_about_expected_failures(tmp_path: Path) -> None:
    make_distribution(tmp_path, "import-prints", "1.0", LOUD.read_text(encoding="utf-8"))
    (tmp_path / "test_it.py").write_text(CONTRACT % (NAME, "plugin/import_prints/loads"), encoding="utf-8")
    command = ["-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", "plugin", tmp_path]
    path = (tmp_path, LOUD.parents[1])  # and planted_losses
    with start_python(*command, folder=tmp_path, path=path) as fork:
        output = fork.finish().stdout
    assert f"FAILED test_it.py::test_contract[{NAME}]" in output
    assert "PASSED test_it.py::test_contract[plugin/import_prints/loads]" in output
    assert "import_prints printed" in output
    assert f"XFAIL test_it.py::test_expected[{NAME}] - it is planted" in output
    assert "it was expected to fail (a mistake) and passed" in output


@pytest.mark.usefixtures("loud")
def test_an_unknown_name_is_an_error_in_pytest_too() -> None:
    with pytest.raises(UsageError, match="no plugin or component 'nothing' is installed"):
        parametrize_checks("nothing")
    with pytest.raises(UsageError, match="there is no check 'nothing'"):
        parametrize_checks("import_prints", expected_failures={"nothing": "a slip"})


def test_the_kit_does_not_import_pytest() -> None:
    code = """
import json, sys
from ganzoo.testing import check
results = list(check("losses:bce"))
print(json.dumps([len(results) > 5, "pytest" in sys.modules]))
"""
    assert run_json(code)[0] == [True, False]


@pytest.mark.usefixtures("loud")
def test_results_come_one_by_one() -> None:
    results = {result.check: result for result in check("import_prints", expected_failures={NAME: "planted"})}
    assert results[NAME].status == "XFAIL"
