"""The Dirac-GAN of Mescheder, Geiger & Nowozin 2018 (arXiv:1801.04406, section 2) through the engine.

D(x) = psi x, the real sample is 0 and the fake one theta, so that the two parameters' whole motion is known. Radii are
|(theta, psi)| after so many updates of SGD from (1, 1), computed in float64 by scripts of a few lines. The engine's
float32 is fine for that: every update multiplies, so that its rounding stays relative, some 1e-7 of an update.
"""

from __future__ import annotations

import cmath
import math
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.plugin import Architecture, DataInfo, Dataset, Networks, hookimpl
from ganzoo.registry import register

H = 0.2  # SGD's step
ORDERS = {"sim": "simultaneous", "D first": "alternating"}


class Dirac(nn.Module):
    """A network of one number: G's output for any latent, or D's factor."""

    def __init__(self, generates):
        super().__init__()
        self.generates, self.number = generates, nn.Parameter(torch.ones(()))

    def forward(self, x, labels=None):
        return self.number.expand(len(x), 1) if self.generates else self.number * x


class Zero:
    """The sample 0."""

    def __init__(self, options):
        self.info = DataInfo(shape=(1,), modality="points")
        self.data = np.zeros((4, 1), np.float32)


@pytest.fixture
def play(make, monkeypatch):
    """Return ``play(order, settings) -> move``: ``move(theta, psi)`` returns both numbers after one update of each."""
    module = ModuleType("dirac")
    module.Zero, module.build = Zero, lambda options, data: Networks(Dirac(True), Dirac(False), 1)
    arch = Architecture(name="dirac", summary="Two numbers.", factory="dirac:build", modalities=("points",))
    zero = Dataset(name="zero", summary="Zero.", factory="dirac:Zero")
    module.architectures = hookimpl(lambda: [arch], specname="ganzoo_architectures")
    module.datasets = hookimpl(lambda: [zero], specname="ganzoo_datasets")
    monkeypatch.setitem(sys.modules, "dirac", module)
    assert register(module).error == ""

    def start(order, settings):
        sgd = {f"optim.{network}.{key}": value for network in "gd" for key, value in (("name", "sgd"), ("lr", H))}
        train = {"train.batch": 2, "train.update": ORDERS[order], "train.execution": "eager"}
        gan, batches = make({"arch": "dirac", "dataset": "zero", "reg": "none", **train, **sgd, **settings})
        theta, psi = gan.generator.number, gan.discriminator.number
        images = 0

        def move(*start):
            nonlocal images
            with torch.no_grad():
                for number, value in zip((theta, psi), start, strict=False):
                    number.fill_(value)
            if order == "sim":
                update_together(gan, batches, images)
            else:
                update_discriminator(gan, batches, images)
                update_generator(gan, batches, images + 2, 0)
            images += 2
            return theta.item(), psi.item()

        return move

    return start


def make_penalties(*names, **options):
    """Return the settings of regularizers, each with the same options."""
    return {"reg": ",".join(names), **{f"reg.{name}.{key}": value for name in names for key, value in options.items()}}


NS, RP, WGAN, HINGE = ({"loss": name} for name in ("bce", "rpgan", "wasserstein", "hinge"))
R1, R1_R2 = make_penalties("r1", gamma=0.3), make_penalties("r1", "r2", gamma=0.3)
GP = make_penalties("wgan-gp", weight=0.5, target=0.3)


