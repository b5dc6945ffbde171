"""Collect the checks of a plugin or component by its name; run them as results or as tests of pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from ganzoo.errors import UsageError, suggest_names
from ganzoo.plugin import KINDS, Built, DataInfo
from ganzoo.registry import registry
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.testing import component, plugin
from ganzoo.testing.cases import make_case_checks
from ganzoo.testing.checks import Check, Result, Trial, make_checks
from ganzoo.testing.expected import apply_excuses, read_expected_failures, require_known_names, select_expected_failures

Expected = Mapping[str, str] | None


def collect_checks(
    what: str, *, options: Mapping[str, Any] | None = None, data: Sequence[DataInfo] = (), full: bool = False
) -> list[Check]:
    """Return the checks of a plugin with all its components, or of the components of that name.

    Args:
        what: The name of a plugin, or of a component, bare or qualified (``acme:blobgan``).
        options: Options by name, which replace the components' defaults; None for the defaults.
        data: The data that architectures are built for; empty for the data that their specs name.
        full: Whether to run checks that take minutes too.

    Raises:
        UsageError: There is no plugin or component of that name (the text gives close names), or an option is wrong.
    """
    for found in registry().plugins:
        if found.name == what:
            entries = [entry for entry in registry().components() if entry.plugin.name == what]
            return [*_make_plugin_checks(found), *_make_component_checks(entries, options, data, full)]
    entries = _find_components(what)
    return [*_make_checks_of_plugins(entries), *_make_component_checks(entries, options, data, full)]


def check(what: str, *, expected_failures: Expected = None, **trial: Any) -> Iterator[Result]:
    """Run the checks of `collect_checks` and yield their results one by one.

    Args:
        what: The name of a plugin or of a component.
        expected_failures: The reason for each failure that is expected, by the name of the check.
        trial: Further keyword arguments of `collect_checks`.
    """
    return _run_checks(collect_checks(what, **trial), expected_failures)


def check_plugin(name: str, *, expected_failures: Expected = None) -> Iterator[Result]:
    """Run the checks of a plugin itself, without those of its components."""
    found = next((entry for entry in registry().plugins if entry.name == name), None)
    if found is None:
        raise UsageError(f"no plugin {name!r} is installed{suggest_names(name, [p.name for p in registry().plugins])}")
    return _run_checks(_make_plugin_checks(found), expected_failures)


def _check_kind(kind: str, name: str, *, expected_failures: Expected = None, **trial: Any) -> Iterator[Result]:
    settings = {"options": None, "data": (), "full": False} | trial
    return _run_checks(_make_component_checks([registry().resolve(kind, name)], **settings), expected_failures)


def check_architecture(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of an architecture; arguments as for `check`."""
    return _check_kind("architecture", name, **trial)


