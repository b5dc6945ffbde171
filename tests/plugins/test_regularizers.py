"""The penalties against closed forms, finite differences and each other, by hand and through the engine."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import softplus

import ganzoo_regularizers
from ganzoo.compute.streams import Streams
from ganzoo.data.opening import open_source
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.update import update_discriminator
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

SPECS = {spec.name: spec for spec in ganzoo_regularizers.ganzoo_regularizers()}
NAMES = ["r1", "r2", "wgan-gp"]
DATA = DataInfo(shape=(2,), modality="points")
MODES = ["exact", "fd"]
EACH = [pytest.param(name, mode, id=f"{name}-{mode}") for name in NAMES for mode in MODES]
W = (3.0, 4.0)


def make(name, **options):
    module, _, attribute = SPECS[name].factory.partition(":")
    return getattr(import_module(module), attribute)(
        SPECS[name].options(**options), DataInfo(shape=(2,), modality="points")
    )


class Linear(nn.Module):
    """D(x) = w x + b."""

    def __init__(self, *w, b=0.5):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(b, dtype=torch.float64))

    def forward(self, x):
        return x.flatten(1) @ self.w + self.b


def smooth(seed=0):
    """A D of two layers that is smooth in its inputs ``[N, 3]`` and in its parameters."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def output(answer):
    return answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)


def step(D, real, fake=None, seen=lambda x: x, discriminate=None):
    """Return the step of D's update, with `seen` as the augmentation."""
    real = real.detach().clone().requires_grad_()
    fake = (real if fake is None else fake).detach().clone().requires_grad_()
    real_seen, fake_seen = seen(real), seen(fake)
    return Step(
        generator=nn.Identity(), discriminator=D, z=torch.zeros(len(real), 1), labels=None,
        real=real, fake=fake, real_seen=real_seen, fake_seen=fake_seen,
        real_output=output(D(real_seen)), fake_output=output(D(fake_seen)),
        discriminate=discriminate or (lambda samples, labels=None, float32=False: output(D(samples))),
        average=nn.Identity(), images=torch.zeros(()), generate=None, augment=seen, mean=lambda tensor: tensor,
        compute=lambda part, *inputs: part(*inputs), adversarial_loss=None,
    )  # fmt: skip


def normal(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gradients(term, D):
    return torch.autograd.grad(term, list(D.parameters()))


def strength(name):
    return "weight" if name == "wgan-gp" else "gamma"


def test_specs():
    assert SPECS["wgan-gp"].aliases == ("gp",)
    assert SPECS["wgan-gp"].refuses == ("batchnorm-in-d",)
    for name in NAMES:
        asked = SPECS[name].input_gradients
        assert [asked(SPECS[name].options(mode=mode)) for mode in MODES] == [True, False]
    assert not any(hasattr(make(name), "generator") for name in NAMES)


# ----------------------------------------------------------------------------
# Closed forms. Linear D, |w| = 5.


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_zero_centred_penalty_of_a_linear_discriminator(name, batch, seed):
    D = Linear(*W)
    term = make(name, gamma=10.0).discriminator(step(D, normal(batch, 2, 1, 1, seed=seed)))
    w, b = torch.autograd.grad(term, [D.w, D.b], materialize_grads=True, allow_unused=True)
    assert term.shape == ()
    assert term.item() == pytest.approx(125.0, abs=1e-9)
    assert w.tolist() == pytest.approx([30.0, 40.0], abs=1e-9)
    assert b.item() == 0


def test_r1_reads_reals_and_r2_reads_fakes():
    def square(x):
        return (x**2).sum(1) / 2  # its gradient is x

    seen = step(square, torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0]]))
    assert make("r1", gamma=2.0).discriminator(seen).item() == 25
    assert make("r2", gamma=2.0).discriminator(seen).item() == 100


def test_r1_of_a_quadratic_discriminator():
    A = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    seen = step(lambda x: ((x @ A) * x).sum(1) / 2, x)
    assert make("r1", gamma=3.0).discriminator(seen).item() == pytest.approx(1.5 * 40 / 3, abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("w", "target", "value", "slope"),
    [
        (W, 1.0, 160.0, [48.0, 64.0]),
        ((0.6, 0.8), 1.0, 0.0, [0.0, 0.0]),
        (W, 0.0, 250.0, [60.0, 80.0]),
        ((0.0, 0.0), 1.0, 10.0, [0.0, 0.0]),
    ],
)
def test_wgan_gp_of_a_linear_discriminator(mode, w, target, value, slope):
    D = Linear(*w)
    term = make("wgan-gp", target=target, mode=mode).discriminator(step(D, normal(8, 2), normal(8, 2, seed=1)))
    assert term.item() == pytest.approx(value, abs=1e-8)
    assert torch.autograd.grad(term, D.w)[0].tolist() == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("mode", MODES)
