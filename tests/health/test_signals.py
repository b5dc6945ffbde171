"""The signals of updates: their values, the same in every execution, and how they are averaged."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch

from ganzoo.engine import execution
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.health.signals import COMPARED, EVERY, Averages, LastLogits, compute_auc, signals

SIGNALS = ("auc", "sign_real", "real_std", "fake_std")


def test_the_auc_is_the_share_of_pairs_in_which_the_real_sample_has_the_larger_logit():
    real, fake = torch.tensor([2.0, -1.0, 0.0, 5.0]), torch.tensor([0.0, 1.0, -3.0])
    wins = [1.0 if one > other else 0.5 if one == other else 0.0 for one, other in product(real, fake)]
    assert compute_auc(real, fake).item() == pytest.approx(sum(wins) / len(wins))
    assert compute_auc(real + 100, fake) == 1
    assert compute_auc(real, real) == 0.5
    assert compute_auc(7 * real - 3, 7 * fake - 3) == compute_auc(real, fake)


def test_the_other_signals_are_those_of_their_definitions():
    real, fake = torch.tensor([3.0, -1.0, 2.0, 0.5]), torch.tensor([1.0, 1.0, 1.0, 5.0])
    found = {name: value.item() for name, value in signals(real, fake).items()}
    assert tuple(found) == SIGNALS
    assert found["sign_real"] == pytest.approx((3 - 1) / 4)
    assert found["real_std"] == pytest.approx(real.double().var(correction=0).sqrt().item())
    assert found["fake_std"] == pytest.approx(3**0.5)


def test_huge_logits_and_a_single_sample_have_finite_signals():
    for num in (1, 3):
        found = signals(torch.full((num,), 1e30), torch.linspace(-1e30, 1e30, num))
        assert all(value.isfinite() for value in found.values())


def test_logits_of_patches_count_with_their_means_and_those_of_many_samples_are_cut():
    kept = LastLogits()
    assert kept.read() is None
    patches = torch.arange(12.0).reshape(4, 3)
    for make_recordable in (False, True):
        if make_recordable:
            kept.make_recordable(torch.device("cpu"))
            assert kept.read() is None
        kept.keep(patches, -patches)
        real, fake = kept.read()
        assert real.tolist() == patches.mean(1).tolist() == (-fake).tolist()
        kept.keep(torch.ones(100, 1), torch.zeros(100, 1))
        assert [len(each) for each in kept.read()] == [COMPARED, COMPARED]


def test_some_updates_are_looked_at_and_the_share_of_a_process_counts():
    kept = LastLogits()
    averages = Averages(kept, share=0.5)
    looked = []
    for number in range(2 * EVERY + 1):
        kept.keep(torch.full((4, 1), 1.0 + number), torch.zeros(4, 1))
        averages.add({"loss_d": torch.tensor(float(number))})
        averages.add({"loss_g": torch.tensor(1.0)})
        looked += [number] if number % EVERY == 0 else []
    found = averages.fetch()
    assert found.keys() == {"loss_d", "loss_g", *SIGNALS}
    assert found["auc"] == found["sign_real"] == 0.5
    assert found["loss_d"] == EVERY
    assert looked == [0, EVERY, 2 * EVERY]
    kept.keep(torch.zeros(2, 1), torch.tensor([[-1.0], [1.0]]))
    averages.add({"loss_d": torch.tensor(0.0)})
    assert averages.fetch()["fake_std"] == 0.5  # the first update after a tick is looked at
    averages.add({"loss_g": torch.tensor(1.0)})
    assert averages.fetch() == {"loss_g": 1.0}  # no update of D, no signals


@pytest.mark.parametrize("update", ["alternating", "shared", "simultaneous"])
@pytest.mark.parametrize("name", ["compile", "cuda-graph"])
def test_every_execution_has_the_same_signals(make, monkeypatch, imitated_graphs, name, update):
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)
    settings = {"arch.norm": False, "train.update": update, "reg": "toy-r1", "reg.toy-r1.interval": 2}
    found = []
    for each in ("eager", name):
        gan, batches = make(settings)
        gan.recipe = replace(gan.recipe, train=replace(gan.recipe.train, execution=each))
        execution.install(gan, pytest.fail)
        averages, rows = Averages(gan.last_logits), []
        for number in range(4):
            if update != "alternating":
                averages.add(update_together(gan, batches, 16 * number))
            else:
                averages.add(update_discriminator(gan, batches, 16 * number))
                averages.add(update_generator(gan, batches, 16 * (number + 1), 0))
            rows.append(averages.fetch())
        found.append(rows)
    for one, other in zip(*found, strict=True):
        assert set(SIGNALS) <= one.keys()
        assert other == pytest.approx(one, rel=1e-3, abs=1e-5)
    assert len({row["real_std"] for row in found[1]}) == 4  # a replay has its own logits
