"""What a package's config asks for: networks as they were trained, known before any weights are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

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

LARGEST_METADATA = 1 << 16  # bytes of a weights file that are neither tensors nor their names


def make_metadata(config: Mapping[str, Any]) -> dict[str, str]:
    """Return what a weights file says in its header of what it is: format, architecture, and a hash of the config.

    The hash is the SHA-256 of ``{"arch": ..., "data": ..., "latent": ...}``, what the networks are built from, as JSON
    in ASCII with sorted keys and no spaces. Absolute paths in ``arch`` count by their last name, which is all of them
    that is published.
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
    """Return a recipe whose absolute paths are names alone: where somebody keeps data and plugins is their business."""
    if isinstance(value, dict):
        return {key: shorten_paths(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shorten_paths(each) for each in value]
    absolute = isinstance(value, str) and any(kind(value).is_absolute() for kind in (PurePosixPath, PureWindowsPath))
    return (PureWindowsPath(value).name or value) if absolute else value


@dataclass(frozen=True)
class Plan:
    """What a config asks for, known before any weights are read.

    Args:
        config: The config.
        arch: The architecture, installed here, with its options.
        registry: Where the regularizers are looked up that changed the discriminator's structure.
    """

    config: Config
    arch: Choice
    registry: Registry

    @cached_property
    def networks(self) -> Networks:
        """The networks as the architecture builds them, without memory, on the meta device."""
        with tensors.meta_device():
            return _build_networks(self.arch, self.config)

    def forms(self, name: str) -> Mapping[str, TensorInfo]:
        """Return the forms of the tensors that a weights file must have.

        Raises:
            MissingPlugin: The file is the discriminator's, and a regularizer that it was trained with is not installed.
        """
        return self._discriminator if name == DISCRIMINATOR else tensors.describe_tensors(self.networks.generator)

    @cached_property
    def _discriminator(self) -> Mapping[str, TensorInfo]:
        with tensors.meta_device():
            networks = _build_networks(self.arch, self.config)
            prepare_networks(networks, _build_regularizers(self.config, self.registry))
        return tensors.describe_tensors(networks.discriminator)

    def check(self, name: str, stated: Mapping[str, TensorInfo], source: str) -> None:
        """Raise Corrupt where a weights file's header does not fit the network that it is for."""
        tensors.check_fit(stated, self.forms(name), source)

    def check_header(self, name: str, content: bytes, source: str) -> None:
        """Raise Corrupt where the first bytes of a weights file are no header, or one that does not fit."""
        self.check(name, tensors.read_header(content, source), source)
        mark = tensors.read_metadata(content)
        if wrong := next(
            (key for key, value in make_metadata(self.config.json).items() if mark.get(key, value) != value), ""
        ):
            raise Corrupt(f"{source} is of another model than the config beside it: its header says another {wrong}")

    def check_size(self, name: str, size: int, source: str) -> None:
        """Raise Corrupt where a weights file cannot be that of the network: it has too many bytes, or too few."""
        forms = self.forms(name)
        least = tensors.count_bytes(forms)
        if not least < size <= least + LARGEST_METADATA + sum(len(tensor) + 128 for tensor in forms):
            raise Corrupt(f"{source} does not fit the architecture: it has {size:,} bytes")

    def build(self) -> Networks:
        """Return the networks for real, on the CPU; the caller's random numbers stay as they were."""
        with seeded(0):
            return _build_networks(self.arch, self.config)


def make_plan(config: Config, registry: Registry, source: str) -> Plan:
    """Look up the architecture of a config and build its networks on the meta device.

    Raises:
        MissingPlugin: The architecture is not installed.
        Corrupt: The config's parts do not go together.
        GanzooError: The architecture refuses them.
    """
    try:
        arch = read_choice(registry, "arch", config.recipe["arch"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"{source} is damaged: it is not the config of a model package") from error
    planned = Plan(config, arch, registry)
    networks = planned.networks
    if (networks.latent_dim, networks.latent) != (config.latent_dim, config.latent):
        raise Corrupt(
            f"{source} is damaged: it says latents {config.latent} of {config.latent_dim}, its architecture takes "
            f"{networks.latent} of {networks.latent_dim}"
        )
    return planned


def _build_networks(arch: Choice, config: Config) -> Networks:
    networks = arch.component.build(evaluate_schedules(arch.options, config.images), config.data)
    if not isinstance(networks, Networks):
        raise GanzooError(f"arch {arch.name!r} built {type(networks).__name__}, not ganzoo.plugin.Networks")
    return networks


def prepare_networks(networks: Networks, regularizers: Mapping[str, Any]) -> None:
    """Let regularizers change D's structure, in their order: before training, and wherever D is built again.

    Raises:
        GanzooError: One changed G's, which is built without them.
    """
    for name, regularizer in regularizers.items():
        if hasattr(regularizer, "prepare"):
            before = list(networks.generator.state_dict())
            regularizer.prepare(networks)
            if list(networks.generator.state_dict()) != before:
                raise GanzooError(
                    f"regularizer {name!r} changed the structure of the generator, which is used without it: change "
                    "that of the discriminator alone"
                )


def _build_regularizers(config: Config, registry: Registry) -> dict[str, Any]:
    """Return the regularizers of a stored recipe by name; of an imported model nobody knows any."""
    try:
        entries = config.recipe.get("reg", [])
        choices = [read_choice(registry, "reg", entry) for entry in entries]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt("the config does not say with which regularizers it was trained") from error
    return {
        choice.name: choice.component.build(evaluate_schedules(choice.options, config.images), config.data)
        for choice in choices
    }
