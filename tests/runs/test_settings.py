"""The settings of runs by key, their origins, and what runs differ in."""

from __future__ import annotations

import json

import pytest

from acme_components import freeze_and_reload, resolve_recipe
from ganzoo.errors import Corrupt
from ganzoo.runs.settings import find_differences, keep_origins, list_settings


def test_settings_are_as_they_are_typed():
    found = list_settings(freeze_and_reload(resolve_recipe(arch="blob", loss="mse", reg=["r1"])))
    assert (found["arch"], found["loss"], found["reg"], found["aug"]) == ("blob", "lsgan", "r1", "none")
    assert (found["arch.width"], found["optim.g.lr"], found["train.conditional"]) == ("8", "0.001", "false")
    assert "reg.r1.gamma" in found


@pytest.mark.parametrize("stored", [{}, {"arch": 3}, {"arch": {"name": "a"}, "loss": None}])
def test_a_damaged_recipe_is_an_error(stored):
    with pytest.raises(Corrupt, match="the recipe is damaged"):
        list_settings(stored)


def test_differences_have_a_value_for_each_run():
    runs = [{"arch": "a", "seed": "0"}, {"arch": "a", "seed": "1", "reg.r1.gamma": "2"}]
    assert find_differences(runs) == {"seed": ["0", "1"], "reg.r1.gamma": [None, "2"]}
    assert find_differences(runs[:1]) == {}


def test_origins_of_a_run_survive_its_resume(tmp_path):
    path = tmp_path / "recipe.json"
    assert keep_origins({"arch": "flag", "loss": "default"}, path) == {"arch": "flag"}
    resumed = {"arch": "run", "loss": "run", "train.images": "KEY=VALUE"}
    path.write_text(json.dumps({"origins": {"arch": "flag"}}))
    assert keep_origins(resumed, path) == {"arch": "flag", "train.images": "KEY=VALUE"}
    for text in ("{}", "damaged"):  # of an earlier version: the origins are not known
        path.write_text(text)
        assert keep_origins(resumed, path) == resumed
