"""The losses against closed forms, optimal discriminators and the Dirac-GAN of Mescheder et al. (arXiv:1801.04406)."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import ganzoo
import ganzoo_losses
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve

SPECS = {spec.name: spec for spec in ganzoo_losses.ganzoo_losses()}
NAMES = sorted(SPECS)
DATA = DataInfo(shape=(2,), modality="points")
PAIRS = [name for name in NAMES if SPECS[name].pairs]
COUPLED = [name for name in NAMES if SPECS[name].batch_coupled]
LN2 = math.log(2)


def make(name, **options):
    module, _, attribute = SPECS[name].factory.partition(":")
    return getattr(import_module(module), attribute)(
        SPECS[name].options(**options), DataInfo(shape=(2,), modality="points")
    )


def logits(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def near(value, tolerance=1e-9):
    return pytest.approx(value, rel=0, abs=tolerance)


def test_specs_name_losses_aliases_and_papers():
    relativistic = ["dual-contrast", "ragan", "rahinge", "ralsgan", "rpgan", "rphinge"]
    assert sorted([*relativistic, "bce", "hinge", "lsgan", "minimax", "wasserstein"]) == NAMES
    aliases = {name: spec.aliases for name, spec in SPECS.items() if spec.aliases}
    assert aliases == {"lsgan": ("mse",), "wasserstein": ("wgan",), "rpgan": ("rsgan",), "ragan": ("rasgan",)}
    assert relativistic == PAIRS
    assert COUPLED == ["dual-contrast", "ragan", "rahinge", "ralsgan"]
    assert all("arXiv:" in spec.paper for spec in SPECS.values())


@pytest.mark.parametrize("name", NAMES)
def test_each_loss_recommends_a_limit_on_the_slope_of_d(name):
    others = {"wasserstein": ("none", ["wgan-gp"]), **dict.fromkeys(PAIRS, ("spectral", ["r1", "r2"]))}
    norm, terms = others.get(name, ("spectral", []))
    recipe = resolve(ganzoo.registry(), flags={"arch": "dcgan", "loss": name})
    assert (recipe.arch.options.norm_d, [choice.name for choice in recipe.reg]) == (norm, terms)
    assert recipe.origins["arch.norm_d"] == f"loss {name!r}"


# ----------------------------------------------------------------------------
# Closed forms at fixed logits, each worked out by hand from the paper's equation.


@pytest.mark.parametrize(
    ("name", "real", "fake", "discriminator", "generator"),
    [
        ("bce", [0.0], [0.0], 2 * LN2, LN2),
        ("minimax", [0.0], [0.0], 2 * LN2, -LN2),
        ("bce", [1.5], [-0.5], 0.6754902622, 0.9740769842),
        ("minimax", [1.5], [-0.5], 0.6754902622, -0.4740769842),
        ("hinge", [0.3, 2.0], [-2.0, 0.5], 1.1, 0.75),
        ("lsgan", [0.3, 2.0], [-2.0, 0.5], 1.435, 2.3125),
        ("wasserstein", [0.3, 2.0], [-2.0, 0.5], -1.9, 0.75),
        ("hinge", [0.0], [0.0], 2.0, 0.0),
        ("hinge", [0.7, -0.4], [0.7, -0.4], 2.0, -0.15),
        ("lsgan", [0.5], [0.5], 0.25, 0.125),
        ("wasserstein", [0.4], [0.4], 0.0, -0.4),
        ("rpgan", [1.5], [-0.5], 0.1269280110, 2.1269280110),
        ("rpgan", [0.7, -0.4], [0.7, -0.4], LN2, LN2),
    ],
)
def test_closed_forms(name, real, fake, discriminator, generator):
    loss, real, fake = make(name), logits(*real), logits(*fake)
    assert loss.discriminator(real, fake).item() == near(discriminator)
    assert loss.generator(fake, real).item() == near(generator)
    if name not in PAIRS:
        assert loss.generator(fake).item() == loss.generator(fake, None).item() == loss.generator(fake, real).item()


@pytest.mark.parametrize("name", ["bce", "minimax"])
@pytest.mark.parametrize(("real", "fake"), [(0.9, 0.1), (0.5, 0.5), (1e-4, 1 - 1e-4)])
def test_bce_of_constant_probabilities(name, real, fake):
    loss, r, f = make(name), logits(math.log(real / (1 - real))), logits(math.log(fake / (1 - fake)))
    assert loss.discriminator(r, f).item() == near(-math.log(real) - math.log(1 - fake))
    generator = -math.log(fake) if name == "bce" else math.log(1 - fake)
    assert loss.generator(f).item() == near(generator)


def test_lsgan_targets():
    loss, real, fake = make("lsgan", a=-1.0, b=2.0, c=0.5), logits(0.3), logits(-2.0)
    assert loss.discriminator(real, fake).item() == near((1.7**2 + 1.0**2) / 2)
    assert loss.generator(fake).item() == near(2.5**2 / 2)


@pytest.mark.parametrize(
    ("name", "slope"),
    [("bce", -0.9999546021), ("minimax", -4.5397869e-5), ("hinge", -1.0), ("wasserstein", -1.0), ("lsgan", -11.0)],
)
def test_generators_gradient_where_the_discriminator_is_sure(name, slope):
    fake = logits(-10.0)
    make(name).generator(fake).backward()
    assert fake.grad.item() == near(slope)


def test_hinge_gives_no_gradient_past_its_margin():
    real, fake = logits(1.0, 2.0, 0.5), logits(-1.0, -3.0, -0.5)
    make("hinge").discriminator(real, fake).backward()
    assert real.grad.tolist() == near([0, 0, -1 / 3])
    assert fake.grad.tolist() == near([0, 0, 1 / 3])


def test_wasserstein_ignores_a_common_shift_of_logits():
    loss, real, fake = make("wasserstein"), logits(0.3, 2.0), logits(-2.0, 0.5)
    value = loss.discriminator(real, fake)
    assert loss.discriminator(real + 7, fake + 7).item() == near(value.item(), 1e-12)
    assert (value + real.mean() - fake.mean()).item() == near(0, 1e-12)


def test_rpgan_compares_pairs():
    loss, real, fake = make("rpgan"), logits(1.5, -0.3), logits(-0.5, 0.8)
    d, g = loss.discriminator(real, fake).item(), loss.generator(fake, real).item()
    assert d - g == near((fake - real).mean().item(), 1e-12)
    assert loss.discriminator(fake, real).item() == near(g, 1e-12)
    assert loss.discriminator(real + 7, fake + 7).item() == near(d, 1e-12)
    assert loss.generator(fake + 7, real + 7).item() == near(g, 1e-12)
    assert abs(loss.discriminator(real, fake.flip(0)).item() - d) > 0.1
    assert abs(loss.generator(fake.flip(0), real).item() - g) > 0.1


@pytest.mark.parametrize("name", PAIRS)
def test_relativistic_losses_exchange_real_and_fake_and_ignore_a_common_shift(name):
    loss, real, fake = make(name), logits(1.5, -0.3, 0.2), logits(-0.5, 0.8, 0.1)
    g, zero_sum = loss.generator(fake, real).item(), name == "dual-contrast"
    exchanged = -loss.discriminator(real, fake) if zero_sum else loss.discriminator(fake, real)
    assert g == near(exchanged.item(), 1e-12)
    assert loss.generator(fake + 7, real + 7).item() == near(g, 1e-12)
    coupled = abs(loss.generator(fake.roll(1), real).item() - g) < 1e-12  # the order does not matter: an average
    assert coupled == (name in COUPLED)
    with pytest.raises(ValueError, match="give the logits of real samples"):
        loss.generator(fake)


def test_averages_are_differentiated_too():
    """With u = r - E f and v = f - E r, D's slope by each r is sigmoid(-u) and by each f the mean of the other kind."""
    real, fake = logits(1.5, 0.5), logits(-0.5, -1.5)
    make("ragan").discriminator(real, fake).backward()
    up, down = (torch.sigmoid(torch.tensor(x, dtype=torch.float64)) for x in ([-2.5, -1.5], [-1.5, -2.5]))
    assert real.grad.tolist() == near(((-up - down.mean()) / 2).tolist())
    assert fake.grad.tolist() == near(((down + up.mean()) / 2).tolist())


