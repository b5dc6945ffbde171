"""Measuring: the same in training and in `ganzoo evaluate`, each sample once, whatever else is measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from devices import CPU
from forks import run_ranks
from ganzoo.compute.device import precision
from ganzoo.data.source import ArraySource, EndlessSource
from ganzoo.engine import metrics as run_metrics
from ganzoo.evaluate.measure import Batch, MetricRunner, generate_batches, measure
from ganzoo.evaluate.reals import RealSamples
from ganzoo.plugin import DataInfo, Metric, Networks, hookimpl
from ganzoo.recipe.settings import TrainOptions
from ganzoo.registry import register
from ganzoo.runs.run import Run


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    register(sys.modules[__name__])
    torch.set_num_threads(1)


def train(**settings) -> Run:
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 64, "batch": 16, **settings})


def read_last_values(run: Run) -> dict[str, float]:
    """Return the last values that training measured."""
    row = json.loads(run.stats_file.read_text().splitlines()[-1])
    assert row.pop("images") == run.images
    return row


# ----------------------------------------------------------------------------
# Training and evaluation.

RUNS = {
    "bytes": {},
    "seeded": {"seed": 7},
    "labels": {"conditional": True},
    "batchnorm": {"options": {"arch.norm": True}},
    "channels-last": {"arch": "dcgan", "dataset": "digits", "size": 16, "options": {"arch.width": 8}},
    "endless": {"dataset": "toy-points"},
    "tf32": {"options": {"train.precision": "tf32"}},
}


@pytest.mark.parametrize("settings", RUNS.values(), ids=RUNS)
def test_training_and_evaluation_measure_the_same_bit_for_bit(settings):
    metrics = ["pixel-moments", "toy-mean"]
    run = train(**settings, metric=metrics)
    num = TrainOptions().metric_samples if "dataset" in settings else 40
    found = ganzoo.evaluate(run, metrics, num=num, seed=settings.get("seed", 0))
    assert found.values == read_last_values(run)
    assert len(found.values) == 4
    other = ganzoo.evaluate(run, metrics, num=num, seed=settings.get("seed", 0) + 1)
    assert other.values != found.values


def test_measuring_does_not_change_the_training():
    one, other = train(name="one"), train(metric=["pixel-moments", "drawing"], name="other")
    weights = [(run.package / "model.safetensors").read_bytes() for run in (one, other)]
    assert weights[0] == weights[1]


def test_other_metrics_do_not_change_a_value():
    run = train()
    alone = ganzoo.evaluate(run, "drawing").values
    beside = ganzoo.evaluate(run, ["toy-mean", "drawing", "pixel-moments"]).values
    assert beside["drawing/drawn"] == alone["drawing/drawn"]
    assert ganzoo.evaluate(run, "drawing", seed=1).values != alone


class Drawing:
    """A metric that draws random numbers."""

    def __init__(self, options: object, data: DataInfo) -> None:
        self.reset()

    def reset(self) -> None:
        self.drawn = torch.rand(())

    def real(self, batch: Tensor) -> None:
        self.drawn = self.drawn + torch.rand(len(batch)).sum()

    def fake(self, batch: Tensor) -> None:
        pass

    def compute(self) -> dict[str, float]:
        return {"drawn": float(self.drawn + torch.rand(()))}


@hookimpl
def ganzoo_metrics():
    yield Metric(name="drawing", summary="Draws.", factory=f"{__name__}:Drawing")


# ----------------------------------------------------------------------------
# Real samples, and their generated ones.


class Echo(nn.Module):
    """A generator that records its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[Tensor, Tensor | None]] = []

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        self.given.append((z, labels))
        return z[:, :1] + torch.rand(len(z), 1)


def echo_batches(source: ArraySource | EndlessSource, num: int, seed: int = 0, labelled: bool = False):
    """Return real samples, generated samples, and the generator."""
    echo = Echo()
    batches = list(generate_batches(Networks(echo, nn.Identity(), 3), RealSamples(source, num, seed, CPU), labelled))
    return torch.cat([batch.real for batch in batches]), torch.cat([batch.fake for batch in batches]), echo


def make_numbered_points(num: int) -> ArraySource:
    """Return the points 0 to num - 1, each labelled with itself."""
    info = DataInfo(shape=(1,), modality="points", num_classes=num, num_items=num)
    return ArraySource(info, torch.arange(float(num))[:, None], torch.arange(num))


def test_no_sample_is_used_twice_and_the_seed_chooses_them():
    reals = echo_batches(make_numbered_points(300), 300)[0]
    assert sorted(reals.flatten().tolist()) == list(range(300))
    some = echo_batches(make_numbered_points(300), 100)[0].flatten().tolist()
    assert len(set(some)) == 100
    assert some == echo_batches(make_numbered_points(300), 100)[0].flatten().tolist()
    assert some != echo_batches(make_numbered_points(300), 100, seed=1)[0].flatten().tolist()


