"""Proof that what was loaded is what was trained: the package's reference samples, made once more."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.compute.device import exact_products
from ganzoo.errors import Corrupt, NotFound
from ganzoo.package import package, tensors
from ganzoo.package.complete import LARGEST_REFERENCE
from ganzoo.package.config import DISCRIMINATOR, REFERENCE, Config, read, read_file
from ganzoo.plugin import DataInfo
from ganzoo.registry import Registry

TOLERANCE = 1e-3  # of the samples' range: other machines add up float32 in another order
MOST = 64  # reference samples


class Verified(NamedTuple):
    """What was found to hold.

    Args:
        files: Whose bytes are those that the config vouches for.
        tensors: How many the generator has, all of the names, shapes and dtypes that its architecture asks for.
        samples: How many were reproduced.
        difference: The largest between a number of a reference sample and the same made anew, as a part of the range.
    """

    files: tuple[str, ...]
    tensors: int
    samples: int
    difference: float


def verify(directory: Path, registry: Registry, device: torch.device) -> Verified:
    """Check every file of a package, load it strictly, and reproduce its reference samples.

    Raises:
        Corrupt: Something does not hold; the samples differ by more than `TOLERANCE` of their range.
        NotFound: There is no package, or no reference samples in it.
        MissingPlugin: Its architecture is not installed.
    """
    config = read(directory)
    for name in config.files:
        read_file(directory / name, config.files[name])
    if DISCRIMINATOR in config.files:
        package.read_weights(directory, package.plan(config, registry, str(directory)), DISCRIMINATOR)
    generator = package.load(directory, registry, device)
    z, labels, samples = read_reference(directory, config)
    with exact_products():
        made = generator.replay(z, labels)
    span = float(samples.max() - samples.min()) if config.data.modality != "image" else 2.0
    difference = float((made - samples).abs().max()) / max(span, 1e-6)
    if not difference <= TOLERANCE:  # NaN is none either
        raise Corrupt(
            f"{directory} does not give the samples that it gave: they differ by {difference:.2g} of their range "
            f"({TOLERANCE:g} is allowed), so plugin or weights are not those that it was made with"
        )
    return Verified(tuple(config.files), len(generator.network.state_dict()), len(z), difference)


def read_reference(directory: Path, config: Config) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return latents, labels (None where the model takes none) and samples, which fit the model.

    Raises:
        NotFound: There are none.
        Corrupt: They are damaged, or another model's.
    """
    path, data = directory / REFERENCE, config.data
    if REFERENCE not in config.files:
        raise NotFound(
            f"{directory} has no reference samples to reproduce: they come when a run ends, or by `ganzoo package`"
        )
    if config.files[REFERENCE].size > 4 * LARGEST_REFERENCE + 8 * 4 * _numbers(data):
        raise Corrupt(f"{path} is larger than any reference samples are")
    content = read_file(path, config.files[REFERENCE])
    forms = tensors.header(content, str(path))
    num = forms["z"].shape[0] if "z" in forms and forms["z"].shape else 0
    if not 1 <= num <= MOST:
        raise Corrupt(f"{path} holds no reference samples")
    wanted = {
        "z": tensors.Form(torch.float32, (num, config.latent_dim)),
        "samples": tensors.Form(torch.float32, (num, *data.shape)),
    }
    if data.num_classes or data.label_shape:
        wanted["labels"] = tensors.Form(torch.float32 if data.label_shape else torch.int64, (num, *data.label_shape))
    tensors.check_fit(forms, wanted, str(path))
    held = tensors.unpack(content, str(path))
    labels = held.get("labels")
    if (
        labels is not None
        and not data.label_shape
        and not 0 <= int(labels.min()) <= int(labels.max()) < data.num_classes
    ):
        raise Corrupt(f"{path} holds labels that the model does not have")
    return held["z"], labels, held["samples"]


def _numbers(data: DataInfo) -> int:
    return int(torch.Size(data.shape).numel())
