"""Combining layers of settings to a recipe."""

import json
from pathlib import Path
from typing import Any

import pytest

import ganzoo_dcgan
from acme_components import expect_refusal, freeze_and_reload, make_registry, resolve_recipe
from ganzoo.errors import NotFound
from ganzoo.plugin import Dataset, Schedule
from ganzoo.recipe.resolve import parse_dataset_flag
from ganzoo.recipe.settings import TrainOptions

# ----------------------------------------------------------------------------
# Precedence.


def test_each_layer_overrides_the_layers_before_it() -> None:
    """One key for each layer to win, and the origins say which did."""
    stored = freeze_and_reload(
        resolve_recipe(arch="blob", pairs={"train.batch": 48, "train.seed": 2, "train.keep": 7, "train.d_steps": 9})
    )
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
        train = resolve_recipe(**layers).train
        seen.append((train.images, train.batch, train.seed, train.keep))
    default = TrainOptions()
    assert seen == [
        (default.images, 32, default.seed, default.keep),
        (default.images, 16, 1, default.keep),
        (default.images, 48, 2, 7),
        (default.images, 48, 3, 7),
        (default.images, 48, 3, 4),
    ]
    origins = resolve_recipe(**layers).origins
    assert origins["train.ema_half_life"] == "arch 'blob'"
    assert origins["train.batch"] == "run"
    assert origins["train.seed"] == "flag"
    assert origins["train.keep"] == "KEY=VALUE"
    assert origins["arch"] == "flag"
    assert origins["dataset"] == "run"
    assert "train.images" not in origins  # a default


def test_a_loss_overrides_the_architecture_but_not_a_recipe() -> None:
    recipe = resolve_recipe(arch="normed", loss="steady")
    assert [choice.name for choice in recipe.reg] == ["oddity"]  # not the architecture's r1
    assert (recipe.train.batch, recipe.train.ema_half_life, recipe.optim_g.options.lr) == (24, 500, 1e-3)
    assert recipe.optim_g.options.betas == (0.5, 0.9)
    assert (recipe.optim_d.name, recipe.optim_d.options.lr) == ("sgd", 2e-4)  # 3 was said of Adam
    assert (recipe.origins["train.batch"], recipe.origins["optim.g.lr"]) == ("loss 'steady'", "arch 'normed'")
    assert resolve_recipe(arch="normed", loss="steady", recipe="blob-recipe").train.batch == 16
    assert resolve_recipe(arch="normed", loss="steady", pairs={"train.batch": 8, "reg": "none"}).reg == ()
    assert resolve_recipe(arch="normed", loss="steady-loss").origins["train.batch"] == "loss 'steady'"


def test_a_losss_recommendation_applies_if_the_architecture_has_the_option() -> None:
    recipe = resolve_recipe(arch="normed", loss="steady")
    assert (recipe.arch.options.norm, recipe.origins["arch.norm"]) == ("none", "loss 'steady'")
    assert recipe.arch.options.width == 8  # the 0 that is recommended is no width
    assert resolve_recipe(arch="normed", loss="steady", pairs={"arch.norm": "batch"}).arch.options.norm == "batch"
    assert resolve_recipe(arch="blob", loss="steady").arch.options.width == 8


def test_an_architecture_overrides_the_loss_that_it_recommends() -> None:
    for said in ({}, {"loss": "steady"}, {"loss": "acme:steady"}):
        recipe = resolve_recipe(arch="calm", **said)
        assert (recipe.train.batch, recipe.origins["train.batch"]) == (12, "arch 'calm'")
        assert (recipe.arch.options.norm, recipe.origins["arch.norm"]) == ("none", "loss 'steady'")


def test_an_architecture_recommends_augmentations_too() -> None:
    recipe = resolve_recipe(arch="calm")
    assert ([choice.name for choice in recipe.aug], recipe.origins["aug"]) == (["ada"], "arch 'calm'")
    assert resolve_recipe(arch="calm", aug="none").aug == ()


def test_an_option_that_was_not_stored_had_its_default() -> None:
    stored = freeze_and_reload(resolve_recipe(arch="normed", loss="steady", pairs={"arch.norm": "batch"}))
    del stored["arch"]["options"]["norm"]
    assert resolve_recipe(config=stored).arch.options.norm == "batch"
    assert resolve_recipe(config=stored, arch="calm").arch.options.norm == "none"  # which was stored of another


def test_pairs_may_choose_components_and_override_flags() -> None:
    recipe = resolve_recipe(arch="blob", loss="bce", pairs={"arch": "plain", "loss": "mse"})
    assert (recipe.arch.name, recipe.loss.name) == ("plain", "lsgan")
    assert recipe.origins["arch"] == "KEY=VALUE"


def test_origins_of_recommended_recipe_and_config_file(tmp_path: Path) -> None:
    recipe = resolve_recipe(recipe="blob-recipe")
    assert recipe.origins["arch"] == "recipe 'blob-recipe'"
    assert recipe.origins["loss"] == "arch 'blob'"
    assert recipe.origins["dataset"] == "default"
    assert recipe.dataset.name == "digits"
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe.to_json()))
    assert resolve_recipe(config=path).origins["loss"] == f"config {path}"


