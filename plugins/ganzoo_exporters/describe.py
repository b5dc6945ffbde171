"""What every export says of its model: ``model.json``, and in an ONNX file its metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ganzoo.plugin import DataInfo, write_atomic

DESCRIPTION = "model.json"


def describe_model(generator: Any, data: DataInfo) -> dict[str, Any]:
    """Return what a program must know to use a generator, as JSON.

    Args:
        generator: The generator, as `ganzoo.load` returns it.
        data: The info of its samples.
    """
    recipe = generator.config.get("recipe", {})
    latent = {"kind": generator.networks.latent, "dimension": generator.networks.latent_dim}
    return {
        "architecture": recipe.get("arch", {}).get("name", ""),
        "images": generator.config.get("images", 0),
        "modality": data.modality,
        "shape": list(data.shape),
        "range": [-1.0, 1.0] if data.modality == "image" else None,
        "latent": latent if generator.networks.latent_dim else None,
        "labels": _describe_labels(data),
        "class_names": list(data.class_names),
        "truncation": "truncation" in generator.provides,
        "meta": {key: value for key, value in data.meta.items() if key != "classes"},
    }


def _describe_labels(data: DataInfo) -> dict[str, Any] | None:
    """Return what the labels of a model mean; None for a model without labels."""
    if data.label_shape:
        scaled = data.labels_are_images or data.label_dtype != "float32"
        kind = "image" if data.labels_are_images else "array"
        return {"kind": kind, "shape": list(data.label_shape), "range": [-1.0, 1.0] if scaled else None}
    return {"kind": "class", "num_classes": data.num_classes} if data.num_classes else None


def write_description(directory: Path, description: dict[str, Any]) -> Path:
    """Write ``model.json`` and return its path."""
    path = directory / DESCRIPTION
    write_atomic(path, [json.dumps(description, indent=2).encode() + b"\n"])
    return path
