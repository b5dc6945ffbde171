"""Denoisers as generators of one step: scales, terms and predictions in closed form, trainings, what users type."""

from __future__ import annotations

import math
import shutil
import signal
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import ganzoo
import toy_diffusion as toy
from crashing import die, in_child
from ganzoo.engine import checkpoint, rounds
from ganzoo.engine.forward import discriminate, discriminate_float32
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import register, registry

denoisers, networks, options, distillation, denoising = (
    import_module(f"ganzoo_diffusion.{name}")
    for name in ("denoisers", "one_step", "options", "distillation", "denoising")
)
IMAGES = DataInfo(shape=(1, 8, 8))
TINY = {"width": 8, "multipliers": (1, 2), "width_d": 4}


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def build(data=IMAGES, **values):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", "one-step", data=data, **{**TINY, **values})


class GaussianDenoiser(nn.Module):
    """The best denoiser of samples with the distribution N(mean, std^2 I): their posterior mean."""

    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x, sigma, labels=None):
        sigma = sigma.view(-1, 1, 1, 1)
        found = (self.std**2 * x + sigma**2 * self.mean) / (self.std**2 + sigma**2)
        return denoisers.Denoised(found, [])


# ----------------------------------------------------------------------------
# The denoiser.


@pytest.mark.parametrize("sigma_data", [0.5, 0.7])
def test_the_scales_are_those_that_the_paper_derives(sigma_data):
    """Input and target have the variance 1, the network's errors count least, and all levels count alike (B.6)."""
    sigma = torch.tensor([1e-3, 0.1, 0.5, 3.0, 80.0], dtype=torch.float64)
    scales = denoisers.compute_scales(sigma, sigma_data)
    one = torch.ones_like(sigma)

    def compute_variance(skip, out):  # of (y - skip (y + sigma e)) / out
        return ((1 - skip) ** 2 * sigma_data**2 + skip**2 * sigma**2) / out**2

    torch.testing.assert_close(scales.into**2 * (sigma**2 + sigma_data**2), one)
    torch.testing.assert_close(compute_variance(scales.skip, scales.out), one)
    for moved in (scales.skip + 1e-3, scales.skip - 1e-3):
        assert (compute_variance(moved, one) > compute_variance(scales.skip, one)).all()
    torch.testing.assert_close(scales.weight * scales.out**2, one)
    assert scales.noise.tolist() == pytest.approx([math.log(level) / 4 for level in sigma.tolist()])


def test_the_scales_enclose_the_network():
    network = denoisers.PreconditionedUNet(1, 0, options.OneStepOptions(**{**TINY, "width_d": 1})).double()
    nn.init.normal_(network.unet.last.weight)
    x, sigma = draw(3, 1, 8, 8), torch.tensor([0.2, 0.5, 4.0], dtype=torch.float64)
    for n, level in enumerate(sigma.tolist()):
        inner, _ = network.unet(x[n : n + 1] / math.sqrt(level**2 + 0.25), sigma[n : n + 1].log() / 4, None)
        expected = 0.25 / (level**2 + 0.25) * x[n : n + 1] + level * 0.5 / math.sqrt(level**2 + 0.25) * inner
        torch.testing.assert_close(network(x, sigma).samples[n : n + 1], expected)
    assert [each.shape[1] for each in network(x, sigma).maps] == list(network.widths) == [16, 16, 8]


def test_a_generator_denoises_nothing_but_noise():
    generator = build(sigma_max=7.0).generator.eval()
    nn.init.normal_(generator.denoiser.unet.last.weight)
    z = draw(2, 64, dtype=torch.float32)
    expected = generator.denoiser(7 * z.view(2, 1, 8, 8), torch.full((2,), 7.0)).samples
    assert torch.equal(generator(z), expected)


def test_weights_that_were_loaded_are_not_replaced_by_those_of_the_denoiser():
    def fill(denoiser):
        for parameter in denoiser.parameters():
            nn.init.constant_(parameter, 0.25)

    kept, fresh = (networks.OneStep(toy.ToyDenoiser(), (2, 1, 1), fill) for _ in range(2))
    kept.load_state_dict(kept.state_dict())
    for generator, changes in ((kept, False), (fresh, True)):
        before = generator.denoiser.last.weight.clone()
        generator(torch.zeros(1, 2, device="cpu"))
        assert torch.equal(before, generator.denoiser.last.weight) != changes


# ----------------------------------------------------------------------------
# The discriminator.


def test_noise_is_drawn_anew_except_where_the_engine_takes_finite_differences():
    judge, x = build().discriminator, draw(4, 1, 8, 8, dtype=torch.float32)

    def differ(call):
        one, two = (torch.cat([each.flatten(1) for each in call(judge, x, None, "fp32").logits], 1) for _ in range(2))
        return not torch.equal(one, two)

    assert differ(discriminate)
    assert not differ(discriminate_float32)
    assert judge.noise.training
    judge.eval()
    assert not differ(discriminate)


def test_levels_are_log_normal():
    levels = networks.draw_levels(torch.zeros(200_000, 1, dtype=torch.float64), 0.5, 0.8).log()
    assert (float(levels.mean()), float(levels.std())) == pytest.approx((0.5, 0.8), abs=0.01)


