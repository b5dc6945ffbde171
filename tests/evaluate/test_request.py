"""Requests, without torch: metrics and their options, and the data of the training or others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganzoo.errors import Corrupt, MissingPlugin, UsageError
from ganzoo.evaluate.request import Request, Subject, fit_options, make_request
from ganzoo.package.config import Config
from ganzoo.plugin import DataInfo, options
from ganzoo.recipe import measured
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry


def make_recipe(**flags: Any) -> dict[str, Any]:
    return resolve(registry(), flags={"arch": "dcgan", **flags}).to_json()


def make_subject(stored: dict[str, Any], shape: tuple[int, ...] = (1, 32, 32), title: str = "package") -> Subject:
    data = DataInfo(shape=shape)
    return Subject(Path(title), title, Config(stored, (), data, 4, "normal", 0, (), {}, {}, {}))


def make_default_request(stored: dict[str, Any] | None = None, **words: Any) -> Request:
    words = {"metrics": ["pixel-moments"], **words}
    return make_request(registry(), [make_subject(make_recipe() if stored is None else stored)], **words)


def test_metrics_with_their_options():
    found = make_default_request(pairs={"metric.pixel-moments.dimensions": "64"})
    assert [choice.component.qualified for choice in found.metrics] == ["metrics:pixel-moments"]
    assert options.to_json(found.metrics[0].options) == {"dimensions": 64}
    assert options.to_json(make_default_request(metrics=["metrics:pixel-moments"]).metrics[0].options) == {
        "dimensions": 256
    }
    assert (found.archs[0].name, found.num, found.seed) == ("dcgan", None, 0)


def test_the_default_data_are_those_of_the_training_with_their_options():
    found = make_default_request(make_recipe(**{"dataset.size": 64}))
    assert found.reference.component.qualified == "datasets:digits"
    assert options.to_json(found.reference.options) == {"size": 64, "holdout": 0.0, "shard": 0}
    changed = make_default_request(make_recipe(**{"dataset.size": 64}), pairs={"dataset.size": "16"})
    assert options.to_json(changed.reference.options) == {"size": 16, "holdout": 0.0, "shard": 0}


def test_images_of_another_folder_get_the_size_of_the_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = make_recipe(dataset="folder", **{"dataset.path": "/photos", "dataset.size": 64})
    (tmp_path / "held-out").mkdir()
    other = make_default_request(trained, against="held-out")
    usual = make_default_request(trained)
    assert options.to_json(other.reference.options) == options.to_json(usual.reference.options) | {
        "path": str(tmp_path / "held-out")
    }


def test_another_dataset_has_its_own_options():
    trained = make_recipe(dataset="folder", **{"dataset.path": "/photos", "dataset.size": 64})
    other = make_default_request(trained, against="digits", pairs={"dataset.size": "16"})
    assert options.to_json(other.reference.options) == {"size": 16, "holdout": 0.0, "shard": 0}
    assert options.to_json(make_default_request(trained, against="digits").reference.options) == {
        "size": 32,
        "holdout": 0.0,
        "shard": 0,
    }


def test_a_plugin_that_only_training_needed_is_not_required():
    stored = make_recipe()
    stored["loss"]["name"] = stored["tracker"] = "acme:none"
    assert make_default_request(stored).archs[0].name == "dcgan"
    stored["dataset"]["name"] = "acme:none"
    with pytest.raises(MissingPlugin, match="uses dataset 'acme:none', which is not installed"):
        make_default_request(stored)
    assert make_default_request(stored, against="digits").reference.name == "digits"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"extractors": ["random"]}, "--extractor random: no chosen metric reads an extractor: remove it"),
        (
            {"metrics": ["frechet"], "extractors": ["rondam"]},
            "no extractor 'rondam' is installed: did you mean 'random'",
        ),
        ({"metrics": ["pixel-moment"]}, "no metric 'pixel-moment' is installed: did you mean 'pixel-moments'"),
        ({"metrics": ["pixel-moments", "metrics:pixel-moments"]}, "'pixel-moments' is named twice"),
        ({"num": 0}, "-n 0: ask for at least one"),
        ({"against": "digit"}, "no dataset 'digit' is installed: did you mean 'digits'"),
        ({"pairs": {"metric.pixel-moments.dims": "3"}}, r"did you mean 'metric\.pixel-moments\.dimensions'"),
        ({"pairs": {"metric.pixel-moments.dimensions": "0"}}, "expected a whole number from 1 to 4096"),
        ({"pairs": {"metric.kid.num": "3"}}, r"metric\.kid\.num: metric 'kid' is not in use: add --metric kid"),
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


# ----------------------------------------------------------------------------
# What is compared with what, where the user says little.


def test_without_a_name_the_default_metrics_are_measured_on_two_networks(monkeypatch):
    def list_chosen() -> list[tuple[str, str]]:
        return [(choice.name, choice.extractor.name) for choice in make_default_request(metrics=[]).metrics]

    monkeypatch.setattr(measured, "_is_usable", lambda entry: entry.spec.name == "random")
    assert list_chosen() == [("frechet", "random"), ("prdc", "random")]
    monkeypatch.setattr(measured, "_is_usable", lambda entry: entry.spec.name in ("random", "squeezenet"))
    networks = ("squeezenet", "random")
    assert list_chosen() == [(name, network) for name in ("frechet", "prdc") for network in networks]
    both = make_default_request(metrics=["frechet"], extractors=["random", "extractors:random"]).metrics
    assert [choice.extractor.name for choice in both] == ["random"]


def test_a_network_that_the_training_used_is_not_chosen(monkeypatch):
    monkeypatch.setattr(measured, "_is_usable", lambda entry: entry.spec.name == "random")
    stored = make_recipe() | {"frozen": {"discriminator.features": {"name": "extractors:random", "sha256": "0"}}}
    assert [choice.name for choice in make_default_request(stored, metrics=[]).metrics] == ["pixel-moments"]


def test_another_dataset_gets_the_shape_of_the_model():
    stored = make_recipe(**{"dataset.size": 16})
    folder = make_request(
        registry(), [make_subject(stored, (1, 16, 24))], metrics=["pixel-moments"], against=str(Path(__file__).parent)
    ).reference
    chosen = options.to_json(folder.options)
    assert (chosen["channels"], chosen["size"], chosen["width"]) == (1, 16, 24)
    assert fit_options(folder.spec, (3, 64, 64)) == {"channels": 3, "size": 64}
    assert fit_options(folder.spec, (2,)) == fit_options(folder.spec, None) == {}


def test_models_of_different_shapes_have_no_common_real_samples():
    models = [make_subject(make_recipe(), shape, title) for shape, title in (((1, 32, 32), "a"), ((3, 32, 32), "b"))]
    words = "a makes image samples of 1x32x32 and b image samples of 3x32x32, so no real samples suit both: measure"
    with pytest.raises(UsageError, match=words):
        make_request(registry(), models)


def test_samples_alone_need_real_ones():
    subject = Subject(Path("pictures"), "pictures")
    with pytest.raises(UsageError, match="nothing says which samples are real: add --against NAME or --against PATH"):
        make_request(registry(), [subject])
    assert make_request(registry(), [subject], against="real.npz").reference == Path("real.npz").absolute()
    assert make_request(registry(), [subject, make_subject(make_recipe())]).reference.name == "digits"
