"""Tests that need a CUDA device: `@cuda` marks and skips them; `DEVICES` are the CPU and, where found, CUDA."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch

Test = TypeVar("Test", bound=Callable)
CPU = torch.device("cpu")
MARKS = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")]
DEVICES = [CPU, pytest.param(torch.device("cuda", 0), marks=MARKS)]


def cuda(test: Test) -> Test:
    """Mark a test that needs a CUDA device."""
    for mark in MARKS:
        test = mark(test)
    return test
