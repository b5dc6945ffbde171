"""The contracts beyond logits, in every execution, with accumulation, on resume and in a published model."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from test_execution import CUDA, STEPS, distances, named, state
from torch import nn

import ganzoo
import toy_terms
from devices import cuda
from ganzoo.compute.digest import hash_network
from ganzoo.engine import checkpoint, execution
from ganzoo.engine.assemble import find_frozen
from ganzoo.engine.initial import load_initial_weights
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import GanzooError, UsageError
from ganzoo.layers import extractor
from ganzoo.package import package
from ganzoo.package import plan as planning
from ganzoo.package.config import DISCRIMINATOR, read_config
from ganzoo.plugin import DataInfo, Step
from ganzoo.registry import register, registry
from ganzoo.runs.run import Run
from ganzoo.runs.words import describe_tick

TERMS = "toy-reals,toy-code,toy-rotation,toy-further,toy-perceptual"
NEW: list[dict[str, Any]] = [
    {"reg": f"{TERMS},toy-lecam"},
    {"reg": f"{TERMS},toy-spectral", "train.update": "shared", "train.conditional": True},
    {"reg": TERMS, "train.update": "simultaneous", "loss": "toy-pairs"},
    {"reg": TERMS, "train.micro_batch": 8, "optim.g.clip": 0.1, "optim.d.clip": 0.1},
    {"reg": f"{TERMS},toy-means", "reg.toy-code.interval": 2, "reg.toy-means.interval": 2, "train.g_batch": 8},
    {"reg": "toy-features", "arch.answer": "output", "train.d_start": 16, "train.adversarial_start": 32},
    {
        "train.adversarial_weight": "linear(0, 1, images=64)",
        "train.d_start": 32,
        "train.update": "shared",
        "train.g_top_k": "linear(1, 0.3, images=64)",
        "train.dequantise": True,
    },
    {"arch": "toy-saying", "arch.answer": "list", "reg": "toy-reals"},
    {"arch": "toy-packed", "loss": "toy-pairs", "train.micro_batch": 8, "aug": "apa", "aug.apa.interval": 1},
    {"arch": "toy-labels", "train.conditional": True, "reg": "toy-reals", "aug": "apa", "aug.apa.p": 0.5},
    {"arch": "toy-projected", "reg": "r1", "train.micro_batch": 8},
    {"reg": "toy-earlier", "loss": "toy-pairs", "train.micro_batch": 8, "train.conditional": True},
    {"reg": "toy-earlier", "train.update": "shared", "train.adversarial_weight": 3.0, "arch.answer": "list"},
]


@pytest.fixture(autouse=True)
def terms(toys: object) -> None:
    register(toy_terms)


@pytest.mark.parametrize("settings", NEW, ids=named)
def test_recorded_updates_equal_eager_ones(make, monkeypatch, settings):
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)
    assert max(distances(make, settings, "compile", rounds=3)) < 1e-9


@cuda
@pytest.mark.parametrize("settings", NEW, ids=named)
def test_captured_updates_equal_eager_ones(make, settings):
    settings = {"train.execution": "eager", **settings}
    assert max(distances(make, settings, "cuda-graph", rounds=6, device=CUDA)) < 1e-9


def run(gan: Any, batches: Any, rounds: range) -> dict[str, float]:
    stats = {}
    for number in rounds:
        for update in STEPS[gan.recipe.train.update]:
            stats |= update(gan, batches, number * batches.batch)
    return {name: value.item() for name, value in stats.items()}


@pytest.mark.parametrize("settings", NEW, ids=named)
def test_a_resumed_run_is_the_same_bit_for_bit(make, settings):
    gan, batches = make(settings)
    run(gan, batches, range(2))
    tensors, numbers = gan.state()
    kept = {name: tensor.clone() for name, tensor in tensors.items()}
    run(gan, batches, range(2, 4))
    other, others = make(settings)
    other.load_state(kept, numbers)
    run(other, others, range(2, 4))
    wanted, got = state(gan), state(other)
    assert wanted.keys() == got.keys()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_add_up_to_the_whole_batch_and_are_clipped_together(make, parts):
    settings = {
        "reg": "toy-code,toy-perceptual,toy-reals", "optim.g.clip": 1e-2, "optim.d.clip": 1e-2,
        **{f"optim.{network}.{key}": value for network in "gd" for key, value in (("name", "sgd"), ("lr", 1.0))},
    }  # fmt: skip
    whole, one = make(settings)
    cut, many = make(settings | {"train.micro_batch": 16 // parts})
    before = [parameter.detach().clone() for parameter in whole.trainable["discriminator"]]
    stats, others = run(whole, one, range(1)), run(cut, many, range(1))
    assert others == pytest.approx(stats, rel=1e-4)
    for name, tensor in state(whole).items():
        torch.testing.assert_close(state(cut)[name], tensor, rtol=1e-4, atol=1e-6)
    moved = [p.detach() - was for p, was in zip(whole.trainable["discriminator"], before, strict=True)]
    assert stats["gradient_d"] > 1e-2
    assert torch.cat([each.flatten() for each in moved]).norm().item() == pytest.approx(1e-2, rel=1e-3)


# ----------------------------------------------------------------------------
# Terms.


def test_each_term_is_measured_under_its_name(make):
    gan, batches = make({"reg": "toy-means,toy-r1,toy-code", "arch": "toy"})
    stats = run(gan, batches, range(1))
    assert stats.keys() == {
        "loss_d", "real", "fake", "reg.toy-means/d", "reg.toy-r1/d", "loss_g", "reg.toy-means/g", "reg.toy-code/g",
    }  # fmt: skip


@pytest.mark.parametrize("update", STEPS)
def test_a_term_of_g_reads_reals_in_every_order_with_a_loss_that_does_not(make, update):
    gan, batches = make({"reg": "toy-reals", "train.update": update, "train.conditional": True})
    steps = []
    term = gan.regularizers["toy-reals"].generator
    gan.regularizers["toy-reals"].generator = lambda step: (steps.append(step), term(step))[1]
    run(gan, batches, range(1))
    (step,) = steps
    assert len(step.real) == len(step.fake) == 16
    values = ((step.real[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(step.labels, values % 2)  # a row's label is that of its real sample


@pytest.mark.parametrize(("name", "network"), [("toy-code", "generator"), ("toy-rotation", "discriminator")])
def test_the_parameters_of_a_term_are_trained_with_their_network_alone(make, name, network):
    gan, batches = make({"reg": name})
    head, seen = gan.regularizers[name].head, []
    for update, at in ((update_discriminator, ()), (update_generator, (0,))):
        before = head.weight.detach().clone()
        update(gan, batches, 16, *at)
        seen.append(not torch.equal(before, head.weight))
    assert seen == [network == "discriminator", network == "generator"]
    assert any(parameter is head.weight for parameter in gan.optimizers[network].parameters)
    assert f"reg.{name}/head.weight" in gan.state()[0]
    assert not any("head" in key for key in gan.ema.network.state_dict())


def test_a_term_that_learns_must_be_a_module(make, monkeypatch):
    monkeypatch.setattr(toy_terms, "Code", toy_terms.Reals)
    with pytest.raises(GanzooError, match=r"'toy-code' says learns='generator' and is not a torch\.nn\.Module"):
        make({"reg": "toy-code"})


def test_a_frozen_network_of_a_term_is_in_no_optimizer_and_no_checkpoint(make):
    gan, batches = make({"reg": "toy-perceptual"})
    assert run(gan, batches, range(1))["reg.toy-perceptual/g"] > 0
    held = gan.regularizers["toy-perceptual"].look.network.layer.weight
    assert not held.requires_grad
    assert not any(parameter is held for each in gan.optimizers.values() for parameter in each.parameters)
    assert not any("perceptual" in name for name in gan.state()[0])


def test_an_extractor_is_asked_for_by_name():
    found = extractor("toy-pixels", DataInfo(shape=(1, 4, 4)))
    x = torch.randn(2, 1, 4, 4, requires_grad=True)
    found(x)["features"].sum().backward()
    assert x.grad.abs().sum() > 0
    assert not list(found.parameters())
    assert found.double()(x.double())["features"].dtype == torch.float64
    torch.manual_seed(1)
    again = extractor("toy-pixels", DataInfo(shape=(1, 4, 4)))
    assert hash_network(again.network) == hash_network(found.float().network)
    with pytest.raises(UsageError, match="'toy-function' is not a network, so gradients cannot flow through it"):
        extractor("toy-function", DataInfo(shape=(1, 4, 4)))
    with pytest.raises(UsageError, match="'toy-prepared' must be trained on the data before it is used"):
        extractor("toy-prepared", DataInfo(shape=(1, 4, 4)))


class Ones(nn.Linear):
    """A linear layer whose weights are all 1."""

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)


def test_frozen_weights_are_named_in_the_recipe_and_a_run_does_not_go_on_with_others(monkeypatch):
    run = ganzoo.train(arch="toy", dataset="toy-array", reg="toy-perceptual", images=32, device="cpu")
    found = extractor("toy-pixels", DataInfo(shape=(1, 4, 4)))
    held = {"reg.toy-perceptual.look": {"name": "toy_terms:toy-pixels", "sha256": hash_network(found.network)}}
    assert run.recipe()["frozen"] == read_config(run.package).recipe["frozen"] == held
    assert find_frozen({"reg.it": SimpleNamespace(net=nn.Sequential(found), other=3)}).keys() == {"reg.it.net.0"}
    assert "frozen" not in ganzoo.train(arch="toy", dataset="toy-array", images=16, device="cpu").recipe()
    ganzoo.train(resume=run, images=48, device="cpu")
    monkeypatch.setattr(nn, "Linear", Ones)
    with pytest.raises(UsageError, match=r"reg\.toy-perceptual\.look \(toy_terms:toy-pixels\) has other weights than"):
        ganzoo.train(resume=run, images=64, device="cpu")


def test_terms_have_intervals_of_their_own(make):
    settings = {"reg": "toy-r1,toy-means", "train.g_reg_interval": 3}
    gan, batches = make(settings | {"reg.toy-r1.interval": 2})
    seen = [sorted(key for key in run(gan, batches, range(n, n + 1)) if key.startswith("reg")) for n in range(4)]
    means = "reg.toy-means/d"
    assert [means in each for each in seen] == [True] * 4
    assert ["reg.toy-r1/d" in each for each in seen] == [True, False, True, False]
    assert ["reg.toy-means/g" in each for each in seen] == [True, False, False, True]
    with pytest.raises(UsageError, match=r"toy-r1\.interval=2, reg\.toy-means\.interval=4.*: give them the same, or 1"):
        make(settings | {"reg.toy-r1.interval": 2, "reg.toy-means.interval": 4})


# ----------------------------------------------------------------------------
# Starts and weights of the adversarial term and of D.


@pytest.mark.parametrize("update", STEPS)
def test_d_and_its_term_start_at_their_settings(make, update):
    gan, batches = make(
        {"train.d_start": 32, "train.adversarial_start": 64, "train.update": update, "reg": "toy-code,toy-features",
         "arch.answer": "output"}
    )  # fmt: skip
    first, asked = gan.discriminator.one.weight.detach().clone(), []
    gan.discriminator.register_forward_hook(lambda *_: asked.append(1))
    for number in range(6):
        asked.clear()
        stats = run(gan, batches, range(number, number + 1))
        assert bool(asked) == ("loss_d" in stats) == (number >= 2)
        assert ("loss_g" in stats) == ("reg.toy-features/g" in stats) == (number >= 4)
        assert "reg.toy-code/g" in stats
        assert torch.equal(gan.discriminator.one.weight, first) == (number < 2)


def test_a_run_whose_parts_start_later_resumes_like_one_that_was_not_stopped():
    lines = []
    listener = SimpleNamespace(
        note=lambda event: lines.append(event.line), tick=lambda event: describe_tick(event.row, event.total)
    )
    settings = {
        "train.d_start": 160, "train.adversarial_start": 320, "reg": "toy-code", "train.checkpoint_every": 240,
        "train.keep": 9, "train.execution": "eager",
    }  # fmt: skip
    run = ganzoo.train(arch="toy", dataset="toy-array", images=640, options=settings, device="cpu", listener=listener)
    assert not [line for line in lines if "failed" in line]
    torn = Run(shutil.copytree(run.path, run.path.with_name("0001-torn")))
    for path in torn.checkpoints[-2:]:
        path.unlink()
    assert torn.images == 240
    ganzoo.train(resume=torn, device="cpu")
    wanted, got = (checkpoint.load(each.checkpoints[-1])[0] for each in (run, torn))
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


@pytest.mark.parametrize("update", STEPS)
def test_with_scaled_losses_g_waits_for_d_as_well(make, update):
    gan, batches = make({"train.precision": "fp16", "train.d_start": 16, "train.update": update})
    before = gan.generator.net[0].weight.detach().clone()
    assert run(gan, batches, range(1)) == {}
    assert torch.equal(gan.generator.net[0].weight, before)
    assert "loss_g" in run(gan, batches, range(1, 3))
    assert not torch.equal(gan.generator.net[0].weight, before)


def test_a_term_that_fails_before_d_starts_is_named(make):
    gan, batches = make({"train.d_start": 32, "reg": "toy-reals"})
    with pytest.raises(GanzooError, match=r"'toy-reals' failed before train\.d_start .*fake_output is None: TypeError"):
        run(gan, batches, range(1))


def test_the_adversarial_weight_multiplies_the_gradient_and_not_the_statistic(make):
    moved, losses = [], []
    for weight in ("1", "0.25", "linear(0.25, 0, images=64)"):
        gan, batches = make({"train.adversarial_weight": weight, "optim.g.name": "sgd", "optim.g.lr": 1.0})
        before = gan.generator.net[-1].bias.detach().clone()
        losses.append(update_generator(gan, batches, 32 if "linear" in weight else 16, 0)["loss_g"].item())
        moved.append((gan.generator.net[-1].bias.detach() - before).norm().item())
    assert moved[1] == pytest.approx(moved[0] / 4, rel=1e-5)
    assert 0 < moved[2] < moved[1]
    assert losses[0] == losses[1]


# ----------------------------------------------------------------------------
# Networks with further outputs.


def test_the_losses_of_a_generator_output_are_added_to_its_loss(make):
    settings = {"arch": "toy-saying", "arch.answer": "list", "optim.g.name": "sgd", "optim.g.lr": 0.1}
    gan, batches = make(settings | {"train.adversarial_weight": 0})
    stats = run(gan, batches, range(4))
    assert {"generator/commitment", "generator/kl"} <= stats.keys()
    assert run(gan, batches, range(4, 12))["generator/commitment"] < stats["generator/commitment"]


def test_members_of_a_list_are_weighted(make):
    gan, batches = make({"arch": "toy-saying", "arch.answer": "list"})
    (part,) = map(batches.finish, batches.discriminator(0))
    real, fake = (gan.discriminate(x, None) for x in (part.real, part.real * 0))
    each = [
        gan.member_loss("discriminator", *pair)
        for pair in zip(*(toy_terms.logits(o) for o in (real, fake)), strict=True)
    ]
    torch.testing.assert_close(gan.adversarial_loss("discriminator", real, fake), each[0] + each[1] / 4)
    assert real.embedding.shape == (16, 16)


def test_a_packed_discriminator_has_one_output_for_several_samples(make):
    gan, batches = make({"arch": "toy-packed"})
    assert toy_terms.logits(gan.discriminate(batches.finish(next(batches.discriminator(0))).real, None))[0].shape == (
        8,
        1,
    )
    assert run(gan, batches, range(2))["loss_d"] > 0


# ----------------------------------------------------------------------------
# Published models, and runs that start from them.


def test_a_discriminator_is_rebuilt_with_its_preparation(make, tmp_path: Path):
    gan, batches = make({"reg": "toy-spectral"})
    run(gan, batches, range(2))
    assert gan.regularizers["toy-spectral"].steps == 2
    package.write(tmp_path / "model", package.make_contents(gan.recipe, gan.data, gan.averaged_networks, 32, []))
    planned = planning.make_plan(read_config(tmp_path / "model"), registry(), "model")
    weights = package.read_weights(tmp_path / "model", planned, DISCRIMINATOR)
    assert any("parametrizations" in name for name in weights)
    again, _ = make({"reg": "toy-spectral", "train.seed": 1})
    assert "and its discriminator" in load_initial_weights(again, tmp_path / "model", "model")
    wanted = gan.discriminator.state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in again.discriminator.state_dict().items())
    other, _ = make()
    line = load_initial_weights(other, tmp_path / "model", "model")
    assert "without its discriminator, which does not fit (tensor" in line
    assert "one.parametrizations" in line
    assert line.endswith("D starts from random weights")


def test_only_d_may_be_prepared(make, monkeypatch):
    spectral = torch.nn.utils.parametrizations.spectral_norm
    monkeypatch.setattr(toy_terms.Spectral, "prepare", lambda self, networks: spectral(networks.generator.net[0]))
    with pytest.raises(GanzooError, match="'toy-spectral' changed the structure of the generator"):
        make({"reg": "toy-spectral"})


def make_step(gan: Any, batches: Any) -> Step:
    """Return the step of an update of G."""
    update_generator(gan, batches, 16, 0)
    return gan.regularizers["toy-means"].steps[-1]


def test_further_samples_need_labels_of_their_own(make):
    step = make_step(*make({"train.conditional": True, "reg": "toy-means"}))
    with pytest.raises(ValueError, match=r"D takes labels: give those of these 4 samples"):
        step.discriminate(step.fake_seen[:4])
    assert len(toy_terms.logits(step.discriminate(step.fake_seen[:4], step.labels[:4]))[0]) == 4


def test_a_known_output_is_reused_only_for_the_same_labels(make):
    step = make_step(*make({"train.conditional": True, "reg": "toy-means"}))
    assert step.discriminate(step.fake_seen, float32=True) is step.fake_output
    assert step.discriminate(step.fake_seen, step.labels, float32=True) is step.fake_output
    exact, usual = (step.discriminate(step.fake_seen, 1 - step.labels, float32=each).logits for each in (True, False))
    assert torch.equal(exact, usual)
    assert not torch.equal(exact, step.fake_output.logits)