@pytest.mark.parametrize(
    ("order", "settings", "radii"),
    [
        ("sim", {"loss": "minimax"}, [1.429250, 1.513205, 2.091422]),
        ("sim", NS, [1.356254, 1.255022, 0.7414714, 0.6402071]),  # it ends on a circle
        ("sim", RP, [1.356254, 1.255022, 0.7414714]),
        ("D first", NS, [1.354084, 1.169487, 0.5755485, 0.2839234]),
        ("D first", RP, [1.354084, 1.169487, 0.5755485]),
        ("sim", WGAN, [1.442221, 1.720607, 10.05037]),
        ("D first", WGAN, [1.409113, 1.303941, 1.299279]),
        ("D first", HINGE, [1.409113, 1.303941, 1.299279]),
        ("sim", NS | R1, [1.319306, 1.190305, 0.07338533]),
        ("D first", NS | R1, [1.315828, 1.100033, 0.04522505]),
        ("sim", WGAN | R1, [1.409823, 1.451270, 0.5916991]),
        ("D first", WGAN | R1, [1.365835, 1.095712, 0.06669060]),
        ("sim", RP | R1_R2, [1.284101, 1.131952, 0.005579694]),
        ("D first", RP | R1_R2, [1.279030, 1.044012, 0.003611777]),
        ("sim", WGAN | GP, [1.369525, 1.194646, 0.4253224, 0.5477252]),  # it jumps around the equilibrium for ever
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_radii(play, order, settings, radii):
    """After 1, 10 and 100 updates; after 500 where the motion is another one then."""
    move, moments = play(order, settings), (1, 10, 100, 500)[: len(radii)]
    seen = [math.hypot(*move()) for _ in range(moments[-1])]
    assert [seen[n - 1] for n in moments] == pytest.approx(radii, rel=1e-4, abs=0)


def test_wgan_spirals_outwards_by_a_constant_factor(play):
    move = play("sim", WGAN)
    for n in range(1, 101):
        assert math.hypot(*move()) == pytest.approx(math.sqrt(2) * (1 + H**2) ** (n / 2), rel=1e-5)


def test_wgan_with_one_after_the_other_keeps_its_invariant(play):
    move = play("D first", WGAN)
    for _ in range(200):
        theta, psi = move()
        assert theta**2 + psi**2 - H * theta * psi == pytest.approx(2 - H, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "values", "spread"),
    [
        (NS, (0.5j, -0.5j), None),
        (NS | R1, (-0.15 + 0.476970j, -0.15 - 0.476970j), 0.974679),
        (NS | make_penalties("r1", gamma=1.0), (-0.5, -0.5), 0.9),
        (NS | make_penalties("r1", gamma=2.0), (-0.133975, -1.866025), 0.973205),
        (RP | R1_R2, (-0.3 + 0.4j, -0.3 - 0.4j), None),
    ],
)
def test_eigenvalues_at_the_equilibrium(play, settings, values, spread):
    """Eigenvalues of the vector field (descent of L_G in theta, L_D in psi), which one update follows for a time H."""
    move, small = play("sim", settings), 1e-4
    columns = [[value / small for value in move(*start)] for start in ((small, 0.0), (0.0, small))]
    trace, determinant = columns[0][0] + columns[1][1], columns[0][0] * columns[1][1] - columns[0][1] * columns[1][0]
    root = cmath.sqrt(trace**2 / 4 - determinant)
    of_update = [trace / 2 + root, trace / 2 - root]
    first, second = ((value - 1) / H for value in of_update)
    assert first + second == pytest.approx(sum(values), abs=1e-5)
    assert first * second == pytest.approx(values[0] * values[1], abs=1e-5)
    assert first == pytest.approx(values[0], abs=2e-3 if values[0] == values[1] else 1e-5)  # a double one moves far
    if spread:
        assert max(map(abs, of_update)) == pytest.approx(spread, abs=4e-4 if values[0] == values[1] else 1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_averaged_generator_damps_the_circle(play, weight):
    """Self-distillation (Nowinowski & Krawiec 2026): the state (theta, psi, average) moves by a matrix, in float64."""
    past = 0.9
    half_life = 2 * math.log(0.5) / math.log(past)  # 2 images in an update
    pull = 2 * H * weight
    theta = [1 - pull, H, pull]
    update = np.array([theta, [-H, 1, 0], [(1 - past) * each for each in theta[:2]] + [past + (1 - past) * pull]])
    spread = np.abs(np.linalg.eigvals(update)).max()
    # without the term both numbers leave the equilibrium by sqrt(1 + h^2), and the average follows
    assert spread == pytest.approx(0.960822 if weight else math.sqrt(1 + H**2), abs=1e-6)
    move = play(
        "sim", WGAN | {"reg": "sd", "reg.sd.weight": weight, "train.ema_half_life": half_life, "train.ema_ramp": None}
    )
    state = np.ones(3)
    for _ in range(100):
        state = update @ state
        assert move() == pytest.approx(state[:2], rel=1e-4, abs=1e-5)
