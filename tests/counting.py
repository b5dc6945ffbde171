"""Counting the operators that torch calls in a block."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class Counting(TorchDispatchMode):
    """Counts the operators in a block, by their names: forwards, and derivatives of every order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count and run an operator."""
        self.calls[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))

    @property
    def convolutions(self) -> int:
        """The number of convolutions and of gradients of convolutions."""
        return self.calls["convolution"] + self.calls["convolution_backward"]