def test_wgan_gp_samples_between_real_and_fake(mode):
    """D(x) = x^2 has slope 2 x, so that E (2 eps - 1)^2 = 1 / 3."""
    real = torch.ones(100_000, 1, dtype=torch.float64)
    torch.manual_seed(0)
    term = make("wgan-gp", mode=mode).discriminator(step(lambda x: x[:, 0] ** 2, real, torch.zeros_like(real)))
    assert term.item() == pytest.approx(10 / 3, abs=0.05)


@pytest.mark.parametrize("mode", MODES)
def test_wgan_gp_draws_one_point_for_each_seen_sample(mode):
    asked_of = []

    def discriminate(samples, labels=None, float32=False):
        asked_of.append((samples, float32))
        return output(samples.flatten(1).sum(1))

    real = torch.ones(64, 3, 4, 4)
    seen = step(lambda x: x.flatten(1).sum(1), real, torch.zeros_like(real), lambda x: 2 * x + 5, discriminate)
    make("wgan-gp", mode=mode).discriminator(seen)
    (between, float32), *others = asked_of
    assert float32 == (mode == "fd")
    assert between.is_leaf
    points = between.detach().flatten(1)
    assert (points == points[:, :1]).all()
    assert (points.min() - 5, points.max() - 7) == (pytest.approx(0, abs=0.2), pytest.approx(0, abs=0.2))
    assert len(points[:, 0].unique()) == 64
    assert [float32 for _, float32 in others] == ([True, True] if mode == "fd" else [])


# ----------------------------------------------------------------------------
# Finite differences in random directions: the exact penalty in expectation.


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_random_directions_average_to_the_gradient(name):
    D = Linear(*W)
    torch.manual_seed(0)
    term = make(name, gamma=2.0, mode="fd").discriminator(step(D, torch.ones(400_000, 2, dtype=torch.float64)))
    w, b = torch.autograd.grad(term, [D.w, D.b])
    assert term.item() == pytest.approx(25.0, rel=0.01)
    assert w.tolist() == pytest.approx([6.0, 8.0], rel=0.01)
    assert b.item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_random_directions_agree_with_the_exact_penalty_on_a_smooth_discriminator(name):
    D, x = smooth(), normal(4, 3).repeat(50_000, 1)
    exact = make(name).discriminator(step(D, x[:4]))
    torch.manual_seed(0)
    fd = make(name, mode="fd").discriminator(step(D, x))
    assert fd.item() == pytest.approx(exact.item(), rel=0.02)
    wanted, got = (torch.cat([g.flatten() for g in gradients(term, slopes_by(D))]) for term in (exact, fd))
    assert (got - wanted).norm() < 0.02 * wanted.norm()


def slopes_by(D):
    """D's parameters but its last bias, on which its slopes do not depend."""
    return nn.ParameterList(list(D.parameters())[:-1])


def test_wgan_gp_by_finite_differences_is_the_exact_one():
    D, real, fake = smooth(), normal(64, 3), normal(64, 3, seed=1)
    terms = []
    for mode in MODES:
        torch.manual_seed(3)
        terms.append(make("wgan-gp", mode=mode).discriminator(step(D, real, fake)))
    assert terms[1].item() == pytest.approx(terms[0].item(), rel=1e-4)
    wanted, got = (torch.cat([g.flatten() for g in gradients(term, slopes_by(D))]) for term in terms)
    assert (got - wanted).norm() < 1e-4 * wanted.norm()


@pytest.mark.parametrize("name", NAMES)
def test_only_the_exact_mode_needs_a_second_derivative(name):
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            x, w = ctx.saved_tensors
            return grad[:, None] * w, x.T @ grad

    w = torch.tensor(W, requires_grad=True)
    seen = step(lambda x: Once.apply(x, w).square(), torch.ones(4, 2))
    make(name, mode="fd").discriminator(seen).backward(retain_graph=True)
    assert w.grad.isfinite().all()
    assert w.grad.abs().min() > 0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        make(name).discriminator(seen).backward()


