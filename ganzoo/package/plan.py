"""Planning the networks that a package's config describes, before any weights are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from torch import nn

from ganzoo.compute.streams import seeded
from ganzoo.errors import Corrupt, GanzooError
from ganzoo.package import tensors
from ganzoo.package.config import DISCRIMINATOR, Config
from ganzoo.package.tensors import TensorInfo
from ganzoo.plugin import Networks
from ganzoo.plugin.options import evaluate_schedules
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.stored import read_choice
from ganzoo.registry import Registry

LARGEST_METADATA = 1 << 16  # bytes of a weights file's header that are not names of tensors


def make_metadata(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata in the header of a weights file: format, architecture, and a hash of the config.

    The networks are built from ``{"arch": ..., "data": ..., "latent": ...}`` of the config. The hash is the SHA-256 of
    that as JSON in ASCII, with sorted keys and without spaces. Absolute paths in ``arch`` are shortened to their last
    name, as in published configs.
    """
    arch = config["recipe"]["arch"]
    built = {"arch": shorten_paths(arch), "data": config["data"], "latent": config["latent"]}
    canonical = json.dumps(built, sort_keys=True, separators=(",", ":"))
    return {
        "format": "pt",
        "ganzoo": str(config["format"]),
        "architecture": arch["name"],
        "config": hashlib.sha256(canonical.encode()).hexdigest(),
    }


def shorten_paths(value: Any) -> Any:
    """Return a recipe with absolute paths shortened to their last name, so that a user's folders stay private."""
    if isinstance(value, dict):
        return {key: shorten_paths(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shorten_paths(each) for each in value]
    absolute = isinstance(value, str) and any(kind(value).is_absolute() for kind in (PurePosixPath, PureWindowsPath))
    return (PureWindowsPath(value).name or value) if absolute else value


@dataclass(frozen=True)
class Plan:
    """The networks that a config describes, known before any weights are read.

    Args:
        config: The config of the package, which describes the networks.
        arch: The installed architecture, with its options.
        registry: The registry in which regularizers are looked up that change the discriminator's structure.
    """

    config: Config
    arch: Choice
    registry: Registry

    @cached_property
    def networks(self) -> Networks:
        """The networks as the architecture builds them, on the meta device, without memory."""
        with tensors.meta_device():
            return _build_networks(self.arch, self.config)

    def list_tensors(self, name: str) -> Mapping[str, TensorInfo]:
        """Return dtypes and shapes of the tensors that a weights file must contain, by name.

        Raises:
            MissingPlugin: The file is the discriminator's, and a regularizer of its training is not installed.
        """
        return self._discriminator if name == DISCRIMINATOR else tensors.describe_tensors(self.networks.generator)

    @cached_property
    def _discriminator(self) -> Mapping[str, TensorInfo]:
        with tensors.meta_device():
            networks = _build_networks(self.arch, self.config)
            prepare_networks(networks, _build_regularizers(self.config, self.registry))
        return tensors.describe_tensors(networks.discriminator)

    def check(self, name: str, found: Mapping[str, TensorInfo], source: str) -> None:
        """Raise Corrupt where the tensors in a weights file's header do not fit its network."""
        tensors.check_fit(found, self.list_tensors(name), source)

    def check_header(self, name: str, content: bytes, source: str) -> None:
        """Raise Corrupt where the first bytes of a weights file are not a header, or the header does not fit."""
        self.check(name, tensors.read_header(content, source), source)
        metadata = tensors.read_metadata(content)
        if wrong := next(
            (key for key, value in make_metadata(self.config.json).items() if metadata.get(key, value) != value), ""
        ):
            raise Corrupt(
                f"{source} belongs to another model than the config beside it: its header has another {wrong}"
            )

    def check_size(self, name: str, size: int, source: str) -> None:
        """Raise Corrupt where a weights file has too few or too many bytes for its network."""
        expected = self.list_tensors(name)
        most = tensors.count_bytes(expected)  # in float16 they are half as large
        if not most // 2 < size <= most + LARGEST_METADATA + sum(len(tensor) + 128 for tensor in expected):
            raise Corrupt(f"{source} does not fit the architecture: it has {size:,} bytes")

    def build(self) -> Networks:
        """Build the networks on the CPU; the caller's random numbers do not change."""
        with seeded(0):
            return _build_networks(self.arch, self.config)


def make_plan(config: Config, registry: Registry, source: str) -> Plan:
    """Look up the architecture of a config, and build its networks on the meta device.

    Raises:
        MissingPlugin: The architecture is not installed.
        Corrupt: The config's parts do not fit each other.
        GanzooError: The architecture refuses the config.
    """
    try:
        arch = read_choice(registry, "arch", config.recipe["arch"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"{source} is damaged: it is not the config of a model package") from error
    planned = Plan(config, arch, registry)
    networks = planned.networks
    if (networks.latent_dim, networks.latent) != (config.latent_dim, config.latent):
        raise Corrupt(
            f"{source} is damaged: its latents are {config.latent} of {config.latent_dim} dimensions, but its "
            f"architecture takes {networks.latent} of {networks.latent_dim}"
        )
    return planned


def _build_networks(arch: Choice, config: Config) -> Networks:
    networks = arch.component.build(evaluate_schedules(arch.options, config.images), config.data)
    if not isinstance(networks, Networks):
        raise GanzooError(f"arch {arch.name!r} built {type(networks).__name__}, not ganzoo.plugin.Networks")
    return networks


def prepare_networks(networks: Networks, regularizers: Mapping[str, Any]) -> tuple[str, ...]:
    """Let regularizers change D's structure, in their order: before training, and whenever D is built again.

    Returns:
        The names of the regularizers that changed D's structure. D cannot be built without them.

    Raises:
        GanzooError: A regularizer changed G's structure. G is loaded without regularizers.
    """
    changing = []
    for name, regularizer in regularizers.items():
        if hasattr(regularizer, "prepare"):
            before, before_d = list(networks.generator.state_dict()), _list_contents(networks.discriminator)
            regularizer.prepare(networks)
            if list(networks.generator.state_dict()) != before:
                raise GanzooError(
                    f"regularizer {name!r} changed the structure of the generator, which is loaded without it: change "
                    "the discriminator alone"
                )
            after_d = _list_contents(networks.discriminator)
            if before_d.keys() != after_d.keys() or any(before_d[key] is not held for key, held in after_d.items()):
                changing.append(name)
    return tuple(changing)


def _list_contents(network: nn.Module) -> dict[tuple[str, ...], object]:
    """Return the class of each module of a network and all that the module has: tensors, modules, hooks, attributes."""
    found: dict[tuple[str, ...], object] = {}
    for path, module in network.named_modules():
        found[path,] = type(module)
        for name, value in vars(module).items():
            if isinstance(value, dict):
                found |= {(path, name, str(key)): held for key, held in value.items()}
            elif name != "training":
                found[path, name] = value
    return found


def _build_regularizers(config: Config, registry: Registry) -> dict[str, Any]:
    """Return the regularizers of a stored recipe that change D's structure, by name; none for an imported model."""
    try:
        changing = config.recipe.get("changes_d")  # an earlier version did not store which ones do
        choices = [
            read_choice(registry, "reg", entry)
            for entry in config.recipe.get("reg", [])
            if changing is None or entry["name"].rpartition(":")[2] in changing
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt("the config is damaged: its recipe's regularizers cannot be read") from error
    return {
        choice.name: choice.component.build(evaluate_schedules(choice.options, config.images), config.data)
        for choice in choices
    }
