"""Proof that what was loaded is what was trained: the package's reference samples, made once more."""

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

TOLERANCE = 1e-3  # of the samples' range: other machines add up float32 in another order


class Verification(NamedTuple):
    """What was found to hold.

    Args:
        files: Whose bytes are those that the config vouches for.
        tensors: How many the generator has, all of the names, shapes and dtypes that its architecture asks for.
        samples: How many were reproduced.
        difference: The largest between a number of a reference sample and the same made anew, as a part of the range.
        unchecked: What of the discriminator was not looked at, and why, in a sentence; empty where all was.
    """

    files: tuple[str, ...]
    tensors: int
    samples: int
    difference: float
    unchecked: str = ""


def verify(directory: Path, registry: Registry, device: torch.device) -> Verification:
    """Check every file of a package, load it strictly, and reproduce its reference samples.

    All of this holds without the discriminator, which a package from the Hub may lack: that is told, not an error.

    Raises:
        Corrupt: Something does not hold; the samples differ by more than `TOLERANCE` of their range.
        NotFound: There is no package, or no reference samples in it.
        MissingPlugin: Its architecture is not installed.
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
        made = generator.replay(z, labels)
    span = float(samples.max() - samples.min()) if config.data.modality != "image" else 2.0
    difference = float((made - samples).abs().max()) / max(span, 1e-6)
    if not difference <= TOLERANCE:  # NaN is none either
        raise Corrupt(
            f"{directory} does not give the samples that it gave: they differ by {difference:.2g} of their range "
            f"({TOLERANCE:g} is allowed), so plugin or weights are not those that it was made with"
        )
    return Verification(files, len(generator.network.state_dict()), len(z), difference, unchecked)


def _check_discriminator(directory: Path, config: Config, registry: Registry) -> str:
    """Return why a package's discriminator is not held against the architecture; empty where it is, or has none.

    Raises:
        Corrupt: It does not fit.
    """
    if DISCRIMINATOR not in config.files:
        return ""
    if not has_discriminator(directory, config):
        return f"{DISCRIMINATOR} {WITHOUT_D}"
    planned = planning.make_plan(config, registry, str(directory))
    try:
        package.read_weights(directory, planned, DISCRIMINATOR)
    except MissingPlugin as error:
        return f"{DISCRIMINATOR} is what was made, but was not held against its network: {error}"
    return ""