# ----------------------------------------------------------------------------
# Terms.


def take_step(x, backbone, **more):
    judge = SimpleNamespace(backbone=backbone)
    return SimpleNamespace(fake=x, discriminator=judge, labels=None, compute=lambda part, *given: part(*given), **more)


@pytest.mark.parametrize("weighting", ["exponential", "sds", "uniform"])
def test_the_gradient_of_distillation_is_that_of_gaussian_data_in_closed_form(weighting):
    mean, std, x = 0.3, 0.6, draw(5, 2, 3, 3).requires_grad_()
    term = distillation.Distillation(
        options.DistillationOptions(weight=1.7, weighting=weighting, noise_mean=-0.2), IMAGES
    )
    torch.manual_seed(3)
    (found,) = torch.autograd.grad(term.generator(take_step(x, GaussianDenoiser(mean, std))), x)
    torch.manual_seed(3)
    sigma = networks.draw_levels(x, -0.2, 1.0).view(-1, 1, 1, 1)
    noise, share = torch.randn_like(x), (1 + sigma**2).rsqrt()
    scale = 1.7 / len(x) / x[0].numel()
    far = (sigma**2 * (x - mean) - std**2 * sigma * noise) / (std**2 + sigma**2)  # x - D(x + sigma e)
    if weighting == "sds":
        seen = (share * (x + sigma * noise) - share * (x - far)) / (1 - share**2).sqrt()  # e' from x_t = a x_0 + s e'
        expected = scale * (1 - share**2) * (seen - noise)
        torch.testing.assert_close(seen, (x + sigma * noise - (x - far)) / sigma)
    else:
        expected = scale * 2 * far * (share if weighting == "exponential" else 1)
    torch.testing.assert_close(found, expected.detach())


def test_samples_with_the_mean_of_gaussian_data_and_no_noise_stay_where_they_are():
    x = torch.full((4, 1, 2, 2), 0.3, dtype=torch.float64, requires_grad=True)
    term = distillation.Distillation(options.DistillationOptions(noise_mean=-10, noise_std=0), IMAGES)
    (slope,) = torch.autograd.grad(term.generator(take_step(x, GaussianDenoiser(0.3, 0.6))), x)
    assert slope.abs().max() < 1e-4


def test_the_loss_of_the_best_denoiser_is_the_share_of_what_noise_hides():
    """At a level of sigma the loss is lambda std^2 sigma^2 / (std^2 + sigma^2), which is 1 for std = sigma_data."""
    y = (0.3 + 0.5 * draw(100_000, 1, 1, 1)).requires_grad_()
    best = GaussianDenoiser(0.3, 0.5)
    generator = SimpleNamespace(denoise=lambda *given: best(*given).samples, denoiser=SimpleNamespace(sigma_data=0.5))
    torch.manual_seed(0)
    found = denoising.Denoising(options.DenoisingOptions(), IMAGES).generator(
        take_step(y, best, real=y, generator=generator)
    )
    assert float(found) == pytest.approx(1, rel=0.02)
    with pytest.raises(ValueError, match="needs real samples"):
        denoising.Denoising(options.DenoisingOptions(), IMAGES).generator(take_step(y, best, real=None))


# ----------------------------------------------------------------------------
# Trainings.


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clusters(folder):
    """Have the toy denoiser and its data installed."""
    registry.cache_clear()
    register(toy)
    yield folder
    registry.cache_clear()


SETTINGS = {"train.execution": "eager", "train.threads": 1, "train.batch": 4, "train.checkpoint_every": 8}
SMALL = {**SETTINGS, **{f"arch.{name}": value for name, value in TINY.items()}, "dataset.size": 8}


def train(arch="one-step", images=8, reg="distillation", dataset="digits", **more):
    return ganzoo.train(arch=arch, dataset=dataset, images=images, reg=reg, options=more, device="cpu", progress=False)


def train_first(**more):
    return train(reg="denoising", **{**SMALL, "train.d_start": 8, **more})


def load_state(run):
    return checkpoint.load(run.checkpoints[-1])[0]


def test_a_denoiser_is_found_by_its_run_and_gives_the_second_its_networks(folder):
    first = train_first(**{"arch.width": 16})
    second = train(**{**SETTINGS, "dataset.size": 8, "arch.denoiser": "0", "arch.width_d": 4})
    recipe, trained = second.recipe(), ganzoo.load(first.path).network.denoiser
    stored = recipe["arch"]["options"]
    assert (stored["width"], stored["denoiser"]) == (16, str(first.path.resolve()))
    assert recipe["frozen"]["discriminator.backbone"]["name"] == f"denoiser {first.path.name}"
    assert len(recipe["frozen"]["discriminator.backbone"]["sha256"]) == 64
    assert not any("backbone" in name for name in load_state(second))
    shutil.move(first.path, folder / "away")
    model = ganzoo.load(second.path)  # needs no denoiser
    before, after = (dict(each.named_parameters()) for each in (trained, model.network.denoiser))
    near = max(float((before[name] - after[name]).abs().max()) for name in before)
    assert 0 < near < 0.01  # it started from the weights of the denoiser
    with pytest.raises(GanzooError, match=r"arch.denoiser: '.*' is neither a run nor a folder: .*--reg denoising"):
        ganzoo.train(resume=second.path, images=16, progress=False)


