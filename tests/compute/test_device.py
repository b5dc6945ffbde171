"""The device of an update: its name, its precision, and the memory layout of networks on it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from devices import CPU, DEVICES, cuda
from fake_cuda import CUDA, fake_cuda
from ganzoo.compute import device as devices
from ganzoo.engine.setup import settle_precision
from ganzoo.errors import UsageError
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

# ----------------------------------------------------------------------------
# Devices.


def test_auto_is_cuda_where_a_gpu_is_found_else_the_cpu():
    wanted = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else CPU
    assert devices.choose_device() == devices.choose_device("auto") == wanted
    assert devices.choose_device("cpu") == CPU


UNKNOWN = ["nonsense", "", "gpu", "cuda:-1", "cpu:x", "mps:7", "xpu", "hpu", "meta", "meta:0:0"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cuda:99", "this machine has no such device; use --device cpu or remove it"),
        *((name, "this name is unknown: use auto, cpu, cuda or cuda:1") for name in UNKNOWN),
    ],
)
def test_a_missing_device_is_reported_in_one_sentence_with_the_way_out(name, words):
    with pytest.raises(UsageError) as caught:
        devices.choose_device(name)
    assert str(caught.value) == f"--device {name}: {words}"


@cuda
def test_cuda_means_the_current_device_by_its_number():
    assert devices.choose_device("cuda") == torch.device("cuda", torch.cuda.current_device())
    assert devices.choose_device("cuda:0") == torch.device("cuda", 0)


# ----------------------------------------------------------------------------
# Automatic settings, and precisions.


def resolve_recipe(**train: object) -> ResolvedRecipe:
    return resolve(registry(), pairs={"arch": "dcgan"} | {f"train.{name}": value for name, value in train.items()})


def test_auto_on_the_cpu_is_fp32():
    recipe = settle_precision(resolve_recipe(batch=7, seed=3), CPU)
    assert (recipe.train.precision, recipe.train.execution) == ("fp32", "auto")
    assert (recipe.train.batch, recipe.train.seed) == (7, 3)
    assert recipe.auto == ("precision",)
    assert settle_precision(recipe, CPU) == recipe


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_a_precision_that_was_chosen_stays(precision):
    recipe = settle_precision(resolve_recipe(precision=precision, execution="eager"), CPU)
    assert (recipe.train.precision, recipe.train.execution) == (precision, "eager")
    assert recipe.auto == ()


def test_a_resumed_run_keeps_its_precision_and_a_new_run_resolves_auto_anew(tmp_path):
    stored = settle_precision(resolve_recipe(), CPU).to_json()
    stored["train"]["precision"] = "bf16"  # as a CUDA device would have
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(stored))
    going_on, starting = resolve(registry(), config=stored), resolve(registry(), config=path)
    assert (going_on.train.precision, going_on.auto) == ("bf16", ("precision",))
    assert (starting.train.precision, starting.auto) == ("auto", ())


@cuda
def test_auto_on_cuda_is_bf16_where_the_device_computes_in_it():
    known = torch.cuda.get_device_capability() >= (8, 0)
    recipe = settle_precision(resolve_recipe(), devices.choose_device("cuda"))
    assert recipe.train.precision == ("bf16" if known else "fp32")


def read_switches() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("precision", "fast"), [("fp32", False), ("tf32", True), ("bf16", False), ("fp16", False)])
def test_precision_switches_tf32_on_or_off_and_restores_it(precision, fast):
    outside = read_switches()
    for around in ("fp32", "tf32"):
        with devices.precision(around):
            before = read_switches()
            with devices.precision(precision):
                assert read_switches() == (fast, fast)
            assert read_switches() == before
            with pytest.raises(ZeroDivisionError), devices.precision(precision):
                1 / 0  # noqa: B018
            assert read_switches() == before
    assert read_switches() == outside


HOSTS = """
import json, os, sys, warnings
import torch
import ganzoo
from ganzoo.compute.device import precision