def test_rpgan_moves_real_and_fake_apart_by_as_much():
    real, fake = logits(-10.0, 0.0), logits(10.0, 0.0)
    make("rpgan").discriminator(real, fake).backward()
    assert real.grad.tolist() == near([-0.5, -0.25], 1e-8)
    assert fake.grad.tolist() == near([0.5, 0.25], 1e-8)


# ----------------------------------------------------------------------------
# What holds for all of them.


@pytest.mark.parametrize("name", NAMES)
def test_gradients_match_finite_differences(name):
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(6, 1, dtype=torch.float64, generator=generator).requires_grad_() for _ in "rf")
    loss = make(name)
    assert gradcheck(loss.discriminator, (real, fake))
    assert gradcheck(loss.generator, (fake, real) if name in PAIRS else (fake,))
    assert gradgradcheck(loss.discriminator, (real, fake))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sign", [1, -1])
def test_large_logits_stay_finite(name, sign):
    real, fake = logits(sign * 1e4, dtype=torch.float32), logits(-sign * 1e4, dtype=torch.float32)
    loss = make(name)
    d = loss.discriminator(real, fake)
    g = loss.generator(fake, real)
    gradients = [*torch.autograd.grad(d, (real, fake)), *torch.autograd.grad(g, fake)]
    assert all(torch.isfinite(value).all() for value in (d, g, *gradients))
    if name == "bce":
        assert (d.item(), g.item()) == ((0, 1e4) if sign > 0 else (2e4, 0))
        assert [value.item() for value in gradients] == ([0, 0, -1] if sign > 0 else [-1, 1, 0])
    if name == "rpgan":
        assert (d.item(), g.item()) == ((0, 2e4) if sign > 0 else (2e4, 0))
        assert [value.item() for value in gradients] == ([0, 0, -1] if sign > 0 else [-1, 1, 0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(16,), (16, 1), (1, 1, 4, 4)])
