"""Optimizers compared with torch.optim's, and memory layouts, which must not change a step."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

from counting import Counting
from ganzoo.engine.optim import CLASSES, NetworkOptimizer
from ganzoo.errors import UsageError
from ganzoo.plugin import options
from ganzoo.recipe import recipe
from ganzoo.recipe.settings import OPTIMIZERS

OWN = {name.lower(): cls for name, cls in vars(torch.optim).items() if isinstance(cls, type)}


def choose(name: str, **values: object) -> recipe.OptimizerChoice:
    return recipe.OptimizerChoice(name, options.read(OPTIMIZERS[name], values))


def gradients(num: int, shape: tuple[int, ...] = (5, 3)) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for _ in range(num)]


def parameter(shape: tuple[int, ...] = (5, 3)) -> nn.Parameter:
    return nn.Parameter(torch.linspace(-1, 1, torch.Size(shape).numel()).view(shape))


def make_steps(optimizer: NetworkOptimizer | torch.optim.Optimizer, weight: nn.Parameter, num: int = 4) -> Tensor:
    """Make steps along fixed gradients; return the weight."""
    for gradient in gradients(num, tuple(weight.shape)):
        if isinstance(optimizer, NetworkOptimizer):
            optimizer.refill(0)
            optimizer.step([gradient.clone()])
        else:
            weight.grad = gradient.clone()
            optimizer.step()
    return weight.detach()


def close(got: Tensor, wanted: Tensor) -> bool:
    """Return whether weights are equal up to the rounding of a fused kernel."""
    return torch.allclose(got, wanted, rtol=0, atol=1e-6)


def test_every_optimizer_has_options_and_a_class():
    assert OPTIMIZERS.keys() == CLASSES.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_make_the_step_of_torchs_own(name):
    mine, own = parameter(), parameter()
    wanted = make_steps(OWN[name]([own], lr=2e-4), own)
    got = make_steps(NetworkOptimizer([mine], choose(name)), mine)
    assert close(got, wanted)
    assert not torch.equal(got, parameter())


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("adamw", {"lr": 0.1, "weight_decay": 0.5}),
        ("adamax", {"lr": 0.1, "betas": (0.5, 0.9)}),
        ("nadam", {"lr": 0.1, "betas": (0.5, 0.9)}),
        ("radam", {"lr": 0.1, "betas": (0.5, 0.9)}),
        ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("rmsprop", {"lr": 0.1, "alpha": 0.5, "momentum": 0.5, "centered": True}),
        ("adagrad", {"lr": 0.1, "lr_decay": 0.5}),
        ("adadelta", {"lr": 1.0, "rho": 0.5}),
        ("asgd", {"lr": 0.1, "lambd": 0.5, "alpha": 0.5, "t0": 1.0}),
        ("rprop", {"lr": 0.1, "etas": (0.25, 2.0)}),
    ],
)
def test_options_reach_torchs_own(name, values):
    mine, own, plain = parameter(), parameter(), parameter()
    got = make_steps(NetworkOptimizer([mine], choose(name, **values)), mine)
    assert close(got, make_steps(OWN[name]([own], **values), own))
    assert not close(got, make_steps(OWN[name]([plain], lr=values["lr"]), plain))


def test_betas_may_be_integers():
    weight, own, steps = parameter(), parameter(), recipe.OptimizerChoice("rprop", OPTIMIZERS["rprop"](etas=(0.5, 2)))
    optimizer = NetworkOptimizer([weight], recipe.OptimizerChoice("adam", OPTIMIZERS["adam"](lr=1, betas=(0, 0))))
    assert optimizer.torch.param_groups[0]["betas"] == (0.0, 0.0)
    assert all(isinstance(beta, float) for beta in optimizer.torch.param_groups[0]["betas"])
    assert str(NetworkOptimizer([own], steps).hyperparameters(0)["etas"]) == "(0.5, 2.0)"
    wanted = make_steps(torch.optim.Adam([own], lr=1.0, betas=(0.0, 0.0)), own)
    assert close(make_steps(optimizer, weight), wanted)


def test_hyperparameters_follow_their_schedules():
    weight = parameter((1,))
    optimizer = NetworkOptimizer([weight], choose("sgd", lr="linear(1, 0, images=100)"))
    for images in (0, 50, 100):
        before = weight.item()
        optimizer.refill(images)
        optimizer.step([torch.ones(1)])
        assert before - weight.item() == pytest.approx(1 - images / 100)


@pytest.mark.parametrize("interval", [1, 2, 16])
def test_interval_corrects_lr_and_betas(interval):
    c = interval / (interval + 1) if interval > 1 else 1.0
    values = NetworkOptimizer([parameter()], choose("adam", lr=0.0025, betas=(0.5, 0.99)), interval).hyperparameters(0)
    assert values["lr"] == pytest.approx(0.0025 * c, rel=1e-12)
    assert values["betas"] == pytest.approx((0.5**c, 0.99**c), rel=1e-12)


# ----------------------------------------------------------------------------
# Memory layouts.


def plain_adam(weight: Tensor, steps: list[Tensor], lr: float, b1: float, b2: float) -> Tensor:
    """Adam as in the paper, in float64 (Kingma & Ba 2015, algorithm 1)."""
    weight, m, v = weight.double(), torch.zeros(()), torch.zeros(())
    for t, gradient in enumerate(steps, 1):
        m = b1 * m + (1 - b1) * gradient.double()
        v = b2 * v + (1 - b2) * gradient.double() ** 2
        weight = weight - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + 1e-8)
    return weight


def laid_out(shape: tuple[int, ...]) -> nn.Parameter:
    return nn.Parameter(parameter(shape).detach().contiguous(memory_format=torch.channels_last))


def test_torchs_fused_adam_ignores_strides():
    """Therefore gradients are stored in their parameters' layout. If this test fails, torch has fixed it."""
    weight, own = laid_out((6, 5, 3, 3)), parameter((6, 5, 3, 3))
    for each, fused in ((weight, True), (own, False)):
        each.grad = gradients(1, (6, 5, 3, 3))[0]
        torch.optim.Adam([each], lr=0.1, fused=fused).step()
    assert (weight - own).abs().max() > 0.1


