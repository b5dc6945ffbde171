"""The model package: ``config.json`` and ``model.safetensors``, written by a run and read back by `load`.

Safetensors and JSON only. A package names registered components, never code; what it says is checked before use: the
config, then names, shapes and dtypes against the networks built without memory, then hashes and finiteness. What a
person sees of it (picture, card, reference samples) comes with the finished run: `ganzoo.package.complete`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.compute.device import move_to_device
from ganzoo.errors import Corrupt, GanzooError
from ganzoo.package import tensors
from ganzoo.package.config import (
    CARD,
    CONFIG,
    DISCRIMINATOR,
    FORMAT,
    MODEL,
    REFERENCE,
    Config,
    File,
    read_config,
    read_file,
)
from ganzoo.package.generator import Generator
from ganzoo.package.plan import Plan, make_metadata, make_plan
from ganzoo.plugin import Architecture, DataInfo, Dataset, Networks
from ganzoo.plugin.files import recover_directory, replace_directory, write_atomic, write_errors_explained
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.registry import Registry

# ----------------------------------------------------------------------------
# Writing.


class Contents(NamedTuple):
    """What a package is written from; training does not change it any more.

    Args:
        weights: By the name of their file: of the averaged generator and of the discriminator, on the CPU; and real
            labels for the reference samples, where they are arrays.
        config: ``config.json`` but for its ``files``.
    """

    weights: dict[str, dict[str, Tensor]]
    config: dict[str, Any]


def make_contents(
    recipe: ResolvedRecipe,
    data: DataInfo,
    networks: Networks,
    regularizers: Mapping[str, Any],
    images: int,
    metrics: list[dict[str, Any]],
    labels: Tensor | None = None,
) -> Contents:
    """Return a copy of a run's averaged generator and its discriminator as they are now, for `write`.

    Args:
        recipe: What it was trained by.
        data: What it generates, as the networks see it.
        networks: The averaged generator, the discriminator, and the latents.
        regularizers: Regularizers of the training, by name. Those with `prepare` change D's structure, so loading D
            requires their plugins.
        images: Images seen so far.
        metrics: What was measured of it, as the config lists it.
        labels: A few real ones that are arrays, ``[n, *label_shape]``.
    """
    changing = [choice for choice in recipe.reg if hasattr(regularizers[choice.name], "prepare")]
    needed = [choice.component.plugin for choice in (recipe.arch, recipe.dataset, *changing)]
    plugins = {(plugin.distribution, plugin.version) for plugin in needed}
    config = {
        "format": FORMAT,
        "recipe": recipe.to_json(),
        "requires": [{"distribution": name, "version": version} for name, version in sorted(plugins) if name],
        "data": data.to_json(),
        "latent": {"dim": networks.latent_dim, "distribution": networks.latent},
        "range": [-1.0, 1.0] if data.modality == "image" else None,
        "images": images,
        "metrics": metrics,
    }
    weights = {
        MODEL: tensors.snapshot(networks.generator.state_dict()),
        DISCRIMINATOR: tensors.snapshot(networks.discriminator.state_dict()),
    }
    if labels is not None:
        weights[REFERENCE] = tensors.snapshot({"labels": labels})
    return Contents(weights, config)


def write(directory: Path, contents: Contents) -> None:
    """Write a package, whole or not at all; one that is there is replaced."""
    mark = make_metadata(contents.config)
    files = {name: tensors.pack(weights, mark) for name, weights in contents.weights.items()}
    write_files(directory, contents.config, files)


def write_files(directory: Path, config: Mapping[str, Any], files: Mapping[str, bytes], card: str = "") -> None:
    """Write a package of these files, whole or not at all; one that is there is replaced.

    Args:
        directory: Where.
        config: But for its ``files``, which follow from `files`.
        files: Their bytes, by name.
        card: The model card; empty for the one that is there, into which a person may have written.
    """
    recover_directory(directory)
    kept = directory / CARD
    new = directory.with_name(f".{directory.name}.new")
    with write_errors_explained(directory):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
    try:
        for name, content in files.items():
            write_atomic(new / name, [content])
        if card or kept.is_file():
            write_atomic(new / CARD, [card.encode() or kept.read_bytes()])
        stated = {name: {"sha256": hashlib.sha256(c).hexdigest(), "size": len(c)} for name, c in files.items()}
        write_atomic(new / CONFIG, [json.dumps({**config, "files": stated}, indent=2).encode() + b"\n"])
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    replace_directory(new, directory)


# ----------------------------------------------------------------------------
# Reading.


def load(directory: Path, registry: Registry, device: torch.device) -> Generator:
    """Return the generator of the package in a directory.

    Raises:
        NotFound: There is no package.
        MissingPlugin: Its architecture is not installed.
        Corrupt: A file is not what was written, or does not fit the architecture.
        GanzooError: It was written by a newer ganzoo.
    """
    config = read_config(directory)
    try:
        return _load(directory, config, registry, device)
    except Corrupt:  # a run may have put a new package there between two reads
        now = read_config(directory)
        if now == config:
            raise
        return _load(directory, now, registry, device)


def _load(directory: Path, config: Config, registry: Registry, device: torch.device) -> Generator:
    planned = make_plan(config, registry, str(directory / CONFIG))
    weights = read_weights(directory, planned, MODEL)
    networks = planned.build()
    networks.generator.load_state_dict(weights, strict=True)
    move_to_device(networks.generator, device)
    spec = planned.arch.spec
    assert isinstance(spec, Architecture)
    multiple = spec.input_multiple(planned.arch.options) if callable(spec.input_multiple) else spec.input_multiple
    dataset = _find_dataset(registry, config)
    return Generator(networks, config.data, config.json, planned.arch.provides, dataset, multiple)


def read_weights(directory: Path, planned: Plan, name: str) -> dict[str, Tensor]:
    """Return the tensors of one weights file of a package, which fit the network that they are for exactly.

    Args:
        directory: Of the package.
        planned: What its config asks for.
        name: `MODEL` or `DISCRIMINATOR`.

    Raises:
        Corrupt: They do not, the bytes are not those that the config vouches for, or a number is not finite.
    """
    path = directory / name
    content = read_file(path, planned.config.files.get(name) or _refuse_absent(directory, name))
    planned.check_header(name, content, str(path))
    return tensors.unpack(content, str(path))


def _refuse_absent(directory: Path, name: str) -> File:
    raise Corrupt(f"{directory} has no {name}: its config.json names none")


def _find_dataset(registry: Registry, config: Config) -> Dataset | None:
    """Return the spec of the dataset that a model was trained on, where its plugin is installed."""
    try:
        spec = registry.resolve("dataset", config.recipe["dataset"]["name"]).spec
    except (GanzooError, KeyError, TypeError, AttributeError):
        return None
    return spec if isinstance(spec, Dataset) else None