# ----------------------------------------------------------------------------
# What holds for all of them.


@pytest.mark.parametrize(("name", "mode"), EACH)
def test_gradients_match_finite_differences_of_the_parameters(name, mode):
    D, real, fake = smooth(), normal(6, 3), normal(6, 3, seed=1)
    penalty = make(name, mode=mode, sigma=1e-3)

    def value():
        torch.manual_seed(5)
        return penalty.discriminator(step(D, real, fake))

    free = slopes_by(D)
    for parameter, slope in zip(free.parameters(), gradients(value(), free), strict=True):
        for index in range(parameter.numel()):
            sides = []
            for side in (1e-5, -2e-5):
                with torch.no_grad():
                    parameter.view(-1)[index] += side
                sides.append(value().item())
            with torch.no_grad():
                parameter.view(-1)[index] += 1e-5
            assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(slope.flatten()[index].item(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("name", "mode"), EACH)
def test_a_scheduled_weight_is_read_at_each_update(name, mode):
    weight = torch.tensor(1.0, requires_grad=True)
    penalty, D = make(name, mode=mode, **{strength(name): weight}), Linear(*W)

    def value():
        torch.manual_seed(0)
        return penalty.discriminator(step(D, normal(4, 2)))

    one = value()
    assert torch.autograd.grad(one, weight)[0].item() == pytest.approx(one.item(), rel=1e-6)  # never made a number
    weight.data.fill_(3.0)
    assert value().item() == pytest.approx(3 * one.item(), rel=1e-9)
    weight.data.zero_()
    assert gradients(value(), nn.ParameterList([D.w]))[0].tolist() == [0, 0]


@pytest.mark.parametrize(("name", "mode"), EACH)
def test_the_seed_determines_the_penalty(name, mode):
    D, real, fake = smooth(), normal(6, 3), normal(6, 3, seed=1)
    values = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        values.append(make(name, mode=mode).discriminator(step(D, real, fake)).item())
    assert values[0] == values[1]
    draws = name == "wgan-gp" or mode == "fd"
    assert (values[0] == values[2]) != draws


@pytest.mark.parametrize(("name", "mode"), EACH)
def test_no_grad_is_left_behind(name, mode):
    D = smooth()
    seen = step(D, normal(6, 3), normal(6, 3, seed=1))
    make(name, mode=mode).discriminator(seen)
    assert [tensor.grad for tensor in (seen.real, seen.fake, *D.parameters())] == [None] * (2 + 4)


@pytest.mark.parametrize(("name", "mode"), EACH)
@pytest.mark.parametrize("form", ["patches", "list", "output"])
def test_patches_and_scales_of_a_sample_add_up(name, mode, form):
    """Each answer below sums to w x + b."""

    def answer(x, D):
        logits = D(x)
        if form == "patches":
            return logits[:, None, None, None] * torch.tensor([[0.25, 0.5], [0.5, -0.25]], dtype=torch.float64)
        if form == "list":
            return [logits[:, None] * 0.25, logits, logits[:, None, None, None].expand(-1, 1, 1, 1) * -0.25]
        return DiscriminatorOutput(logits[:, None], features=[x])

    D, values = Linear(*W), []
    for network in (D, lambda x: answer(x, D)):
        torch.manual_seed(0)
        term = make(name, mode=mode).discriminator(step(network, normal(5, 2), normal(5, 2, seed=1)))
        values.append([term.item(), *torch.autograd.grad(term, D.w)[0].tolist()])
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    assert values[0][0] > 1


@pytest.mark.parametrize("name", NAMES)
def test_exact_penalties_of_networks_in_bf16(name):
    torch.manual_seed(0)
    D = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.SiLU(), nn.Flatten())
    D.append(nn.Linear(32, 1))
    real, fake = normal(16, 3, 8, 8).float(), normal(16, 3, 8, 8, seed=1).float()

    def low(x):
        with torch.autocast("cpu", torch.bfloat16):
            return D(x).float()

    values, slopes = [], []
    for network in (D, low):
        torch.manual_seed(0)
        term = make(name).discriminator(step(network, real, fake))
        assert term.dtype == torch.float32
        values.append(term.item())
        slopes.append(torch.cat([g.flatten() for g in gradients(term, slopes_by(D))]))
    assert values[0] != values[1]
    assert values[1] == pytest.approx(values[0], rel=0.03)
    assert (slopes[1] - slopes[0]).norm() < 0.05 * slopes[0].norm()


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_exact_zero_centred_penalties_need_no_forward_and_look_through_augmentation(name):
    def discriminate(samples, labels=None, float32=False):
        raise AssertionError("a forward")

    seen = step(Linear(*W), normal(4, 2), seen=lambda x: 3 * x, discriminate=discriminate)
    assert make(name, gamma=2.0).discriminator(seen).item() == pytest.approx(9 * 25)


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_finite_differences_move_the_seen_samples(name):
    D, asked_of = Linear(*W), []

    def discriminate(samples, labels=None, float32=False):
        asked_of.append((samples, float32))
        return output(D(samples))

    seen = step(D, normal(20_000, 2), seen=lambda x: 3 * x, discriminate=discriminate)
    torch.manual_seed(0)
    term = make(name, gamma=2.0, mode="fd", sigma=0.1).discriminator(seen)
    assert term.item() == pytest.approx(25, rel=0.05)
    (moved, first), (base, second) = asked_of
    before = {"r1": seen.real_seen, "r2": seen.fake_seen}[name]
    assert (first, second) == (True, True)
    assert base is before
    assert (moved - before).std().item() == pytest.approx(0.1, rel=0.02)
    assert not moved.requires_grad


