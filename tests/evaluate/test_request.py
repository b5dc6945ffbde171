"""Requests, without torch: metrics and their options, and the data of the training or others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganzoo.errors import Corrupt, MissingPlugin, UsageError
from ganzoo.evaluate.request import Request, make_request
from ganzoo.plugin import options
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry


def make_recipe(**flags: Any) -> dict[str, Any]:
    return resolve(registry(), flags={"arch": "dcgan", **flags}).to_json()


def make_default_request(stored: dict[str, Any] | None = None, **words: Any) -> Request:
    words = {"metrics": ["pixel-moments"], **words}
    return make_request(registry(), Path("package"), make_recipe() if stored is None else stored, **words)


def test_metrics_with_their_options():
    found = make_default_request(pairs={"metric.pixel-moments.dimensions": "64"})
    assert [choice.component.qualified for choice in found.metrics] == ["metrics:pixel-moments"]
    assert options.to_json(found.metrics[0].options) == {"dimensions": 64}
    assert options.to_json(make_default_request(metrics=["metrics:pixel-moments"]).metrics[0].options) == {
        "dimensions": 256
    }
    assert (found.arch.name, found.num, found.seed) == ("dcgan", None, 0)


def test_the_default_data_are_those_of_the_training_with_their_options():
    found = make_default_request(make_recipe(**{"dataset.size": 64}))
    assert found.dataset.component.qualified == "datasets:digits"
    assert options.to_json(found.dataset.options) == {"size": 64, "holdout": 0.0}
    changed = make_default_request(make_recipe(**{"dataset.size": 64}), pairs={"dataset.size": "16"})
    assert options.to_json(changed.dataset.options) == {"size": 16, "holdout": 0.0}


def test_images_of_another_folder_get_the_size_of_the_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = make_recipe(dataset="folder", **{"dataset.path": "/photos", "dataset.size": 64})
    other = make_default_request(trained, dataset={"dataset": "datasets:folder", "dataset.path": "held-out"})
    assert options.to_json(other.dataset.options) == options.to_json(make_default_request(trained).dataset.options) | {
        "path": str(tmp_path / "held-out")
    }


def test_another_dataset_has_its_own_options():
    trained = make_recipe(dataset="folder", **{"dataset.path": "/photos", "dataset.size": 64})
    other = make_default_request(trained, dataset={"dataset": "digits"}, pairs={"dataset.size": "16"})
    assert options.to_json(other.dataset.options) == {"size": 16, "holdout": 0.0}
    default = make_default_request(trained, dataset={"dataset": "digits"})
    assert options.to_json(default.dataset.options) == {"size": 32, "holdout": 0.0}


def test_a_plugin_that_only_training_needed_is_not_required():
    stored = make_recipe()
    stored["loss"]["name"] = stored["tracker"] = "acme:none"
    assert make_default_request(stored).arch.name == "dcgan"
    stored["dataset"]["name"] = "acme:none"
    with pytest.raises(MissingPlugin, match="uses dataset 'acme:none', which is not installed"):
        make_default_request(stored)
    assert make_default_request(stored, dataset={"dataset": "digits"}).dataset.name == "digits"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"metrics": []}, r"no metric was chosen: add --metric NAME \(installed: .*pixel-moments"),
        ({"metrics": ["pixel-moment"]}, "no metric 'pixel-moment' is installed: did you mean 'pixel-moments'"),
        ({"metrics": ["pixel-moments", "metrics:pixel-moments"]}, "'pixel-moments' is named twice"),
        ({"num": 0}, "-n 0: ask for at least one"),
        ({"dataset": {"dataset": "digit"}}, "no dataset 'digit' is installed: did you mean 'digits'"),
        ({"pairs": {"metric.pixel-moments.dims": "3"}}, r"did you mean 'metric\.pixel-moments\.dimensions'"),
        ({"pairs": {"metric.pixel-moments.dimensions": "0"}}, "expected a whole number from 1 to 4096"),
        ({"pairs": {"metric.fid.num": "3"}}, r"metric\.fid\.num: metric 'fid' is not in use: add --metric fid"),
        ({"pairs": {"metric.pixel-moments": "3"}}, r"unknown key 'metric\.pixel-moments'"),
        ({"pairs": {"arch.width": "3"}}, r"unknown key 'arch\.width'; an evaluation takes metric\.pixel-moments"),
        ({"pairs": {"dataset.sise": "3"}}, r"did you mean 'dataset\.size'"),
    ],
)
def test_mistakes(words, told):
    with pytest.raises(UsageError, match=told):
        make_default_request(**words)


@pytest.mark.parametrize("damage", [{"arch": 3}, {"arch": {}}, {"dataset": None}, {"dataset": {"name": "digits"}}])
def test_a_damaged_recipe_is_an_error(damage):
    with pytest.raises(Corrupt, match="the recipe in package is damaged"):
        make_default_request(make_recipe() | damage)