def check_loss(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a loss; arguments as for `check`."""
    return _check_kind("loss", name, **trial)


def check_dataset(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a dataset; arguments as for `check`."""
    return _check_kind("dataset", name, **trial)


def check_regularizer(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a regularizer; arguments as for `check`."""
    return _check_kind("regularizer", name, **trial)


def check_augmentation(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of an augmentation; arguments as for `check`."""
    return _check_kind("augmentation", name, **trial)


def check_metric(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a metric; arguments as for `check`."""
    return _check_kind("metric", name, **trial)


def check_extractor(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of an extractor; arguments as for `check`."""
    return _check_kind("extractor", name, **trial)


def check_tracker(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a tracker; arguments as for `check`."""
    return _check_kind("tracker", name, **trial)


def check_diagnosis(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a diagnosis; arguments as for `check`."""
    return _check_kind("diagnosis", name, **trial)


def check_exporter(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of an exporter; arguments as for `check`."""
    return _check_kind("exporter", name, **trial)


def check_recipe(name: str, **trial: Any) -> Iterator[Result]:
    """Run the checks of a recipe; arguments as for `check`."""
    return _check_kind("recipe", name, **trial)


def check_cases(kind: str, name: str) -> Iterator[Result]:
    """Run the checks of a component's cases alone (`ganzoo.plugin.Case`); yield a result for each case."""
    entry = registry().resolve(kind, name)
    return _run_checks(make_case_checks(Trial(entry)), None)


def parametrize_checks(
    what: str, *, expected_failures: Expected = None, **trial: Any
) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that runs a test once for each check of `collect_checks`; the test calls ``check()``.

    Args:
        what: The name of a plugin or of a component.
        expected_failures: The reason for each failure that is expected, by the name of the check. None for those of
            ``pyproject.toml`` (see `read_expected_failures`). An expected failure that passes fails the test; a name
            that is not the name of a check is an error.
        trial: Keyword arguments of `collect_checks`.
    """
    import pytest

    checks = collect_checks(what, **trial)
    given = (
        select_expected_failures(read_expected_failures(), checks) if expected_failures is None else expected_failures
    )
    expected = require_known_names(checks, given)

    def call(check: Check) -> None:
        result = check.run(expected.get(check.name, ""))
        if result.status == "SKIP":
            pytest.skip(result.message)
        if result.status == "XFAIL":
            pytest.xfail(result.message)
        if result.status == "FAIL":
            pytest.fail(result.message, pytrace=False)

    return pytest.mark.parametrize("check", [pytest.param(partial(call, check), id=check.name) for check in checks])


# ----------------------------------------------------------------------------
# Collecting.


def import_check_modules(kind: str) -> list[ModuleType]:
    """Import and return the modules with the checks of a kind, ``plugin`` or ``component``, in their order."""
    module = import_module(f"ganzoo.testing.{kind}")
    parts = getattr(module, "PARTS", None)
    return [module] if parts is None else [import_module(f"{module.__name__}.{part}") for part in parts]


def collect_contracts() -> dict[str, dict[str, str]]:
    """Return the rules of all checks: ``rules[kind][check]``, where kind may also be ``plugin`` or ``component``."""
    return {
        kind: {
            check.name.partition("/")[2]: check.contract
            for module in import_check_modules(kind)
            for check in make_checks(module, kind, None)
        }
        for kind in ("plugin", "component", *KINDS)
    }


def _find_components(what: str) -> list[RegisteredComponent]:
    owner, _, name = what.rpartition(":")
    entries = [
        entry
        for entry in registry().components()
        if name in (entry.spec.name, *entry.spec.aliases) and owner in ("", entry.plugin.name)
    ]
    if not entries:
        known = {entry.name for entry in registry().plugins} | {entry.spec.name for entry in registry().components()}
        hint = suggest_names(what, sorted(known)) or "; `ganzoo list` and `ganzoo plugins` show what is"
        raise UsageError(f"no plugin or component {what!r} is installed{hint}")
    return entries


def _make_plugin_checks(found: Plugin) -> list[Check]:
    return make_checks(plugin, f"plugin/{found.name}", found)


def _make_checks_of_plugins(entries: Sequence[RegisteredComponent]) -> list[Check]:
    owners: dict[str, Plugin] = {entry.plugin.name: entry.plugin for entry in entries}
    return [check for owner in owners.values() for check in _make_plugin_checks(owner)]


def _make_component_checks(
    entries: Sequence[RegisteredComponent], options: Mapping[str, Any] | None, data: Sequence[DataInfo], full: bool
) -> list[Check]:
    """Return the checks of each component: those of every component, those of its kind, and those of its cases."""
    checks: list[Check] = []
    for entry in entries:
        trial = Trial(entry, options or {}, data, full)
        trial.read_options(**trial.values)  # a wrong value is the caller's mistake, not a failure of a check
        shared: dict[str, Any] = {"fatal": []}
        if isinstance(entry.spec, Built):
            shared["locate"] = trial.locate
        modules = [component] if isinstance(entry.spec, Built) else []
        found: list[Check] = []
        for module in [*modules, *import_check_modules(entry.spec.kind)]:
            found += make_checks(module, trial.title, trial, **shared)
        found += [replace(check, **shared) for check in make_case_checks(trial)]
        checks += apply_excuses(found, getattr(entry.spec, "excused", {}), trial.title)
    return checks


def _run_checks(checks: Sequence[Check], expected_failures: Expected) -> Iterator[Result]:
    expected = require_known_names(checks, expected_failures)
    return (check.run(expected.get(check.name, "")) for check in checks)
