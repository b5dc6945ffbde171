"""Activations that are computed again: the same gradients, also of penalties, from fewer bytes."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

import ganzoo
from devices import DEVICES
from ganzoo.engine.recomputation import Block, find_blocks, recomputed
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import GanzooError, UsageError
from ganzoo.layers import ConditionalBatchNorm2d, input_gradients, spectral_norm_all
from ganzoo.plugin import DataInfo, DiscriminatorOutput

LABELS = torch.tensor([0, 2, 1, 2])


class Residual(nn.Module):
    """A block with all that must be the same again: statistics, dropout, spectral norms, labels, several results."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = ConditionalBatchNorm2d(4, num_classes=3)
        self.main = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Dropout(0.3), nn.Softplus())

    def forward(self, x: Tensor, labels: Tensor, scale: float = 1.0) -> dict[str, Tensor | None]:
        y = self.main(self.norm(x, labels).tanh())
        return {"sum": x + scale * y, "labels": labels, "side": y.mean((1, 2, 3)), "none": None}


class Odd(nn.Module):
    """A discriminator of such blocks, and of a flat sequence of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual() for _ in range(3))
        self.last = nn.Sequential(
            nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(4, 2, 3), nn.Tanh(),
            nn.Conv2d(2, 1, 2), nn.Flatten(),
        )  # fmt: skip
        spectral_norm_all(self)

    def forward(self, x: Tensor) -> Tensor:
        sides = []
        for block in self.blocks:
            answer = block(x, LABELS.to(x.device), scale=0.5)
            x = answer["sum"]
            sides.append(answer["side"])
        return self.last(x).sum(1) + torch.stack(sides).sum(0)


def odd() -> nn.Module:
    torch.manual_seed(0)
    return Odd()


def r3gan() -> nn.Module:
    data = DataInfo(shape=(4, 8, 8))
    network = ganzoo.create("architecture", "r3gan", data=data, widths=(8,), group_width=4).discriminator
    for parameter in network.parameters():  # some start at 0
        nn.init.normal_(parameter, 0.0, 0.2, generator=torch.Generator().manual_seed(parameter.numel()))
    return network


def read_logits(answer: Tensor | DiscriminatorOutput) -> Tensor:
    return answer.logits if isinstance(answer, DiscriminatorOutput) else answer


def differentiate(network: nn.Module, again: bool, penalty: bool, device: torch.device) -> list[Tensor]:
    """Return the gradients of a loss, and the buffers and random numbers that come after."""
    torch.manual_seed(1)
    network = network.to(device, torch.float64)
    x = torch.randn(4, 4, 8, 8, dtype=torch.float64, device=device, requires_grad=True)
    with recomputed(find_blocks(network) if again else {}):
        logits, others = (read_logits(network(each)) for each in (x, x * 0.5))
    loss = (logits.square() + others).mean()
    if penalty:
        loss = loss + input_gradients(logits, x).square().sum() + input_gradients(others, x).pow(3).sum()
    variables = [x, *network.parameters()]
    found = torch.autograd.grad(loss, variables, allow_unused=True)
    gradients = [torch.zeros_like(v) if g is None else g for g, v in zip(found, variables, strict=True)]
    return [*gradients, *network.buffers(), torch.rand(3, device=device)]


@pytest.mark.parametrize("build", [odd, r3gan])
@pytest.mark.parametrize("penalty", [False, True])
@pytest.mark.parametrize("device", DEVICES)
def test_gradients_are_the_same(build, penalty, device):
    wanted, found = (differentiate(build(), again, penalty, device) for again in (False, True))
    for one, other in zip(wanted, found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-12, atol=1e-12)


def test_modes_and_autocast_of_the_first_run_hold_for_the_second():
    network = odd()
    x = torch.randn(4, 4, 8, 8, requires_grad=True)

    def gradient(again: bool) -> Tensor:
        with recomputed(find_blocks(network) if again else {}), torch.autocast("cpu", torch.bfloat16):
            network.eval()
            logits = network(x)
        network.train()
        return torch.autograd.grad(logits.sum(), x)[0]

    assert torch.equal(gradient(True), gradient(False))
    assert network.training


def test_a_weight_that_is_also_used_outside_its_block_gets_both_gradients():
    """Autocast keeps weights that it cast: one that was cast in a block, without a graph, must not be used outside."""
    layer = nn.Linear(4, 4)
    sequence, x = nn.Sequential(layer, nn.ReLU()), torch.ones(2, 4)
    found = []
    for call in (sequence, Block(sequence.forward, [sequence])):
        with torch.autocast("cpu", torch.bfloat16):
            y = nn.functional.linear(call(x), layer.weight)
        found += torch.autograd.grad(y.sum(), layer.weight)
    torch.testing.assert_close(*found, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("penalty", [False, True])
def test_only_the_arguments_of_blocks_are_kept(penalty):
    """Bytes of the graph when the loss is known, counted by what autograd saves and still has."""

    class Saved:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor

    def count(again: bool) -> int:
        saved: weakref.WeakSet[Saved] = weakref.WeakSet()

        def pack(tensor: Tensor) -> Saved:
            holder = Saved(tensor)
            saved.add(holder)
            return holder

        network = ganzoo.create("architecture", "r3gan", data=DataInfo(shape=(3, 16, 16)), blocks=3).discriminator
        x = torch.randn(8, 3, 16, 16, requires_grad=True)
        with recomputed(find_blocks(network) if again else {}), saved_tensors_hooks(pack, lambda one: one.tensor):
            logits = read_logits(network(x))
            loss = logits.sum() + (input_gradients(logits, x).square().sum() if penalty else 0)
        weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
        storages = {one.tensor.untyped_storage().data_ptr(): one.tensor.untyped_storage().nbytes() for one in saved}
        assert loss.requires_grad
        return sum(size for place, size in storages.items() if place not in weights)

    assert count(True) < 0.35 * count(False)


@pytest.mark.parametrize(
    "settings",
    [
        {"arch": "toy", "arch.norm": True},
        {"arch": "dcgan", "arch.width": 4, "arch.norm_d": "spectral", "dataset": "digits", "reg": "wgan-gp,r1",
         "reg.r1.mode": "fd", "reg.r1.interval": 2, "train.micro_batch": 2, "train.flip": True},
    ],
)  # fmt: skip
def test_training_is_the_same(make, settings):
    weights = []
    for again in (False, True):
        gan, batches = make({"train.batch": 4, "train.checkpoint_activations": again, **settings})
        for images in (0, 4):
            update_discriminator(gan, batches, images)
            update_generator(gan, batches, images + 4, 0)
        assert any(gan.blocks.values()) == again
        weights.append([*gan.networks.generator.state_dict().values(), *gan.discriminator.state_dict().values()])
    for one, other in zip(*weights, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


# ----------------------------------------------------------------------------
# Blocks.


def count_blocks(network: nn.Module) -> int:
    """Return the number of blocks in a forward of a network, by the nodes of its graph."""
    with recomputed(find_blocks(network)):
        nodes, seen = [network(torch.ones(1, 2, requires_grad=True)).grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is not None and node not in seen:
            seen.add(node)
            nodes += [following for following, _ in node.next_functions]
    return sum(node.name() == "_OutputBackward" for node in seen)


def make_layers(num: int) -> list[nn.Module]:
    return [nn.Linear(2, 2) if index % 2 == 0 else nn.ReLU() for index in range(2 * num)]


@pytest.mark.parametrize(
    ("network", "blocks"),
    [
        (nn.Sequential(*make_layers(9)), 3),
        (nn.Sequential(*(nn.Sequential(*make_layers(1)) for _ in range(9))), 3),
        (nn.Sequential(nn.Sequential(*make_layers(3)), nn.Sequential(*make_layers(6))), 3),
        (nn.Sequential(nn.Linear(2, 2)), 0),
        (nn.Sequential(*make_layers(2)), 2),
    ],
)
def test_a_block_has_at_most_sqrt_n_layers(network, blocks):
    assert count_blocks(network) == blocks
    assert all("forward" not in vars(module) for module in network.modules())


def test_networks_without_blocks_are_refused(make, monkeypatch):
    monkeypatch.setattr("ganzoo.engine.gan.find_blocks", lambda network: {})
    with pytest.raises(UsageError, match="no modules of several layers"):
        make({"train.checkpoint_activations": True})


def test_recordings_are_refused_and_auto_is_eager(make):
    gan, _ = make({"train.checkpoint_activations": True})
    assert gan.recipe.train.execution == "eager"
    with pytest.raises(UsageError, match=r"no fp16, no train.checkpoint_activations"):
        make({"train.checkpoint_activations": True, "train.execution": "compile"})


class Secret(nn.Module):
    def __init__(self, answer: object = None) -> None:
        super().__init__()
        self.layer, self.answer, self.read = nn.Sequential(nn.Linear(2, 2)), answer, torch.zeros(())

    def forward(self, x: Tensor) -> object:
        return self.answer or self.layer(x) + self.read


def test_tensors_that_a_block_reads_or_returns_unseen_are_an_error():
    module = Secret()
    module.read = torch.ones(2, requires_grad=True)
    call = Block(module.forward, [module])
    with pytest.raises(GanzooError, match="Secret reads a tensor that it is not given"):
        torch.autograd.grad(call(torch.ones(1, 2)).sum(), list(module.parameters()))
    with pytest.raises(GanzooError, match="Secret returned Secret, whose tensors are not found"):
        Block(Secret(module).forward, [module])(torch.ones(1, 2, requires_grad=True))
