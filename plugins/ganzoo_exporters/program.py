"""The export to a program of torch.export."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ganzoo.plugin import DataInfo, GanzooError, NoOptions, write_atomic
from ganzoo_exporters.describe import describe_model, write_description
from ganzoo_exporters.graph import (
    TOLERANCE,
    compute_samples,
    make_inputs,
    measure_difference,
    trace_generator,
    warnings_ignored,
)


class Program:
    """Writes ``model.pt2``, which `torch.export.load` reads, and ``model.json``, a description."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.data = data

    def __call__(self, generator: Any, directory: Path) -> list[Path]:
        """Write a generator and return the files; raise a GanzooError if it cannot be traced."""
        graph = trace_generator(generator)
        packed = io.BytesIO()
        with warnings_ignored():
            torch.export.save(graph.program, packed)
            packed.seek(0)
            loaded = torch.export.load(packed).module()
        for num in (1, 2, 5):
            inputs = {**graph.inputs, **make_inputs(generator, num, seed=num)}
            with torch.no_grad(), warnings_ignored():
                found = loaded(**inputs)
            off = measure_difference(compute_samples(generator, inputs), found)
            if off > TOLERANCE and not graph.random:
                raise GanzooError(f"the exported program gives other samples than the model, by {off:.3g}")
        write_atomic(directory / "model.pt2", [packed.getbuffer()])
        about = {**describe_model(generator, self.data), "inputs": [*graph.inputs], "random": graph.random}
        return [directory / "model.pt2", write_description(directory, about)]
