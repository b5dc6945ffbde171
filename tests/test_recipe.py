"""Recipes: precedence, options of what is in use, compatibility, freezing and reading back."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ganzoo_datasets
import ganzoo_dcgan
from ganzoo.compatibility import as_trained, check_data
from ganzoo.errors import Corrupt, GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.installed import Plugin
from ganzoo.plugin import (
    Architecture,
    Augmentation,
    DataInfo,
    Dataset,
    Loss,
    Metric,
    Regularizer,
    Schedule,
    hookimpl,
    option,
)
from ganzoo.plugin import Recipe as NamedRecipe
from ganzoo.recipe import Recipe, load_json, stored_choice
from ganzoo.registry import PLURALS, Registry
from ganzoo.resolution import resolve
from ganzoo.settings import TrainOptions

FACTORY = "nowhere:build"  # nothing is built here


@dataclass(frozen=True, kw_only=True)
class ArchOptions:
    width: int = option(8, help="A width.", low=1)


@dataclass(frozen=True, kw_only=True)
class RegOptions:
    gamma: float = option(1.0, help="A weight.", low=0, schedulable=True)


@dataclass(frozen=True, kw_only=True)
class PointOptions:
    num: int = option(2, help="A number.", low=1)


@dataclass(frozen=True, kw_only=True)
class SizeOptions:
    size: int = option(32, help="A size.", low=1)
    channels: int = option(3, help="Channels.", low=1)


def named(kind: Any, name: str, **fields: Any) -> Any:
    return kind(name=name, summary=f"{name}.", factory=FACTORY, **fields)


def acme(**changes: Any) -> list[Any]:
    """Return components of a plugin of somebody else's; `changes` are to its regularizer r1."""
    recommended = {
        "loss": "mse",
        "loss.a": 0.25,
        "reg": "r1",
        "reg.r1.gamma": 10,
        "optim.g.lr": 1e-3,
        "optim.d.name": "sgd",
        "optim.d.momentum": 0.5,
        "train.batch": 32,
        "train.ema_half_life": 500,
    }
    image = DataInfo(shape=(3, 32, 32))
    return [
        named(Architecture, "blob", options=ArchOptions, recommended=recommended, conditional="optional"),
        named(Architecture, "plain"),
        named(Architecture, "dots", modalities=("points",), sizes=(2,)),
        named(Architecture, "strict", sizes=(32, 64), channels=(1, 3)),
        named(Architecture, "labels", conditional="always"),
        named(Architecture, "styled", provides=("style",), refuses=("odd",)),
        named(Loss, "coupled", batch_coupled=True),
        named(Regularizer, "r1", **{"options": RegOptions, "aliases": ("r-one",), **changes}),
        named(Regularizer, "path-length", needs=("style",)),
        named(Regularizer, "oddity", provides=("odd",)),
        named(Augmentation, "ada"),
        named(Metric, "fid"),
        named(Dataset, "grey", info=DataInfo(shape=(1, 32, 32))),
        named(Dataset, "colour", info=image),
        named(Dataset, "sized", options=SizeOptions, info=sized),
        named(Dataset, "wide", info=DataInfo(shape=(3, 32, 48))),
        named(Dataset, "odd-size", info=DataInfo(shape=(3, 60, 60))),
        named(Dataset, "alpha", info=DataInfo(shape=(4, 32, 32))),
        named(Dataset, "ring", options=PointOptions, info=DataInfo(shape=(2,), modality="points")),
        named(Dataset, "faces", info=DataInfo(shape=(3, 32, 32), label_shape=(40,))),
        NamedRecipe(
            name="blob-recipe",
            summary="A recipe.",
            settings={"arch": "blob", "arch.width": 16, "train.batch": 16, "train.seed": 1, "optim.d.lr": 0.5},
        ),
    ]


def sized(options: SizeOptions) -> DataInfo:
    return DataInfo(shape=(options.channels, options.size, options.size))


def module(components: list[Any]) -> ModuleType:
    made = ModuleType("acme")
    for kind, plural in PLURALS.items():
        offered = [component for component in components if component.kind == kind]
        vars(made)[f"ganzoo_{plural}"] = hookimpl(returning(offered), specname=f"ganzoo_{plural}")
    return made


def returning(offered: list[Any]) -> Callable[[], list[Any]]:
    return lambda: offered


