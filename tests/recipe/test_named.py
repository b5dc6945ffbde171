"""Named recipes: settings that are listed or computed, and data that a recipe was published for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from acme_components import expect_refusal, freeze_and_reload, make_components, make_registry, resolve_recipe
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataFacts, DataInfo, Proposal, Recipe
from ganzoo.recipe.named import Facts, choose_default_recipe
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import Registry


def by_size(data: DataInfo, device: str) -> Mapping[str, Any]:
    return {"arch": "blob", "arch.width": data.shape[-1], "train.batch": {"cpu": 8, "cuda": 64}[device]}


def chooses_data(data: DataInfo, device: str) -> Mapping[str, Any]:
    return {"arch": "blob", "dataset.size": 16}


def looks(data: DataInfo, device: str, facts: DataFacts) -> Proposal:
    size = {"dataset.size": facts.shorter} if facts.resizable else {}
    settings = {"arch": "blob", "loss": "bce", "arch.width": facts.cores, "train.images": 100, **size}
    return Proposal(settings=settings, reasons=("It has cores.",))


def fails(data: DataInfo, device: str) -> Mapping[str, Any]:
    return {"arch": "blob", "arch.width": 1 // data.num_classes}


def recipes(*specs: Recipe) -> Registry:
    return make_registry([*make_components(), *specs])


def named(settings: Mapping[str, Any] | str, **fields: Any) -> Recipe:
    return Recipe(name="mine", summary="Mine.", settings=settings, **fields)


def asked(dataset: Choice) -> Facts:
    assert dataset.known_data is not None
    return Facts(dataset.known_data, "cuda")


def test_settings_may_depend_on_the_data_and_the_device() -> None:
    registry = recipes(named("test_named:by_size"))
    flags = {"dataset": "sized", "dataset.size": 48}
    recipe = resolve(registry, recipe="mine", flags=flags, pairs={"train.batch": 16}, facts=asked)
    assert (recipe.arch.options.width, recipe.train.batch) == (48, 16)
    assert recipe.origins["arch.width"] == "recipe 'mine' for 3x48x48 on cuda"
    assert recipe.origins["train.batch"] == "KEY=VALUE"
    assert resolve_recipe(registry, config=freeze_and_reload(recipe)) == recipe  # nothing is computed again


def look(dataset: Choice) -> Facts:
    return replace(asked(dataset), look=lambda: DataFacts(cores=5, shorter=24, resizable=True))


def test_a_recipe_may_look_at_the_data_and_choose_their_size() -> None:
    registry = recipes(named("test_named:looks", looks=True))
    recipe = resolve(registry, recipe="mine", flags={"dataset": "sized"}, facts=look)
    assert (recipe.arch.options.width, recipe.dataset.options.size) == (5, 24)
    assert recipe.origins["dataset.size"] == "recipe 'mine' on cuda"
    assert recipe.reasons == ("It has cores.",)
    flags = {"dataset": "sized", "dataset.size": 48, "arch.width": 7}
    typed = resolve(registry, recipe="mine", flags=flags, facts=look)
    assert (typed.arch.options.width, typed.dataset.options.size) == (7, 48)
    assert typed.reasons == ("It has cores.", "typed otherwise: arch.width=7")


def test_data_alone_mean_the_default_recipe() -> None:
    mine = named("test_named:looks", looks=True, default=True)
    registry = recipes(mine)
    assert choose_default_recipe(registry, None, {"dataset": "grey"}) == "acme:mine"
    for recipe, settings, chosen in (
        (None, {}, None),
        (None, {"dataset": "grey", "arch": "blob"}, None),
        ("other", {"dataset": "grey"}, "other"),
    ):
        assert choose_default_recipe(registry, recipe, settings) == chosen
    assert choose_default_recipe(recipes(), None, {"dataset": "grey"}) is None
    with pytest.raises(GanzooError, match=r"several recipes are the default \(acme:mine, acme:yours\)"):
        choose_default_recipe(recipes(mine, replace(mine, name="yours")), None, {"dataset": "grey"})


def test_resolving_a_recipe_that_depends_on_the_data_needs_facts() -> None:
    with pytest.raises(ValueError, match="recipe 'mine' depends on the data: give `facts`"):
        resolve_recipe(recipes(named("test_named:by_size")), recipe="mine")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("test_named:chooses_data", "test_named:chooses_data sets 'dataset.size': the dataset is chosen before"),
        ("test_named:fails", "recipe 'mine' of plugin 'acme' failed in test_named:fails: ZeroDivisionError"),
        ("test_named:nothing", "recipe 'mine' of plugin 'acme' failed in test_named:nothing: AttributeError"),
    ],
)
def test_an_error_of_a_recipes_callable_names_its_plugin(settings: str, words: str) -> None:
    with pytest.raises(GanzooError) as caught:
        resolve(recipes(named(settings)), recipe="mine", flags={"dataset": "grey"}, facts=asked)
    assert str(caught.value).startswith(words)


def test_a_recipe_for_data_that_is_not_installed_asks_for_the_data() -> None:
    parts = {"arch": "blob", "loss": "bce"}
    registry = recipes(named(parts, dataset="celeb-faces"))
    assert expect_refusal(registry=registry, recipe="mine") == (
        "recipe 'mine' was published for celeb-faces, which is not installed: get its files and add "
        "--dataset PATH, or train on other data with --dataset NAME"
    )
    sourced = recipes(named(parts, dataset="celeb-faces", source="https://example.org/faces"))
    assert "get its files (https://example.org/faces says which) and add" in expect_refusal(
        registry=sourced, recipe="mine"
    )
    assert resolve_recipe(registry, recipe="mine", dataset="grey").dataset.name == "grey"
    there = resolve_recipe(recipes(named(parts, dataset="faces")), recipe="mine")
    assert (there.dataset.name, there.origins["dataset"]) == ("faces", "recipe 'mine'")


def test_a_recipes_dataset_options_apply_to_other_data_with_these_options() -> None:
    parts = {"arch": "blob", "loss": "bce", "dataset.size": 64}
    registry = recipes(named(parts, dataset="celeb-faces"))
    assert resolve_recipe(registry, recipe="mine", dataset="sized").dataset.options.size == 64
    assert (
        resolve_recipe(registry, recipe="mine", dataset="sized", pairs={"dataset.size": 16}).dataset.options.size == 16
    )
    assert resolve_recipe(registry, recipe="mine", dataset="grey").dataset.name == "grey"


def test_a_frozen_recipe_names_the_recipe_that_it_started_from() -> None:
    recipe = resolve_recipe(recipe="blob-recipe", pairs={"train.batch": 64})
    assert recipe.preset == freeze_and_reload(recipe)["preset"] == "acme:blob-recipe"
    again = resolve_recipe(config=freeze_and_reload(recipe))
    assert again == recipe
    assert "preset" not in freeze_and_reload(resolve_recipe(arch="blob"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"settings": "nowhere"}, "'nowhere' is not of the form 'package.module:callable'"),
        ({"settings": {"dataset": "grey"}, "dataset": "faces"}, "names a dataset twice"),
        ({"settings": {}, "looks": True}, "its settings must be a callable"),
        ({"settings": {}, "dataset": "My Faces"}, "cannot be a dataset's name"),
    ],
)
def test_an_invalid_recipe_spec_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(named({}), **fields)
