"""Where and in which numbers an update computes: the device, the precision, the memory layout."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import nn

from ganzoo.errors import UsageError
from ganzoo.runs.launch import read_launch


def choose_device(name: str = "auto") -> torch.device:
    """Return the device that ``--device`` means: ``auto`` is CUDA where there is one, else the CPU.

    Of several processes that ``torchrun`` started on a machine, each takes the GPU of its number.

    Raises:
        UsageError: There is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    launch = read_launch()
    if name == "cuda" and launch is not None:
        name = f"cuda:{launch.local_rank}"
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError):
        raise UsageError(f"--device {name}: there is no such device here; use cpu, or leave --device away") from None
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", torch.cuda.current_device())
    return device


def choose_precision(device: torch.device) -> Literal["bf16", "fp32"]:
    """Return what ``train.precision=auto`` means on a device: bf16 where it is CUDA that computes in it."""
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if fast else "fp32"


def float32_products() -> AbstractContextManager[None]:
    """Return a context without TF32 and autocast, for differences that lower precision would drown."""
    return precision("fp32")


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Run the block with TF32 products and convolutions on CUDA for ``tf32``, else without.

    Under bf16 and fp16 the networks compute in those; what is in float32 beside them, such as the answers that a
    finite difference compares, backward included, is there to be exact.
    """
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = name == "tf32"
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's or the machine's memory ran out."""
    words = ("can't allocate memory", "not enough memory", "alloc_cpu")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context that a network's forward runs in."""
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext()


def move_to_device(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to the device, its 4-D weights channels-last where its convolutions gain from it.

    They do where kernels are larger than 1x1 and not grouped; 1x1 and grouped ones are no faster.

    `torch.randn_like` and dropout fill a tensor in the order in which it lies in memory. So a generator that draws is
    moved by this function wherever it runs: in training, in the average and when a package is loaded. That alone makes
    the same seed give the same samples.
    """
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    network = network.to(device)
    if convolutions and all(m.groups == 1 and max(m.kernel_size) > 1 for m in convolutions):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def peak_memory(device: torch.device) -> int:
    """Return the most memory held so far, in bytes: of the CUDA allocator, or resident in this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
