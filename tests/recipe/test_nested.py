"""Components that options of other components name: origins, settings, words, and data that they take."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from acme_components import (
    ArchOptions,
    NormOptions,
    expect_refusal,
    freeze_and_reload,
    make_components,
    make_module,
    make_registry,
    make_spec,
    resolve_recipe,
)
from ganzoo.errors import Corrupt, MissingPlugin
from ganzoo.plugin import Architecture, Extractor, Nested, Recipe, Regularizer, option
from ganzoo.plugin.options import list_options, to_json
from ganzoo.recipe.nested import choose_nested, format_settings, to_texts
from ganzoo.recipe.stored import read_choice
from ganzoo.registry import Registry, registry
from ganzoo.registry.installed import Plugin


@dataclass(frozen=True, kw_only=True)
class AroundOptions:
    inner: str = option(
        "blob", help="Another architecture.", nested=Nested(kind="architecture", settings="settings", passes=("style",))
    )
    settings: tuple[str, ...] = option((), help="Its options.")


@dataclass(frozen=True, kw_only=True)
class LookOptions:
    extractor: str = option("", help="An extractor.", nested=Nested(kind="extractor"))


AROUND = make_spec(Architecture, "around", options=AroundOptions, modalities=("image", "points"))
LOOK = make_spec(Regularizer, "look", options=LookOptions)
SHORTCUT = Recipe(
    name="shortcut", summary="A recipe.", settings={"arch": "around", "loss": "mse", "arch.settings": ("width=16",)}
)


def install(others: list[Any] | None = None, more: Any = ()) -> Registry:
    """Return a registry in which ``acme`` offers architectures around others, and the plugin ``other`` these ones."""
    made = make_registry([*make_components(), AROUND, LOOK, SHORTCUT, *more])
    if others is not None:
        origin = Plugin("other", "other", distribution="other-gans", version="3.1")
        made.add(origin, partial(make_module, others))
    return made


def make_alien(**fields: Any) -> Any:
    return make_spec(Architecture, "alien", **{"options": ArchOptions, "provides": ("style", "features"), **fields})


def resolve_around(registry: Registry, **pairs: Any) -> Any:
    return resolve_recipe(registry, arch="around", loss="mse", pairs={f"arch.{k}": v for k, v in pairs.items()})


def test_a_recipe_has_the_origin_of_a_named_component_and_all_of_its_settings() -> None:
    there = install([make_alien()])
    recipe = resolve_around(there, inner="alien")
    stored = freeze_and_reload(recipe)
    origin = {"name": "other:alien", "distribution": "other-gans", "version": "3.1", "schema": 1}
    assert stored["arch"]["parts"] == {"inner": origin}
    assert stored["arch"]["options"] == {"inner": "other:alien", "settings": ["width=8"]}
    assert resolve_recipe(there, config=stored) == recipe
    assert [plugin.name for plugin in recipe.arch.plugins] == ["acme", "other"]
    look = freeze_and_reload(resolve_recipe(there, arch="blob", reg="look", pairs={"reg.look.extractor": "eyes"}))
    assert look["reg"][0]["parts"]["extractor"]["name"] == "acme:looks"
    assert "parts" not in freeze_and_reload(resolve_recipe(there, arch="blob", reg="look"))["reg"][0]


def test_where_its_plugin_is_missing_the_error_has_the_command() -> None:
    stored = freeze_and_reload(resolve_around(install([make_alien()]), inner="alien"))
    command = "if you trust that package, python -m pip install -U other-gans"
    text = expect_refusal(MissingPlugin, install(), config=stored)
    assert text.startswith("the stored recipe uses arch 'other:alien', which is not installed")
    assert text.endswith(command)
    with pytest.raises(MissingPlugin, match=command):
        read_choice(install(), "arch", stored["arch"])
    stored["arch"]["parts"]["inner"] = 3
    assert "damaged" in expect_refusal(Corrupt, install(), config=stored)


def test_of_two_plugins_with_one_name_the_qualified_one_is_used() -> None:
    stored = freeze_and_reload(resolve_around(install()))
    both = install([make_spec(Architecture, "blob")])
    text = expect_refusal(registry=both, arch="around", loss="mse")
    assert text == "arch.inner: architecture 'blob' is offered by more than one plugin: write acme:blob or other:blob"
    assert resolve_around(both, inner="other:blob").arch.parts["inner"].component.plugin.name == "other"
    again = resolve_recipe(both, config=stored)
    assert again.arch.parts["inner"].component.plugin.name == "acme"


def test_neither_another_default_nor_another_schema_changes_a_stored_recipe() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Wider:
        width: int = option(99, help="A width.")

    @dataclass(frozen=True, kw_only=True)
    class Renamed:
        breadth: int = option(0, help="A width.")

    stored = freeze_and_reload(resolve_around(install([make_alien()]), inner="alien"))
    assert resolve_recipe(install([make_alien(options=Wider)]), config=stored).arch.options.settings == ("width=8",)
    newer = install([make_alien(options=Renamed, version=2, migrate="test_nested:rename")])
    for arch in (resolve_recipe(newer, config=stored).arch, read_choice(newer, "arch", stored["arch"])):
        assert arch.options.settings == ("breadth=16",)
    stored["arch"]["parts"]["inner"]["schema"] = 2
    text = expect_refusal(MissingPlugin, install([make_alien()]), config=stored)
    assert text.endswith("stored by a newer plugin (schema 2, here 1): upgrade other-gans")


def rename(options: dict[str, Any], from_version: int) -> dict[str, Any]:
    return {"breadth": 2 * options["width"]}


def test_a_component_inside_a_named_component_is_followed() -> None:
    there = install([make_alien()])
    recipe = resolve_around(there, inner="around", settings=["inner=alien", "settings=width=4"])
    assert recipe.arch.options.settings == ("inner=other:alien", "settings=width=4")
    assert recipe.arch.provides == ("style",)
    stored = freeze_and_reload(recipe)
    assert resolve_recipe(there, config=stored) == recipe
    assert "'other:alien', which is not installed" in expect_refusal(MissingPlugin, install(), config=stored)


def test_only_the_words_that_are_passed_on_are_provided() -> None:
    there = install([make_alien()])
    assert resolve_around(there, inner="alien").arch.provides == ("style",)
    resolve_recipe(there, arch="around", loss="mse", reg="path-length", pairs={"arch.inner": "alien"})
    assert "needs 'style'" in expect_refusal(registry=there, arch="around", loss="mse", reg="path-length")


def test_a_word_of_a_named_component_has_a_way_out_among_its_settings() -> None:
    """What was typed of the settings stays in the line to type."""
    alien = make_alien(options=NormOptions, provides=lambda chosen: ("style",) if chosen.norm == "batch" else ())
    plain = make_spec(Regularizer, "plain", refuses=("style",))
    there = install([alien], more=[plain])
    given: dict[str, Any] = {"registry": there, "arch": "around", "loss": "mse"}
    pairs = {"arch.inner": "alien", "arch.settings": "width=4"}
    assert expect_refusal(**given, reg="plain", pairs=pairs).endswith("add arch.settings=width=4,norm=none")
    pairs["arch.settings"] = "norm=none,width=4"
    assert resolve_recipe(there, arch="around", loss="mse", reg="plain", pairs=pairs).arch.provides == ()
    words = "does not provide with arch.settings=norm=none: add arch.settings=width=4,norm=batch, or remove"
    assert words in expect_refusal(**given, reg="path-length", pairs=pairs)


def test_settings_of_another_component_are_dropped_unless_they_are_typed() -> None:
    there = install([make_spec(Architecture, "alien")])
    assert resolve_recipe(there, recipe="shortcut").arch.options.settings == ("width=16",)
    given: dict[str, Any] = {"recipe": "shortcut", "pairs": {"arch.inner": "alien"}}
    assert resolve_recipe(there, **given).arch.options.settings == ()
    given["pairs"]["arch.settings"] = "width=3"
    assert expect_refusal(registry=there, **given).startswith("arch.settings: unknown key 'width'")
    assert resolve_around(there, settings="none").arch.options.settings == ("width=8",)


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ({"inner": "nope"}, "arch.inner: no architecture 'nope' is installed"),
        ({"settings": "widht=2"}, "arch.settings: unknown key 'widht': did you mean 'width'?"),
        ({"settings": "width"}, "arch.settings: 'width' is not a setting of arch 'blob': give NAME=VALUE, each name"),
        ({"settings": "width=1,width=2"}, "arch.settings: 'width=2' is not a setting"),
        ({"settings": "width=x"}, "arch.settings: width: expected a whole number of at least 1, got 'x'"),
    ],
)
def test_wrong_names_and_settings_are_refused_by_their_key(pairs: dict[str, str], text: str) -> None:
    given = {f"arch.{key}": value for key, value in pairs.items()}
    assert expect_refusal(registry=install(), arch="around", loss="mse", pairs=given).startswith(text)


@pytest.mark.parametrize(
    ("inner", "dataset", "text"),
    [
        ("dots", "colour", "arch 'dots' generates points; dataset 'colour' is image"),
        ("strict", "odd-size", "arch 'strict' takes 32, 64; dataset 'odd-size' is 60"),
        ("strict", "alpha", "arch 'strict' takes 1, 3 channels; dataset 'alpha' has 4"),
        ("blob", "ring", "arch 'blob' generates image; dataset 'ring' is points"),
        ("labels", "colour", "arch 'labels' always takes labels; dataset 'colour' has none"),
        ("labels", "faces", "arch 'labels' always takes labels: 'around' takes none: choose another"),
    ],
)
def test_data_that_the_named_architecture_does_not_take_are_refused(inner: str, dataset: str, text: str) -> None:
    given: dict[str, Any] = {"arch": "around", "loss": "mse", "dataset": dataset, "pairs": {"arch.inner": inner}}
    assert expect_refusal(registry=install(), **given).startswith(text)


@pytest.mark.parametrize(
    ("nested", "text"),
    [
        (Nested(kind="loss"), "names no architecture or dataset or extractor"),
        (Nested(kind="extractor", settings="more"), "it has not the option 'more' of settings"),
    ],
)
def test_a_wrong_declaration_is_refused(nested: Nested, text: str) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Options:
        name: str = option("", help="A name.", nested=nested)

    with pytest.raises(ValueError, match=text):
        make_spec(Extractor, "wrong", options=Options)


def test_settings_as_texts_have_the_same_values() -> None:
    for entry in registry().components("architecture"):
        options = entry.spec.options()  # type: ignore[attr-defined]
        again = choose_nested(registry(), "architecture", entry.qualified, format_settings(to_texts(options)))
        assert to_json(again.options) == to_json(options) or any(
            each.nested for each in list_options(type(options)).values()
        )
