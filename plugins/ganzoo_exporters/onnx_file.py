"""The export to ONNX, the format of networks that many programs run (https://onnx.ai)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnxscript  # noqa: F401  # torch imports it late, where Ctrl-C would break it
import torch

from ganzoo.plugin import DataInfo, GanzooError, NoOptions, write_atomic
from ganzoo_exporters.describe import describe_model, write_description
from ganzoo_exporters.graph import (
    TOLERANCE,
    TRUNCATION,
    Graph,
    compute_samples,
    make_inputs,
    measure_difference,
    take_decoder,
    trace_generator,
    warnings_ignored,
)

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

OPSET = 20  # of the operators, from 2023; torch.onnx writes 18 to 25, and ONNX Runtime reads 20 from 1.17
LARGEST = 2**31 - 1  # bytes of a file of protobuf
SIZES = (1, 2, 5)  # of the batches that are compared


class OnnxFile:
    """Writes ``model.onnx``, with weights and metadata inside, and ``model.json``, which repeats the metadata.

    For an autoencoder it also writes ``decoder.onnx``, whose input ``labels`` are latents.
    """

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.data = data

    def __call__(self, generator: Any, directory: Path) -> list[Path]:
        """Write a generator and return the files.

        If ONNX Runtime is installed, it compares the file with the model for three sizes of the batch.

        Raises:
            GanzooError: ONNX cannot store the generator, or the file gives other samples than the model.
        """
        graph = trace_generator(generator)
        about = {
            **describe_model(generator, self.data),
            "truncation": "truncation" in graph.inputs,
            "inputs": [*graph.inputs],
            "output": "samples",
            "opset": OPSET,
            "random": graph.random,
        }
        content = convert_graph(graph, about)
        if onnxruntime is not None:
            check_content(content, generator, graph)
        path = directory / "model.onnx"
        write_atomic(path, [content])
        decoders = self._write_decoder(generator, directory, about) if "autoencoder" in generator.provides else []
        return [path, *decoders, write_description(directory, about)]

    def _write_decoder(self, generator: Any, directory: Path, about: dict[str, Any]) -> list[Path]:
        """Write the decoder of an autoencoder alone, compared with the model like the whole."""
        decoder = take_decoder(generator)
        graph = trace_generator(decoder)
        content = convert_graph(graph, {**about, "inputs": [*graph.inputs]})
        if onnxruntime is not None:
            check_content(content, decoder, graph)
        path = directory / "decoder.onnx"
        write_atomic(path, [content])
        return [path]


def convert_graph(graph: Graph, about: dict[str, Any]) -> bytes:
    """Return the content of an ONNX file.

    Args:
        graph: The traced generator, with its inputs.
        about: The description, which becomes the metadata of the file: text as it is, all else as JSON.

    Raises:
        GanzooError: ONNX has no operator for one of the network's, or the file would be larger than ONNX allows.
    """
    names = [*graph.inputs]
    with warnings_ignored(), quiet_torch():
        try:
            converted = torch.onnx.export(
                graph.program, input_names=names, output_names=["samples"], opset_version=OPSET, dynamo=True,
                verbose=False,
            )  # fmt: skip
        except Exception as error:
            words = " ".join(str(error.__cause__ or error).split())[:200] or type(error).__name__
            raise GanzooError(f"ONNX cannot store this generator: {words}") from error
    assert converted is not None
    model = converted.model_proto
    if (size := model.ByteSize()) > LARGEST:
        raise GanzooError(f"the ONNX file would have {size:,} bytes, more than {LARGEST:,}: use --to torch-export")
    for key, value in about.items():
        model.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    content: bytes = model.SerializeToString()
    return content


def check_content(content: bytes, generator: Any, graph: Graph) -> None:
    """Raise GanzooError if ONNX Runtime computes other samples from an ONNX file than the model does."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for num in SIZES:
        inputs = make_inputs(generator, num, seed=num)
        if "truncation" in graph.inputs:
            inputs["truncation"] = torch.tensor(1.0 if num == 1 else TRUNCATION)
        (found,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        off = measure_difference(compute_samples(generator, inputs), torch.from_numpy(found))
        if not off <= TOLERANCE and not graph.random:
            raise GanzooError(
                f"ONNX Runtime computes other samples than the model, by {off:.3g} in a batch of {num}, so nothing was "
                "written: use --to torch-export"
            )


@contextmanager
def quiet_torch() -> Iterator[None]:
    """A context in which torch's exporter does not log, for example that torchvision is not installed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
