"""What is measured by default: metrics, and extractors by rank."""

from __future__ import annotations

import sys

import pytest

from ganzoo.errors import UsageError
from ganzoo.plugin import Extractor, Metric, hookimpl
from ganzoo.recipe.measured import list_default_metrics, rank_extractors, resolve_extractor
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import register, registry


def make_extractor(name: str, **words: object) -> Extractor:
    return Extractor(name=name, summary="Features.", factory="a:b", **words)


def make_metric(name: str, reads: str = "features", **words: object) -> Metric:
    return Metric(name=name, summary="A value.", factory="a:b", reads=reads, **words)


EXTRACTORS = [
    make_extractor("plain", rank=1, modalities=("image",)),
    make_extractor("fine", rank=3, modalities=("image",), provides=("probabilities",)),
    make_extractor("finest", rank=9, requires=("nobody-has-this-one",)),
    make_extractor("named-only"),
    make_extractor("sounds", rank=2, modalities=("audio",)),
]
METRICS = [
    make_metric("far", default=True),
    make_metric("classes", default=True, needs=("probabilities",)),
    make_metric("own", default=True, modalities=("points",), reads="samples"),
    make_metric("raw", default=True, reads="samples"),
    make_metric("asked"),
]


@hookimpl
def ganzoo_extractors():
    return EXTRACTORS


@hookimpl
def ganzoo_metrics():
    return METRICS


@pytest.fixture(autouse=True)
def only_these(monkeypatch: pytest.MonkeyPatch):
    """Add the extractors and metrics of this file to a registry that has no others."""
    monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "metrics,extractors")
    registry.cache_clear()
    register(sys.modules[__name__])
    yield
    registry.cache_clear()


def list_ranked(spec: Metric, *args: object) -> list[str]:
    return [entry.spec.name for entry in rank_extractors(registry(), spec, *args)]


def test_extractors_by_rank_if_they_are_installed_and_fit():
    far, classes = METRICS[:2]
    assert list_ranked(far, "image") == ["fine", "plain"]
    assert list_ranked(far, "audio") == ["sounds"]
    assert list_ranked(far, "tabular") == []
    assert list_ranked(far) == ["fine", "sounds", "plain"]
    assert list_ranked(classes, "image") == ["fine"]
    assert list_ranked(far, "image", {f"{__name__}:fine"}) == ["plain"]


def test_a_name_comes_before_the_metrics_own_and_the_best():
    spec = make_metric("mine", extractor="plain")
    assert resolve_extractor(registry(), METRICS[0], None, "image").spec.name == "fine"
    assert resolve_extractor(registry(), METRICS[0], "named-only", "image").spec.name == "named-only"
    assert resolve_extractor(registry(), spec, None, "image").spec.name == "plain"
    with pytest.raises(UsageError, match=r"metric 'far' needs an extractor for text: add metric\.far\.extractor=NAME"):
        resolve_extractor(registry(), METRICS[0], None, "text")


@pytest.mark.parametrize(
    ("modality", "names"),
    [("image", ["far", "classes"]), ("audio", ["far"]), ("points", ["own", "raw"]), ("text", ["raw"])],
)
def test_default_metrics_read_features_where_an_extractor_fits(modality, names):
    assert [entry.spec.name for entry in list_default_metrics(registry(), modality)] == names


def test_a_recipe_stores_the_extractor_that_its_data_have():
    found = resolve(registry(), flags={"arch": "dcgan", "metric": "far"})
    assert found.metric[0].extractor.name == "fine"
    assert found.to_json()["metric"][0]["extractor"]["name"] == f"{__name__}:fine"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"distances": ("fd",)}, "'fd' is a distance: add better="),
        ({"distances": ("fd",), "better": {"fd": "higher"}}, "'fd' is a distance"),
        ({"default": True, "labels": True}, "cannot be measured by default"),
    ],
)
def test_contradictions_in_a_spec(words, told):
    with pytest.raises(ValueError, match=told):
        make_metric("wrong", **words)
