"""Strengths of penalties that adapt to how well D tells real from generated samples (``train.auto_gamma``)."""

import json
from pathlib import Path

import pytest
import torch

import ganzoo
from devices import CPU
from ganzoo.engine import checkpoint, execution, strength
from ganzoo.engine.distributed import ALONE
from ganzoo.engine.rounds import train_round
from ganzoo.engine.strength import AdaptiveStrength
from ganzoo.errors import UsageError
from ganzoo.health.signals import EVERY, LastLogits

APART, EQUAL, BETWEEN = (1.0, 0.0), (0.0, 0.0), None  # D's logits of real and of generated samples
TRAIN = {"arch": "toy", "dataset": "toy-array", "reg": "r1", "device": "cpu", "progress": False}
OPTIONS = {"train.auto_gamma": True, "train.batch": 4, "reg.r1.gamma": 0.5, "optim.d.lr": 0.01}


def observe(adapting, logits, first, num):
    """Let `num` updates of D pass from update `first` on, with these logits."""
    seen = LastLogits()
    if logits is None:  # an AUC of 0.75
        seen.keep(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [0.0]]))
    else:
        seen.keep(*(torch.full((8, 1), value) for value in logits))
    for update in range(first, first + num):
        adapting.observe(update, seen, ALONE)


def test_the_factor_doubles_for_a_strong_d_and_halves_for_a_weak_one():
    adapting = AdaptiveStrength([], CPU)
    window, now = strength.WINDOW, 0
    for logits, factor in ((APART, 2), (APART, 4), (BETWEEN, 4), (EQUAL, 2), (EQUAL, 1), (EQUAL, 0.5)):
        observe(adapting, logits, now, window - EVERY)
        before = float(adapting.factor)
        observe(adapting, logits, now + window - EVERY, EVERY)
        now += window
        assert float(adapting.factor) == factor
        assert before != factor or logits is BETWEEN  # once in a window, at its end
    for logits, limit in ((APART, strength.MOST), (EQUAL, strength.LEAST)):
        observe(adapting, logits, now, 14 * window)
        assert float(adapting.factor) == limit


def test_a_part_of_a_window_decides_nothing():
    adapting = AdaptiveStrength([], CPU)
    observe(adapting, APART, EVERY, strength.WINDOW - EVERY)
    assert (float(adapting.factor), float(adapting.looks)) == (1.0, 0.0)
    observe(adapting, APART, strength.WINDOW, strength.WINDOW)
    assert float(adapting.factor) == 2


def test_all_strengths_of_penalties_are_multiplied_and_schedules_go_on(toys, make):
    settings = {
        "train.auto_gamma": True,
        "reg": "r1,r2,wgan-gp,lecam",
        "reg.r1.gamma": "linear(1, 3, images=100)",
        "reg.r2.gamma": 5.0,
        "reg.wgan-gp.weight": 7.0,
    }
    gan, _ = make(settings)
    gan.strength.factor.fill_(4.0)
    for images, gamma in ((0, 1), (50, 2), (50, 2), (200, 3)):
        gan.refresh(images)
        assert [float(tensor) for tensor in gan.strength.strengths] == [4 * gamma, 20, 28]
    assert float(gan.regularizers["r2"].options.gamma) == 20
    assert isinstance(gan.regularizers["lecam"].options.weight, float)
    assert make(settings | {"train.auto_gamma": False})[0].strength is None


def states(run):
    tensors, _ = checkpoint.load(run.checkpoints[-1])[:2]
    return tensors


def test_a_resumed_run_adapts_as_an_unbroken_one(toys, monkeypatch):
    monkeypatch.setattr(strength, "WINDOW", 2 * EVERY)
    monkeypatch.setattr(strength, "TOO_STRONG", 0.5)
    whole = states(ganzoo.train(**TRAIN, options=OPTIONS, images=4 * 100))
    stopped = ganzoo.train(**TRAIN, options=OPTIONS, images=4 * 37)  # in the middle of a window
    assert float(states(stopped)["strength/total"]) > 0
    again = states(ganzoo.train(resume=stopped, images=4 * 100, progress=False))
    assert float(whole["strength/factor"]) not in (1.0, strength.MOST)
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    rows = [row for row in stopped.rows() if "auto_gamma" in row]
    assert rows[-1]["auto_gamma"] >= 1


@pytest.mark.parametrize("update", ["alternating", "shared"])
def test_recorded_updates_adapt_as_eager_ones(toys, make, monkeypatch, update):
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)
    monkeypatch.setattr(strength, "WINDOW", EVERY)
    monkeypatch.setattr(strength, "TOO_STRONG", 0.5)
    found = []
    for name in ("eager", "compile"):
        gan, batches = make({**OPTIONS, "reg": "r1", "train.update": update, "train.execution": name})
        for number in range(2 * EVERY + 1):
            for _ in train_round(gan, batches, 4 * number):
                pass
        found.append(gan.state()[0])
        assert gan.recipe.train.execution == name
    assert float(found[0]["strength/factor"]) > 1
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name], rtol=1e-4, atol=1e-5)


def test_adapting_without_a_penalty_is_refused(toys):
    for reg in (None, "lecam"):
        with pytest.raises(UsageError, match="this training has none: add --reg r1"):
            ganzoo.train(**(TRAIN | {"reg": reg}), options={"train.auto_gamma": True})


def test_the_factor_is_an_ordinary_part_of_the_statistics(toys):
    run = ganzoo.train(**TRAIN, options=OPTIONS, images=64)
    row = [json.loads(line) for line in Path(run.path, "stats.jsonl").read_text().splitlines()][-1]
    assert row["auto_gamma"] == 1.0
