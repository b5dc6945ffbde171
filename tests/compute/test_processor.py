"""The processor: what half precision costs on one that has instructions for it, and on one that has none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ganzoo.compute.processor import estimate_slowdown, list_instructions, read_name


@pytest.mark.parametrize(
    ("known", "vectors", "bf16", "fp16"),
    [
        ("avx2 avx512_f avx512_bf16 amx_bf16", "AVX512", 1.0, 50.0),
        ("avx2 avx512_f", "AVX512", 4.0, 50.0),
        ("avx2", "AVX2", 50.0, 50.0),
        ("neon bf16 fp16_arith", "DEFAULT", 1.0, 1.0),
        ("", "DEFAULT", 1.0, 1.0),  # of a processor that torch knows nothing about, no line is written
    ],
)
def test_a_precision_without_instructions_is_slow(monkeypatch, known, vectors, bf16, fp16):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(known.split(), True))
    monkeypatch.setattr(torch.backends, "cpu", SimpleNamespace(get_cpu_capability=lambda: vectors))
    assert list_instructions() == known.split()
    assert [estimate_slowdown(name) for name in ("fp32", "tf32", "bf16", "fp16")] == [1.0, 1.0, bf16, fp16]


def test_the_processor_of_this_machine_has_a_name_and_torch_knows_its_instructions():
    assert read_name()
    if hasattr(torch.cpu, "get_capabilities"):
        assert list_instructions()
