"""Exports of the weights alone, by the names that they have in the network."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions, write_atomic
from ganzoo_exporters.describe import describe_model, write_description


class StateDict:
    """Writes ``model.pt``, a mapping from names to tensors, and ``model.json``, a description."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.data = data

    def __call__(self, generator: Any, directory: Path) -> list[Path]:
        """Write a generator and return the files."""
        packed = io.BytesIO()
        torch.save(copy_tensors(generator), packed)
        write_atomic(directory / "model.pt", [packed.getbuffer()])
        return [directory / "model.pt", write_description(directory, describe_model(generator, self.data))]


class Arrays:
    """Writes ``model.npz``, with an array for each tensor, and ``model.json``, a description."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.data = data

    def __call__(self, generator: Any, directory: Path) -> list[Path]:
        """Write a generator and return the files. numpy has no bfloat16, so it becomes float32."""
        tensors = copy_tensors(generator)
        arrays: dict[str, Any] = {
            name: (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
            for name, tensor in tensors.items()
        }
        packed = io.BytesIO()
        np.savez(packed, **arrays)
        write_atomic(directory / "model.npz", [packed.getbuffer()])
        return [directory / "model.npz", write_description(directory, describe_model(generator, self.data))]


def copy_tensors(generator: Any) -> dict[str, Tensor]:
    """Return plain copies of a generator's parameters and buffers, on the CPU, by name."""
    state = generator.network.state_dict().items()
    return {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state}