def test_any_shape_gives_the_mean_over_all_elements(name, shape):
    generator = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in "rf")
    loss = make(name)
    if name in COUPLED:
        assert loss.discriminator(real, fake).item() == loss.discriminator(real.flatten(), fake.flatten()).item()
        return
    pairs = list(zip(real.flatten(), fake.flatten(), strict=True))
    assert loss.discriminator(real, fake).shape == loss.generator(fake, real).shape == ()
    assert loss.discriminator(real, fake).item() == near(sum(loss.discriminator(r, f).item() for r, f in pairs) / 16)
    assert loss.generator(fake, real).item() == near(sum(loss.generator(f, r).item() for r, f in pairs) / 16)


# ----------------------------------------------------------------------------
# Optimal discriminators for p = N(0, 1), q = N(1, 1): D* in closed form, integrals by the midpoint rule. The cells
# are symmetric about 1/2, where p = q and hinge's D* jumps.

CELLS = 200_000
STEP = 24 / CELLS
X = 0.5 - 12 + STEP * (torch.arange(CELLS, dtype=torch.float64) + 0.5)
P = torch.exp(-(X**2) / 2) / math.sqrt(2 * math.pi)
Q = torch.exp(-((X - 1) ** 2) / 2) / math.sqrt(2 * math.pi)


def expected_discriminator(loss, answers):
    """Return E_p phi(D) + E_q psi(D) for D's `answers` on X, from loss(r, f) = phi(r) + psi(f) at single logits."""
    zero = torch.zeros((), dtype=torch.float64)
    of_real = torch.vmap(loss.discriminator, in_dims=(0, None))(answers, zero)
    of_fake = torch.vmap(loss.discriminator, in_dims=(None, 0))(zero, answers)
    return (P * of_real + Q * of_fake).sum() * STEP - loss.discriminator(zero, zero)


def expected_generator(loss, answers, density):
    return (density * torch.vmap(loss.generator)(answers)).sum() * STEP


def slope_at(loss, answers):
    answers = answers.clone().requires_grad_()
    return torch.autograd.grad(expected_discriminator(loss, answers), answers)[0].abs().max().item()


def test_bce_optimum_is_the_density_ratio():
    loss, best = make("bce"), 0.5 - X
    assert slope_at(loss, best) == near(0, 1e-15)
    assert slope_at(loss, best + 0.1) > 1e-7
    jsd = 0.1114214822
    assert expected_discriminator(loss, best).item() == near(2 * LN2 - 2 * jsd)
    assert expected_generator(make("minimax"), best, Q).item() == near(-0.5817256984)  # by symmetry, half of -min


def test_bce_trains_a_linear_discriminator_to_its_optimum():
    loss, generator = make("bce"), torch.Generator().manual_seed(0)
    real = torch.randn(100_000, dtype=torch.float64, generator=generator)
    fake = torch.randn(100_000, dtype=torch.float64, generator=generator) + 1
    line = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=50, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = loss.discriminator(line[0] * real + line[1], line[0] * fake + line[1])
        value.backward()
        return value

    optimizer.step(closure)
    assert line.tolist() == near([-1, 0.5], 0.05)


def test_lsgan_optimum_and_its_pearson_divergence():
    loss, best = make("lsgan"), P / (P + Q)
    assert slope_at(loss, best) == near(0, 1e-15)
    assert expected_discriminator(loss, best).item() == near(0.1989864336)
    pearson, best = make("lsgan", a=-1.0, b=1.0, c=0.0), (P - Q) / (P + Q)
    assert slope_at(pearson, best) == near(0, 1e-15)
    both = expected_generator(pearson, best, P) + expected_generator(pearson, best, Q)
    assert 2 * both.item() == near(0.4081085313)