def plain_gradient(loss: Tensor, weight: nn.Parameter) -> Tensor:
    loss.backward()
    gradient = weight.grad
    weight.grad = None
    return gradient


SOURCES = {  # ways to a gradient of `weight` with the values of `wanted`
    "contiguous": lambda weight, wanted: wanted.contiguous(),
    "channels-last": lambda weight, wanted: wanted.contiguous(memory_format=torch.channels_last),
    "backward": lambda weight, wanted: plain_gradient((weight * wanted).sum(), weight),
    "autograd.grad": lambda weight, wanted: torch.autograd.grad((weight * wanted).sum(), weight)[0],
    "double-backward": lambda weight, wanted: double_backward(weight, wanted),
    "flat": lambda weight, wanted: torch.cat([torch.zeros(3), wanted.reshape(-1)])[3:].view(wanted.shape),
}


def double_backward(weight: nn.Parameter, wanted: Tensor) -> Tensor:
    point = torch.zeros(wanted.shape, requires_grad=True)
    (inner,) = torch.autograd.grad((point * weight * wanted).sum(), point, create_graph=True)
    return torch.autograd.grad(inner.sum(), weight)[0]


@pytest.mark.parametrize("recorded", [False, True], ids=["torch", "recorded"])
@pytest.mark.parametrize("source", SOURCES)
def test_every_path_makes_the_step_of_plain_adam_in_float64_under_channels_last(source, recorded):
    shape = (6, 5, 3, 3)
    weight = laid_out(shape)
    optimizer = NetworkOptimizer([weight], choose("adam", lr=0.01, betas=(0.9, 0.99)))
    if recorded:
        optimizer.make_recordable(captured=False)
    for wanted in gradients(4, shape):
        gradient = SOURCES[source](weight, wanted)
        assert torch.allclose(gradient, wanted, atol=1e-6)
        optimizer.refill(0)
        optimizer.step([gradient])
    plain = plain_adam(parameter(shape).detach(), gradients(4, shape), 0.01, 0.9, 0.99)
    assert (weight - plain).abs().max() < 1e-6
    assert weight.is_contiguous(memory_format=torch.channels_last)