def test_a_killed_run_goes_on_bit_for_bit(folder):
    train_first()
    settings = {**SMALL, "arch.denoiser": "0"}
    whole, update = train(images=24, **settings), rounds.update_generator

    def die_in_the_fifth_update():
        left = iter(range(4))
        rounds.update_generator = lambda *given: die() if next(left, None) is None else update(*given)
        train(images=24, **settings)

    assert in_child(die_in_the_fifth_update) == -signal.SIGKILL
    one, two = load_state(whole), load_state(ganzoo.train(resume="2", progress=False))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name].numpy().tobytes() != two[name].numpy().tobytes()] == []
    assert "reg.distillation/g" in whole.rows()[-1]


def test_the_denoiser_is_frozen_and_only_heads_learn(clusters):
    denoiser = toy.ToyDenoiser()
    save_file(denoiser.state_dict(), "toy.safetensors")
    given = {"arch.denoiser": "toy.safetensors", **SETTINGS, "arch.width_d": 4}
    recipe = resolve(
        registry(),
        pairs={"arch": "toy-denoiser", "dataset": "toy-clusters", "loss": "hinge", "reg": "distillation", **given},
    )
    pair = recipe.arch.build(toy.DATA)
    judge, x = pair.discriminator, draw(4, 2, 1, 1, dtype=torch.float32)
    judge(x)
    frozen = judge.backbone.network
    assert all(torch.equal(one, two) for one, two in zip(denoiser.parameters(), frozen.parameters(), strict=True))
    assert {name.partition(".")[0] for name, _ in judge.named_parameters()} == {"heads"}
    fake = pair.generator(draw(4, 2, dtype=torch.float32))
    step = take_step(fake, judge.backbone)
    loss = sum(each.sum() for each in judge(fake)) + recipe.reg[0].build(toy.DATA).generator(step)
    loss.backward()
    assert all(parameter.grad is None for parameter in frozen.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in pair.generator.parameters())


@pytest.mark.slow
def test_one_step_of_a_trained_generator_is_nearer_to_the_data_than_one_of_its_denoiser(clusters):
    """The measure is the RMS distance to the nearest of four centres. That of the data is 0.28."""
    denoiser = toy.train_denoiser()
    save_file(denoiser.state_dict(), "toy.safetensors")
    z = draw(1000, 2, dtype=torch.float32)
    one, many = (toy.measure_distance(toy.sample_in_steps(denoiser, z, steps)) for steps in (1, 20))
    settings = {
        **SETTINGS, "arch.denoiser": "toy.safetensors", "arch.width_d": 32, "train.batch": 128,
        "train.checkpoint_every": 128 * 160,
        "optim.g.lr": 5e-3, "optim.d.lr": 1e-2, "train.ema_half_life": 1280, "reg.distillation.weight": 0.5,
    }  # fmt: skip
    run = train("toy-denoiser", 128 * 160, dataset="toy-clusters", loss="hinge", **settings)
    trained = toy.measure_distance(ganzoo.load(run.path)(z))
    assert one[0] > 0.8
    assert many[0] < 0.55
    assert trained[0] < 0.6
    assert trained[1].min() > 0.08  # of each cluster


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"arch.denoiser": "nope"},
            r"arch.denoiser: 'nope' is neither a run nor a folder: give a run of --arch one",
        ),
        ({"arch.denoiser": "stored"}, r"stored is a folder of diffusers: use --arch one-step-diffusers"),
        ({"arch.denoiser": "1"}, r"0001-mlp\S* is not a model of --arch one-step: give a run that --reg denoising"),
        ({"arch.denoiser": "0", "dataset.size": 16}, r"makes images of 8x8 pixels, .* are 16x16: add dataset.size=8"),
        ({"arch.denoiser": "0", "train.conditional": True}, r"has 0 classes, and the run has 10: remove --conditional"),
        ({"arch.denoiser": "0", "arch.blocks": 2}, r"arch.blocks=2 is not that of arch.denoiser=0: remove arch.blocks"),
        ({"arch.multipliers": (1, 2, 2, 2, 2)}, r"are 8x8; with 5 levels sides must be multiples of 16"),
        ({"reg": "distillation"}, r"frozen-denoiser"),
    ],
)
def test_what_cannot_be_a_denoiser_is_one_sentence(runs, given, text):
    with pytest.raises(GanzooError, match=text) as caught:
        train(reg=given.pop("reg", "none"), **{**SMALL, **given})
    assert "\n" not in str(caught.value)


@pytest.fixture
def runs(folder):
    """Have a run of a denoiser and one of something else, and a folder of diffusers."""
    train_first()
    train("mlp", reg="none", dataset="points", **SETTINGS)
    (folder / "stored" / "unet").mkdir(parents=True)
