"""The device of an update, its precision and its memory layout."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from threading import Lock
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.runs.launch import read_launch

CAPTURE_LOCK = Lock()  # held while an update is captured as a CUDA graph, and by another thread while it uses CUDA


def choose_device(name: str = "auto") -> torch.device:
    """Return the device that ``--device`` names: ``auto`` is CUDA where a GPU is found, else the CPU.

    Where ``torchrun`` started several processes on a machine, each takes the GPU of its local rank.

    Raises:
        UsageError: No device has this name, or this machine does not have the device.
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
        if not re.fullmatch(r"cuda(:\d+)?", name):
            raise UsageError(f"--device {name}: this name is unknown: use auto, cpu, cuda or cuda:1") from None
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
    """Set how float32 products and convolutions are computed in the block: in TF32 on CUDA for ``tf32``, else exact.

    Under bf16 and fp16 the networks compute in autocast. Everything else is in float32 and must be exact: for example
    the logits that a finite difference compares, and their gradients. On the CPU it is always exact.

    Torch has old flags and new ones for this. It raises an error if an old flag is read that contradicts a new one. So
    both are set. An old flag that cannot be read is not set: the process uses the new flags.

    Args:
        name: ``train.precision``: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
    """
    fast = name == "tf32"
    old = [(write, read_precision_flag(read), value) for read, write, value in _list_old_flags(fast)]
    new = [(flag, flag.fp32_precision, value) for flag, value in _list_new_flags(fast)]
    try:
        for write, before, value in old:
            if before is not None:
                write(value)
        for flag, _, value in new:
            flag.fp32_precision = value
        yield
    finally:
        for write, before, _ in old:
            if before is not None:
                write(before)
        for flag, before, _ in new:
            flag.fp32_precision = "none"  # gives it the value of torch.backends.fp32_precision, as it may have had
            if flag.fp32_precision != before:
                flag.fp32_precision = before


def _list_old_flags(fast: bool) -> list[tuple[Callable[[], Any], Callable[[Any], Any], Any]]:
    """Return functions that read and write each old flag, and its value with or without TF32."""
    owners = (torch.backends.cudnn, torch.backends.cuda.matmul)
    of_all = (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "high" if fast else "highest")
    return [
        *((partial(getattr, each, "allow_tf32"), partial(setattr, each, "allow_tf32"), fast) for each in owners),
        of_all,
    ]


def _list_new_flags(fast: bool) -> list[tuple[Any, str]]:
    """Return the owner of each new flag, ``fp32_precision``, and its value with or without TF32."""
    cudnn: Any = torch.backends.cudnn
    cpu: Any = torch.backends.mkldnn
    on_cuda = [(flag, "tf32" if fast else "ieee") for flag in (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn)]
    return [*on_cuda, *((flag, "ieee") for flag in (cpu.matmul, cpu.conv, cpu.rnn))]


@contextlib.contextmanager
def cudnn_flags(**flags: bool) -> Iterator[None]:
    """Set flags of `torch.backends.cudnn` in the block, such as ``benchmark`` and ``deterministic``."""
    cudnn = torch.backends.cudnn
    before = {name: getattr(cudnn, name) for name in flags}
    try:
        for name, value in flags.items():
            setattr(cudnn, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(cudnn, name, value)


def read_precision_flag(read: Callable[[], Any]) -> Any:
    """Return the value of a flag of torch; None if it is an old one, as ``allow_tf32``, that a new one contradicts."""
    try:
        return read()
    except RuntimeError:
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the memory of the device or of the machine ran out.

    CUDA's own errors are `torch.AcceleratorError`, those of cuBLAS and cuDNN are RuntimeError: ``CUDA error: out of
    memory``, ``CUBLAS_STATUS_ALLOC_FAILED``, ``CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED``.
    """
    words = (
        "can't allocate memory", "not enough memory", "alloc_cpu", "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED",
    )  # fmt: skip
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the autocast context for a network's forward; for fp32 and tf32 a context that does nothing."""
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext()


def to_float32(value: Tensor) -> Tensor:
    """Return a tensor in float32; a float64 tensor stays float64."""
    return value if value.dtype == torch.float64 else value.float()


def move_to_device(network: nn.Module, device: torch.device, precision: str = "") -> nn.Module:
    """Move a network to the device, and store its 4-D weights channels-last where that makes its convolutions faster.

    Convolutions are faster channels-last where all their kernels are larger than 1x1 and none is grouped. On CUDA the
    kernels must be those of tensor cores besides, which exact float32 does not use. The rule for CUDA is unmeasured.

    `torch.randn_like` and dropout fill a tensor in the order of its memory. Training, averaging and loading a package
    all move a generator with this function, so that one seed gives the same samples everywhere.

    Args:
        network: The network, which is changed in place.
        device: The device that it is moved to.
        precision: ``train.precision`` of the run that trains or trained the network; empty if it is unknown.
    """
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    network = network.to(device)
    exact = device.type == "cuda" and precision == "fp32"
    if convolutions and not exact and all(m.groups == 1 and max(m.kernel_size) > 1 for m in convolutions):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def copy_to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device. A copy from the host to a CUDA device does not make the host wait for the device.

    Only copies from pinned memory can do without a wait. The pinned tensor may be forgotten at once, since torch uses
    its memory again only after the copies from it have ended (torch's ``ATen/cuda/CachingHostAllocator.h``).
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def peak_memory(device: torch.device) -> int:
    """Return the most memory that the process had so far, in bytes.

    On CUDA, it is all that torch reserved on the device. That includes the memory of CUDA graphs, which is in use in a
    replay though no tensor has it. On the CPU, it is the resident memory.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure_free_memory(device: torch.device) -> int:
    """Return the memory that is free on a device, in bytes; 0 if the system does not report it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0
