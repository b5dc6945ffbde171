"""Exporters: ONNX, torch.export, a state dict of torch, and arrays of numpy."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Exporter, hookimpl


@hookimpl
def ganzoo_exporters() -> Iterator[Exporter]:
    """Offer the exporters."""
    yield Exporter(
        name="onnx",
        summary="The network as model.onnx, for ONNX Runtime, browsers, phones and other languages.",
        factory="ganzoo_exporters.onnx_file:OnnxFile",
        requires=("onnx>=1.17", "onnxscript>=0.5"),
        suffix=".onnx",
        similar_to=dict.fromkeys(
            ("tensorrt", "openvino", "tflite", "litert", "coreml", "ncnn", "mnn", "tensorflow", "tfjs", "ort"),
            "--to onnx, which converters of that format read",
        ),
    )
    yield Exporter(
        name="torch-export",
        summary="The network as a program of torch.export, model.pt2, which runs without ganzoo.",
        factory="ganzoo_exporters.program:Program",
        suffix=".pt2",
        similar_to=dict.fromkeys(("torchscript", "jit", "pt2", "aot-inductor", "executorch"), "--to torch-export"),
    )
    yield Exporter(
        name="state-dict",
        summary="The weights as a state dict of torch, model.pt, which torch.load reads with weights_only=True.",
        factory="ganzoo_exporters.weights:StateDict",
        suffix=".pt",
        similar_to=dict.fromkeys(
            ("pt", "pth", "pickle", "torch", "pytorch", "spandrel", "chainner"), "--to state-dict"
        ),
    )
    yield Exporter(
        name="numpy",
        summary="The weights as arrays of numpy, model.npz, which any program can read.",
        factory="ganzoo_exporters.weights:Arrays",
        suffix=".npz",
        similar_to={
            "npz": "--to numpy",
            "safetensors": "`ganzoo package MODEL DIR`, whose model.safetensors has the weights",
        },
    )