def installed(components: list[Any] | None = None, **acme_fields: str) -> Registry:
    """Return a registry of the first-party plugins and, unless None, a plugin `acme` with these components."""
    registry = Registry()
    for name in ("dcgan", "losses", "datasets"):
        registry.add(Plugin(name, f"ganzoo_{name}", "ganzoo", "0.1.0"), partial(import_module, f"ganzoo_{name}"))
    if components is not None:
        origin = Plugin("acme", "acme", **(acme_fields or {"distribution": "acme-gans", "version": "1.2.3"}))
        registry.add(origin, lambda: module(components))
    assert not any(plugin.error for plugin in registry.plugins)
    return registry


REGISTRY = installed(acme())


def make(registry: Registry = REGISTRY, **said: Any) -> Recipe:
    """Resolve with flags given as `arch=...` and the layers `recipe`, `config` and `pairs`."""
    layers = {key: said.pop(key) for key in ("recipe", "config", "pairs") if key in said}
    return resolve(registry, flags=said, **layers)


def refused(error: type[GanzooError] = UsageError, registry: Registry = REGISTRY, **said: Any) -> str:
    with pytest.raises(error) as caught:
        make(registry, **said)
    return str(caught.value)


def frozen(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as it comes back from a file."""
    result: dict[str, Any] = json.loads(json.dumps(recipe.to_json(), allow_nan=False))
    return result


# ----------------------------------------------------------------------------
# Precedence.


def test_each_layer_goes_over_those_before_it() -> None:
    """One key for each layer to win, and the origins say which did."""
    stored = frozen(make(arch="blob", pairs={"train.batch": 48, "train.seed": 2, "train.keep": 7, "train.d_steps": 9}))
    stored["train"] = {key: stored["train"][key] for key in ("batch", "seed", "keep", "d_steps")}
    layers: dict[str, Any] = {}
    seen = []
    for name, value in {
        "arch": "blob",
        "recipe": "blob-recipe",
        "config": stored,
        "train.seed": 3,
        "pairs": {"train.keep": 4},
    }.items():
        layers[name] = value
        train = make(**layers).train
        seen.append((train.images, train.batch, train.seed, train.keep))
    default = TrainOptions()
    assert seen == [
        (default.images, 32, default.seed, default.keep),
        (default.images, 16, 1, default.keep),
        (default.images, 48, 2, 7),
        (default.images, 48, 3, 7),
        (default.images, 48, 3, 4),
    ]
    origins = make(**layers).origins
    assert origins["train.ema_half_life"] == "arch 'blob'"
    assert origins["train.batch"] == "run"
    assert origins["train.seed"] == "flag"
    assert origins["train.keep"] == "KEY=VALUE"
    assert origins["arch"] == "flag"
    assert origins["dataset"] == "run"
    assert "train.images" not in origins  # a default


def test_pairs_may_choose_components_and_go_over_flags() -> None:
    recipe = make(arch="blob", loss="bce", pairs={"arch": "plain", "loss": "mse"})
    assert (recipe.arch.name, recipe.loss.name) == ("plain", "lsgan")
    assert recipe.origins["arch"] == "KEY=VALUE"


def test_origins_of_recommended_recipe_and_config_file(tmp_path: Path) -> None:
    recipe = make(recipe="blob-recipe")
    assert recipe.origins["arch"] == "recipe 'blob-recipe'"
    assert recipe.origins["loss"] == "arch 'blob'"
    assert recipe.origins["dataset"] == "default"
    assert recipe.dataset.name == "digits"
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe.to_json()))
    assert make(config=path).origins["loss"] == f"config {path}"


def test_settings_are_by_the_key_that_sets_them() -> None:
    settings = make(arch="blob", aug="ada").settings()
    assert settings["arch"] == "blob"
    assert settings["arch.width"] == 8
    assert (settings["reg"], settings["aug"], settings["metric"]) == ("r1", "ada", "none")
    assert settings["optim.d.momentum"] == 0.5
    again = {key: value for key, value in settings.items() if value != "auto"}
    assert make(pairs=again) == make(arch="blob", aug="ada")


# ----------------------------------------------------------------------------
# Components and their options.


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({}, ["r1"]),
        ({"reg": "none"}, []),
        ({"reg": ()}, []),
        ({"reg": ("none",)}, []),
        ({"reg": "oddity"}, ["oddity"]),
        ({"reg": "oddity,r1"}, ["oddity", "r1"]),
        ({"reg": ["oddity", "none", "r-one"]}, ["r1"]),
        ({"pairs": {"reg": "none"}}, []),
        ({"reg": "none", "pairs": {"reg": "acme:oddity"}}, ["oddity"]),
    ],
)
def test_none_clears_what_was_recommended(said: dict[str, Any], names: list[str]) -> None:
    assert [choice.name for choice in make(arch="blob", **said).reg] == names


def test_a_cleared_component_takes_its_recommended_options_with_it() -> None:
    recipe = make(arch="blob", reg="none")
    assert not [key for key in recipe.settings() if key.startswith("reg.")]
    assert make(arch="blob").reg[0].options.gamma == 10.0
    assert make(arch="blob").loss.options.a == 0.25
    assert make(arch="blob", loss="bce").loss.name == "bce"


def test_the_same_component_twice_is_refused() -> None:
    assert refused(arch="blob", reg="r1,r-one") == "reg=r1,r-one names the same regularizer twice"


def test_no_architecture_or_loss() -> None:
    assert refused().startswith("no architecture was chosen: add --arch NAME (installed: dcgan, blob, plain")
    assert refused(arch="plain") == "no loss was chosen: add --loss NAME (`ganzoo list loss` shows them)"
    assert refused(arch="plian").startswith("no architecture 'plian' is installed: did you mean 'plain'")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("reg.oddity.gamma", "reg.oddity.gamma: regularizer 'oddity' is not in use: add --reg oddity"),
        ("aug.ada.p", "aug.ada.p: augmentation 'ada' is not in use: add --aug ada"),
        ("reg.r-one.gamma", "reg.r-one.gamma: write reg.r1.gamma"),
        ("reg.acme:r1.gamma", "reg.acme:r1.gamma: write reg.r1.gamma"),
        ("loss.a", "unknown key 'loss.a'; loss 'bce' takes no options"),
        ("arch.widht", "unknown key 'arch.widht': did you mean 'arch.width'?"),
        ("reg.r1.gama", "unknown key 'reg.r1.gama': did you mean 'reg.r1.gamma'?"),
        ("train.btach", "unknown key 'train.btach': did you mean 'train.batch'"),
        ("optim.g.momentum", "unknown key 'optim.g.momentum': did you mean 'optim.g."),
        ("optim.h.lr", "unknown key 'optim.h.lr': did you mean 'optim.g.lr' or 'optim.d.lr'"),
        ("trian.batch", "unknown key 'trian.batch': did you mean 'train.batch'"),
        ("qqqqqq", "unknown key 'qqqqqq'; a recipe takes arch, arch.width, loss, dataset, "),
    ],
)
def test_keys_that_nothing_takes(key: str, words: str) -> None:
    assert refused(arch="blob", loss="bce", pairs={key: 1}).startswith(words)
    flags: dict[str, Any] = {"arch": "blob", "loss": "bce", key: 1}
    assert refused(**flags).startswith(words)


def test_an_unknown_key_is_offered_no_key_twice() -> None:
    text = refused(arch="blob", pairs={"optim.h.lr": 1, "optim.g.lr": 1})
    assert text.count("'optim.g.lr'") == 1


def test_an_unknown_key_in_a_stored_recipe_names_where_it_stands() -> None:
    stored = frozen(make(arch="blob"))
    stored["arch"]["options"] = {"zzzzzzzzzzzz": 1}
    assert refused(config=stored) == "unknown key 'arch.zzzzzzzzzzzz'; arch 'blob' (from run) takes arch.width"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("arch.width", "wide", "arch.width: expected a whole number of at least 1, got 'wide'"),
        ("reg.r1.gamma", -1, "reg.r1.gamma: expected a number of at least 0 or a schedule"),
        ("train.batch", 0, "train.batch: expected a whole number of at least 1, got 0"),
        ("optim.g.betas", "0.5", "optim.g.betas: expected 2 values"),
    ],
)
def test_wrong_values_name_the_key(key: str, value: object, words: str) -> None:
    assert refused(arch="blob", pairs={key: value}).startswith(words)


def test_changing_a_component_drops_what_was_stored_for_the_old_one() -> None:
    stored = frozen(make(arch="blob", dataset="sized", pairs={"loss.a": -1, "arch.width": 16, "dataset.size": 64}))
    recipe = make(config=stored, arch="dcgan", loss="bce", dataset="digits")
    assert recipe.arch.options == ganzoo_dcgan.DCGANOptions()
    assert recipe.dataset.options == ganzoo_datasets.DigitsOptions()
    assert recipe.loss.name == "bce"
    same = make(config=stored, arch="acme:blob", loss="mse", dataset="sized", pairs={"loss.b": 2})
    assert (same.arch.options.width, same.loss.options.a, same.loss.options.b) == (16, -1.0, 2.0)
    assert same.dataset.options == SizeOptions(size=64)
    assert refused(config=stored, loss="bce", pairs={"loss.a": 1}).startswith("unknown key 'loss.a'")
    spoken: dict[str, Any] = {"loss": "lsgan", "loss.a": 1, "pairs": {"loss": "bce"}}
    assert refused(config=stored, **spoken) == "unknown key 'loss.a'; loss 'bce' takes no options"


def test_schedules_pass_through() -> None:
    recipe = make(arch="blob", pairs={"reg.r1.gamma": "cosine(5, 1, images=1e6)"})
    assert recipe.reg[0].options.gamma == Schedule("cosine", 5.0, 1.0, 1e6)
    assert frozen(recipe)["reg"][0]["options"] == {"gamma": "cosine(5, 1, images=1000000)"}


# ----------------------------------------------------------------------------
# Optimizers.


def test_optimizers_have_names_and_options_of_their_own() -> None:
    recipe = make(arch="blob", pairs={"optim.g.name": "RMSprop", "optim.g.alpha": "0.9"})
    assert recipe.optim_g.name == "rmsprop"
    assert recipe.optim_g.options.alpha == 0.9
    assert recipe.optim_g.options.lr == 2e-4  # the recommended rate was Adam's
    assert (recipe.optim_d.name, recipe.optim_d.options.momentum) == ("sgd", 0.5)
    assert make(arch="blob").optim_g.options.lr == 1e-3


def test_a_layer_that_names_no_optimizer_speaks_of_the_one_below_it() -> None:
    recipe = make(recipe="blob-recipe")  # sets optim.d.lr; sgd is the architecture's
    assert (recipe.optim_d.name, recipe.optim_d.options.lr, recipe.optim_d.options.momentum) == ("sgd", 0.5, 0.5)
    assert make(recipe="blob-recipe", pairs={"optim.d.name": "adam"}).optim_d.options.lr == 2e-4


@pytest.mark.parametrize("value", ["0,1e-1", (0, 0.1), [0, 0.1]])
def test_integer_betas_become_floats(value: object) -> None:
    betas = make(arch="plain", loss="bce", pairs={"optim.g.betas": value}).optim_g.options.betas
    assert repr(betas) == "(0.0, 0.1)"


def test_an_unknown_optimizer_names_all() -> None:
    text = refused(arch="blob", pairs={"optim.g.name": "lion"})
    assert text.startswith("optim.g.name=lion: torch.optim's are adam, adamw, ")
    assert text.endswith("rprop")


# ----------------------------------------------------------------------------
# Compatibility.


def test_a_micro_batch_divides_the_batch() -> None:
    batch = {"train.batch": 48}
    text = refused(arch="plain", loss="bce", pairs=batch | {"train.micro_batch": 20})
    assert text == "train.micro_batch=20 does not divide train.batch=48: use 16"
    for size in (16, 48, 64):
        assert make(arch="plain", loss="bce", pairs=batch | {"train.micro_batch": size}).train.micro_batch == size


def test_a_batch_coupled_loss_refuses_accumulation() -> None:
    text = refused(arch="plain", loss="coupled", pairs={"train.batch": 32, "train.micro_batch": 16})
    assert text.startswith("loss 'coupled' couples the whole batch")
    assert text.endswith("leave train.micro_batch away")
    make(arch="plain", loss="coupled", pairs={"train.batch": 32, "train.micro_batch": 32})


def test_needs_and_refusals() -> None:
    needs = refused(arch="plain", loss="bce", reg="path-length")
    assert needs.startswith(
        "regularizer 'path-length' needs 'style', which no other part of the recipe provides: choose"
    )
    make(arch="styled", loss="bce", reg="path-length")
    refuses = refused(arch="styled", loss="bce", reg="oddity")
    assert refuses == ("architecture 'styled' does not go with regularizer 'oddity' (odd): choose another of either")
    make(arch="plain", loss="bce", reg="oddity")


@pytest.mark.parametrize(
    ("arch", "dataset", "more", "words"),
    [
        ("strict", "odd-size", {}, "arch 'strict' takes 32, 64; dataset 'odd-size' is 60: choose another of either"),
        (
            "dcgan",
            "sized",
            {"dataset.size": 28},
            "arch 'dcgan' takes 16, 32, 64, 128, 256; dataset 'sized' is 28: add dataset.size=32",
        ),
        (
            "strict",
            "sized",
            {"dataset.size": 60},
            "arch 'strict' takes 32, 64; dataset 'sized' is 60: add dataset.size=64",
        ),
        (
            "strict",
            "alpha",
            {},
            "arch 'strict' takes 1, 3 channels; dataset 'alpha' has 4: choose another of either",
        ),
        (
            "strict",
            "sized",
            {"dataset.channels": 2},
            "arch 'strict' takes 1, 3 channels; dataset 'sized' has 2: add dataset.channels=3",
        ),
        ("plain", "ring", {}, "arch 'plain' generates image; dataset 'ring' is points: choose another of either"),
        ("plain", "wide", {}, "arch 'plain' takes square images; dataset 'wide' is 48x32: crop the images to squares"),
        ("plain", "digits", {"train.conditional": True}, "arch 'plain' takes no labels: leave --conditional away"),
        (
            "blob",
            "colour",
            {"train.conditional": "yes"},
            "dataset 'colour' has no labels: leave --conditional away, or give it labelled data",
        ),
        ("labels", "digits", {}, "arch 'labels' always takes labels: add --conditional"),
        *[
            (
                "labels",
                "colour",
                more,
                "arch 'labels' always takes labels; dataset 'colour' has none: choose another of either",
            )
            for more in ({}, {"train.conditional": True})
        ],
    ],
)
def test_data_that_an_architecture_cannot_generate(arch: str, dataset: str, more: dict[str, Any], words: str) -> None:
    assert refused(arch=arch, loss="bce", dataset=dataset, pairs=more) == words


@pytest.mark.parametrize(
    ("arch", "dataset", "more"),
    [
        ("plain", "odd-size", {}),
        ("dots", "ring", {}),
        ("plain", "alpha", {}),
        ("strict", "grey", {}),
        ("labels", "faces", {"train.conditional": True}),
        ("blob", "digits", {"train.conditional": True}),
        ("blob", "digits", {}),
        ("dcgan", "folder", {"dataset.size": 28}),  # not known unopened
    ],
)
def test_data_that_goes(arch: str, dataset: str, more: dict[str, Any]) -> None:
    make(arch=arch, loss="bce", dataset=dataset, pairs=more)


def test_data_is_checked_once_it_is_opened_too() -> None:
    recipe = make(arch="dcgan", loss="bce", dataset="folder")
    check_data(recipe, DataInfo(shape=(3, 32, 32)))
    with pytest.raises(UsageError, match=r"dataset 'folder' is 28: add dataset\.size=32"):
        check_data(recipe, DataInfo(shape=(3, 28, 28)))


def test_labels_are_hidden_unless_the_run_is_conditional() -> None:
    data = DataInfo(shape=(1, 8, 8), num_classes=10, num_items=5, meta={"a": 1})
    assert as_trained(data, TrainOptions()) == DataInfo(shape=(1, 8, 8), num_items=5, meta={"a": 1})
    assert as_trained(data, TrainOptions(conditional=True)) is data


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
    recipe = make(**said)
    config: Any = frozen(recipe)
    if through == "file":
        (tmp_path / "mine.json").write_text(json.dumps(config))
        config = tmp_path / "mine.json"
    elif through == "run":
        (tmp_path / "recipe.json").write_text(json.dumps(config))
        config = tmp_path
    elif through == "package":
        (tmp_path / "config.json").write_text(json.dumps({"format": 1, "recipe": config}))
        config = tmp_path
    again = make(config=config)
    assert again == recipe
    assert json.dumps(again.to_json()) == json.dumps(recipe.to_json())


def test_a_frozen_recipe_holds_provenance() -> None:
    stored = frozen(make(arch="blob", loss="mse"))
    assert stored["arch"] == {
        "name": "acme:blob",
        "distribution": "acme-gans",
        "version": "1.2.3",
        "schema": 1,
        "options": {"width": 8},
    }
    assert stored["loss"]["name"] == "losses:lsgan"
    assert stored["format"] == 1
    assert stored["optim"]["d"] == {"name": "sgd", "lr": 2e-4, "weight_decay": 0.0, "momentum": 0.5, "nesterov": False}


def test_equal_recipes_need_no_equal_origins() -> None:
    by_pair = make(pairs={"arch": "blob"})
    assert by_pair == make(arch="blob")
    assert by_pair.origins != make(arch="blob").origins
    assert by_pair != make(arch="blob", pairs={"train.seed": 1})


@pytest.mark.parametrize("as_file", [True, False])
def test_a_newer_format_is_refused(as_file: bool, tmp_path: Path) -> None:
    config: Any = frozen(make(arch="blob")) | {"format": 2, "ganzoo": "9.9"}
    if as_file:
        (tmp_path / "recipe.json").write_text(json.dumps(config))
        config = tmp_path
    text = refused(GanzooError, config=config)
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
def test_a_damaged_file_is_told_as_such(text: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert refused(Corrupt, config=path) == f"{path} is damaged or no recipe of ganzoo"


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
def test_a_damaged_recipe_is_told_as_such(damage: Callable[[dict[str, Any]], None]) -> None:
    stored = frozen(make(arch="blob"))
    damage(stored)
    assert refused(Corrupt, config=stored).startswith("the stored recipe is damaged: ")


def test_nothing_to_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.json"):
        with pytest.raises(NotFound, match=r"holds no recipe: name a recipe\.json, a run or a model package"):
            load_json(path)


@pytest.mark.parametrize(
    ("distribution", "remedy"),
    [
        ("acme-gans", "python -m pip install -U acme-gans"),
        ("/home/me/my gan.py", "add --plugin '/home/me/my gan.py'"),
        ("", "install the plugin that offers it"),
        ("acme; rm -rf /", "install the plugin that offers it"),
        ("--index-url=http://evil", "install the plugin that offers it"),
    ],
)
@pytest.mark.parametrize(("key", "name"), [("arch", "acme:blob"), ("reg", "acme:r1")])
def test_a_stored_component_that_is_not_installed(distribution: str, remedy: str, key: str, name: str) -> None:
    stored = frozen(make(arch="blob" if key == "arch" else "dcgan", reg="none" if key == "arch" else "r1"))
    entry = stored[key] if key == "arch" else stored[key][0]
    entry["distribution"] = distribution
    text = refused(MissingPlugin, installed(), config=stored)
    assert text == f"the stored recipe uses {key} {name!r}, which is not installed: {remedy}"


def test_a_component_from_a_file_is_stored_with_its_file() -> None:
    registry = installed(acme(), file="/home/me/acme.py")
    stored = frozen(make(registry, arch="blob"))
    assert stored["arch"]["distribution"] == "/home/me/acme.py"
    assert refused(MissingPlugin, installed(), config=stored).endswith("not installed: add --plugin /home/me/acme.py")


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


def test_a_recipe_of_an_older_schema_is_migrated() -> None:
    stored = frozen(make(arch="dcgan", reg="r1", pairs={"reg.r1.gamma": 6}))
    newer = installed(acme(**NEW))
    recipe = make(newer, config=stored)
    assert recipe.reg[0].options == NewOptions(weight=3.0, legacy=True)
    assert make(newer, config=stored, pairs={"reg.r1.weight": 5}).reg[0].options == NewOptions(weight=5.0, legacy=True)
    assert frozen(recipe)["reg"][0]["schema"] == 2
    assert make(newer, config=frozen(recipe)) == recipe
    assert stored_choice(newer, "reg", stored["reg"][0]).options == NewOptions(weight=3.0, legacy=True)


def test_a_recipe_that_stored_no_options_is_migrated_too() -> None:
    stored = frozen(make(arch="dcgan", reg="r1"))
    stored["reg"][0]["options"] = {}
    assert make(installed(acme(**NEW)), config=stored).reg[0].options == NewOptions(legacy=True)


@pytest.mark.parametrize("options", [{"weight": 1.0}, {}])
def test_a_recipe_of_a_newer_schema_asks_for_an_upgrade(options: dict[str, Any]) -> None:
    stored = frozen(make(arch="dcgan", reg="r1"))
    stored["reg"][0] |= {"schema": 3, "options": options}
    text = refused(MissingPlugin, installed(acme(**NEW)), config=stored)
    assert text == "regularizer 'r1' was stored by a newer plugin (schema 3, here 2): upgrade acme-gans"


def test_a_stored_name_that_is_an_alias_by_now_keeps_its_options() -> None:
    stored = frozen(make(arch="dcgan", reg="r1", pairs={"reg.r1.gamma": 7}))
    renamed = [replace(one, name="r1-penalty", aliases=("r1",)) if one.name == "r1" else one for one in acme()]
    recipe = make(installed(renamed), config=stored)
    assert (recipe.reg[0].name, recipe.reg[0].options.gamma) == ("r1-penalty", 7.0)
