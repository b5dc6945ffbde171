"""Spectral normalisation, compared with torch's own, with singular values, and as the engine uses it."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrizations

from ganzoo.layers import SpectralNorm, spectral_norm, spectral_norm_all

LAYERS = {
    "linear": lambda: nn.Linear(6, 4),
    "conv": lambda: nn.Conv2d(3, 5, 3),
    "grouped": lambda: nn.Conv2d(4, 8, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(3, 5, 4),
    "embedding": lambda: nn.Embedding(7, 5),
}
X = {"linear": (2, 6), "conv": (2, 3, 5, 5), "grouped": (2, 4, 5, 5), "transposed": (2, 3, 4, 4)}


@pytest.mark.parametrize("kind", LAYERS)
def test_the_largest_singular_value_becomes_1(kind: str) -> None:
    torch.manual_seed(0)
    layer = spectral_norm(LAYERS[kind]().double())
    for _ in range(200):
        weight = layer.weight
    matrix = weight.movedim(1, 0) if kind == "transposed" else weight
    assert torch.linalg.svdvals(matrix.detach().flatten(1))[0].item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", LAYERS)
def test_every_forward_and_the_state_equal_torchs(kind: str) -> None:
    torch.manual_seed(0)
    theirs = parametrizations.spectral_norm(LAYERS[kind]())
    ours = spectral_norm(LAYERS[kind]())
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    ours.load_state_dict(theirs.state_dict())
    for training in (True, True, False, False, True):
        assert torch.equal(ours.train(training).weight, theirs.train(training).weight)
    assert all(torch.equal(one, two) for one, two in zip(ours.buffers(), theirs.buffers(), strict=True))


def test_estimates_are_those_of_the_power_iteration() -> None:
    layer = nn.Linear(2, 2, bias=False).double()
    layer.weight.data = torch.diag(torch.tensor([3.0, 1.0], dtype=torch.float64))
    norm = SpectralNorm(layer.weight)
    norm._v.fill_(math.sqrt(0.5))
    found = []
    for _ in range(5):
        norm(layer.weight)
        found.append(torch.linalg.vector_norm(layer.weight @ norm._v).item())
    assert found[0] == pytest.approx(2.983696, abs=1e-6)
    assert found[1] == pytest.approx(2.999797, abs=1e-6)
    assert found[4] == pytest.approx(3 - 3.8e-10, abs=1e-10)


def test_one_step_in_each_training_forward_and_none_in_eval() -> None:
    layer = spectral_norm(nn.Linear(6, 4))
    steps = []
    for training in (True, False):
        layer.train(training)
        before = layer.parametrizations.weight[0]._u.clone()
        layer(torch.ones(1, 6))
        steps.append(not torch.equal(before, layer.parametrizations.weight[0]._u))
    assert steps == [True, False]


def test_a_weight_of_0_stays_0_and_learns() -> None:
    layer = spectral_norm(nn.Linear(3, 2, bias=False))
    layer.parametrizations.weight.original.data.zero_()
    layer(torch.ones(1, 3)).sum().backward()
    gradient = layer.parametrizations.weight.original.grad
    assert torch.equal(gradient, torch.ones(2, 3))
    layer.parametrizations.weight.original.data += torch.eye(2, 3) * 5
    for _ in range(100):
        weight = layer.weight
    assert torch.linalg.svdvals(weight.detach())[0].item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", X)
def test_gradients_and_their_gradients_are_the_quotients(kind: str) -> None:
    torch.manual_seed(0)
    norm = SpectralNorm(LAYERS[kind]().weight.double(), dim=1 if kind == "transposed" else 0).eval()
    weight = torch.randn(LAYERS[kind]().weight.shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (weight,))
    assert torch.autograd.gradgradcheck(norm, (weight,))


def test_two_forwards_before_a_backward_have_the_gradients_of_each_alone() -> None:
    torch.manual_seed(0)
    layer, one, two = spectral_norm(nn.Linear(6, 4)), torch.randn(2, 6), torch.randn(2, 6)
    twin = copy.deepcopy(layer)
    (layer(one) - layer(two)).sum().backward()
    for x, sign in ((one, 1), (two, -1)):
        (sign * twin(x).sum()).backward()
    found, wanted = (each.parametrizations.weight.original.grad for each in (layer, twin))
    assert found.abs().max() > 0.1
    torch.testing.assert_close(found, wanted)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 3), nn.Flatten(), nn.Linear(50, 1)
    )


def test_all_layers_of_a_network_are_normalised_once() -> None:
    net = spectral_norm_all(network())
    assert spectral_norm_all(net) is net
    assert sum(isinstance(m, SpectralNorm) for m in net.modules()) == 3
    assert not hasattr(net[1], "parametrizations")


def test_a_network_can_be_copied_built_on_meta_loaded_run_in_bf16_and_recorded() -> None:
    torch.manual_seed(0)
    net = spectral_norm_all(network())
    x = torch.randn(2, 3, 5, 5)
    net(x)
    twin = copy.deepcopy(net)
    assert torch.equal(twin(x), net(x))
    with torch.device("meta"):
        empty = spectral_norm_all(network())
    assert empty(x.to("meta")).shape == (2, 1)
    empty.load_state_dict(net.state_dict(), assign=True)
    assert torch.equal(empty.eval()(x), net.eval()(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert net.train()(x).isfinite().all()
        assert net[0].weight.dtype == torch.float32
    state = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    recorded = make_fx(lambda held, given: torch.func.functional_call(net, held, given))(state, x)
    u = net[0].parametrizations.weight[0]._u
    assert torch.allclose(recorded(state, x), net(x), atol=1e-2)
    before = u.clone()
    recorded(state, x)
    assert not torch.equal(before, u)
