"""Reference samples: a few latents and labels with their samples, which `verify` reproduces.

Labels that are arrays are real labels from the training data. A run puts them into each package that it writes; the
samples are added when the package is completed.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import Corrupt, NotFound
from ganzoo.package import tensors
from ganzoo.package.config import REFERENCE, Config, read_file
from ganzoo.package.generator import Generator
from ganzoo.package.tensors import TensorInfo
from ganzoo.plugin import DataInfo

SEED = 0  # of the latents
NUM = 8
LARGEST = 1 << 20  # bytes of all samples, or of all labels; where one is large, fewer are kept
MOST = 64  # reference samples that are read at most
HEADER = 1 << 12  # bytes of the file's header and of class labels


def count_references(data: DataInfo) -> int:
    """Return the number of reference samples of a model of such data."""
    return max(1, min(NUM, LARGEST // (4 * max(math.prod(data.shape), math.prod(data.label_shape)))))


def make_references(generator: Generator, labels: Tensor | None) -> dict[str, Tensor]:
    """Return latents ``z [n, latent_dim]``, ``labels`` where the model takes labels, and ``samples [n, *shape]``.

    Args:
        generator: The generator, loaded from its package.
        labels: Real labels, where labels are arrays and the run kept some. None to make labels up.
    """
    num = count_references(generator.data) if labels is None else len(labels)
    labels = generator.make_labels(num) if labels is None else labels
    z = generator.draw_latents(num, SEED)
    result = {"z": z, "samples": generator.replay(z, labels).contiguous()}  # convolutions may put channels last
    return result if labels is None else {**result, "labels": labels}


def read_labels(directory: Path, config: Config) -> Tensor | None:
    """Return the real labels ``[n, *label_shape]`` that a run put into a package; None where there are none.

    Raises:
        Corrupt: The labels are damaged, or belong to another model.
    """
    if not config.data.label_shape or REFERENCE not in config.files:
        return None
    content = _read_content(directory, config)
    found = tensors.read_header(content, str(directory / REFERENCE))
    num = _count_samples(found, "labels", directory)
    expected = _expect_tensors(config, num)
    tensors.check_fit({"labels": found["labels"]}, {"labels": expected["labels"]}, str(directory / REFERENCE))
    return tensors.unpack(content, str(directory / REFERENCE))["labels"]


def read_reference(directory: Path, config: Config) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return latents, labels (None where the model takes none) and samples of a package.

    Raises:
        NotFound: The package has no reference samples.
        Corrupt: The reference samples are damaged, or belong to another model.
    """
    path, data = directory / REFERENCE, config.data
    if REFERENCE in config.files:
        content = _read_content(directory, config)
        found = tensors.read_header(content, str(path))
    if REFERENCE not in config.files or set(found) == {"labels"}:
        raise NotFound(
            f"{directory} has no reference samples to reproduce: wait until the run ends, or run `ganzoo package`"
        )
    tensors.check_fit(found, _expect_tensors(config, _count_samples(found, "z", directory)), str(path))
    stored = tensors.unpack(content, str(path))
    labels = stored.get("labels")
    if (
        labels is not None
        and not data.label_shape
        and not 0 <= int(labels.min()) <= int(labels.max()) < data.num_classes
    ):
        raise Corrupt(f"{path} contains labels that the model does not have")
    return stored["z"], labels, stored["samples"]


def _read_content(directory: Path, config: Config) -> bytes:
    numbers = max(math.prod(config.data.shape), math.prod(config.data.label_shape))
    most = (
        2 * LARGEST + 8 * numbers + 4 * MOST * config.latent_dim + HEADER
    )  # a single pair may be larger than `LARGEST`
    if config.files[REFERENCE].size > most:
        raise Corrupt(f"{directory / REFERENCE} is larger than reference samples can be")
    return read_file(directory / REFERENCE, config.files[REFERENCE])


def _count_samples(found: dict[str, TensorInfo], name: str, directory: Path) -> int:
    num = found[name].shape[0] if name in found and found[name].shape else 0
    if not 1 <= num <= MOST:
        raise Corrupt(f"{directory / REFERENCE} contains no reference samples")
    return num


def _expect_tensors(config: Config, num: int) -> dict[str, TensorInfo]:
    data = config.data
    expected = {
        "z": TensorInfo(torch.float32, (num, config.latent_dim)),
        "samples": TensorInfo(torch.float32, (num, *data.shape)),
    }
    if data.labelled:
        expected["labels"] = TensorInfo(torch.float32 if data.label_shape else torch.int64, (num, *data.label_shape))
    return expected
