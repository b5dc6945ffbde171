"""Where an update runs: devices by name, precisions, and the memory layout that networks get."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from torch import nn

from devices import CPU, DEVICES, cuda
from ganzoo.compute import device as execution
from ganzoo.engine.setup import settle_precision
from ganzoo.errors import UsageError
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

# ----------------------------------------------------------------------------
# Devices.


def test_auto_is_cuda_where_there_is_one_else_the_cpu():
    wanted = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else CPU
    assert execution.choose_device() == execution.choose_device("auto") == wanted
    assert execution.choose_device("cpu") == CPU


@pytest.mark.parametrize(
    "name", ["nonsense", "", "gpu", "cuda:99", "cuda:-1", "cpu:x", "mps:7", "xpu", "hpu", "meta", "meta:0:0"]
)
def test_a_device_that_is_not_there_is_one_sentence_with_the_way_out(name):
    with pytest.raises(UsageError) as caught:
        execution.choose_device(name)
    assert str(caught.value) == f"--device {name}: there is no such device here; use cpu, or leave --device away"


@cuda
def test_cuda_means_the_current_device_by_its_number():
    assert execution.choose_device("cuda") == torch.device("cuda", torch.cuda.current_device())
    assert execution.choose_device("cuda:0") == torch.device("cuda", 0)


# ----------------------------------------------------------------------------
# What auto means, and precisions.


def chosen(**train: object) -> ResolvedRecipe:
    return resolve(registry(), pairs={"arch": "dcgan"} | {f"train.{name}": value for name, value in train.items()})


def test_auto_on_the_cpu_is_fp32():
    recipe = settle_precision(chosen(batch=7, seed=3), CPU)
    assert (recipe.train.precision, recipe.train.execution) == ("fp32", "auto")
    assert (recipe.train.batch, recipe.train.seed) == (7, 3)
    assert recipe.auto == ("precision",)
    assert settle_precision(recipe, CPU) == recipe


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_what_was_chosen_stays(precision):
    recipe = settle_precision(chosen(precision=precision, execution="eager"), CPU)
    assert (recipe.train.precision, recipe.train.execution) == (precision, "eager")
    assert recipe.auto == ()


def test_a_run_that_goes_on_keeps_what_it_was_resolved_for_and_another_machine_resolves_anew(tmp_path):
    stored = settle_precision(chosen(), CPU).to_json()
    stored["train"]["precision"] = "bf16"  # as a CUDA device would have
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(stored))
    going_on, starting = resolve(registry(), config=stored), resolve(registry(), config=path)
    assert (going_on.train.precision, going_on.auto) == ("bf16", ("precision",))
    assert (starting.train.precision, starting.auto) == ("auto", ())


@cuda
def test_auto_on_cuda_is_bf16_where_the_device_knows_it():
    known = torch.cuda.get_device_capability() >= (8, 0)
    recipe = settle_precision(chosen(), execution.choose_device("cuda"))
    assert recipe.train.precision == ("bf16" if known else "fp32")


def switches() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("precision", "fast"), [("fp32", False), ("tf32", True), ("bf16", False), ("fp16", False)])
def test_tf32_is_switched_both_ways_and_back(precision, fast):
    outside = switches()
    for around in ("fp32", "tf32"):
        with execution.precision(around):
            before = switches()
            with execution.precision(precision):
                assert switches() == (fast, fast)
            assert switches() == before
            with pytest.raises(ZeroDivisionError), execution.precision(precision):
                1 / 0  # noqa: B018
            assert switches() == before
    assert switches() == outside


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("tf32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_a_forward_runs_in_the_precision(precision, dtype):
    network = nn.Linear(3, 2)
    with execution.autocast(precision, CPU):
        assert network(torch.zeros(1, 3)).dtype == dtype
    assert network(torch.zeros(1, 3)).dtype == network.weight.dtype == torch.float32


@cuda
@pytest.mark.parametrize(
    ("precision", "least", "most"), [("fp32", 0.0, 2e-6), ("tf32", 1e-5, 2e-3), ("bf16", 5e-4, 2e-2)]
)
def test_products_on_cuda_are_as_exact_as_the_precision(precision, least, most):
    device = execution.choose_device("cuda")
    if precision != "fp32" and torch.cuda.get_device_capability(device) < (8, 0):
        pytest.skip("this device knows neither TF32 nor bfloat16")
    generator = torch.Generator(device).manual_seed(0)
    a, b = (torch.randn(512, 512, generator=generator, device=device) for _ in range(2))
    with execution.precision(precision), execution.autocast(precision, device):
        product = a @ b
    wanted = a.double() @ b.double()
    assert least <= (product.double() - wanted).norm() / wanted.norm() <= most


# ----------------------------------------------------------------------------
# Layout.

PLAIN = {
    "convolutions": lambda: [nn.Conv2d(2, 4, 3), nn.Conv2d(4, 2, 3)],
    "transposed": lambda: [nn.ConvTranspose2d(2, 4, 4)],
    "strided": lambda: [nn.Conv2d(2, 4, (1, 3), stride=2)],
    "with-linear": lambda: [nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(4, 1)],
}
OTHERS = {
    "1x1": lambda: [nn.Conv2d(2, 4, 1), nn.Conv2d(4, 2, 1)],
    "one-1x1": lambda: [nn.Conv2d(2, 4, 3), nn.Conv2d(4, 2, 1)],
    "grouped": lambda: [nn.Conv2d(2, 4, 3, groups=2)],
    "one-grouped": lambda: [nn.Conv2d(2, 4, 3), nn.ConvTranspose2d(4, 4, 3, groups=4)],
}


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [weight for weight in network.parameters() if weight.dim() == 4]


@pytest.mark.parametrize("build", PLAIN.values(), ids=PLAIN)
def test_plain_convolutions_are_laid_out_channels_last(build):
    network = nn.Sequential(*build())
    before = copy.deepcopy(network.state_dict())
    moved = execution.move_to_device(network, CPU)
    assert moved is network
    assert weights(moved)
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights(moved))
    assert not any(weight.is_contiguous() for weight in weights(moved))
    assert all(torch.equal(value, before[name]) for name, value in moved.state_dict().items())


@pytest.mark.parametrize("build", OTHERS.values(), ids=OTHERS)
def test_1x1_and_grouped_convolutions_stay_as_they_are(build):
    before = [weight.stride() for weight in nn.Sequential(*build()).parameters()]
    moved = execution.move_to_device(nn.Sequential(*build()), CPU)
    assert [weight.stride() for weight in moved.parameters()] == before


def test_a_network_without_convolutions_stays_as_it_is():
    network = nn.Linear(3, 2)
    network.table = nn.Parameter(torch.zeros(1, 2, 3, 4))  # a learned constant is no reason
    moved = execution.move_to_device(network, CPU)
    assert moved.table.is_contiguous()


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_step_in_channels_last_is_the_step_in_any_layout(device):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 3, 3))
    moved, plain = execution.move_to_device(copy.deepcopy(network), device), network.double()
    samples = torch.randn(4, 3, 8, 8)
    with execution.precision("fp32"):
        moved(samples.to(device)).square().mean().backward()
    plain(samples.double()).square().mean().backward()
    for mine, wanted in zip(moved.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine.grad.cpu().double(), wanted.grad, rtol=1e-4, atol=1e-6)


# ----------------------------------------------------------------------------
# Memory.


def test_running_out_of_memory_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert execution.is_out_of_memory(caught.value)
    assert execution.is_out_of_memory(torch.OutOfMemoryError())
    assert execution.is_out_of_memory(MemoryError())
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) @ torch.zeros(3)
    assert not execution.is_out_of_memory(caught.value)
    assert not execution.is_out_of_memory(ValueError("not enough memory"))


def test_peak_memory_is_in_bytes_and_never_falls():
    before = execution.peak_memory(CPU)
    assert 2**25 < before < 2**40  # a process with torch in it: more than 32 MiB
    block = torch.ones(2**25)
    during = execution.peak_memory(CPU)
    assert during >= max(before, block.nbytes)
    del block
    assert execution.peak_memory(CPU) >= during


@cuda
def test_peak_memory_of_cuda_is_the_allocators():
    device = execution.choose_device("cuda")
    torch.cuda.reset_peak_memory_stats(device)
    block = torch.empty(2**20, device=device)
    assert execution.peak_memory(device) >= block.nbytes