@pytest.mark.parametrize("name", ["r1", "wgan-gp"])
def test_without_real_samples_there_is_no_penalty(name):
    seen = step(Linear(*W), normal(4, 2))
    seen = Step(**{**vars(seen), "real": None, "real_seen": None, "real_output": None})
    with pytest.raises(ValueError, match="of D's update"):
        make(name).discriminator(seen)


# ----------------------------------------------------------------------------
# Through the engine.


@pytest.fixture
def gan_of(toys, tmp_path):
    """Return ``gan_of(settings) -> (gan, batches)`` of the toys, in eager float32 unless they say otherwise."""

    def assembled(settings):
        pairs = {"arch": "toy", "dataset": "toy-array", "train.precision": "fp32", **settings}
        recipe = resolve(registry(), pairs=pairs)
        source = open_source(recipe.dataset.build(), name="toy", key="toy", notify=print, cache=tmp_path)
        gan = assemble(recipe, source.info, torch.device("cpu"))
        return gan, Batches(source, Streams(recipe.train.seed, gan.device), gan)

    return assembled


def all_of(mode):
    return {"reg": ",".join(NAMES), **{f"reg.{name}.mode": mode for name in NAMES}}


class Reseeded:
    """A penalty that draws the same whatever was drawn before it, and keeps its value."""

    def __init__(self, penalty):
        self.penalty = penalty

    def discriminator(self, step):
        torch.manual_seed(0)
        self.value = self.penalty.discriminator(step)
        return self.value


