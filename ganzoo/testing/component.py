"""Checks that hold for every component with a runtime object: its options, its factory, what it requires."""

from __future__ import annotations

import importlib
import json

from ganzoo.options import options_of, read, to_json
from ganzoo.testing.checks import Skip, Trial, require


def options_round_trip(trial: Trial) -> None:
    """Options survive JSON: a recipe stores them, and a published model is built from them."""
    options = trial.options()
    stored = json.loads(json.dumps(to_json(options), allow_nan=False))
    back = read(type(options), stored)
    require(back == options, f"{options} came back as {back}.")


def options_described(trial: Trial) -> None:
    """Every option says what it is, in one line of help."""
    silent = [name for name, option in options_of(trial.spec.options).items() if not option.help.strip()]
    require(not silent, f"{', '.join(silent)} has none: declare it with option(default, help=...).")


def factory_resolves(trial: Trial) -> None:
    """The factory can be imported and called."""
    _resolve(trial.spec.factory)


def requirements_met(trial: Trial) -> None:
    """What the component requires is installed where it is checked."""
    trial.entry.check_requirements()


def migrates(trial: Trial) -> None:
    """A schema above 1 comes with the callable that brings older options up."""
    if trial.spec.version == 1:
        raise Skip("its schema is the first")
    require(trial.spec.migrate, f"It is at version {trial.spec.version} and its spec names no migrate.")
    _resolve(trial.spec.migrate)


def _resolve(path: str) -> None:
    module, _, name = path.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    require(callable(found), f"{path} is {found!r}.")
