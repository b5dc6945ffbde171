"""The files of a page that runs a generator in a browser."""

from __future__ import annotations

import html
import json
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ganzoo.demo.directions import choose_directions
from ganzoo.demo.explorer import make_explorer
from ganzoo.demo.runtime import Runtime, encode
from ganzoo.errors import UsageError
from ganzoo.package.config import Config
from ganzoo.package.generator import Generator
from ganzoo.plugin.files import write_atomic
from ganzoo.samples.show import CHANNELS

STATIC = ("demo.css", "demo.js", "latents.js")


def check_model(config: Config) -> None:
    """Raise UsageError unless the model of a package makes pictures of latents."""
    data = config.data
    if data.label_shape:
        raise UsageError("this model makes its samples of inputs, and a demo has none: use `ganzoo apply`")
    if data.modality != "image" or data.shape[0] not in CHANNELS:
        what = f"images of {data.shape[0]} channels" if data.modality == "image" else data.modality
        raise UsageError(f"this model's samples are {what}, and a demo shows grey or colour pictures")
    if not config.json["latent"]["dim"]:
        raise UsageError("this model has no latents, so a demo has nothing to move")


def write_demo(
    generator: Generator, exporter: Callable[[Any, Path], list[Path]], runtime: Runtime, name: str, directory: Path
) -> None:
    """Write the files of a page.

    Args:
        generator: The model to show, which makes pictures of latents.
        exporter: An exporter to ONNX; it compares the exported network with the model.
        runtime: The files of ONNX Runtime Web.
        name: The name of the model, as the page shows it.
        directory: The folder to write into, which is empty.
    """
    directions = choose_directions(generator)
    with tempfile.TemporaryDirectory() as folder:
        written = exporter(make_explorer(generator, directions), Path(folder))
        content = next(path for path in written if path.suffix == ".onnx").read_bytes()
        about: dict[str, Any] = next((json.loads(path.read_text()) for path in written if path.suffix == ".json"), {})
    data = generator.data
    classes = data.class_names or tuple(map(str, range(data.num_classes)))
    model = {
        "name": "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name),
        "latent": generator.networks.latent,
        "dimension": generator.networks.latent_dim,
        "classes": classes,
        "truncation": "truncation" in about.get("inputs", []),
        "directions": len(directions),
        "network": encode(content),
    }
    channels, height, width = data.shape
    words = f"{width}x{height} pixels, {'grey' if channels == 1 else 'colour'}"
    parameters = sum(parameter.numel() for parameter in generator.network.parameters())
    summary = f"A generator of pictures, {words}; {parameters:,} parameters."
    page = files("ganzoo.demo") / "page"
    values = {"title": name, "summary": summary, "width": width, "height": height}
    escaped = {key: html.escape(str(value)) for key, value in values.items()}
    texts = {
        "index.html": Template((page / "index.html").read_text(encoding="utf-8")).substitute(escaped),
        "model.js": f"window.GANZOO_MODEL = {json.dumps(model)};\n",
        "runtime.js": runtime.make_script(),
        **{file: (page / file).read_text(encoding="utf-8") for file in STATIC},
    }
    for file, text in texts.items():
        write_atomic(directory / file, [text.encode()])
