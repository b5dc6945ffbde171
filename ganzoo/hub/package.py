"""The model package: ``config.json`` and ``model.safetensors``, written by a run and read back by `load`.

Safetensors and JSON only. A package names registered components, never code; what it says is checked before use:
hashes, names, shapes, dtypes and finiteness.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganzoo.engine.checkpoint import snapshot
from ganzoo.engine.gan import Gan
from ganzoo.engine.streams import seeded
from ganzoo.errors import Corrupt, GanzooError, NotFound
from ganzoo.files import explained, recover_directory, replace_directory, write_atomic
from ganzoo.hub.generator import Generator
from ganzoo.options import settled
from ganzoo.plugin import Architecture, DataInfo, Dataset
from ganzoo.recipe import stored_choice
from ganzoo.registry import Registry

FORMAT = 1
MODEL = "model.safetensors"

# ----------------------------------------------------------------------------
# Writing.


class Contents(NamedTuple):
    """What a package is written from; training does not change it any more.

    Args:
        weights: Of the averaged generator, on the CPU.
        config: ``config.json`` but for its ``files``.
    """

    weights: dict[str, Tensor]
    config: dict[str, Any]


def prepare(gan: Gan, images: int, metrics: Mapping[str, float]) -> Contents:
    """Return a copy of the averaged generator of a run as it is now, for `write`.

    Args:
        gan: Whose generator.
        images: Images seen so far.
        metrics: What was measured of it, by name.
    """
    plugins = {
        (c.component.plugin.distribution, c.component.plugin.version) for c in (gan.recipe.arch, gan.recipe.dataset)
    }
    config = {
        "format": FORMAT,
        "recipe": gan.recipe.to_json(),
        "requires": [{"distribution": name, "version": version} for name, version in sorted(plugins) if name],
        "data": gan.data.to_json(),
        "latent": {"dim": gan.networks.latent_dim, "distribution": gan.networks.latent},
        "range": [-1.0, 1.0],
        "images": images,
        "metrics": [{"name": name, "value": value, "images": images} for name, value in metrics.items()],
    }
    return Contents(snapshot(gan.ema.network.state_dict()), config)


def write(directory: Path, contents: Contents) -> None:
    """Write a package, whole or not at all; one that is there is replaced."""
    recover_directory(directory)
    new = directory.with_name(f".{directory.name}.new")
    with explained(directory):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
    model = safetensors.torch.save(contents.weights)
    files = {MODEL: {"sha256": hashlib.sha256(model).hexdigest(), "size": len(model)}}
    config = {**contents.config, "files": files}
    try:
        write_atomic(new / MODEL, [model])
        write_atomic(new / "config.json", [json.dumps(config, indent=2).encode() + b"\n"])
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


def _load(directory: Path, config: Mapping[str, Any], registry: Registry, device: torch.device) -> Generator:
    """Return the generator of a package whose ``config.json`` is read."""
    try:
        arch = stored_choice(registry, "arch", config["recipe"]["arch"])
        data = _data(config["data"])
        expected = config["files"][MODEL]
        model = (directory / MODEL).read_bytes()
        intact = len(model) == expected["size"] and hashlib.sha256(model).hexdigest() == expected["sha256"]
    except GanzooError:  # some are ValueErrors
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"{directory / 'config.json'} is damaged: it does not say what a model package says") from error
    except FileNotFoundError:
        raise Corrupt(f"{directory} has no {MODEL}: the package is incomplete") from None
    except OSError as error:
        raise GanzooError(f"cannot read {error.filename}: {(error.strerror or str(error)).lower()}") from error
    if not intact:
        raise Corrupt(f"{directory / MODEL} is damaged: its bytes are not those that were written")
    with seeded(0):  # the weights that are drawn here are thrown away; the caller's generator stays as it was
        networks = arch.component.build(settled(arch.options, config.get("images", 0)), data)
    _load_weights(networks.generator, model, directory / MODEL)
    networks.generator.to(device)
    assert isinstance(arch.spec, Architecture)
    return Generator(networks, data, config, arch.spec.provides, _render(registry, config))


def read_config(directory: Path) -> dict[str, Any]:
    """Return a package's ``config.json``; raise NotFound, Corrupt or GanzooError as `load` does."""
    path = directory / "config.json"
    if not path.is_file():
        raise NotFound(f"{directory} holds no model package: it has no config.json")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        written = int(config["format"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Corrupt(f"{path} is damaged: it is no JSON of a model package") from error
    if written > FORMAT:
        raise GanzooError(f"{directory} was written by a newer ganzoo: python -m pip install -U ganzoo")
    return config


def _data(values: Mapping[str, Any]) -> DataInfo:
    """Return what a config says of the data; raise an error of any kind where that is nothing to build for."""
    data = DataInfo.from_json(values)
    if not isinstance(data.num_classes, int) or data.num_classes < 0:
        raise ValueError(f"{data.num_classes} classes")
    return data


def _load_weights(network: nn.Module, model: bytes, path: Path) -> None:
    """Load weights that fit the network exactly: names, shapes, dtypes, all finite."""
    try:
        weights = safetensors.torch.load(model)
    except SafetensorError as error:
        raise Corrupt(f"{path} is no safetensors file: {error}") from error
    wanted = network.state_dict()
    for name in sorted(weights.keys() ^ wanted.keys()):
        raise Corrupt(
            f"{path} does not fit the architecture: tensor {name!r} is {'extra' if name in weights else 'missing'}"
        )
    for name, tensor in weights.items():
        if (tensor.shape, tensor.dtype) != (wanted[name].shape, wanted[name].dtype):
            raise Corrupt(
                f"{path} does not fit the architecture: tensor {name!r} is {_form(tensor)}, not {_form(wanted[name])}"
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise Corrupt(f"{path} holds numbers that are not finite, in tensor {name!r}")
    network.load_state_dict(weights, strict=True)


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def _render(registry: Registry, config: Mapping[str, Any]) -> str:
    """Return how the dataset draws its samples, where its plugin is installed; images need nothing."""
    try:
        spec = registry.resolve("dataset", config["recipe"]["dataset"]["name"]).spec
    except (GanzooError, KeyError, TypeError):
        return ""
    return spec.render if isinstance(spec, Dataset) else ""
