"""The model package: ``config.json`` and ``model.safetensors``, written by a run and read back by `load`.

Its files are safetensors and JSON only. A package names registered components, never code. Its content is checked
before use: first the config, then names, shapes and dtypes of tensors against the networks built without memory, then
hashes, then that all numbers are finite. `ganzoo.package.complete` adds the picture, the card and the reference samples
when the run is finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
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
from ganzoo.registry.installed import Plugin

# ----------------------------------------------------------------------------
# Writing.


class Contents(NamedTuple):
    """The contents of a package, copied so that training does not change them.

    Args:
        weights: Tensors on the CPU, by the name of their file: the averaged generator, the discriminator, and real
            labels for the reference samples where labels are arrays.
        config: The content of ``config.json`` without its ``files``.
    """

    weights: dict[str, dict[str, Tensor]]
    config: dict[str, Any]


def make_contents(
    recipe: ResolvedRecipe,
    data: DataInfo,
    networks: Networks,
    images: int,
    metrics: list[dict[str, Any]],
    labels: Tensor | None = None,
) -> Contents:
    """Return copies of a run's averaged generator and discriminator, and the package's config, for `write`.

    Args:
        recipe: The recipe of the run, after its networks were built.
        data: The info of the generated samples, as the networks see them.
        networks: The averaged generator, the discriminator, and the latents.
        images: Images seen so far.
        metrics: The measured values, as the config lists them.
        labels: A few real labels ``[n, *label_shape]``, where labels are arrays.
    """
    config = {
        "format": FORMAT,
        "recipe": recipe.to_json(),
        "requires": list_distributions(_list_needed_plugins(recipe)),
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


def _list_needed_plugins(recipe: ResolvedRecipe) -> list[Plugin]:
    """Return the plugins that build the networks, and the dataset's if samples are shown or inputs read as it does."""
    shown = isinstance(recipe.dataset.spec, Dataset) and (recipe.dataset.spec.show or recipe.dataset.spec.read)
    changing = [choice for choice in recipe.reg if choice.name in (recipe.changes_d or ())]
    needed = [recipe.arch, *changing, *([recipe.dataset] if shown else [])]
    return [plugin for choice in needed for plugin in choice.plugins]


def list_distributions(plugins: Iterable[Plugin]) -> list[dict[str, str]]:
    """Return the distributions of plugins and their versions, as the config lists them; others cannot be installed."""
    found = {(plugin.distribution, plugin.version) for plugin in plugins}
    return [{"distribution": name, "version": version} for name, version in sorted(found) if name]


def write(directory: Path, contents: Contents) -> None:
    """Write a package as a whole or not at all; an existing package is replaced."""
    metadata = make_metadata(contents.config)
    files = {name: tensors.pack(weights, metadata) for name, weights in contents.weights.items()}
    write_files(directory, contents.config, files)


def write_files(directory: Path, config: Mapping[str, Any], files: Mapping[str, bytes], card: str = "") -> None:
    """Write a package of these files, as a whole or not at all; an existing package is replaced.

    Args:
        directory: The directory of the package.
        config: The config without its ``files``, which are computed from `files`.
        files: The contents of the files, by name.
        card: The model card; empty to keep the existing card, with all that people wrote into it.
    """
    recover_directory(directory)
    old_card = directory / CARD
    new = directory.with_name(f".{directory.name}.new")
    with write_errors_explained(directory):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
    try:
        for name, content in files.items():
            write_atomic(new / name, [content])
        if card or old_card.is_file():
            write_atomic(new / CARD, [card.encode() or old_card.read_bytes()])
        entries = {name: {"sha256": hashlib.sha256(c).hexdigest(), "size": len(c)} for name, c in files.items()}
        write_atomic(new / CONFIG, [json.dumps({**config, "files": entries}, indent=2).encode() + b"\n"])
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    replace_directory(new, directory)


# ----------------------------------------------------------------------------
# Reading.


def load(directory: Path, registry: Registry, device: torch.device) -> Generator:
    """Return the generator of the package in a directory.

    Raises:
        NotFound: The directory is not a package.
        MissingPlugin: The package's architecture is not installed.
        Corrupt: A file's bytes differ from what was saved, or do not fit the architecture.
        GanzooError: A newer ganzoo wrote the package.
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
    move_to_device(networks.generator, device, config.precision)
    spec = planned.arch.spec
    assert isinstance(spec, Architecture)
    multiple = spec.input_multiple(planned.arch.options) if callable(spec.input_multiple) else spec.input_multiple
    dataset = _find_dataset(registry, config)
    return Generator(networks, config.data, config.json, planned.arch.provides, dataset, multiple)


def read_weights(directory: Path, planned: Plan, name: str) -> dict[str, Tensor]:
    """Return the tensors of one weights file of a package; they fit their network exactly.

    Args:
        directory: The directory of the package.
        planned: The plan of the networks that the package's config describes.
        name: The name of the file: `MODEL` or `DISCRIMINATOR`.

    Raises:
        Corrupt: The tensors do not fit, the file's hash differs from the one in the config, or a number is not finite.
    """
    path = directory / name
    content = read_file(path, planned.config.files.get(name) or _refuse_absent(directory, name))
    planned.check_header(name, content, str(path))
    return tensors.unpack(content, str(path))


def _refuse_absent(directory: Path, name: str) -> File:
    raise Corrupt(f"{directory} has no {name}: its config.json does not list it")


def _find_dataset(registry: Registry, config: Config) -> Dataset | None:
    """Return the spec of the dataset that a model was trained on; None where its plugin is not installed."""
    try:
        spec = registry.resolve("dataset", config.recipe["dataset"]["name"]).spec
    except (GanzooError, KeyError, TypeError, AttributeError):
        return None
    return spec if isinstance(spec, Dataset) else None