# ----------------------------------------------------------------------------
# Recorded steps.


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("adam", {"lr": 0.1, "betas": (0.0, 0.99)}),
        ("adam", {"lr": "linear(0.1, 0, images=64)", "betas": "0.5,cosine(0.9, 0.99, images=48)"}),
        ("adamw", {"lr": 0.1, "weight_decay": 0.5}),
        ("sgd", {"lr": 0.1, "weight_decay": 0.1}),
        ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("sgd", {"lr": 0.1, "momentum": 0.9}),
        ("rmsprop", {"lr": 0.1, "alpha": 0.5}),
        ("rmsprop", {"lr": 0.1, "alpha": 0.5, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    ],
)
def test_a_recorded_step_equals_torchs(name, values):
    mine, own = (nn.Parameter(parameter().detach().double()) for _ in range(2))
    recorded, plain = (
        NetworkOptimizer([mine], choose(name, **values)),
        NetworkOptimizer([own], choose(name, **values)),
    )
    recorded.make_recordable(captured=False)
    for index, gradient in enumerate(gradients(6)):
        for optimizer in (recorded, plain):
            optimizer.refill(16 * index)
            optimizer.step([gradient.double()])
        assert torch.allclose(mine, own, rtol=0, atol=1e-12)
    left, right = recorded.state().get("0", {}), plain.state().get("0", {})
    assert left.keys() == right.keys()
    for slot in left:
        assert (left[slot] is None and right[slot] is None) or torch.allclose(left[slot], right[slot], atol=1e-12)


def test_recorded_and_eager_steps_alternate_on_one_state():
    mine, own = parameter(), parameter()
    first, plain = (
        NetworkOptimizer([mine], choose("adam", lr=0.1)),
        NetworkOptimizer([own], choose("adam", lr=0.1)),
    )
    make_steps(plain, own, 4)
    make_steps(first, mine, 4)
    second = NetworkOptimizer([mine], choose("adam", lr=0.1))
    second.make_recordable(captured=False)
    assert not second.forget_changes()
    second.load(first.state())
    assert second.forget_changes()  # recordings know the tensors of before
    assert not second.forget_changes()
    assert close(make_steps(second, mine, 4), make_steps(plain, own, 4))
    third = NetworkOptimizer([mine], choose("adam", lr=0.1))
    third.load(second.state())
    assert close(make_steps(third, mine, 4), make_steps(plain, own, 4))