def test_settings_are_listed_by_key() -> None:
    settings = resolve_recipe(arch="blob", aug="ada").settings()
    assert settings["arch"] == "blob"
    assert settings["arch.width"] == 8
    assert (settings["reg"], settings["aug"], settings["metric"]) == ("r1", "ada", "none")
    assert settings["optim.d.momentum"] == 0.5
    again = {key: value for key, value in settings.items() if value != "auto"}
    assert resolve_recipe(pairs=again) == resolve_recipe(arch="blob", aug="ada")


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
        ({"reg": ["none", "oddity,r1"]}, ["oddity", "r1"]),
        ({"pairs": {"reg": "none"}}, []),
        ({"reg": "none", "pairs": {"reg": "acme:oddity"}}, ["oddity"]),
    ],
)
def test_none_removes_recommended_components(said: dict[str, Any], names: list[str]) -> None:
    assert [choice.name for choice in resolve_recipe(arch="blob", **said).reg] == names


def test_a_removed_component_loses_its_recommended_options() -> None:
    recipe = resolve_recipe(arch="blob", reg="none")
    assert not [key for key in recipe.settings() if key.startswith("reg.")]
    assert resolve_recipe(arch="blob").reg[0].options.gamma == 10.0
    assert resolve_recipe(arch="blob").loss.options.a == 0.25
    assert resolve_recipe(arch="blob", loss="bce").loss.name == "bce"


def test_the_same_component_twice_is_refused() -> None:
    assert (
        expect_refusal(arch="blob", reg="r1,r-one")
        == "reg=r1,r-one names the same regularizer twice: keep one of each name"
    )


def test_a_missing_architecture_or_loss_is_reported() -> None:
    assert expect_refusal().startswith(
        "no architecture was chosen: add --arch NAME (installed: dcgan, dcgan-tutorial, blob, plain"
    )
    assert expect_refusal(arch="plain") == "no loss was chosen: add --loss NAME (`ganzoo list loss` shows them)"
    assert expect_refusal(arch="plian").startswith("no architecture 'plian' is installed: did you mean 'plain'")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("reg.oddity.gamma", "reg.oddity.gamma: regularizer 'oddity' is not in use: add --reg oddity"),
        ("aug.ada.p", "aug.ada.p: augmentation 'ada' is not in use: add --aug ada"),
        ("reg.r-one.gamma", "reg.r-one.gamma: write reg.r1.gamma"),
        ("reg.acme:r1.gamma", "reg.acme:r1.gamma: write reg.r1.gamma"),
        ("loss.a", "unknown key 'loss.a'; loss 'bce' takes loss.smoothing"),
        ("arch.widht", "unknown key 'arch.widht': did you mean 'arch.width'?"),
        ("reg.r1.gama", "unknown key 'reg.r1.gama': did you mean 'reg.r1.gamma'?"),
        ("train.btach", "unknown key 'train.btach': did you mean 'train.batch'"),
        ("optim.g.momentum", "unknown key 'optim.g.momentum'; optimizer 'adam' takes optim.g.lr, "),
        ("optim.h.lr", "unknown key 'optim.h.lr': type optim.g.lr=VALUE or optim.d.lr=VALUE"),
        ("trian.batch", "unknown key 'trian.batch': type train.batch=VALUE"),
        ("qqqqqq", "unknown key 'qqqqqq'; a recipe takes "),
    ],
)
def test_unused_keys_are_refused(key: str, words: str) -> None:
    assert expect_refusal(arch="blob", loss="bce", pairs={key: 1}).startswith(words)
    flags: dict[str, Any] = {"arch": "blob", "loss": "bce", key: 1}
    assert expect_refusal(**flags).startswith(words)


def test_an_extractors_options_are_written_under_its_own_name() -> None:
    said = {"arch": "blob", "metric": "distance"}
    recipe = resolve_recipe(**said, pairs={"extractor.looks.width": 4})
    assert recipe.metric[0].extractor is not None
    assert recipe.metric[0].extractor.options.width == 4
    text = expect_refusal(**said, pairs={"metric.distance.extractor": "eyes", "extractor.eyes.width": 4})
    assert text == "extractor.eyes.width: write extractor.looks.width"
    text = expect_refusal(**said, pairs={"extractor.other.width": 4})
    assert text == "extractor.other.width: no metric reads extractor 'other': add metric.NAME.extractor=other"
    text = expect_refusal(**said, pairs={"extractor": "looks"})
    assert text == "extractor: no metric reads extractor 'NAME': add metric.NAME.extractor=NAME"


def test_suggested_keys_are_not_repeated() -> None:
    text = expect_refusal(arch="blob", pairs={"optim.h.lr": 1, "optim.g.lr": 1})
    assert text.count("optim.g.lr=") == 1


