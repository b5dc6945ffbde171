"""Scores: floors, intervals, protocols, and samples of any program beside models."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import ganzoo
from devices import CPU
from ganzoo.data.source import ArraySource
from ganzoo.errors import Corrupt, NotFound, UsageError
from ganzoo.evaluate import parts
from ganzoo.evaluate.evaluator import Evaluator
from ganzoo.evaluate.files import load_arrays
from ganzoo.evaluate.measure import Batch, pair_batches, round_samples
from ganzoo.evaluate.reals import RealSamples, choose_others
from ganzoo.evaluate.score import Score
from ganzoo.plugin import DataInfo, Extractor, Metric, hookimpl
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import register, registry
from ganzoo.runs.run import Run
from ganzoo.runs.scores import describe_protocol

CALLS: list[int] = []  # samples of each call of the extractor


class Same:
    """An extractor whose features are the samples."""

    def __init__(self, options: object, data: DataInfo) -> None:
        pass

    def __call__(self, samples: Tensor) -> dict[str, Tensor]:
        CALLS.append(len(samples))
        return {"features": samples.flatten(1)}


class Shift:
    """The mean of the generated features, from all of the statistics or from kept rows, and its distance to 0."""

    def __init__(self, options: object, data: DataInfo) -> None:
        self.reset()

    def reset(self) -> None:
        self.rows: list[Tensor] = []

    def real(self, batch: object) -> None:
        pass

    def fake(self, batch: object) -> None:
        self.rows.append(batch["features"] if isinstance(batch, dict) else batch.mean[None])

    def compute(self) -> dict[str, float]:
        mean = float(torch.cat(self.rows).double().mean())
        return {"mean": mean, "far": abs(mean), "sigmas": mean * 10}


class Apart(Shift):
    """The mean of the held-out samples, or of the real ones if there are none."""

    def reset(self) -> None:
        super().reset()
        self.others: list[Tensor] = []

    def fake(self, batch: object) -> None:
        self.rows.append(batch["features"] if isinstance(batch, dict) else batch)

    def held_out(self, batch: object) -> None:
        self.others.append(batch["features"] if isinstance(batch, dict) else batch)

    def compute(self) -> dict[str, float]:
        self.rows = self.others or self.rows
        return super().compute()


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="same", summary="Samples.", factory=f"{__name__}:Same", rank=99, resize="as they are")


@hookimpl
def ganzoo_metrics():
    words = {"summary": "A mean.", "factory": f"{__name__}:Shift", "distances": ("far",), "standardised": ("sig*",)}
    words |= {"better": {"mean": "neither", "far": "lower"}}
    yield Metric(name="summed", reads="statistics", **words)
    yield Metric(name="kept", reads="features", **words)
    yield Metric(name="apart", reads="features", **{**words, "factory": f"{__name__}:Apart"}, held_out=True)
    raw = {"factory": f"{__name__}:Apart", "better": words["better"], "held_out": True}
    yield Metric(name="raw-apart", summary="A mean.", **raw)


@pytest.fixture(autouse=True)
def in_own_folder(toys: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    register(sys.modules[__name__])
    CALLS.clear()
    torch.set_num_threads(1)


def make_points(values: Tensor) -> ArraySource:
    return ArraySource(DataInfo(shape=(1,), modality="points", num_items=len(values)), values[:, None], None)


def choose(*names: str) -> list[Choice]:
    extractor = registry().resolve("extractor", "same")
    read = Choice(extractor, extractor.spec.options())
    components = [registry().resolve("metric", name) for name in names]
    return [
        Choice(component, component.spec.options(), None if component.spec.reads == "samples" else read)
        for component in components
    ]


def draw(num: int, seed: int = 0) -> Tensor:
    return torch.randn(num, generator=torch.Generator().manual_seed(seed))


def score(reals: RealSamples, fake: Tensor, *names: str, intervals: bool = False) -> dict[str, Score]:
    """Return the scores of given samples."""
    evaluator = Evaluator(choose(*names), reals, pytest.fail, choose_others(reals), "points")
    fakes = RealSamples(make_points(fake), len(fake), 0, CPU)
    return evaluator.score(pair_batches(reals, fakes), lambda *told: pytest.fail(str(told)), intervals=intervals)


# ----------------------------------------------------------------------------
# Held-out samples.


@pytest.mark.parametrize("name", ["apart", "raw-apart"])
def test_held_out_samples_are_given_once_and_stand_in_the_fingerprint(name):
    reals, held_out = RealSamples(make_points(draw(300)), 100, 0, CPU), make_points(draw(70, 1) + 5)
    fakes = RealSamples(make_points(draw(100, 2)), 100, 0, CPU)

    def measure_with(part: ArraySource | None) -> dict[str, Score]:
        evaluator = Evaluator(choose(name), reals, pytest.fail, None, "points", held_out=part)
        return evaluator.score(pair_batches(reals, fakes), lambda *told: pytest.fail(str(told)), intervals=True)

    found = measure_with(held_out)[f"{name}/mean"]
    assert found.value == pytest.approx(float(held_out.data.double().mean()))
    assert (found.floor, found.floor_num) == (pytest.approx(found.value), 70)  # the held-out ones give it
    protocol = found.protocol.to_json()
    assert (protocol["held_out"], protocol["real"], protocol["fake"]) == (70, 100, 100)
    assert "100 samples of points, 70 held-out ones, 100 generated ones" in describe_protocol(protocol)
    without = measure_with(None)[f"{name}/mean"]
    assert without.value == pytest.approx(float(torch.cat([x for x, _ in fakes.iterate_batches()]).double().mean()))
    assert "held_out" not in without.protocol.to_json()
    others = measure_with(make_points(draw(70, 3) + 5))[f"{name}/mean"]
    assert len({each.protocol.fingerprint for each in (found, without, others)}) == 3


def test_a_run_judges_copies_by_what_it_holds_out(tmp_path):
    settings = {"arch": "toy", "dataset": "toy-array", "images": 16, "batch": 8, "metric": "raw-apart"}
    run = ganzoo.train(**settings, options={"dataset.holdout": 0.3})
    rows = [json.loads(line) for line in run.stats_file.read_text().splitlines()]
    row = [row for row in rows if "raw-apart/mean" in row][-1]
    found = ganzoo.evaluate(run, "raw-apart")
    assert found.values["raw-apart/mean"] == pytest.approx(row["raw-apart/mean"], abs=1e-6)
    assert found.scores["raw-apart/mean"].protocol.num_held_out == 12
    with pytest.raises(UsageError, match="'raw-apart' compares with samples that are trained on: remove --held-out"):
        ganzoo.evaluate(run, "raw-apart", held_out=True)
    for wrong in ({"reads": "statistics"}, {"labels": True}, {"pairs": True}):
        with pytest.raises(ValueError, match="held_out is for metrics of sets that read samples or features"):
            Metric(name="wrong", summary="-", factory="a:b", held_out=True, **wrong)


# ----------------------------------------------------------------------------
# Floors.


def test_a_floor_is_the_value_of_as_many_other_real_samples():
    values = draw(300) + 1
    reals = RealSamples(make_points(values), 100, 0, CPU)
    found = score(reals, draw(100, 1) + 3, "summed", "kept")
    others = torch.cat([batch for batch, _ in choose_others(reals).iterate_batches()])
    compared = torch.cat([batch for batch, _ in reals.iterate_batches()])
    assert len(others) == 100
    assert not set(others.flatten().tolist()) & set(compared.flatten().tolist())
    for name in ("summed", "kept"):
        far = found[f"{name}/far"]
        assert far.floor == pytest.approx(float(others.double().mean()), rel=1e-6)
        assert far.ratio == pytest.approx(far.value / far.floor)
        assert found[f"{name}/mean"].ratio is None  # it is not a distance
    assert CALLS == [64, 36] * 3  # real samples for `kept`; the others; the generated ones


def test_floors_are_measured_once_and_cached_by_content():
    reals = RealSamples(make_points(draw(300)), 100, 0, CPU)
    first = score(reals, draw(100, 1), "summed")
    CALLS.clear()
    again = score(RealSamples(make_points(draw(300)), 100, 0, CPU), draw(100, 2), "summed")
    assert CALLS == [64, 36]  # the generated samples alone
    assert again["summed/far"].floor == first["summed/far"].floor
    other = score(RealSamples(make_points(draw(300, 5)), 100, 0, CPU), draw(100, 2), "summed")
    assert other["summed/far"].floor != first["summed/far"].floor


def test_with_fewer_other_samples_the_ratio_compares_equal_numbers():
    reals = RealSamples(make_points(draw(160) + 1), 100, 0, CPU)
    assert choose_others(reals).num == 60
    fake = torch.cat([torch.full((100,), 4.0)])
    fake[80:] = 0  # the order is drawn, so the first 60 have another mean than all
    found = score(reals, fake, "summed", "kept")
    order = torch.cat([batch for batch, _ in RealSamples(make_points(fake), 100, 0, CPU).iterate_batches()])
    for name in ("summed", "kept"):
        far = found[f"{name}/far"]
        assert far.value == pytest.approx(3.2)
        assert far.ratio == pytest.approx(float(order[:60].mean()) / far.floor)


def test_few_other_samples_give_no_floor_and_held_out_ones_come_first():
    source = make_points(draw(140))
    assert choose_others(RealSamples(source, 100, 0, CPU)) is None
    held_out = make_points(draw(60, 1))
    others = choose_others(RealSamples(source, 100, 0, CPU), held_out)
    assert (others.source, others.num) == (held_out, 60)
    assert choose_others(RealSamples(source, 20, 0, CPU), held_out).source is held_out
    assert choose_others(RealSamples(make_points(draw(400)), 100, 0, CPU), held_out).start == 100


def test_a_metric_that_fails_on_real_samples_alone_has_no_floor_and_costs_a_line(monkeypatch):
    notes: list[str] = []
    reals = RealSamples(make_points(draw(300)), 100, 0, CPU)
    evaluator = Evaluator(choose("kept"), reals, notes.append, choose_others(reals))
    compute, values = Shift.compute, [math.nan, 1.0]
    monkeypatch.setattr(Shift, "compute", lambda self: compute(self) | {"far": values.pop(0)})
    found = evaluator.score([Batch(torch.zeros(64, 1), torch.zeros(64, 1), None)], pytest.fail)
    assert found["kept/far"].floor is None
    assert len(notes) == 1
    assert "metric 'kept' has no floor: ValueError: far is nan" in notes[0]


# ----------------------------------------------------------------------------
# Intervals.


def test_an_interval_is_as_wide_as_the_spread_of_other_samples():
    reals = RealSamples(make_points(draw(9000)), 4000, 0, CPU)
    found = score(reals, 2 * draw(4000, 1), "summed", "kept", intervals=True)
    expected = parts.WIDTH * 2 / math.sqrt(4000)  # of a mean with standard deviation 2
    for name in ("summed", "kept"):
        assert 0.6 < found[f"{name}/mean"].interval / expected < 1.5
        assert found[f"{name}/sigmas"].interval is None
    assert score(reals, draw(4000, 1), "kept")["kept/mean"].interval is None


# ----------------------------------------------------------------------------
# Protocols.


def test_a_fingerprint_changes_with_all_that_a_value_depends_on_and_with_nothing_else():
    def make(values: Tensor, num: int = 20, seed: int = 0, name: str = "summed", dtype: str = "") -> str:
        reals = RealSamples(make_points(values), num, seed, CPU)
        return Evaluator(choose(name), reals, pytest.fail, None, "points").make_protocol(name, dtype).fingerprint

    one = make(draw(50))
    assert one == make(draw(50))
    others = [make(draw(50, 1)), make(draw(50), 21), make(draw(50), 20, 1), make(draw(50), name="kept")]
    assert len({one, *others, make(draw(50), dtype="uint8")}) == 6
    reals = RealSamples(make_points(draw(50)), 20, 0, CPU)
    assert Evaluator(choose("summed"), reals, pytest.fail, None, "moved").make_protocol("summed").fingerprint == one
    protocol = Evaluator(choose("summed"), reals, pytest.fail, None, "points").make_protocol("summed").to_json()
    assert (protocol["real"], protocol["fake"], protocol["seed"], protocol["dtype"]) == (20, 20, 0, "float32")
    assert (protocol["resize"], protocol["split"]) == ("as they are", "all")


def test_images_of_bytes_are_rounded_as_in_files():
    samples = torch.tensor([-2.0, -1.0, -0.999, 0.0, 0.001, 1.0, 3.0])
    bytes_ = round_samples(samples, DataInfo(shape=(1, 1, 1))).add(1).mul(127.5)
    assert bytes_.tolist() == pytest.approx([0, 0, 0, 128, 128, 255, 255], abs=1e-4)
    assert round_samples(samples, DataInfo(shape=(1,), modality="points")) is samples


# ----------------------------------------------------------------------------
# Samples of any program.


def train(**settings: object) -> Run:
    return ganzoo.train(**{"arch": "toy", "dataset": "toy-array", "images": 64, "batch": 16, **settings})


def test_a_model_and_files_of_its_samples_have_the_same_values(tmp_path):
    run = train()
    generator = ganzoo.load(run)
    evaluation = ganzoo.evaluate(run, ["summed", "kept", "pixel-moments"], num=20)
    reals = RealSamples(ArraySource(generator.data, torch.zeros(40, 1, 4, 4), None), 20, 0, CPU)
    from ganzoo.evaluate.measure import generate_batches

    fakes = torch.cat([batch.fake for batch in generate_batches(generator.networks, reals, False)])
    images = fakes.add(1).mul(127.5).round().byte()
    np.save("first.npy", images.numpy())
    np.savez("last.npz", labels=np.zeros(20), samples=images.permute(0, 2, 3, 1).numpy())
    np.savez("grey.npz", images[:, 0].numpy())
    found = ganzoo.evaluate([run, "first.npy", "last.npz", "grey.npz"], ["summed", "kept", "pixel-moments"], num=20)
    assert [each.subject.title for each in found[1:]] == ["first.npy", "last.npz", "grey.npz"]
    for each in found[1:]:
        assert each.fingerprints == evaluation.fingerprints
        assert each.values == pytest.approx(evaluation.values, rel=1e-6)  # sums come in another order
    assert found[0].values == evaluation.values


def test_fewer_samples_than_real_ones_decide_how_many_are_compared():
    run = train()
    np.savez("few.npz", np.zeros((12, 4, 4, 1), np.uint8))
    found = ganzoo.evaluate([run, "few.npz"], "kept")
    assert [each.num for each in found] == [12, 12]
    assert found[0].fingerprints == found[1].fingerprints
    with pytest.raises(
        UsageError, match=r"-n 13: .*few\.npz has 12 samples, and none is used twice: ask for at most 12"
    ):
        ganzoo.evaluate([run, "few.npz"], "kept", num=13)


ARRAYS = {
    "size": (np.zeros((3, 8, 8, 1), np.uint8), r"uint8 \[3, 8, 8, 1\], and samples of uint8 or floats \[N, 4, 4, 1\]"),
    "channels": (np.zeros((3, 4, 4, 3), np.uint8), r"uint8 \[3, 4, 4, 3\], and samples"),
    "dtype": (np.zeros((3, 4, 4, 1), np.int64), r"int64 \[3, 4, 4, 1\], and samples"),
    "range": (np.full((3, 4, 4, 1), 255.0), "float data from 255 to 255: it must be images within"),
    "empty": (np.zeros((0, 4, 4, 1), np.uint8), "is empty: point it at data"),
}


@pytest.mark.parametrize(("array", "words"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_do_not_fit(array, words):
    np.savez("samples.npz", array)
    with pytest.raises(ganzoo.GanzooError, match=words):
        load_arrays(Path("samples.npz"), DataInfo(shape=(1, 4, 4)))


def test_files_that_have_no_samples(tmp_path):
    with pytest.raises(NotFound, match=r"there is no file nothing\.npz"):
        load_arrays(Path("nothing.npz"))
    (tmp_path / "text.npz").write_text("text")
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name in ("text.npz", "objects.npy"):
        with pytest.raises(Corrupt, match="is damaged or not a file of plain arrays"):
            load_arrays(tmp_path / name if name.startswith("text") else Path(name))
    np.savez("two.npz", a=np.zeros(3), b=np.zeros(3))
    with pytest.raises(UsageError, match=r"two\.npz has the arrays a, b: call the one with samples 'samples'"):
        load_arrays(Path("two.npz"))


def test_the_held_out_part_is_the_reference_or_the_floor():
    run = train(options={"dataset.holdout": 0.4, "train.metric_samples": 12}, metric="pixel-moments")
    (entry, *_) = ganzoo.load(run).config["metrics"]
    assert (entry["protocol"]["split"], entry["protocol"]["real"]) == ("training", 12)
    found = {part: ganzoo.evaluate(run, "pixel-moments", num=12, held_out=part) for part in (False, True)}
    assert found[False].scores["pixel-moments/mean"].to_json() == entry
    protocols = [each.scores["pixel-moments/mean"].protocol for each in found.values()]
    assert [protocol.split for protocol in protocols] == ["training", "held-out"]
    assert protocols[0].content != protocols[1].content
    assert all(each.scores["pixel-moments/mean"].floor > 0 for each in found.values())
    with pytest.raises(UsageError, match=r"are held out of the training: train with dataset\.holdout=0\.05"):
        ganzoo.evaluate(train(), "pixel-moments", held_out=True)
    with pytest.raises(UsageError, match="this model was trained on the other division"):
        ganzoo.evaluate(train(), "pixel-moments", held_out=True, options={"dataset.holdout": 0.4})


# ----------------------------------------------------------------------------
# What a run remembers.


def test_a_run_remembers_its_evaluations_and_its_package_has_them():
    run = train()
    found = ganzoo.evaluate(run, "pixel-moments", num=20)
    ganzoo.evaluate(run, "pixel-moments", num=20)
    ganzoo.evaluate(run, "pixel-moments", num=20, seed=1)
    lines = run.evaluations()
    assert [line["scores"][0]["seed"] for line in lines] == [0, 0, 1]
    assert (lines[0]["images"], lines[0]["package"]) == (64, "package")
    assert lines[0]["scores"] == [score.to_json() for score in found.scores.values()]
    entries = ganzoo.load(run).config["metrics"]
    assert [(entry["name"], entry["seed"]) for entry in entries] == [
        (f"pixel-moments/{key}", seed) for seed in (0, 1) for key in ("mean", "std", "fd")
    ]
    card = (run.package / "README.md").read_text()
    assert all(entry["fingerprint"] in card for entry in entries)
    assert "x floor" in card
    ganzoo.verify(run)
    assert json.loads(run.evaluations_file.read_text().splitlines()[0])["time"] > 1e9


def test_a_copy_of_a_package_is_not_changed(tmp_path):
    copied = ganzoo.package(train(), tmp_path / "copied")
    before = (copied / "config.json").read_bytes()
    ganzoo.evaluate(copied, "pixel-moments", num=20)
    assert (copied / "config.json").read_bytes() == before


def test_a_run_that_is_being_trained_keeps_its_package():
    run = train()
    before = (run.package / "config.json").read_bytes()
    with run.training():
        ganzoo.evaluate(run, "pixel-moments", num=20)
    assert (run.package / "config.json").read_bytes() == before
    assert len(run.evaluations()) == 1
