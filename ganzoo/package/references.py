"""Reference samples: a few latents and labels with the samples that they gave, from which `verify` proves a model.

Labels that are arrays are real ones, of the data that the model was trained on: a run puts them into each package that
it writes, the samples come when the package is completed.
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
LARGEST = 1 << 20  # bytes of samples, or of labels: fewer are kept where each is large
MOST = 64  # that are read
HEADER = 1 << 12  # bytes of the file that are not numbers, and classes


def count_references(data: DataInfo) -> int:
    """Return how many reference samples a model of such data has."""
    return max(1, min(NUM, LARGEST // (4 * max(math.prod(data.shape), math.prod(data.label_shape)))))


def make_references(generator: Generator, labels: Tensor | None) -> dict[str, Tensor]:
    """Return latents ``z [n, latent_dim]``, labels where it takes some, and the ``samples [n, *shape]`` they gave.

    Args:
        generator: Loaded.
        labels: Real ones, where they are arrays and were kept; others are made up.
    """
    num = count_references(generator.data) if labels is None else len(labels)
    labels = generator.make_labels(num) if labels is None else labels
    z = generator.draw_latents(num, SEED)
    made = {"z": z, "samples": generator.replay(z, labels).contiguous()}  # convolutions may put channels last
    return made if labels is None else {**made, "labels": labels}


def read_labels(directory: Path, config: Config) -> Tensor | None:
    """Return the real labels ``[n, *label_shape]`` that a run left in a package; None where there are none.

    Raises:
        Corrupt: They are damaged, or another model's.
    """
    if not config.data.label_shape or REFERENCE not in config.files:
        return None
    content = _read_content(directory, config)
    forms = tensors.read_header(content, str(directory / REFERENCE))
    num = _count_samples(forms, "labels", directory)
    wanted = _expect_tensors(config, num)
    tensors.check_fit({"labels": forms["labels"]}, {"labels": wanted["labels"]}, str(directory / REFERENCE))
    return tensors.unpack(content, str(directory / REFERENCE))["labels"]


def read_reference(directory: Path, config: Config) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return latents, labels (None where the model takes none) and samples, which fit the model.

    Raises:
        NotFound: There are none.
        Corrupt: They are damaged, or another model's.
    """
    path, data = directory / REFERENCE, config.data
    if REFERENCE in config.files:
        content = _read_content(directory, config)
        forms = tensors.read_header(content, str(path))
    if REFERENCE not in config.files or set(forms) == {"labels"}:
        raise NotFound(
            f"{directory} has no reference samples to reproduce: they come when a run ends, or by `ganzoo package`"
        )
    tensors.check_fit(forms, _expect_tensors(config, _count_samples(forms, "z", directory)), str(path))
    held = tensors.unpack(content, str(path))
    labels = held.get("labels")
    if (
        labels is not None
        and not data.label_shape
        and not 0 <= int(labels.min()) <= int(labels.max()) < data.num_classes
    ):
        raise Corrupt(f"{path} holds labels that the model does not have")
    return held["z"], labels, held["samples"]


def _read_content(directory: Path, config: Config) -> bytes:
    numbers = max(math.prod(config.data.shape), math.prod(config.data.label_shape))
    most = 2 * LARGEST + 8 * numbers + 4 * MOST * config.latent_dim + HEADER  # one pair may be larger than `LARGEST`
    if config.files[REFERENCE].size > most:
        raise Corrupt(f"{directory / REFERENCE} is larger than any reference samples are")
    return read_file(directory / REFERENCE, config.files[REFERENCE])


def _count_samples(forms: dict[str, TensorInfo], name: str, directory: Path) -> int:
    num = forms[name].shape[0] if name in forms and forms[name].shape else 0
    if not 1 <= num <= MOST:
        raise Corrupt(f"{directory / REFERENCE} holds no reference samples")
    return num


def _expect_tensors(config: Config, num: int) -> dict[str, TensorInfo]:
    data = config.data
    wanted = {
        "z": TensorInfo(torch.float32, (num, config.latent_dim)),
        "samples": TensorInfo(torch.float32, (num, *data.shape)),
    }
    if data.labelled:
        wanted["labels"] = TensorInfo(torch.float32 if data.label_shape else torch.int64, (num, *data.label_shape))
    return wanted