@pytest.mark.parametrize(
    ("name", "values", "most"),
    [
        ("adam", {}, 12),
        ("adamw", {}, 13),
        ("sgd", {"momentum": 0.9, "weight_decay": 0.1}, 6),
        ("rmsprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.1}, 15),
    ],
)
def test_a_recorded_step_has_few_operations_however_many_parameters(name, values, most):
    weights = [parameter() for _ in range(20)]
    optimizer = NetworkOptimizer(weights, choose(name, **values))
    optimizer.make_recordable(captured=False)
    optimizer.refill(0)
    gradients = [torch.ones(5, 3)] * 20
    with Counting() as counting:
        optimizer.step(gradients)
    assert counting.calls.total() - counting.calls["select"] - counting.calls["unbind"] <= most


@pytest.mark.parametrize("captured", [True, False])
@pytest.mark.parametrize("scheduled", [True, False])
def test_a_trace_on_cuda_has_steps_of_our_own_and_a_capture_torchs_where_betas_are_numbers(captured, scheduled):
    """Fake tensors say which device they are on, and compute nothing."""
    betas = "0,cosine(0.9, 0.99, images=1000)" if scheduled else (0.5, 0.9)
    with FakeTensorMode():
        weight = nn.Parameter(torch.empty(3, device="cuda"))
        optimizer = NetworkOptimizer([weight], choose("adam", betas=betas))
        optimizer.make_recordable(captured)
        own = scheduled or not captured
        assert bool(optimizer.tensors()) == own  # all exist before the first step
        assert optimizer.torch.param_groups[0]["capturable"] == (not own)
        if own:  # where torch's fused step wants them, if the run falls back to eager
            assert {tensor.device.type for tensor in optimizer.torch.state[weight].values()} == {"cuda"}


def test_a_parameter_without_a_gradient_does_not_change():
    for recorded in (False, True):
        weights = [parameter(), parameter()]
        optimizer = NetworkOptimizer(weights, choose("adam", lr=0.1))
        if recorded:
            optimizer.make_recordable(captured=False)
        optimizer.refill(0)
        optimizer.step([None, torch.ones(5, 3)])
        assert torch.equal(weights[0], parameter())
        assert not torch.equal(weights[1], parameter())


# ----------------------------------------------------------------------------
# Epsilon-hat.


@pytest.mark.parametrize(("gradient", "size"), [(1e-6, 2.4025e-5), (1e-3, 9.9685e-5)])
def test_the_first_step_with_epsilon_hat_is_that_of_keras(gradient, size):
    """With epsilon after the bias correction it is 9.0909e-5 and 9.999e-5."""
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = NetworkOptimizer([weight], choose("adam", lr=1e-4, eps=1e-7, eps_hat=True))
    optimizer.refill(0)
    optimizer.step([torch.full((1,), gradient, dtype=torch.float64)])
    assert -weight.item() == pytest.approx(size, rel=2e-5)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_epsilon_hat_is_the_paper_s_in_every_execution_and_after_a_restart(name):
    """Kingma & Ba 2015, end of section 2. A run may leave its recording for eager steps in the middle."""
    lr, b1, b2, eps, decay = 0.1, 0.5, 0.9, 0.3, 0.2
    weights, wanted = [nn.Parameter(parameter().detach().double()) for _ in range(2)], parameter().detach().double()
    m, v = torch.zeros_like(wanted), torch.zeros_like(wanted)
    chosen = choose(name, lr=lr, betas=(b1, b2), eps=eps, eps_hat=True, weight_decay=decay)
    optimizers = [NetworkOptimizer([weight], chosen) for weight in weights]
    optimizers[1].make_recordable(captured=False)
    for t, gradient in enumerate(gradients(6), 1):
        gradient = gradient.double()
        for optimizer in optimizers:
            optimizer.refill(0)
            if t == 3:
                optimizer.make_eager(refilled=True)
            optimizer.step([gradient])
        wanted, gradient = (
            (wanted * (1 - lr * decay), gradient) if name == "adamw" else (wanted, gradient + decay * wanted)
        )
        m, v = b1 * m + (1 - b1) * gradient, b2 * v + (1 - b2) * gradient**2
        wanted = wanted - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (v.sqrt() + eps)
        for weight in weights:
            assert torch.allclose(weight, wanted, rtol=0, atol=1e-12)
        state, optimizers[0] = optimizers[0].state(), NetworkOptimizer(weights[:1], chosen)
        optimizers[0].load(state)


# ----------------------------------------------------------------------------
# Scaled losses.


def test_a_scaled_loss_gives_the_step_of_the_unscaled_one_and_a_step_that_overflows_is_skipped():
    mine, own = parameter(), parameter()
    scaled, plain = (
        NetworkOptimizer([mine], choose("adam", lr=0.1), scaled=True),
        NetworkOptimizer([own], choose("adam", lr=0.1)),
    )
    for gradient in gradients(3):
        for optimizer, weight in ((scaled, mine), (plain, own)):
            optimizer.refill(0)
            optimizer.step(torch.autograd.grad(optimizer.scale((weight * gradient).sum()), weight))
    assert close(mine.detach(), own.detach())
    before, scale = mine.detach().clone(), scaled.scaler.get_scale()
    scaled.step([torch.full((5, 3), float("inf"))])
    assert torch.equal(mine, before)
    assert scaled.scaler.get_scale() == scale / 2
    other = NetworkOptimizer([parameter()], choose("adam", lr=0.1), scaled=True)
    other.load(scaled.state())
    assert other.scaler.state_dict() == scaled.scaler.state_dict()
    assert plain.scale(torch.ones(())) == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_optimizer_makes_the_same_step_in_the_same_layout(make, name):
    """Contiguous state with channels-last weights would be slow, or silently wrong in a fused step."""
    settings = {"arch": "toy-conv", "optim.g.name": name, "optim.d.name": name}
    gan, _ = make(settings)
    feed(gan, 0)
    tensors, numbers = gan.state()
    other, _ = make(settings)
    other.load_state({key: tensor.clone().contiguous() for key, tensor in tensors.items()}, numbers)
    for one in (gan, other):
        feed(one, 1)
    restored, numbers_again = other.state()
    again, numbers = gan.state()
    assert numbers_again == numbers
    assert restored.keys() == again.keys()
    assert [key for key in again if not torch.equal(again[key], restored[key])] == []
    assert [key for key in again if again[key].stride() != restored[key].stride()] == []


def feed(gan, seed: int) -> None:
    """Make a step of both networks along random gradients."""
    generator = torch.Generator().manual_seed(seed)
    for network, optimizer in (
        (gan.generator, gan.optimizers["generator"]),
        (gan.discriminator, gan.optimizers["discriminator"]),
    ):
        optimizer.refill(0)
        optimizer.step([torch.randn(weight.shape, generator=generator) for weight in network.parameters()])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optim.g.name": "sgd", "optim.g.nesterov": "true"}, "optimizer 'sgd': nesterov momentum requires"),
        ({"optim.d.name": "rprop", "optim.d.etas": "1.5,0.5"}, "optimizer 'rprop': invalid eta"),
    ],
)
def test_options_that_do_not_fit_together_are_a_usage_error(make, settings, words):
    with pytest.raises(UsageError, match=words):
        make(settings)
