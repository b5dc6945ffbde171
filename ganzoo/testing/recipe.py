"""Checks of recipes. They open no data, because a recipe may let its user choose the dataset.

A recipe whose settings depend on the data is resolved for images of several sizes, on the CPU and on CUDA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from ganzoo.errors import GanzooError, suggest_names
from ganzoo.plugin import DataFacts, DataInfo, Recipe
from ganzoo.recipe.named import Facts
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.testing.checks import Failure, Skip, Trial, as_sentence, require

MOST_REASONS = 8
LOOKS = (  # facts about samples, for a recipe that looks at them
    DataFacts(),
    DataFacts(looked=512, grey=1.0, mirrored=0.95, smallest=100, largest=200, cores=2),
    DataFacts(looked=30, shorter=500, ratio=1.5, copies=0.1, smallest=1, largest=9, resizable=True, cores=64),
)
ASKED = [(num, device) for num in (200, 5_000, 50_000) for device in ("cpu", "cuda")]  # numbers of images


def resolves(trial: Trial) -> None:
    """A recipe names installed components, and values that their options accept."""
    for facts in _list_facts(trial):
        _resolve_recipe(trial, facts)


def every_key_is_used(trial: Trial) -> None:
    """Every key of a recipe sets something: an unused key would be a mistake that nobody sees."""
    for facts in _list_facts(trial):
        known = _resolve_recipe(trial, facts).settings()
        look = replace(
            facts.look(), resizable=False
        )  # the default dataset, of which `facts` say nothing, may have no size
        for key in trial.entry.compute_settings(facts.data, facts.device, look).settings:
            if key not in known:
                raise Failure(as_sentence(f"{key!r} sets nothing{suggest_names(key, known)}"))


def says_what_it_suits(trial: Trial) -> None:
    """A recipe that says which data it suits can be trained on such data."""
    assert isinstance(trial.spec, Recipe)
    if not trial.spec.suits:
        raise Skip("it is for particular data")
    asked = [Facts(replace(data, num_items=num), device) for data in _list_data(trial) for num, device in ASKED]
    suited = [each for each in asked if trial.entry.explain_suitability(each.data, each.device)]
    require(bool(suited), "It suits none of the images that the kit asks about.")
    for each in suited:
        _resolve_recipe(trial, each)


def explains_its_choice(trial: Trial) -> None:
    """A recipe that looks at the data gives at most eight reasons, each of one line, and depends on its facts alone."""
    assert isinstance(trial.spec, Recipe)
    if not trial.spec.looks:
        raise Skip("it does not look at the data")
    for facts in _list_facts(trial):
        found, again = (trial.entry.compute_settings(facts.data, facts.device, facts.look()) for _ in range(2))
        require(found == again, "It chooses otherwise when it is called again with the same facts.")
        require(
            len(found.reasons) <= MOST_REASONS, f"It gives {len(found.reasons)} reasons, not at most {MOST_REASONS}."
        )
        for reason in found.reasons:
            require(bool(reason.strip()) and "\n" not in reason, as_sentence(f"the reason {reason!r} is not one line"))


def _list_data(trial: Trial) -> Sequence[DataInfo]:
    return trial.data or [DataInfo(shape=(3, size, size), num_classes=10, num_items=50_000) for size in (32, 64, 256)]


def _list_facts(trial: Trial) -> list[Facts]:
    """Return the data and devices to resolve a recipe for; one of them if its settings do not depend on these."""
    assert isinstance(trial.spec, Recipe)
    computed, looks = isinstance(trial.spec.settings, str), LOOKS if trial.spec.looks else LOOKS[:1]
    asked = product(_list_data(trial), ("cpu", "cuda"), looks)
    facts = [Facts(info, device, lambda look=look: look) for info, device, look in asked]  # type: ignore[misc]
    return facts[: None if computed else 1]


def _resolve_recipe(trial: Trial, facts: Facts) -> ResolvedRecipe:
    """Resolve a recipe with its own or the default dataset; if that does not fit, with a path that a user will give."""
    resolved = partial(resolve, registry(), recipe=trial.entry.qualified, facts=lambda dataset: facts)
    try:
        return resolved()
    except GanzooError as error:
        first = error
    if isinstance(trial.spec.settings, str) or "dataset" not in trial.spec.settings:
        try:
            return resolved(flags={"dataset": registry().resolve_path_dataset().qualified})
        except GanzooError:
            pass
    raise Failure(as_sentence(first)) from first
