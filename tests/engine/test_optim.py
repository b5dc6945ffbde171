"""Optimizers against torch.optim's own, and memory layouts that must not change a step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganzoo import options, recipe
from ganzoo.engine.optim import CLASSES, Optimizer
from ganzoo.errors import UsageError
from ganzoo.settings import OPTIMIZERS

OWN = {name.lower(): cls for name, cls in vars(torch.optim).items() if isinstance(cls, type)}


def chosen(name: str, **values: object) -> recipe.Optimizer:
    return recipe.Optimizer(name, options.read(OPTIMIZERS[name], values))


def gradients(num: int, shape: tuple[int, ...] = (5, 3)) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for _ in range(num)]


def parameter(shape: tuple[int, ...] = (5, 3)) -> nn.Parameter:
    return nn.Parameter(torch.linspace(-1, 1, torch.Size(shape).numel()).view(shape))


def stepped(optimizer: Optimizer | torch.optim.Optimizer, weight: nn.Parameter, num: int = 4) -> Tensor:
    """Make steps along fixed gradients; return the weight."""
    for gradient in gradients(num, tuple(weight.shape)):
        optimizer.zero_grad()
        weight.grad = gradient.clone()
        optimizer.step(0) if isinstance(optimizer, Optimizer) else optimizer.step()
    return weight.detach()


def test_every_optimizer_has_options_and_a_class():
    assert OPTIMIZERS.keys() == CLASSES.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_make_the_step_of_torchs_own(name):
    mine, own = parameter(), parameter()
    wanted = stepped(OWN[name]([own], lr=2e-4), own)
    got = stepped(Optimizer([mine], chosen(name)), mine)
    assert torch.equal(got, wanted)
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
    got = stepped(Optimizer([mine], chosen(name, **values)), mine)
    assert torch.equal(got, stepped(OWN[name]([own], **values), own))
    assert not torch.equal(got, stepped(OWN[name]([plain], lr=values["lr"]), plain))


def test_whole_numbers_are_taken_as_betas():
    weight, own, steps = parameter(), parameter(), recipe.Optimizer("rprop", OPTIMIZERS["rprop"](etas=(0.5, 2)))
    optimizer = Optimizer([weight], recipe.Optimizer("adam", OPTIMIZERS["adam"](lr=1, betas=(0, 0))))
    assert optimizer.torch.param_groups[0]["betas"] == (0.0, 0.0)
    assert all(isinstance(beta, float) for beta in optimizer.torch.param_groups[0]["betas"])
    assert str(Optimizer([own], steps).hyperparameters(0)["etas"]) == "(0.5, 2.0)"
    wanted = stepped(torch.optim.Adam([own], lr=1.0, betas=(0.0, 0.0)), own)
    assert torch.equal(stepped(optimizer, weight), wanted)


def test_numbers_follow_their_schedules():
    weight = parameter((1,))
    optimizer = Optimizer([weight], chosen("sgd", lr="linear(1, 0, images=100)"))
    for images in (0, 50, 100):
        weight.grad = torch.ones(1)
        before = weight.item()
        optimizer.step(images)
        assert before - weight.item() == pytest.approx(1 - images / 100)


@pytest.mark.parametrize("interval", [1, 2, 16])
def test_interval_corrects_lr_and_betas(interval):
    c = interval / (interval + 1) if interval > 1 else 1.0
    values = Optimizer([parameter()], chosen("adam", lr=0.0025, betas=(0.5, 0.99)), interval).hyperparameters(0)
    assert values["lr"] == pytest.approx(0.0025 * c, rel=1e-12)
    assert values["betas"] == pytest.approx((0.5**c, 0.99**c), rel=1e-12)


# ----------------------------------------------------------------------------
# Memory layouts.


def plain_adam(weight: Tensor, steps: list[Tensor], lr: float, b1: float, b2: float) -> Tensor:
    """Adam as the paper has it, in float64 (Kingma & Ba 2015, algorithm 1)."""
    weight, m, v = weight.double(), torch.zeros(()), torch.zeros(())
    for t, gradient in enumerate(steps, 1):
        m = b1 * m + (1 - b1) * gradient.double()
        v = b2 * v + (1 - b2) * gradient.double() ** 2
        weight = weight - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + 1e-8)
    return weight


@pytest.mark.parametrize("fused", [False, True])
def test_a_gradient_laid_out_unlike_its_parameter_gives_the_same_step(fused):
    shape = (6, 5, 3, 3)
    weight = nn.Parameter(parameter(shape).detach().contiguous(memory_format=torch.channels_last))
    optimizer = Optimizer([weight], chosen("adam", lr=0.01, betas=(0.9, 0.99)))
    optimizer.torch.param_groups[0]["fused"] = fused
    got = stepped(optimizer, weight)
    assert weight.grad is not None
    assert weight.grad.stride() == weight.stride()
    wanted = plain_adam(parameter(shape).detach(), gradients(4, shape), 0.01, 0.9, 0.99)
    assert (got - wanted).abs().max() < 1e-6


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_optimizer_makes_the_same_step_in_the_same_layout(make, name):
    """State that comes back contiguous beside channels-last weights would be slow, or silently wrong where fused."""
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
    """Make a step of both networks along drawn gradients."""
    generator = torch.Generator().manual_seed(seed)
    for network, optimizer in ((gan.generator, gan.optim_g), (gan.discriminator, gan.optim_d)):
        for weight in network.parameters():
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step(0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optim.g.name": "sgd", "optim.g.nesterov": "true"}, "optimizer 'sgd': nesterov momentum requires"),
        ({"optim.d.name": "rprop", "optim.d.etas": "1.5,0.5"}, "optimizer 'rprop': invalid eta"),
    ],
)
def test_options_that_do_not_go_together_are_a_mistake_of_the_user(make, settings, words):
    with pytest.raises(UsageError, match=words):
        make(settings)