def test_an_unknown_key_in_a_stored_recipe_names_the_file() -> None:
    stored = freeze_and_reload(resolve_recipe(arch="blob"))
    stored["arch"]["options"] = {"zzzzzzzzzzzz": 1}
    assert expect_refusal(config=stored) == "unknown key 'arch.zzzzzzzzzzzz'; arch 'blob' (from run) takes arch.width"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("arch.width", "wide", "arch.width: expected a whole number of at least 1, got 'wide'"),
        ("reg.r1.gamma", -1, "reg.r1.gamma: expected a number of at least 0 or a schedule"),
        ("train.batch", 0, "train.batch: expected a whole number of at least 1, got 0"),
        ("optim.g.betas", "0.5", "optim.g.betas: expected 2 comma-separated values"),
    ],
)
def test_wrong_values_name_the_key(key: str, value: object, words: str) -> None:
    assert expect_refusal(arch="blob", pairs={key: value}).startswith(words)


def test_changing_a_component_drops_the_stored_options_of_the_old_one() -> None:
    stored = freeze_and_reload(
        resolve_recipe(arch="blob", dataset="sized", pairs={"loss.a": -1, "arch.width": 16, "dataset.size": 64})
    )
    recipe = resolve_recipe(config=stored, arch="dcgan", loss="bce", dataset="digits")
    assert recipe.arch.options == ganzoo_dcgan.DCGANOptions(norm_d="spectral")  # as bce recommends
    assert vars(recipe.dataset.options) == {"size": 32, "holdout": 0.0, "shard": 0}
    assert recipe.loss.name == "bce"
    same = resolve_recipe(config=stored, arch="acme:blob", loss="mse", dataset="sized", pairs={"loss.b": 2})
    assert (same.arch.options.width, same.loss.options.a, same.loss.options.b) == (16, -1.0, 2.0)
    assert same.dataset.options.size == 64
    assert expect_refusal(config=stored, loss="bce", pairs={"loss.a": 1}).startswith("unknown key 'loss.a'")
    spoken: dict[str, Any] = {"loss": "lsgan", "loss.a": 1, "pairs": {"loss": "bce"}}
    assert expect_refusal(config=stored, **spoken) == "unknown key 'loss.a'; loss 'bce' takes loss.smoothing"


def test_schedules_pass_through() -> None:
    recipe = resolve_recipe(arch="blob", pairs={"reg.r1.gamma": "cosine(5, 1, images=1e6)"})
    assert recipe.reg[0].options.gamma == Schedule("cosine", 5.0, 1.0, 1e6)
    assert freeze_and_reload(recipe)["reg"][0]["options"] == {"gamma": "cosine(5, 1, images=1000000)", "interval": None}


# ----------------------------------------------------------------------------
# Optimizers.


def test_optimizers_have_names_and_options_of_their_own() -> None:
    recipe = resolve_recipe(arch="blob", pairs={"optim.g.name": "RMSprop", "optim.g.alpha": "0.9"})
    assert recipe.optim_g.name == "rmsprop"
    assert recipe.optim_g.options.alpha == 0.9
    assert recipe.optim_g.options.lr == 2e-4  # the recommended rate was Adam's
    assert (recipe.optim_d.name, recipe.optim_d.options.momentum) == ("sgd", 0.5)
    assert resolve_recipe(arch="blob").optim_g.options.lr == 1e-3


def test_a_layer_without_optimizer_means_the_optimizer_of_the_layer_below() -> None:
    recipe = resolve_recipe(recipe="blob-recipe")  # sets optim.d.lr; sgd is the architecture's
    assert (recipe.optim_d.name, recipe.optim_d.options.lr, recipe.optim_d.options.momentum) == ("sgd", 0.5, 0.5)
    assert resolve_recipe(recipe="blob-recipe", pairs={"optim.d.name": "adam"}).optim_d.options.lr == 2e-4


@pytest.mark.parametrize("value", ["0,1e-1", (0, 0.1), [0, 0.1]])
def test_integer_betas_become_floats(value: object) -> None:
    betas = resolve_recipe(arch="plain", loss="bce", pairs={"optim.g.betas": value}).optim_g.options.betas
    assert repr(betas) == "(0.0, 0.1)"


def test_an_unknown_optimizer_names_all() -> None:
    text = expect_refusal(arch="blob", pairs={"optim.g.name": "lion"})
    assert text.startswith("optim.g.name=lion is not an optimizer: choose one of adam, adamw, ")
    assert text.endswith("rprop")


def test_a_dataset_of_the_hub_is_not_called_a_path() -> None:
    registry = make_registry([Dataset(name="hosted", summary="Faces.", factory="acme:build", hub="alice/hosted")])
    with pytest.raises(NotFound, match=r"^there is no file or folder 'alice/faces': if you mean the"):
        parse_dataset_flag(registry, "alice/faces")
    with pytest.raises(NotFound, match=r"that dataset of the Hub is --dataset hosted here"):
        parse_dataset_flag(registry, "Alice/Hosted")
