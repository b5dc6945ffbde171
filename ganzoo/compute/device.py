"""The device of an update, its precision and its memory layout."""

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
    """Return the device that ``--device`` names: ``auto`` is CUDA where a GPU is found, else the CPU.

    Where ``torchrun`` started several processes on a machine, each takes the GPU of its local rank.

    Raises:
        UsageError: This machine does not have the device.
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
        raise UsageError(f"--device {name}: this machine has no such device; use --device cpu or remove it") from None
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", torch.cuda.current_device())
    return device


def choose_precision(device: torch.device) -> Literal["bf16", "fp32"]:
    """Return the precision of ``train.precision=auto``: bf16 on a CUDA device that computes in it, else fp32."""
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if fast else "fp32"


def float32_products() -> AbstractContextManager[None]:
    """Return a context without TF32 products. Use it for small differences, which TF32 would round away."""
    return precision("fp32")


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Set whether CUDA computes float32 products and convolutions in TF32 inside the block: only for ``tf32``.

    Under bf16 and fp16 the networks compute in autocast. Everything else is in float32 and must be exact: for example
    the logits that a finite difference compares, and their gradients.

    Args:
        name: ``train.precision``: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
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
    """Return whether an error says that the memory of the device or of the machine ran out."""
    words = ("can't allocate memory", "not enough memory", "alloc_cpu")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the autocast context for a network's forward; for fp32 and tf32 a context that does nothing."""
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext()


def move_to_device(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to the device, and store its 4-D weights channels-last where that makes its convolutions faster.

    Convolutions are faster channels-last where all their kernels are larger than 1x1 and none is grouped.

    `torch.randn_like` and dropout fill a tensor in the order of its memory. Training, averaging and loading a package
    all move a generator with this function, so that one seed gives the same samples everywhere.
    """
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    network = network.to(device)
    if convolutions and all(m.groups == 1 and max(m.kernel_size) > 1 for m in convolutions):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def peak_memory(device: torch.device) -> int:
    """Return the largest memory in use so far, in bytes: CUDA's allocator, or this process's resident memory."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