warnings.simplefilter("error")
backends = torch.backends
SETTINGS = {
    "nothing": lambda: None,
    "all exact": lambda: setattr(backends, "fp32_precision", "ieee"),
    "all fast": lambda: setattr(backends, "fp32_precision", "tf32"),
    "all bf16": lambda: setattr(backends, "fp32_precision", "bf16"),
    "products": lambda: setattr(backends.cuda.matmul, "fp32_precision", "tf32"),
    "convolutions": lambda: setattr(backends.cudnn.conv, "fp32_precision", "ieee"),
    "on the CPU": lambda: setattr(backends.mkldnn.matmul, "fp32_precision", "bf16"),
    "old": lambda: torch.set_float32_matmul_precision("medium"),
    "old, cudnn": lambda: setattr(backends.cudnn, "allow_tf32", False),
}

def read(flag):
    try:
        return flag()
    except RuntimeError:
        return "contradicts"

def look():
    cudnn, cpu = backends.cudnn, backends.mkldnn
    new = [backends, backends.cuda.matmul, cudnn, cudnn.conv, cudnn.rnn, cpu, cpu.matmul, cpu.conv, cpu.rnn]
    old = [torch.get_float32_matmul_precision, lambda: backends.cuda.matmul.allow_tf32, lambda: cudnn.allow_tf32]
    return [flag.fp32_precision.replace("none", "ieee") for flag in new], [read(flag) for flag in old]

def try_host(set_flags):
    set_flags()
    outside = look()
    for name in ("fp32", "tf32"):
        with precision(name):
            inside = look()
        wanted = ["tf32" if name == "tf32" else "ieee"] * 3 + ["ieee"] * 3
        assert [inside[0][index] for index in (1, 3, 4, 6, 7, 8)] == wanted, (name, inside)
        for before, now in zip(outside[1], inside[1]):
            assert before == "contradicts" or now != "contradicts", (name, outside, inside)
        assert look() == outside, (name, outside, look())
    before = outside[0][1:]
    backends.fp32_precision = "tf32" if before[0] == "ieee" else "ieee"  # later, for all
    if outside[0][0] in ("ieee", "tf32") and set_flags is SETTINGS["all fast"]:
        assert set(look()[0]) == {"ieee"}, look()

def train():
    SETTINGS["products"]()
    SETTINGS["on the CPU"]()
    run = ganzoo.train(arch="mlp", dataset="points", images=512, batch=64, device="cpu")
    assert ganzoo.load(run, device="cpu").sample(2).shape == (2, 2)

for name, call in {**{name: lambda f=f: try_host(f) for name, f in SETTINGS.items()}, "train": train}.items():
    if (child := os.fork()) == 0:
        try:
            call()
            os._exit(0)
        except BaseException as error:
            print(name, repr(error), flush=True)
            os._exit(1)
    os.waitpid(child, 0)
