"""Samples as files that a person opens: a grid of images, or what their dataset makes of them (`Dataset.show`)."""

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
from ganzoo.samples import grid

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
CHANNELS = (1, 3, 4)  # of images that are pictures
TEXTS = (".txt", ".csv", ".tsv")
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}\.[a-z0-9]{1,8}")  # of a file, without folders

Files = dict[str, bytes]  # by name; what is looked at first comes first


def show(
    samples: Tensor,
    data: DataInfo,
    dataset: Dataset | None = None,
    labels: Tensor | None = None,
    columns: int | None = None,
) -> Files:
    """Return files that show samples ``[N, *shape]``; none where nobody says how.

    Args:
        samples: In the data's range.
        data: What they are.
        dataset: Theirs; its `show` makes the files. Without one images are laid out in a grid.
        labels: That they were made of; a grid has each beside its sample where `shows_labels`.
        columns: Of a grid; by default about as many as rows.

    Raises:
        GanzooError: What `Dataset.show` returned is not files.
    """
    if dataset is not None and dataset.show:
        module, _, name = dataset.show.partition(":")
        made = getattr(importlib.import_module(module), name)(samples.float().cpu().numpy(), data)
        return _check_files(made, dataset.show)
    if data.modality != "image" or data.shape[0] not in CHANNELS:
        return {}
    if labels is not None and shows_labels(data, dataset):
        samples, columns = _put_labels_beside(labels, samples), grid.SIDE
    return {"samples.png": grid.encode_picture(grid.tile(grid.to_uint8(samples), columns))}


def shows_labels(data: DataInfo, dataset: Dataset | None) -> bool:
    """Whether a grid has each label beside its sample: both are images of 1 or 3 channels that no dataset shows."""
    plain = data.labels_are_images and {data.shape[0], data.label_shape[0]} <= {1, 3}
    return plain and (dataset is None or not dataset.show)


def count_shown(data: DataInfo, dataset: Dataset | None = None) -> int:
    """Return how many samples a person wants to see at a time."""
    return grid.NUM_SHOWN if dataset is None or not dataset.show else dataset.num_shown


def can_show(data: DataInfo, dataset: Dataset | None) -> bool:
    """Whether `show` makes files of samples of this kind."""
    return bool(dataset is not None and dataset.show) or (data.modality == "image" and data.shape[0] in CHANNELS)


def pick_first_of_each_kind(files: Mapping[str, bytes]) -> Files:
    """Return the first file of each suffix, by suffix."""
    kinds: Files = {}
    for name, content in files.items():
        kinds.setdefault(PurePath(name).suffix, content)
    return kinds


def select_kept_files(files: Mapping[str, bytes]) -> Files:
    """Return what runs and packages keep: the first file of each suffix, by suffix; any picture as PNG."""
    picture = convert_files(files, ".png")
    others = {suffix: file for suffix, file in pick_first_of_each_kind(files).items() if suffix not in PICTURES}
    return others if picture is None else {".png": picture, **others}


def convert_files(files: Mapping[str, bytes], suffix: str) -> bytes | None:
    """Return the first file of a suffix; None where there is none. Pictures become one another, and so do texts."""
    kinds = pick_first_of_each_kind(files)
    if suffix in kinds:
        return kinds[suffix]
    if suffix in PICTURES and (found := next((kinds[kind] for kind in PICTURES if kind in kinds), None)):
        with Image.open(io.BytesIO(found)) as picture:
            return grid.encode_picture(picture.convert("L" if picture.mode == "L" else "RGB"), suffix)
    return next((kinds[kind] for kind in TEXTS if kind in kinds), None) if suffix in TEXTS else None


def _check_files(made: Any, path: str) -> Files:
    """Return what a dataset's `show` made if it is files."""
    if not isinstance(made, Mapping) or not made:
        found = "nothing" if isinstance(made, Mapping) else type(made).__name__
        raise GanzooError(f"{path} returned {found}: it must return bytes by file name")
    for name, content in made.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(content, bytes):
            raise GanzooError(
                f"{path} returned {type(content).__name__} under {name!r}: it must return bytes by a file name like "
                "'samples.png'"
            )
    return dict(made)


def _put_labels_beside(labels: Tensor, samples: Tensor) -> Tensor:
    """Return images ``[2N, C, H, W]``: each label, as large as its sample, then the sample."""
    channels = max(samples.shape[1], labels.shape[1])
    resized = nn.functional.interpolate(labels.float().cpu(), samples.shape[-2:], mode="nearest")
    pairs = [image.expand(-1, channels, -1, -1) for image in (resized, samples.float().cpu())]
    return torch.stack(pairs, 1).flatten(0, 1)