@pytest.mark.parametrize("mode", MODES)
def test_samples_are_augmented_once_and_moved_from_there(gan_of, mode):
    gan, batches = gan_of({**all_of(mode), "aug": "toy-noise", "aug.toy-noise.strength": 1.0})
    noise, seen = gan.augmentations["toy-noise"], []
    gan.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    update_discriminator(gan, batches, 0)
    raw_real, raw_fake = noise.samples
    real, fake, *others = seen
    assert (real - raw_real).std() > 0.8
    assert (fake - raw_fake).std() > 0.8
    if mode == "exact":
        (between,) = others
    else:
        near_real, near_fake, between, ahead, behind = others
        assert (near_real - real).std().item() == pytest.approx(0.01, rel=0.2)
        assert (near_fake - fake).std().item() == pytest.approx(0.01, rel=0.2)
        assert (ahead - behind).flatten(1).norm(dim=1).tolist() == pytest.approx([0.02] * 16, rel=1e-3)
    share = (between - fake) / (real - fake)
    assert torch.allclose(share.flatten(1), share.flatten(1)[:, :1], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences_disable_dropout(gan_of, name):
    values = []
    for dropout in (0.0, 0.5):
        gan, batches = gan_of({"reg": name, f"reg.{name}.mode": "fd"})
        if dropout:
            gan.discriminator.net.append(nn.Dropout(dropout))
        gan.regularizers[name] = Reseeded(gan.regularizers[name])
        update_discriminator(gan, batches, 0)
        values.append(gan.regularizers[name].value.item())
        assert all(module.training for module in gan.discriminator.modules())
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert values[0] > 0


@pytest.mark.parametrize("mode", MODES)
def test_penalties_do_not_change_batchnorm_statistics(gan_of, mode):
    counts = []
    for settings in ({}, all_of(mode)):
        gan, batches = gan_of({"arch.norm": True, **settings})
        update_discriminator(gan, batches, 0)
        counts.append([buffer.tolist() for buffer in gan.discriminator.buffers()])
    assert counts[0] == counts[1]
    assert counts[0][2] == 2


def test_finite_differences_are_computed_in_float32_where_the_networks_are_not(gan_of):
    values = []
    for precision in ("fp32", "bf16"):
        gan, batches = gan_of({"reg": "r1", "reg.r1.mode": "fd", "train.precision": precision})
        gan.regularizers["r1"] = Reseeded(gan.regularizers["r1"])
        update_discriminator(gan, batches, 0)
        values.append(gan.regularizers["r1"].value)
    assert values[0].dtype == values[1].dtype == torch.float32
    assert values[0].item() == values[1].item()


@pytest.mark.parametrize("mode", MODES)
def test_a_scheduled_weight_through_the_engine(gan_of, mode):
    weights = {f"reg.{name}.{strength(name)}": "linear(1, 0, images=16)" for name in NAMES}
    gan, batches = gan_of({**all_of(mode), **weights})
    for images in (0, 16):
        stats = update_discriminator(gan, batches, images)
        assert all((stats[f"reg.{name}/d"] > 0) == (images == 0) for name in NAMES)


def test_wgan_gp_is_refused_where_batchnorm_couples_samples():
    said = {"arch": "dcgan", "reg": "wgan-gp", "arch.norm_d": "batch"}
    with pytest.raises(UsageError, match=r"wgan-gp.*batchnorm-in-d.*add arch.norm_d=none"):
        resolve(registry(), pairs=said)
    resolve(registry(), pairs={**said, "arch.norm_d": "layer"})


# ----------------------------------------------------------------------------
# The Dirac-GAN of Mescheder et al. 2018: D(x) = psi x, the real sample is 0, the fake one theta; SGD of step 0.2 from
# (1, 1). The loss alone does not converge.

LOSSES = {
    "non-saturating": (lambda r, f: softplus(-r) + softplus(f), lambda f: softplus(-f)),
    "wasserstein": (lambda r, f: f - r, lambda f: -f),
    "relativistic": (lambda r, f: softplus(f - r), lambda f: softplus(-f)),
}


@pytest.mark.parametrize(
    ("loss", "terms", "first", "radii"),
    [
        ("non-saturating", {"r1": 0.3}, "both", [1.319306, 1.190305, 0.0733853]),
        ("non-saturating", {"r1": 0.3}, "D", [1.315828, 1.100033, 0.045225]),
        ("wasserstein", {"r1": 0.3}, "D", [1.365835, 1.095712, 0.0666906]),
        ("relativistic", {"r1": 0.3, "r2": 0.3}, "D", [1.279030, 1.044012, 0.0036118]),
        ("wasserstein", {"wgan-gp": 0.5}, "both", [1.369525, 1.194646, 0.425322]),
    ],
)
def test_dirac_gan(loss, terms, first, radii):
    of_d, of_g = LOSSES[loss]
    D, theta, found = Linear(1.0, b=0.0), torch.ones(1, 1, dtype=torch.float64), []
    made = [
        make(name, **{strength(name): by}, **({"target": 0.3} if name == "wgan-gp" else {}))
        for name, by in terms.items()
    ]
    for update in range(1, 101):
        seen = step(D, torch.zeros_like(theta), theta)
        value = of_d(seen.real_output.logits, seen.fake_output.logits).sum()
        value = value + sum(term.discriminator(seen) for term in made)
        (slope,) = torch.autograd.grad(value, D.w)
        judge = D.w - 0.2 * slope if first == "D" else D.w
        fake = theta.clone().requires_grad_()
        (descent,) = torch.autograd.grad(of_g(fake @ judge.detach()).sum(), fake)
        theta = theta - 0.2 * descent
        with torch.no_grad():
            D.w -= 0.2 * slope
        if update in (1, 10, 100):
            found.append(math.hypot(theta.item(), D.w.item()))
    assert found == pytest.approx(radii, rel=1e-4)
