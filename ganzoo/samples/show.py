"""Samples as files that people open: a grid of images, or the files that the dataset's `show` makes."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Dataset
from ganzoo.runs.display import PICTURES, TEXTS
from ganzoo.samples import grid

CHANNELS = (1, 3, 4)  # images with these numbers of channels are pictures
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}\.[a-z0-9]{1,8}")  # a file's name without folders

Files = dict[str, bytes]  # contents by file name; the first file is the most important one


def show(
    samples: Tensor,
    data: DataInfo,
    dataset: Dataset | None = None,
    labels: Tensor | None = None,
    columns: int | None = None,
) -> Files:
    """Return files that show samples; none where the samples are not pictures and the dataset has no `show`.

    Args:
        samples: Samples ``[N, *shape]`` in the data's range.
        data: The info of the samples.
        dataset: The dataset of the samples. Where it has a `show`, that makes the files; otherwise images become a
            grid.
        labels: The labels that the samples were made from. The grid puts each label beside its sample where
            `shows_labels` is true.
        columns: The number of columns of the grid; by default about the number of rows.

    Raises:
        GanzooError: `Dataset.show` did not return files.
    """
    if dataset is not None and dataset.show:
        module, _, name = dataset.show.partition(":")
        files = getattr(importlib.import_module(module), name)(samples.float().cpu().numpy(), data)
        return _check_files(files, dataset.show)
    if data.modality != "image" or data.shape[0] not in CHANNELS:
        return {}
    if labels is not None and shows_labels(data, dataset):
        samples, columns = _put_labels_beside(labels, samples), grid.SIDE
    return {"samples.png": grid.encode_picture(grid.tile(grid.to_uint8(samples), columns))}


def shows_labels(data: DataInfo, dataset: Dataset | None) -> bool:
    """Whether a grid puts each label beside its sample: both have 1 or 3 channels, and the dataset has no `show`."""
    plain = data.labels_are_images and {data.shape[0], data.label_shape[0]} <= {1, 3}
    return plain and (dataset is None or not dataset.show)


def count_shown(data: DataInfo, dataset: Dataset | None = None) -> int:
    """Return how many samples are shown together by default."""
    return grid.NUM_SHOWN if dataset is None or not dataset.show else dataset.num_shown


def can_show(data: DataInfo, dataset: Dataset | None) -> bool:
    """Whether `show` can make files of such samples."""
    return bool(dataset is not None and dataset.show) or (data.modality == "image" and data.shape[0] in CHANNELS)


def pick_first_of_each_kind(files: Mapping[str, bytes]) -> Files:
    """Return the content of the first file of each suffix, by suffix."""
    kinds: Files = {}
    for name, content in files.items():
        kinds.setdefault(PurePath(name).suffix, content)
    return kinds


def select_kept_files(files: Mapping[str, bytes]) -> Files:
    """Return the files that runs and packages keep: the first one of each suffix, by suffix; pictures become PNG."""
    picture = convert_files(files, ".png")
    others = {suffix: file for suffix, file in pick_first_of_each_kind(files).items() if suffix not in PICTURES}
    return others if picture is None else {".png": picture, **others}


def convert_files(files: Mapping[str, bytes], suffix: str) -> bytes | None:
    """Return the content of a file of that suffix, or None. Pictures are converted; text suffixes are alike."""
    kinds = pick_first_of_each_kind(files)
    if suffix in kinds:
        return kinds[suffix]
    if suffix in PICTURES and (found := next((kinds[kind] for kind in PICTURES if kind in kinds), None)):
        with Image.open(io.BytesIO(found)) as picture:
            return grid.encode_picture(picture.convert("L" if picture.mode == "L" else "RGB"), suffix)
    return next((kinds[kind] for kind in TEXTS if kind in kinds), None) if suffix in TEXTS else None


def _check_files(files: Any, path: str) -> Files:
    """Return the files that a dataset's `show` made; raise GanzooError where they are not bytes by file name."""
    if not isinstance(files, Mapping) or not files:
        found = "nothing" if isinstance(files, Mapping) else type(files).__name__
        raise GanzooError(f"{path} returned {found}: it must return bytes by file name")
    for name, content in files.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(content, bytes):
            raise GanzooError(
                f"{path} returned {type(content).__name__} under {name!r}: it must return bytes by a file name like "
                "'samples.png'"
            )
    return dict(files)


def _put_labels_beside(labels: Tensor, samples: Tensor) -> Tensor:
    """Return images ``[2N, C, H, W]``: each label, resized to its sample, followed by the sample."""
    channels = max(samples.shape[1], labels.shape[1])
    resized = nn.functional.interpolate(labels.float().cpu(), samples.shape[-2:], mode="nearest")
    pairs = [image.expand(-1, channels, -1, -1) for image in (resized, samples.float().cpu())]
    return torch.stack(pairs, 1).flatten(0, 1)
