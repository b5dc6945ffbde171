"""The processor: its name, its instruction sets, and what half precision costs on it."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch

HALF = {  # the instruction sets, as torch names them, that compute in a precision; on others, torch emulates it
    "bf16": ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"),
    "fp16": ("avx512_fp16", "amx_fp16", "fp16_arith"),
}
INSTRUCTIONS = ("avx2", "avx512_f", "neon", "sve", *HALF["bf16"], *HALF["fp16"])


def read_name() -> str:
    """Return the name of the processor, as the system reports it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


@cache
def multiplies_fast() -> bool:
    """Return whether products reach the speed of the best convolutions: with MKL, which is for processors by Intel."""
    return torch.backends.mkl.is_available() and "Intel" in read_name()  # type: ignore[no-untyped-call]


def list_instructions() -> list[str]:
    """Return those instruction sets of the processor that matter to products and convolutions, as torch names them.

    The list is empty if torch does not report them.
    """
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return [name for name in INSTRUCTIONS if found.get(name)]


def estimate_slowdown(precision: str) -> float:
    """Return how many times as long as in float32 a convolution takes in a precision that the processor emulates.

    It is 1 for a precision that is not emulated: most processors with instructions for it are then faster than in
    float32. The other factors are rough figures of ``benchmarks/roofline.py``. They are not measured in each run, so
    that what depends on them is the same on a busy machine.

    Args:
        precision: The value of ``train.precision``.
    """
    known = list_instructions()
    if precision not in HALF or not known or set(HALF[precision]) & set(known):
        return 1.0
    return 4.0 if precision == "bf16" and torch.backends.cpu.get_cpu_capability() == "AVX512" else 50.0
