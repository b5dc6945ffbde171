"""The probe changes nothing, is rare, and measures what its names say."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.engine import execution, probe
from ganzoo.engine.checkpoint import load
from ganzoo.engine.pace import Pace
from ganzoo.engine.probe import Probe
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.runs.run import Run

ALWAYS = {"norm_g", "norm_d", "step_g", "step_d", "travel_g", "travel_d"}
D = {"auc_train", "train_logit", "fake_logit", "input_gradient"}
SAMPLES = {"pairwise", "duplicates", "std_ratio", "mean_shift", "z_sensitivity", "mode_gap", "average_gap"}
IMAGES = {"saturation", "high_band"}
STILL = {"norm_g", "norm_d", "step_g", "step_d"}  # before the first update there is no path
HELD_OUT = {"auc_val", "val_logit"}


def make_probe(gan, batches, held_out=None, clock=None) -> Probe:
    looking = Probe(gan, batches, held_out, clock or count().__next__)
    looking.start(0)
    return looking


def train(monkeypatch: pytest.MonkeyPatch, due: bool, **settings) -> tuple[Run, dict[str, bytes]]:
    """Train a run with a tick after each round; return it and the bytes of its last state."""
    monkeypatch.setattr(Pace, "is_due", lambda self, images: True)
    monkeypatch.setattr(Probe, "is_due", lambda self: due)
    run = ganzoo.train(**{"images": 96, "progress": False, **settings})
    tensors, meta = load(run.checkpoints[-1])
    state = {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}
    return run, state | {"numbers": repr(meta["numbers"]).encode()}


# ----------------------------------------------------------------------------
# Without effect.


@pytest.mark.parametrize("name", ["eager", "compile"])
@pytest.mark.parametrize(
    "settings",
    [
        {"arch": "toy", "dataset": "toy-array", "conditional": True, "options": {"arch.norm": True, "reg": "toy-r1"}},
        {"arch": "mlp", "dataset": "points", "reg": ["spectral-norm"], "options": {"train.batch": 16}},
        {"arch": "dcgan", "dataset": "digits", "size": 16, "options": {"arch.width": 8, "train.batch": 16}},
    ],
    ids=["norms-and-dropout", "spectral-norm", "zoo"],
)
def test_a_run_with_the_probe_ends_as_one_without(toys, monkeypatch, name, settings):
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)
    settings = settings | {"options": settings["options"] | {"train.execution": name, "train.checkpoint_every": 32}}
    plain, one = train(monkeypatch, False, **settings)
    probed, other = train(monkeypatch, True, **settings)
    looks = [row for row in probed.rows() if row.keys() >= ALWAYS | D]
    assert len(looks) == 6
    assert not any("norm_g" in row for row in plain.rows())
    assert one.keys() == other.keys()
    assert [key for key in one if one[key] != other[key]] == []
    for path in plain.path.glob("*.png"):  # some come by time
        assert not (probed.path / path.name).exists() or path.read_bytes() == (probed.path / path.name).read_bytes()


def test_a_probe_between_imitated_graphs_changes_nothing(make, imitated_graphs):
    settings = {"arch.norm": True, "train.conditional": True}
    ends = []
    for due in (False, True):
        gan, batches = make(settings)
        gan.recipe = replace(gan.recipe, train=replace(gan.recipe.train, execution="cuda-graph"))
        execution.install(gan, pytest.fail)
        looking = make_probe(gan, batches)
        for number in range(5):
            update_discriminator(gan, batches, 16 * number)
            before = torch.get_rng_state()
            assert not due or looking.look(16 * (number + 1)).keys() >= D | SAMPLES
            assert torch.equal(before, torch.get_rng_state())
            update_generator(gan, batches, 16 * (number + 1), 0)
        ends.append([tensor.detach().clone() for tensor in gan.state()[0].values()])
        assert gan.generator.training
        assert gan.discriminator.training
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_gradients_and_modes_stay(make):
    gan, batches = make({"arch.norm": True})
    part = gan.discriminator.net[0]
    part.eval()
    gan.enable_gradients("discriminator")
    before = [parameter.requires_grad for parameter in gan.parameters]
    make_probe(gan, batches).look(16)
    assert [parameter.requires_grad for parameter in gan.parameters] == before
    assert all(parameter.grad is None for parameter in gan.parameters)
    assert not part.training


def test_a_probe_that_fails_costs_a_line_and_restores_the_buffers(toys, monkeypatch):
    def fail(self, *args: object) -> None:
        self.gan.generate(torch.zeros(8, 4), None)
        raise RuntimeError("out of order")

    settings = {"arch": "toy", "dataset": "toy-array", "options": {"arch.norm": True}}
    _, one = train(monkeypatch, False, **settings)
    monkeypatch.setattr(probe._Samples, "measure", fail)
    run, other = train(monkeypatch, True, **settings)
    assert one == other
    assert (run.path / "log.txt").read_text().count("probe failed: RuntimeError: out of order (") == 1


# ----------------------------------------------------------------------------
# When.


def test_it_takes_one_percent_of_the_time(make, monkeypatch):
    gan, batches = make()
    now = [0.0]
    looking = make_probe(gan, batches, clock=lambda: now[0])
    took = iter([0.5, 0.02, 0.03])
    monkeypatch.setattr(looking, "_measure_samples", lambda: now.__setitem__(0, now[0] + next(took)) or {})
    assert not looking.is_due()
    times = []
    for tick in range(1, 601):
        now[0] = max(now[0], 0.1 * tick)
        if looking.is_due():
            times.append(round(now[0], 1))
            looking.look(16 * tick)
        if len(times) == 3:
            break
    assert times == [1.0, 11.5, 13.6]  # the first one takes long, because it warms up


def test_a_probe_that_failed_is_never_due(make, monkeypatch):
    gan, batches = make()
    looking = make_probe(gan, batches, clock=count(step=10).__next__)
    assert looking.is_due()
    monkeypatch.setattr(looking, "_measure_samples", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        looking.look(16)
    assert not looking.is_due()


# ----------------------------------------------------------------------------
# What.


def test_what_means_nothing_is_absent(make):
    gan, batches = make()
    assert make_probe(gan, batches).look(16).keys() == STILL | D | SAMPLES | IMAGES
    gan, batches = make({"dataset": "toy-points"})
    assert make_probe(gan, batches).look(16).keys() == STILL | D | SAMPLES
    gan, batches = make({"dataset.num": 5})
    assert make_probe(gan, batches).look(16).keys() == STILL | D
    gan, batches = make({"train.conditional": True})
    found = make_probe(gan, batches, held_out=batches.source).look(16)
    assert found.keys() == STILL | D | SAMPLES | IMAGES | HELD_OUT | {"label_sensitivity"}
    gan, batches = make({"dataset.num": 40})
    few = replace(batches.source.select(torch.arange(5)))
    assert not make_probe(gan, batches, held_out=few).look(16).keys() & HELD_OUT


def test_a_generator_that_ignores_its_latents_or_labels_is_seen(make):
    gan, batches = make({"train.conditional": True, "arch.norm": True})
    looking = make_probe(gan, batches)
    assert looking.look(16)["label_sensitivity"] > 0.05
    first = gan.generator.net[0].weight.data
    first[:, -2:] = 0
    found = looking.look(32)
    assert found["label_sensitivity"] == 0
    assert found["z_sensitivity"] > 0.05
    first[:] = 0
    found = looking.look(48)
    assert found["z_sensitivity"] == found["pairwise"] == 0
    assert "label_sensitivity" not in found  # nothing that it could be compared with


def test_samples_that_d_learnt_by_heart_are_told_from_held_out_ones(make):
    """Item i has bytes of i alone, so that one threshold divides the items that are trained on from all others."""
    gan, batches = make({"dataset.num": 200})
    source = batches.source
    trained, held_out = source.select(torch.arange(100, 200)), source.select(torch.arange(100))
    batches.source = batches.reals.source = trained
    looking = make_probe(gan, batches, held_out)

    class Sum(nn.Module):
        def forward(self, x, labels=None):
            return 100 * x.flatten(1).mean(1)

    gan.discriminator = Sum()
    with torch.no_grad():
        gan.generator.net[-1].weight.zero_()
        gan.generator.net[-1].bias.fill_(-0.2233)  # its tanh lies between byte 99 and byte 100
    found = looking.look(16)
    assert (found["auc_train"], found["auc_val"]) == (1, 0)
    assert found["train_logit"] > found["fake_logit"] > found["val_logit"]
    assert found["input_gradient"] == pytest.approx(100 / 16 * 4, rel=1e-4)


def test_modes_and_averages_that_differ_are_seen(make):
    gan, batches = make({"arch.norm": True})
    looking = make_probe(gan, batches)
    assert looking.look(16)["average_gap"] == 0
    norm = gan.generator.net[1]
    for _ in range(50):
        gan.generate(torch.randn(64, 4, generator=torch.Generator().manual_seed(_)), None)
    near = looking.look(32)
    norm.running_mean.fill_(9.0)
    assert 2 * near["mode_gap"] < looking.look(48)["mode_gap"]
    assert looking.look(64)["average_gap"] > 0.5  # the average has the old statistics


def test_numbers_that_g_draws_in_training_are_no_difference_of_modes(make):
    gan, batches = make()
    looking = make_probe(gan, batches)
    gan.generator.net.insert(1, nn.Dropout(0.5))
    assert looking.look(16)["mode_gap"] == 0


def test_steps_are_counted_for_each_update(make):
    gan, batches = make()
    looking = make_probe(gan, batches)
    update_discriminator(gan, batches, 0)
    first = looking.look(16)
    assert first["step_d"] > 0
    assert first["step_g"] == 0
    before = [p.detach().clone() for p in gan.discriminator.parameters()]
    for number in range(1, 4):
        update_discriminator(gan, batches, 16 * number)
    second = looking.look(64)
    now = torch.cat([p.detach().flatten() for p in gan.discriminator.parameters()])
    change = now - torch.cat([p.flatten() for p in before])
    assert second["step_d"] == pytest.approx((change.norm() / now.norm() / 3).item(), rel=1e-3)
    assert second["norm_d"] == pytest.approx(now.norm().item(), rel=1e-3)
    assert 0 < second["travel_d"] < 1


@pytest.mark.parametrize(("settings", "shown"), [({"train.batch": 6}, 60), ({"train.micro_batch": 8}, 64)])
def test_networks_get_as_many_samples_as_in_an_update(make, settings, shown):
    gan, batches = make(settings)
    sizes = []
    gan.generator.register_forward_hook(lambda module, given, made: sizes.append(len(made)))
    make_probe(gan, batches).look(16)
    chunk = next(iter(settings.values()))
    assert set(sizes) == {chunk}
    assert sum(sizes) == shown + 2 * chunk  # and once with running statistics, and once in evaluation mode


def test_packed_samples_get_one_logit(tmp_path, monkeypatch):
    settings = {"arch": "dcgan", "dataset": "digits", "size": 16, "conditional": True}
    run, _ = train(monkeypatch, True, **settings, options={"arch.width": 8, "arch.pack": 2, "train.batch": 16})
    assert [row for row in run.rows() if "auc_train" in row]
