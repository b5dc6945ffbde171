"""Metrics of whole datasets with a standard number of samples (`Metric.whole`, `standard_num`): what fid is made of."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor

import ganzoo
from devices import CPU
from ganzoo.data.source import ArraySource
from ganzoo.errors import MissingPlugin, UsageError
from ganzoo.evaluate.reals import RealSamples
from ganzoo.evaluate.statistics import Statistics
from ganzoo.package import config as configs
from ganzoo.package.card import make_front_matter
from ganzoo.plugin import DataInfo, Extractor, Metric, hookimpl
from ganzoo.registry import register, registry
from ganzoo.runs.run import Run
from sound_features import AtRandom

COUNTS: list[tuple[int, int]] = []  # of real and of generated samples


class Whole:
    """The distance of two means; it records how many samples they are of."""

    def __init__(self, options: object, data: object) -> None:
        self.reset()

    def reset(self) -> None:
        self.sides: dict[str, Statistics] = {}

    def real(self, statistics: Statistics) -> None:
        self.sides["real"] = statistics

    def fake(self, statistics: Statistics) -> None:
        self.sides["fake"] = statistics

    def compute(self) -> dict[str, float]:
        real, fake = self.sides["real"], self.sides["fake"]
        COUNTS.append((real.count, fake.count))
        return {"gap": float((real.mean - fake.mean).norm())}


class Small(AtRandom):
    """A network of random weights."""

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        return super().forward(samples)


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="small", summary="Random.", factory=f"{__name__}:Small", provides=("small-features",))
    yield Extractor(name="other", summary="Random.", factory=f"{__name__}:Small")
    yield Extractor(name="lacking", summary="-", factory=f"{__name__}:Small", requires=("acme-lacking>=1",))


@hookimpl
def ganzoo_metrics():
    words = {"summary": "A distance.", "reads": "statistics", "factory": f"{__name__}:Whole"}
    words |= {"extractor": "small", "better": {"gap*": "lower"}}
    yield Metric(
        name="gap", whole=True, standard_num=100, needs=("small-features",), instead="--metric similar", **words
    )
    yield Metric(name="similar", **words)
    yield Metric(name="lacks", **{**words, "extractor": "lacking"}, instead="--metric similar")


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    register(sys.modules[__name__])
    COUNTS.clear()
    torch.set_num_threads(1)


def train(**settings) -> Run:
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 32, "batch": 16, **settings})


def test_the_name_of_a_value_has_any_other_number_of_samples():
    spec = registry().resolve("metric", "gap").spec
    assert [spec.name_key("gap", num) for num in (100, 99, 1024, 50_000)] == ["gap", "gap-99", "gap-1024", "gap-50k"]
    assert registry().resolve("metric", "similar").spec.name_key("gap", 99) == "gap"


def test_all_real_samples_are_compared_with_the_standard_number_of_generated_ones():
    run = train()
    found = ganzoo.evaluate(run, "gap")
    assert COUNTS[0] == (40, 100)
    (score,) = found.scores.values()
    assert (score.name, score.better, score.floor, score.ratio) == ("gap/gap", "lower", None, None)
    assert score.interval > 0
    protocol = score.protocol.to_json()
    assert (protocol["real"], protocol["fake"]) == (40, 100)
    COUNTS.clear()
    fewer = ganzoo.evaluate(run, "gap", num=30)
    assert COUNTS[0] == (40, 30)
    assert list(fewer.values) == ["gap/gap-30"]
    assert fewer.scores["gap/gap-30"].protocol.content == score.protocol.content
    assert fewer.fingerprints != found.fingerprints
    data = make_front_matter(configs.read_config(run.package), registry())
    assert data["metrics"] == ["gap", "gap-30"]
    results = data["model-index"][0]["results"][0]["metrics"]
    assert [(each["type"], each["args"]["fingerprint"]) for each in results] == [
        ("gap/gap", found.fingerprints["gap"]),
        ("gap/gap-30", fewer.fingerprints["gap"]),
    ]


def test_beside_other_metrics_as_many_samples_are_compared_as_these_allow():
    run = train()
    found = ganzoo.evaluate(run, ["gap", "similar"])
    assert list(found.values) == ["gap/gap-40", "similar/gap"]
    assert found.values["gap/gap-40"] == pytest.approx(found.values["similar/gap"], rel=1e-6)  # all 40, twice
    with pytest.raises(UsageError, match="-n 41: dataset 'toy-array' has 40 samples, and none is used twice"):
        ganzoo.evaluate(run, ["gap", "similar"], num=41)


def test_generated_labels_are_those_of_the_data_again_and_again():
    labels = torch.arange(40) % 3
    source = ArraySource(DataInfo(shape=(1,), modality="points", num_items=40), torch.arange(40.0)[:, None], labels)
    reals = RealSamples(source, 100, 0, CPU)
    samples, own = (torch.cat(each) for each in zip(*reals.iterate_batches(), strict=True))
    assert len(samples) == 100
    assert torch.equal(samples[:40], samples[40:80])
    assert torch.equal(own, samples[:, 0].long() % 3)
    assert torch.equal(samples[:40].sort(0).values[:, 0], torch.arange(40.0))
    assert len(reals.whole.digest) == 64
    assert reals.whole.num == 40


def test_a_training_measures_it_under_the_name_of_its_number():
    run = train(metric="gap", options={"train.metric_samples": 24, "train.best": "gap/gap-24"})
    assert '"gap/gap-24"' in run.stats_file.read_text()
    assert (run.best / "model.safetensors").is_file()
    assert ganzoo.evaluate(run, "gap", num=24).values.keys() == {"gap/gap-24"}


def test_uses_that_are_not_the_standard_are_refused():
    run = train(options={"dataset.holdout": 0.3})
    with pytest.raises(UsageError, match="'gap' compares with samples that are trained on: remove --held-out"):
        ganzoo.evaluate(run, "gap", held_out=True)
    words = (
        "'gap' needs 'small-features', which extractor 'other' does not provide: choose metric.gap.extractor=small, "
    )
    with pytest.raises(UsageError, match=f"{words}or measure something similar: --metric similar"):
        ganzoo.evaluate(run, "gap", extractor="other")
    with pytest.raises(UsageError, match=f"{words}or measure something similar: --metric similar"):
        train(metric="gap", options={"metric.gap.extractor": "other"})
    with pytest.raises(UsageError, match="'gap' compares with a whole dataset, and dataset 'points' has no end"):
        train(arch="mlp", dataset="points", metric="gap")
    with pytest.raises(ValueError, match="a whole dataset has statistics: add reads='statistics'"):
        Metric(name="wrong", summary="-", factory="a:b", reads="features", whole=True)


def test_an_extractor_that_cannot_be_built_leads_to_another_metric():
    with pytest.raises(MissingPlugin, match=r"acme-lacking.*; or measure something similar now: --metric similar$"):
        ganzoo.evaluate(train(), "lacks")
