"""Checks of recipes. No data is opened: a recipe may leave the dataset to its user."""

from __future__ import annotations

from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.recipe.recipe import Recipe
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.testing.checks import Broken, Trial, require, sentence


def resolves(trial: Trial) -> None:
    """A recipe names components that are installed, and values that their options take."""
    _resolved(trial)


def every_key_counts(trial: Trial) -> None:
    """Every key of a recipe sets something: one that no part of it takes is a mistake that nobody would see."""
    known = list(_resolved(trial).settings())
    for key in trial.spec.settings:
        require(key in known, sentence(f"{key!r} sets nothing{did_you_mean(key, known)}"))


def _resolved(trial: Trial) -> Recipe:
    """Resolve it with its own dataset or the default one; where that does not fit, for a path that a user will give."""
    try:
        return resolve(registry(), recipe=trial.entry.qualified)
    except GanzooError as error:
        first = error
    if "dataset" not in trial.spec.settings:
        try:
            flags = {"dataset": registry().path_dataset().qualified}
            return resolve(registry(), recipe=trial.entry.qualified, flags=flags)
        except GanzooError:
            pass
    raise Broken(sentence(first)) from first
