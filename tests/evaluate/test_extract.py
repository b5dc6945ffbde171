"""Extractors: one pass for all metrics, real features computed once, extractors trained on the data."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import ganzoo
import sound_features
from ganzoo.errors import UsageError
from ganzoo.evaluate import cache
from ganzoo.plugin import Extractor, Metric, hookimpl, option
from ganzoo.registry import register
from ganzoo.runs.run import Run

CALLS: list[int] = []  # samples of each call of an extractor
TRAININGS: list[int] = []


@dataclass(frozen=True, kw_only=True)
class Options:
    scale: float = option(1.0, help="Of the samples.")


class Counted(sound_features.AtRandom):
    """A random network that records how many samples it gets."""

    def __init__(self, options: Options, data) -> None:
        super().__init__(options, data)
        self.scale = options.scale

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        assert not self.training
        CALLS.append(len(samples))
        found = super().forward(samples * self.scale)
        assert not found["features"].requires_grad
        return found | {"probabilities": found["features"].softmax(1)}


class Learned(sound_features.Learned):
    """A classifier that records how often it is trained."""

    def prepare(self, real) -> None:
        TRAININGS.append(len(real))
        super().prepare(real)


class Broken:
    """An extractor whose features are not a row for each sample."""

    def __init__(self, options: object, data) -> None:
        pass

    def __call__(self, samples: Tensor) -> dict[str, Tensor]:
        return {"features": samples.flatten(1)[:1]}


@hookimpl
def ganzoo_extractors():
    yield Extractor(
        name="counted", summary="Random.", factory=f"{__name__}:Counted", options=Options, modalities=("image",),
        provides=("probabilities",),
    )  # fmt: skip
    yield Extractor(name="learned", summary="Learned.", factory=f"{__name__}:Learned", provides=("probabilities",))
    yield Extractor(name="broken", summary="Broken.", factory=f"{__name__}:Broken")


@hookimpl
def ganzoo_metrics():
    yield Metric(
        name="gaussians", summary="Of statistics.", factory="sound_measures:Gaussians", reads="statistics",
        extractor="counted", better={"fd": "lower"},
    )  # fmt: skip
    yield Metric(
        name="centres", summary="Of features.", factory="sound_measures:Centres", reads="features",
        extractor="counted", better={"distance": "lower", "share-*": "neither"}, needs=("probabilities",),
    )  # fmt: skip
    yield Metric(name="unread", summary="Of any features.", factory="sound_measures:Centres", reads="features")
    yield Metric(
        name="toy-psnr", summary="Of pairs.", factory="sound_measures:PSNR", pairs=True, better={"psnr": "higher"}
    )
    yield Metric(
        name="matching", summary="Of pairs.", factory=f"{__name__}:Matching", pairs=True, better={"share": "higher"}
    )
    yield Metric(
        name="by-class", summary="Of labels.", factory="sound_measures:ByClass", labels=True, better={"worst": "lower"}
    )
    yield Metric(
        name="steps", summary="Of paths.", factory=f"{__name__}:Steps", reads="features", extractor="counted",
        paths=True, better={"longest": "lower"},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    register(sys.modules[__name__])
    CALLS.clear()
    TRAININGS.clear()
    torch.set_num_threads(1)


def train(options: dict[str, object] | None = None, **settings) -> Run:
    usual = {"arch": "toy", "dataset": "toy-array", "images": 64, "batch": 16}
    return ganzoo.train(**{**usual, **settings}, options={"train.checkpoint_every": 32} | (options or {}))


BOTH = ["gaussians", "centres"]


def test_a_sample_passes_a_network_once_and_a_real_one_once_for_all_measurements():
    run = train(metric=BOTH, options={"train.metric_samples": 32})
    assert CALLS == [32] * (1 + 3)  # the real samples; the fakes at 0, 32 and 64 images
    assert len((run.path / "stats.jsonl").read_text().split("gaussians/fd")) - 1 == 3


def test_training_and_evaluation_give_the_same_features_and_use_the_cache():
    run = train(metric=BOTH, options={"train.metric_samples": 32})
    rows = [json.loads(line) for line in run.stats_file.read_text().splitlines()]
    (last,) = [row for row in rows if "gaussians/fd" in row][-1:]
    CALLS.clear()
    found = ganzoo.evaluate(run, BOTH, num=32)
    assert CALLS == [32]  # the fakes alone
    assert found.values == {name: last[name] for name in found.values}
    alone = {**ganzoo.evaluate(run, "gaussians", num=32).values, **ganzoo.evaluate(run, "centres", num=32).values}
    assert alone == found.values
    entries = ganzoo.load(run).config["metrics"]
    assert {entry["name"]: entry["fingerprint"] for entry in entries} == {
        name: found.fingerprints[name.partition("/")[0]] for name in found.values
    }


def features() -> list[Path]:
    return sorted((cache.find_cache_folder() / "features").iterdir())


def test_all_that_a_value_depends_on_is_stored():
    run = train()
    one = ganzoo.evaluate(run, "gaussians", num=32)
    for more in (
        {"seed": 1}, {"num": 31}, {"options": {"dataset.num": 41}}, {"options": {"extractor.counted.scale": 0.5}}
    ):  # fmt: skip
        CALLS.clear()
        other = ganzoo.evaluate(run, "gaussians", **{"num": 32, **more})
        assert len(CALLS) == 2, more
        assert other.fingerprints != one.fingerprints
        assert other.values != one.values
    CALLS.clear()
    assert ganzoo.evaluate(run, "gaussians", num=32).values == one.values
    assert len(CALLS) == 1


DAMAGES = {
    "cut": lambda content: content[:-1],
    "empty": lambda content: b"",
    "header": lambda content: b"?" + content[1:],
    "number": lambda content: content[:-33] + bytes([content[-33] ^ 1]) + content[-32:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_computed_again(damage):
    run = train()
    one = ganzoo.evaluate(run, BOTH, num=32)
    assert len(features()) == 2  # features, and their statistics
    for path in features():
        path.write_bytes(damage(path.read_bytes()))
    CALLS.clear()
    assert ganzoo.evaluate(run, BOTH, num=32).values == one.values
    assert len(CALLS) == 2
    CALLS.clear()
    assert ganzoo.evaluate(run, BOTH, num=32).values == one.values
    assert len(CALLS) == 1


def test_the_least_recently_used_entries_are_removed(monkeypatch):
    run = train()
    ganzoo.evaluate(run, "centres", num=32)
    (first,) = features()
    monkeypatch.setattr(cache, "LIMIT", 2 * first.stat().st_size)
    ganzoo.evaluate(run, "centres", num=32, seed=1)
    (second,) = {*features()} - {first}
    ganzoo.evaluate(run, "centres", num=32)
    ganzoo.evaluate(run, "centres", num=32, seed=2)
    assert first in features()
    assert second not in features()
    monkeypatch.setattr(cache, "LIMIT", 1)
    ganzoo.evaluate(run, "centres", num=32, seed=3)
    assert first in features()  # nothing was written, and nothing removed


def test_a_cache_that_cannot_be_written_costs_a_line(tmp_path, monkeypatch):
    run = train()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file"))
    lines: list[str] = []
    assert ganzoo.evaluate(run, "gaussians", num=32, notify=lines.append).values
    assert len([line for line in lines if "the next measurement computes its features again" in line]) == 1


def test_an_extractor_is_trained_once_and_gets_the_labels():
    options = {f"metric.{name}.extractor": "learned" for name in BOTH}
    run = train(options, metric=BOTH)
    assert TRAININGS == [40]
    rows = [json.loads(line) for line in run.stats_file.read_text().splitlines()]
    (last,) = [row for row in rows if "gaussians/fd" in row][-1:]
    found = ganzoo.evaluate(run, BOTH, num=40, options=options)
    assert TRAININGS == [40]
    assert found.values == {name: last[name] for name in found.values}
    for path in features():
        path.unlink()
    assert ganzoo.evaluate(run, BOTH, num=40, options=options).values == found.values  # trained again
    assert TRAININGS == [40, 40]


def test_an_extractor_never_learns_from_held_out_samples():
    options = {f"metric.{name}.extractor": "learned" for name in BOTH}
    run = train({**options, "dataset.holdout": 0.4, "train.metric_samples": 12}, metric=BOTH)
    (learnt,) = TRAININGS
    found = {part: ganzoo.evaluate(run, BOTH, num=12, options=options, held_out=part) for part in (False, True)}
    assert len(TRAININGS) == 1
    assert 12 <= learnt < 40
    one, other = (each.scores["gaussians/fd"].protocol for each in found.values())
    assert (one.weights == other.weights, one.content == other.content) == (True, False)


def test_an_extractor_that_fails_disables_only_its_metrics():
    options = {"metric.gaussians.extractor": "broken", "metric.unread.extractor": "broken"}
    run = train(metric=["gaussians", "unread", "centres", "toy-mean"], options=options)
    log = (run.path / "log.txt").read_text()
    for name in ("gaussians", "unread"):
        words = (
            f"metric '{name}' failed: TypeError: extractor 'broken' made features [1, 16] of 40 samples, not [40, F]"
        )
        assert words in log
    last = json.loads(run.stats_file.read_text().splitlines()[-1])
    assert {name.partition("/")[0] for name in last if "/" in name} >= {"centres", "toy-mean"}
    assert {entry["name"].partition("/")[0] for entry in ganzoo.load(run).config["metrics"]} == {"centres", "toy-mean"}


# ----------------------------------------------------------------------------
# Pairs and labels.


class Matching:
    """The share of fakes whose label matches the real sample in their row; in toy-array, whether its bytes are odd."""

    def __init__(self, options: object, data) -> None:
        self.reset()

    def reset(self) -> None:
        self.right: list[bool] = []

    def pair(self, real: Tensor, fake: Tensor, labels: Tensor) -> None:
        assert real.shape == fake.shape
        odd = (real[:, 0, 0, 0] * 127.5 + 127.5).round().long() % 2
        self.right += (odd == labels).tolist()

    def compute(self) -> dict[str, float]:
        return {"share": sum(self.right) / len(self.right), "num": len(self.right)}


def test_pairs_are_a_real_sample_and_one_made_from_its_label():
    run = train(conditional=True, metric=["toy-psnr", "by-class", "matching"])
    found = ganzoo.evaluate(run, ["toy-psnr", "by-class", "matching"], num=40)
    assert found.values["matching/share"] == 1
    assert found.values["matching/num"] == 40
    assert found.better == {
        "toy-psnr/psnr": "higher", "by-class/worst": "lower", "matching/share": "higher", "matching/num": "neither"
    }  # fmt: skip


@pytest.mark.parametrize("metric", ["toy-psnr", "by-class"])
def test_a_metric_of_labels_needs_a_model_that_takes_them(metric):
    words = f"metric '{metric}' compares samples that are made from labels, and this generator takes none"
    with pytest.raises(UsageError, match=words):
        train(metric=metric)
    with pytest.raises(UsageError, match=words):
        ganzoo.evaluate(train(), metric)


# ----------------------------------------------------------------------------
# Paths.


class Steps:
    """The longest step of the features on a path, and the number of steps."""

    def __init__(self, options: object, data) -> None:
        self.reset()

    def reset(self) -> None:
        self.lengths: list[float] = []

    def path(self, start: dict[str, Tensor], end: dict[str, Tensor], step: float) -> None:
        self.lengths += ((end["features"] - start["features"]).norm(dim=1) / step).tolist()

    def compute(self) -> dict[str, float]:
        return {"longest": max(self.lengths), "num": len(self.lengths)}


def test_a_metric_of_paths_gets_features_of_generated_samples_that_are_a_step_apart():
    run = train(metric=["steps"])
    alone = ganzoo.evaluate(run, "steps", num=20).values
    assert alone["steps/num"] == 20
    assert 1e-3 < alone["steps/longest"] < 1e3
    beside = ganzoo.evaluate(run, ["gaussians", "steps"], num=20)
    assert beside.values["steps/longest"] == alone["steps/longest"]
    assert beside.scores["steps/longest"].floor is None
    assert beside.scores["gaussians/fd"].floor is not None
    images = torch.randint(256, (40, 4, 4, 1), dtype=torch.uint8).numpy()
    np.save("images.npy", images)
    with pytest.raises(ganzoo.GanzooError, match="follows paths of latents, which samples of files do not have"):
        ganzoo.evaluate("images.npy", "steps", against="toy-array", num=20)


# ----------------------------------------------------------------------------
# Choosing an extractor.


MISTAKES = [
    ({"metric": "unread"}, {"metric.unread.extractor": "count"}, "no extractor 'count' .* did you mean 'counted'"),
    ({}, {"extractor.counted.scale": 2}, r"no metric reads extractor 'counted': add metric\.NAME\.extractor=counted"),
    ({"metric": "centres"}, {"extractor.counted.scales": 2}, r"did you mean 'extractor\.counted\.scale'"),
    ({"metric": "centres"}, {"metric.centres.extractor": "broken"}, r"'probabilities', .* metric\.centres\.extractor"),
    ({"metric": "toy-mean"}, {"metric.toy-mean.extractor": "counted"}, r"unknown key 'metric\.toy-mean\.extractor'"),
    ({"metric": "centres", "dataset": "toy-points"}, {}, "'counted' is for image; dataset 'toy-points' is points"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "options", "words"), MISTAKES)
def test_mistakes_are_reported_before_a_run_is_created(settings, options, words):
    with pytest.raises(UsageError, match=words):
        train(**settings, options=options)
    assert not Path("runs").exists()


@pytest.mark.parametrize(("settings", "options", "words"), MISTAKES[:5])
def test_the_same_mistakes_in_an_evaluation(settings, options, words):
    run = train()
    with pytest.raises(UsageError, match=words):
        ganzoo.evaluate(run, settings.get("metric", "toy-mean"), options=options)


def test_a_recipe_stores_the_extractor_and_its_options():
    options = {"metric.unread.extractor": "counted", "extractor.counted.scale": 0.5}
    run = train(metric="unread", options=options)
    (stored,) = run.recipe()["metric"]
    assert stored["extractor"]["options"] == {"scale": 0.5}
    again = train(config=run.path, name="again", arch=None, dataset=None)
    assert again.recipe()["metric"] == run.recipe()["metric"]
    other = train(config=run.path, name="other", options={"metric.unread.extractor": "learned"})
    (chosen,) = other.recipe()["metric"]
    assert chosen["extractor"]["name"].endswith(":learned")
    assert chosen["extractor"]["options"] == {}