def test_latents_and_random_numbers_of_the_network_depend_on_the_seed():
    one, again, other = (echo_batches(make_numbered_points(100), 100, seed)[1] for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    latents = torch.cat([z for z, _ in echo_batches(make_numbered_points(100), 100)[2].given])
    assert len(latents.unique(dim=0)) == 100


def test_the_generator_gets_the_labels_of_the_real_samples_or_none():
    reals, _, echo = echo_batches(make_numbered_points(150), 150, labelled=True)
    assert torch.cat([labels for _, labels in echo.given]).tolist() == reals.flatten().tolist()
    assert {labels for _, labels in echo_batches(make_numbered_points(150), 150)[2].given} == {None}


def test_bytes_become_the_range_of_the_data_and_the_source_stays():
    info = DataInfo(shape=(1, 1, 1), num_items=2)
    source = ArraySource(info, torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1), None)
    assert sorted(echo_batches(source, 2)[0].flatten().tolist()) == [-1, 1]
    assert source.data.flatten().tolist() == [0, 255]


def test_an_endless_source_is_drawn_from_the_seed():
    def sample(generator: torch.Generator, n: int) -> tuple[Tensor, None]:
        return torch.rand(n, 1, generator=generator), None

    source = EndlessSource(DataInfo(shape=(1,), modality="points"), sample)
    one, again, other = (echo_batches(source, 130, seed)[0] for seed in (0, 0, 1))
    assert one.shape == (130, 1)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert len(one.unique()) == 130


# ----------------------------------------------------------------------------
# Metrics that fail.


@dataclass
class Failing:
    """A metric that fails in one of its methods, and records its calls."""

    where: str
    found: object = field(default_factory=lambda: {"value": 1.0})

    def __post_init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str):
        def method(*args: object) -> object:
            self.asked.append(name)
            if name == self.where:
                raise RuntimeError("out of order")
            return self.found

        return method


def run_measure(failed: Callable[[str, Exception], None], batches: int = 2, **metrics: Failing) -> dict[str, float]:
    """Return the metrics' values of a number of batches."""
    runners = [
        MetricRunner(name, Metric(name=name, summary=".", factory="a:b"), metric) for name, metric in metrics.items()
    ]
    return measure(runners, [Batch(torch.zeros(3, 1), torch.zeros(3, 1), None)] * batches, 0, CPU, failed)


@pytest.mark.parametrize("where", ["reset", "real", "fake", "compute"])
def test_a_metric_that_fails_is_reported_once_and_skipped(where):
    told: list[tuple[str, str]] = []
    bad, good = Failing(where), Failing("")
    values = run_measure(lambda name, error: told.append((name, str(error))), bad=bad, good=good)
    assert told == [("bad", "out of order")]
    assert values == {"good/value": 1.0}
    assert bad.asked[-1] == where
    assert good.asked == ["reset", "real", "fake", "real", "fake", "compute"]


@pytest.mark.parametrize(
    "found", [{}, None, 1.0, *({"value": value} for value in (float("nan"), float("inf"), "much", None, [1.0]))]
)
def test_a_value_that_is_not_finite_is_a_failure(found):
    told: list[Exception] = []
    assert run_measure(lambda name, error: told.append(error), bad=Failing("", found)) == {}
    assert len(told) == 1


def test_products_are_exact_and_nothing_has_a_graph_whatever_the_training():
    seen: list[tuple[bool, bool]] = []

    class Looking(Failing):
        def real(self, batch: Tensor) -> None:
            seen.append((torch.backends.cuda.matmul.allow_tf32, torch.is_grad_enabled()))

    with precision("tf32"):
        run_measure(pytest.fail, 1, looking=Looking(""))
        assert torch.backends.cuda.matmul.allow_tf32
    assert seen == [(False, False)]


def test_a_generator_that_fails_costs_training_a_line(monkeypatch):
    def broken(*args):
        raise RuntimeError("no samples")
        yield

    monkeypatch.setattr(run_metrics, "generate_batches", broken)
    run = train(metric="toy-mean")
    assert run.finished
    assert "nothing could be measured: RuntimeError: no samples" in (run.path / "log.txt").read_text()


# ----------------------------------------------------------------------------
# Several processes.


@pytest.mark.slow
def test_only_the_first_of_several_processes_measures_and_tracks(tmp_path):
    settings = ["arch=toy", "dataset=toy-array", "metric=toy-mean,pixel-moments", "tracker=csv", "aug=flip"]
    settings += ["train.images=64", "train.batch=16", "train.metric_every=16", "train.best=toy-mean/difference"]
    plugin = ["--plugin", str(Path(__file__).parents[1] / "toys.py")]
    command = ["-m", "ganzoo", *plugin, "train", "--device", "cpu", *settings]
    ends = run_ranks(2, *command, timeout=120, folder=tmp_path)
    assert [end.returncode for end in ends] == [0, 0], [end.stderr for end in ends]
    run = Run(tmp_path / ends[0].stdout.strip())
    table = (run.path / "scalars.csv").read_text().splitlines()
    images = [line.partition(",")[0] for line in table]
    assert images[0] == "images"
    assert images == list(dict.fromkeys(images))
    assert images[-1] == "64"
    assert ganzoo.evaluate(run.package, ["toy-mean", "pixel-moments"], num=40, device="cpu").values == read_last_values(
        run
    )
    measured = {row["images"]: row["toy-mean/difference"] for row in run.rows() if "toy-mean/difference" in row}
    assert list(measured) == [0, 16, 32, 48, 64]
    assert ganzoo.load(run.best, device="cpu").config["images"] == max(measured, key=measured.get)