def test_hinge_optimum_is_the_total_variation():
    loss, best = make("hinge"), torch.sign(P - Q)
    value = expected_discriminator(loss, best).item()
    assert value == near(1.2341501549)
    for change in (0.1 * torch.cos(X), 0.1 * X, -0.2 * best, 0.2 * best, torch.full_like(X, 0.05)):
        assert expected_discriminator(loss, best + change).item() > value + 1e-3
    assert expected_generator(loss, best, Q).item() == near(0.3829249225)


def test_wasserstein_optimum_is_the_distance():
    loss = make("wasserstein")
    assert -expected_discriminator(loss, -X).item() == near(1)
    for other in (X, -torch.tanh(X), torch.sin(X), X.abs(), -X.clamp(-1, 2)):  # 1-Lipschitz as well
        assert -expected_discriminator(loss, other).item() < 1


def test_rpgan_optimum_of_a_linear_discriminator():
    """E softplus(-s (x - y)) over pairs x ~ N(0, 1), y ~ N(1, 1), whose difference is N(-1, 2)."""
    loss = make("rpgan")
    gap = -1 - 24 + 2 * STEP * (torch.arange(CELLS, dtype=torch.float64) + 0.5)  # of 17 standard deviations
    density = torch.exp(-((gap + 1) ** 2) / 4) / math.sqrt(4 * math.pi) * 2 * STEP
    slope = logits(0.0)
    optimizer = torch.optim.LBFGS([slope], max_iter=50, line_search_fn="strong_wolfe", tolerance_grad=1e-12)
    each = torch.vmap(loss.discriminator, in_dims=(0, None))

    def closure():
        optimizer.zero_grad()
        value = (density * each(slope * gap, torch.zeros((), dtype=torch.float64))).sum()
        value.backward()
        return value

    optimizer.step(closure)
    assert slope.item() == near(-1, 1e-5)  # where E sigmoid(-s gap) gap is 0
    assert closure().item() == near(0.4918017090)


# ----------------------------------------------------------------------------
# The Dirac-GAN: D(x) = psi x, the real sample is 0, the fake one theta; SGD of step 0.2 from (1, 1).


def radii(name, order, checkpoints=(1, 10, 100, 500), h=0.2):
    """Return |(theta, psi)| after so many updates."""
    loss, seen = make(name), {}
    theta, psi = logits(1.0), logits(1.0)
    for step in range(1, max(checkpoints) + 1):
        (slope,) = torch.autograd.grad(loss.discriminator(psi * 0, psi * theta.detach()), psi)
        trained = (psi - h * slope).detach().requires_grad_()
        judge = trained if order == "D first" else psi
        (descent,) = torch.autograd.grad(loss.generator(judge.detach() * theta, judge.detach() * 0), theta)
        theta, psi = (theta - h * descent).detach().requires_grad_(), trained
        seen[step] = math.hypot(theta.item(), psi.item())
    return [seen[step] for step in checkpoints]


@pytest.mark.parametrize("name", ["ragan", "rahinge"])
def test_dirac_gan_of_averages(name):
    """A single pair gives twice the loss of bce, and of a hinge whose margin is not reached twice wasserstein's."""
    single = {"ragan": "bce", "rahinge": "wasserstein"}[name]
    assert radii(name, "D first", (1, 10, 40), h=0.05) == pytest.approx(radii(single, "D first", (1, 10, 40), h=0.1))


@pytest.mark.parametrize(
    ("name", "order", "expected"),
    [
        ("minimax", "simultaneous", [1.429250, 1.513205, 2.09142, 3.3534]),
        ("bce", "simultaneous", [1.356254, 1.255022, 0.741471, 0.640207]),
        ("bce", "D first", [1.354084, 1.169487, 0.575548, 0.283923]),
        ("rpgan", "D first", [1.354084, 1.169487, 0.575548, 0.283923]),
        ("wasserstein", "simultaneous", [math.sqrt(2) * (1 + 0.2**2) ** (n / 2) for n in (1, 10, 100, 500)]),
        ("wasserstein", "D first", [1.409113, 1.303941, 1.29928, 1.39786]),
        ("hinge", "D first", [1.409113, 1.303941, 1.29928, 1.39786]),
    ],
)
def test_dirac_gan(name, order, expected):
    assert radii(name, order) == pytest.approx(expected, rel=1e-4)
