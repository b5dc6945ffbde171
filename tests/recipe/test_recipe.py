"""Recipes frozen and read back, also by a later version."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from acme_components import expect_refusal, freeze_and_reload, make_components, make_registry, resolve_recipe
from ganzoo.errors import Corrupt, GanzooError, MissingPlugin, NotFound
from ganzoo.plugin import (
    option,
)
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.stored import load_json, read_choice

# ----------------------------------------------------------------------------
# Freezing and reading back.

WAYS: list[dict[str, Any]] = [
    {"arch": "dcgan"},
    {"arch": "blob", "reg": ["oddity", "r1"], "aug": "ada", "metric": "fid", "dataset": "digits"},
    {"arch": "blob", "reg": "none", "train.conditional": True, "dataset.size": 64},
    {"arch": "plain", "loss": "hinge", "optim.g.name": "sgd", "optim.d.name": "rprop", "optim.d.etas": "0.1,2"},
    {"arch": "blob", "optim.g.betas": "cosine(0.9, 0, images=1e6),0.99", "reg.r1.gamma": "cosine(3, 0.1, images=5e5)"},
    {
        "arch": "dcgan",
        "train.micro_batch": 16,
        "train.ema_ramp": "none",
        "arch.width": "16",
        "loss": "mse",
        "loss.a": -1,
    },
]


@pytest.mark.parametrize("said", WAYS)
@pytest.mark.parametrize("through", ["mapping", "file", "run", "package"])
def test_a_frozen_recipe_reads_back_as_the_same(said: dict[str, Any], through: str, tmp_path: Path) -> None:
    recipe = resolve_recipe(**said)
    config: Any = freeze_and_reload(recipe)
    if through == "file":
        (tmp_path / "mine.json").write_text(json.dumps(config))
        config = tmp_path / "mine.json"
    elif through == "run":
        (tmp_path / "recipe.json").write_text(json.dumps(config))
        config = tmp_path
    elif through == "package":
        (tmp_path / "config.json").write_text(json.dumps({"format": 1, "recipe": config}))
        config = tmp_path
    again = resolve_recipe(config=config)
    assert again == recipe
    assert json.dumps(again.to_json()) == json.dumps(recipe.to_json())


def test_a_frozen_recipe_has_the_origin_of_components() -> None:
    stored = freeze_and_reload(resolve_recipe(arch="blob", loss="mse"))
    assert stored["arch"] == {
        "name": "acme:blob",
        "distribution": "acme-gans",
        "version": "1.2.3",
        "schema": 1,
        "options": {"width": 8},
    }
    assert stored["loss"]["name"] == "losses:lsgan"
    assert stored["format"] == 1
    optim = {"name": "sgd", "lr": 2e-4, "clip": None, "weight_decay": 0.0, "momentum": 0.5, "nesterov": False}
    assert stored["optim"]["d"] == optim


def test_equal_recipes_need_no_equal_origins() -> None:
    by_pair = resolve_recipe(pairs={"arch": "blob"})
    assert by_pair == resolve_recipe(arch="blob")
    assert by_pair.origins != resolve_recipe(arch="blob").origins
    assert by_pair != resolve_recipe(arch="blob", pairs={"train.seed": 1})


@pytest.mark.parametrize("as_file", [True, False])
def test_a_newer_format_is_refused(as_file: bool, tmp_path: Path) -> None:
    config: Any = freeze_and_reload(resolve_recipe(arch="blob")) | {"format": 2, "ganzoo": "9.9"}
    if as_file:
        (tmp_path / "recipe.json").write_text(json.dumps(config))
        config = tmp_path
    text = expect_refusal(GanzooError, config=config)
    assert text.endswith("was written by a newer ganzoo (9.9): python -m pip install -U ganzoo")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"recipe": 3}',
        '{"recipe": {}}',
        '{"format": "one"}',
        '{"format": Infinity}',
        '{"format": null}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_damaged_file_is_reported(text: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert expect_refusal(Corrupt, config=path) == f"{path} is damaged or not a recipe of ganzoo"


def drop(*keys: str) -> Callable[[dict[str, Any]], None]:
    return put(*keys, value=None)


def put(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(stored: dict[str, Any]) -> None:
        for key in keys[:-1]:
            stored = stored[key]
        if value is None:
            del stored[keys[-1]]
        else:
            stored[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "damage",
    [
        drop("arch"),
        drop("reg"),
        drop("optim", "d"),
        drop("train"),
        drop("arch", "name"),
        drop("arch", "options"),
        drop("arch", "schema"),
        put("arch", value=3),
        put("arch", "schema", value="one"),
        put("arch", "options", value=[1]),
        put("reg", value=3),
        put("reg", value="r1"),
        put("reg", value=[{}]),
        put("train", value=[]),
        put("optim", value={"g": 1, "d": 2}),
    ],
)
def test_a_damaged_recipe_is_reported(damage: Callable[[dict[str, Any]], None]) -> None:
    stored = freeze_and_reload(resolve_recipe(arch="blob"))
    damage(stored)
    assert expect_refusal(Corrupt, config=stored).startswith("the stored recipe is damaged: ")


def test_a_path_without_a_recipe_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.json"):
        with pytest.raises(NotFound, match=r"has no recipe: give a recipe\.json, a run or a model package"):
            load_json(path)


@pytest.mark.parametrize(
    ("distribution", "remedy"),
    [
        (
            "acme-gans",
            "it is said to come from acme-gans 1.2.3; if you trust that package, python -m pip install -U acme-gans",
        ),
        ("ganzoo", "it is ganzoo's own: python -m pip install -U ganzoo"),
        ("/home/me/my gan.py", "add --plugin '/home/me/my gan.py'"),
        ("", "install the plugin that offers it"),
        ("acme; rm -rf /", "install the plugin that offers it"),
        ("--index-url=http://evil", "install the plugin that offers it"),
    ],
)
@pytest.mark.parametrize(("key", "name"), [("arch", "acme:blob"), ("reg", "acme:r1")])
def test_a_stored_component_that_is_not_installed(distribution: str, remedy: str, key: str, name: str) -> None:
    stored = freeze_and_reload(
        resolve_recipe(arch="blob" if key == "arch" else "dcgan", reg="none" if key == "arch" else "r1")
    )
    entry = stored[key] if key == "arch" else stored[key][0]
    entry["distribution"] = distribution
    text = expect_refusal(MissingPlugin, make_registry(), config=stored)
    there = "architectures here: dcgan, dcgan-tutorial" if key == "arch" else "regularizers here: none"
    assert text == f"the stored recipe uses {key} {name!r}, which is not installed ({there}): {remedy}"


@pytest.mark.parametrize("version", ["1; rm -rf /", "1\n", "\x1b[2J", "", "x"])
def test_an_invalid_version_is_not_shown(version: str) -> None:
    stored = freeze_and_reload(resolve_recipe(arch="blob"))
    stored["arch"]["version"] = version
    assert "it is said to come from acme-gans; if you" in expect_refusal(MissingPlugin, make_registry(), config=stored)


def test_a_component_from_a_file_is_stored_with_its_file() -> None:
    registry = make_registry(make_components(), file="/home/me/acme.py")
    stored = freeze_and_reload(resolve_recipe(registry, arch="blob"))
    assert stored["arch"]["distribution"] == "/home/me/acme.py"
    assert expect_refusal(MissingPlugin, make_registry(), config=stored).endswith(": add --plugin /home/me/acme.py")


# ----------------------------------------------------------------------------
# Schemas.


@dataclass(frozen=True, kw_only=True)
class NewOptions:
    weight: float = option(1.0, help="What gamma was, halved.")
    legacy: bool = option(False, help="Whether it is as it was in schema 1.")


def migrate(options: dict[str, Any], from_version: int) -> dict[str, Any]:
    assert from_version == 1
    return {"legacy": True} | ({"weight": float(options["gamma"]) / 2} if "gamma" in options else {})


NEW = {"options": NewOptions, "version": 2, "migrate": "test_recipe:migrate"}


def said(choice: Choice) -> tuple[float, bool]:
    return choice.options.weight, choice.options.legacy


def test_a_recipe_of_an_older_schema_is_migrated() -> None:
    stored = freeze_and_reload(resolve_recipe(arch="dcgan", reg="r1", pairs={"reg.r1.gamma": 6}))
    newer = make_registry(make_components(**NEW))
    recipe = resolve_recipe(newer, config=stored)
    assert said(recipe.reg[0]) == (3.0, True)
    assert said(resolve_recipe(newer, config=stored, pairs={"reg.r1.weight": 5}).reg[0]) == (5.0, True)
    assert freeze_and_reload(recipe)["reg"][0]["schema"] == 2
    assert resolve_recipe(newer, config=freeze_and_reload(recipe)) == recipe
    assert said(read_choice(newer, "reg", stored["reg"][0])) == (3.0, True)


def test_a_recipe_that_stored_no_options_is_migrated_too() -> None:
    stored = freeze_and_reload(resolve_recipe(arch="dcgan", reg="r1"))
    stored["reg"][0]["options"] = {}
    assert said(resolve_recipe(make_registry(make_components(**NEW)), config=stored).reg[0]) == (1.0, True)


@pytest.mark.parametrize("options", [{"weight": 1.0}, {}])
def test_a_recipe_of_a_newer_schema_asks_for_an_upgrade(options: dict[str, Any]) -> None:
    stored = freeze_and_reload(resolve_recipe(arch="dcgan", reg="r1"))
    stored["reg"][0] |= {"schema": 3, "options": options}
    text = expect_refusal(MissingPlugin, make_registry(make_components(**NEW)), config=stored)
    assert text == "regularizer 'r1' was stored by a newer plugin (schema 3, here 2): upgrade acme-gans"


def test_a_stored_name_that_became_an_alias_keeps_its_options() -> None:
    stored = freeze_and_reload(resolve_recipe(arch="dcgan", reg="r1", pairs={"reg.r1.gamma": 7}))
    renamed = [
        replace(one, name="r1-penalty", aliases=("r1",)) if one.name == "r1" else one for one in make_components()
    ]
    recipe = resolve_recipe(make_registry(renamed), config=stored)
    assert (recipe.reg[0].name, recipe.reg[0].options.gamma) == ("r1-penalty", 7.0)