"""


def test_a_process_may_set_the_precision_by_old_or_new_flags_and_finds_them_unchanged(tmp_path):
    done = subprocess.run([sys.executable, "-c", HOSTS], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("tf32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_a_forward_runs_in_the_precision(precision, dtype):
    network = nn.Linear(3, 2)
    with devices.autocast(precision, CPU):
        assert network(torch.zeros(1, 3)).dtype == dtype
    assert network(torch.zeros(1, 3)).dtype == network.weight.dtype == torch.float32


@cuda
@pytest.mark.parametrize(
    ("precision", "least", "most"), [("fp32", 0.0, 2e-6), ("tf32", 1e-5, 2e-3), ("bf16", 5e-4, 2e-2)]
)
def test_products_on_cuda_are_as_exact_as_the_precision(precision, least, most):
    device = devices.choose_device("cuda")
    if precision != "fp32" and torch.cuda.get_device_capability(device) < (8, 0):
        pytest.skip("this device knows neither TF32 nor bfloat16")
    generator = torch.Generator(device).manual_seed(0)
    a, b = (torch.randn(512, 512, generator=generator, device=device) for _ in range(2))
    with devices.precision(precision), devices.autocast(precision, device):
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


def find_weights(network: nn.Module) -> list[torch.Tensor]:
    return [weight for weight in network.parameters() if weight.dim() == 4]


@pytest.mark.parametrize("build", PLAIN.values(), ids=PLAIN)
def test_plain_convolutions_are_stored_channels_last(build):
    network = nn.Sequential(*build())
    before = copy.deepcopy(network.state_dict())
    moved = devices.move_to_device(network, CPU)
    assert moved is network
    assert find_weights(moved)
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in find_weights(moved))
    assert not any(weight.is_contiguous() for weight in find_weights(moved))
    assert all(torch.equal(value, before[name]) for name, value in moved.state_dict().items())


@pytest.mark.parametrize("build", OTHERS.values(), ids=OTHERS)
def test_1x1_and_grouped_convolutions_keep_their_layout(build):
    before = [weight.stride() for weight in nn.Sequential(*build()).parameters()]
    moved = devices.move_to_device(nn.Sequential(*build()), CPU)
    assert [weight.stride() for weight in moved.parameters()] == before


def test_a_network_without_convolutions_keeps_its_layout():
    network = nn.Linear(3, 2)
    network.table = nn.Parameter(torch.zeros(1, 2, 3, 4))  # a learned constant is not a convolution's weight
    moved = devices.move_to_device(network, CPU)
    assert moved.table.is_contiguous()


@pytest.mark.parametrize(("precision", "last"), [("fp32", False), ("bf16", True), ("tf32", True), ("", True)])
def test_exact_float32_on_cuda_keeps_the_usual_layout(precision, last):
    with fake_cuda():
        moved = devices.move_to_device(nn.Sequential(*PLAIN["convolutions"]()), CUDA, precision)
    assert all(weight.is_contiguous() is not last for weight in find_weights(moved))


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_step_in_channels_last_is_the_step_in_any_layout(device):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 3, 3))
    moved, plain = devices.move_to_device(copy.deepcopy(network), device), network.double()
    samples = torch.randn(4, 3, 8, 8)
    with devices.precision("fp32"):
        moved(samples.to(device)).square().mean().backward()
    plain(samples.double()).square().mean().backward()
    for mine, wanted in zip(moved.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine.grad.cpu().double(), wanted.grad, rtol=1e-4, atol=1e-6)


# ----------------------------------------------------------------------------
# Memory.


def test_running_out_of_memory_differs_from_other_errors():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert devices.is_out_of_memory(caught.value)
    assert devices.is_out_of_memory(torch.OutOfMemoryError())
    assert devices.is_out_of_memory(MemoryError())
    for text in (
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    ):
        assert devices.is_out_of_memory(torch.AcceleratorError(text))
        assert devices.is_out_of_memory(RuntimeError(text))
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2) @ torch.zeros(3)
    assert not devices.is_out_of_memory(caught.value)
    assert not devices.is_out_of_memory(ValueError("not enough memory"))


def test_peak_memory_is_in_bytes_and_never_falls():
    before = devices.peak_memory(CPU)
    assert 2**25 < before < 2**40  # a process with torch in it: more than 32 MiB
    block = torch.ones(2**25)
    during = devices.peak_memory(CPU)
    assert during >= max(before, block.nbytes)
    del block
    assert devices.peak_memory(CPU) >= during


def test_peak_memory_on_cuda_includes_what_graphs_reserve(monkeypatch):
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 2**30)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 2**20)
    assert devices.peak_memory(CUDA) == 2**30


@cuda
def test_peak_memory_of_cuda_is_the_allocators():
    device = devices.choose_device("cuda")
    torch.cuda.reset_peak_memory_stats(device)
    block = torch.empty(2**20, device=device)
    assert devices.peak_memory(device) >= block.nbytes
