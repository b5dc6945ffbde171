"""Verifying a package: the loaded generator reproduces the reference samples of the trained one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from ganzoo.compute.device import float32_products
from ganzoo.errors import Corrupt, MissingPlugin
from ganzoo.package import package
from ganzoo.package import plan as planning
from ganzoo.package.config import DISCRIMINATOR, WITHOUT_D, Config, has_discriminator, read_config, read_file
from ganzoo.package.references import read_reference
from ganzoo.registry import Registry

TOLERANCE = 1e-3  # a share of the samples' range: machines add up float32 numbers in different orders


class Verification(NamedTuple):
    """The result of verifying a package.

    Args:
        files: The names of the files whose bytes match the config's hashes.
        tensors: The number of the generator's tensors. All have the names, shapes and dtypes of the architecture.
        samples: The number of reproduced samples.
        difference: The largest difference between a number of a reference sample and the reproduced one, as a share of
            the samples' range.
        unchecked: A sentence that says why the discriminator was not checked; empty where it was.
    """

    files: tuple[str, ...]
    tensors: int
    samples: int
    difference: float
    unchecked: str = ""


def verify(directory: Path, registry: Registry, device: torch.device) -> Verification:
    """Check every file of a package, load it strictly, and reproduce its reference samples.

    A package from the Hub may lack the discriminator. This is not an error: `Verification.unchecked` says it.

    Raises:
        Corrupt: A check failed, or the samples differ by more than `TOLERANCE` of their range.
        NotFound: The directory is not a package, or it has no reference samples.
        MissingPlugin: The package's architecture is not installed.
    """
    config = read_config(directory)
    lacks_discriminator = DISCRIMINATOR in config.files and not has_discriminator(directory, config)
    files = tuple(name for name in config.files if not (lacks_discriminator and name == DISCRIMINATOR))
    for name in files:
        read_file(directory / name, config.files[name])
    unchecked = _check_discriminator(directory, config, registry)
    generator = package.load(directory, registry, device)
    z, labels, samples = read_reference(directory, config)
    with float32_products():
        reproduced = generator.replay(z, labels)
    span = float(samples.max() - samples.min()) if config.data.modality != "image" else 2.0
    difference = float((reproduced - samples).abs().max()) / max(span, 1e-6)
    if not difference <= TOLERANCE:  # also true for NaN
        raise Corrupt(
            f"{directory} does not reproduce its reference samples: they differ by {difference:.2g} of their range "
            f"({TOLERANCE:g} is allowed), so the plugin or the weights have changed since they were made"
        )
    return Verification(files, len(generator.network.state_dict()), len(z), difference, unchecked)


def _check_discriminator(directory: Path, config: Config, registry: Registry) -> str:
    """Return why a package's discriminator was not checked; empty where it was, or the package has none.

    Raises:
        Corrupt: The discriminator does not fit the architecture.
    """
    if DISCRIMINATOR not in config.files:
        return ""
    if not has_discriminator(directory, config):
        return f"{DISCRIMINATOR} {WITHOUT_D}"
    planned = planning.make_plan(config, registry, str(directory))
    try:
        package.read_weights(directory, planned, DISCRIMINATOR)
    except MissingPlugin as error:
        return f"the bytes of {DISCRIMINATOR} are correct, but it was not compared with its network: {error}"
    return ""
