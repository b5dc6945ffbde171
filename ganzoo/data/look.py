"""A look at some samples of a dataset before it is packed, for recipes that choose their settings by it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.compute.device import measure_free_memory
from ganzoo.compute.threads import count_cores
from ganzoo.data.arrays import to_tensor
from ganzoo.data.facts import find_copies, measure_values
from ganzoo.data.originals import describe_originals
from ganzoo.data.source import ArraySource, scale
from ganzoo.plugin import DataFacts, DataInfo, Dataset, Item
from ganzoo.plugin.options import list_options
from ganzoo.recipe.recipe import Choice

LOOKED = 512  # samples that are looked at, at even distances
SIDE = 16  # pixels of the images that are compared with their mirror images
RIDGE = 0.1  # share of the mean variance that is added to each variance
TOLD_LEAST = 40  # images of which a part can be told from mirror images


def look_at(dataset: Choice, device: torch.device) -> DataFacts:
    """Return facts about some samples of a dataset, and about the machine.

    Files that cannot be read are left out; the packing reports them.

    Args:
        dataset: The dataset, with its options.
        device: The device of the training.

    Raises:
        GanzooError: The dataset cannot be opened.
    """
    built = dataset.build()
    info: DataInfo = built.info
    items: list[Item] = list(built.items()) if getattr(built, "items", None) is not None else []
    data, labels = _read_samples(built, info, items)
    known: dict[str, Any] = {"cores": count_cores(), "memory": measure_free_memory(device)}
    if len(data):
        known |= _measure(info, data)
    if (
        files := describe_originals(items[:: -(-len(items) // LOOKED)]) if items else None
    ) and info.modality == "image":
        known |= {"shorter": int(files.shorter), "ratio": files.ratio[1]}
    if info.num_classes and labels is not None and info.num_items is not None:
        counts = np.bincount(labels, minlength=info.num_classes)
        known |= {"smallest": int(counts.min()), "largest": int(counts.max())}
    return DataFacts(resizable=_is_resizable(dataset, info), **known)


def _read_samples(built: Any, info: DataInfo, items: Sequence[Item]) -> tuple[Tensor, Any]:
    """Return some samples ``[n, *shape]``, and the classes of all samples, or of these if samples are drawn."""
    if items:
        chosen = [items[index] for index in np.unique(np.linspace(0, len(items) - 1, LOOKED).round().astype(int))]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            found = [array for array in pool.map(_load, chosen) if array is not None and array.shape == info.shape]
        stacked = torch.from_numpy(np.stack(found)) if found else torch.empty(0, *info.shape)
        return stacked, None if any(item.label is None for item in items) else [item.label for item in items]
    if getattr(built, "sample", None) is not None:
        data, labels = built.sample(torch.Generator().manual_seed(0), LOOKED)
        return data, labels if labels is None or labels.dim() > 1 else labels.tolist()
    data = to_tensor(built.data, "the dataset")
    numbers = torch.linspace(0, len(data) - 1, min(LOOKED, len(data))).round().long()
    labels = getattr(built, "labels", None)
    return data[numbers], None if labels is None or np.ndim(labels) > 1 else np.asarray(labels)


def _load(item: Item) -> Any:
    try:
        return item.load()
    except Exception:  # it is reported as unreadable by the packing
        return None


def _measure(info: DataInfo, data: Tensor) -> Mapping[str, Any]:
    """Return facts about samples that were read, ``[n, *shape]``."""
    source, num = ArraySource(info, data, None), len(data)
    known: dict[str, Any] = {"looked": num, "copies": find_copies(source, alike=False).num_equal / num}
    if info.modality == "image":
        grey = num if info.shape[0] == 1 else measure_values(source).grey
        known |= {"grey": grey / num, "mirrored": tell_mirrored(scale(data))}
    return known


def _is_resizable(dataset: Choice, info: DataInfo) -> bool:
    """Return whether images may be resized to another square: the dataset can, and its own size is the usual one."""
    known, square = list_options(type(dataset.options)), info.modality == "image" and info.shape[-1] == info.shape[-2]
    usual = isinstance(dataset.spec, Dataset) and "size" in known and dataset.options.size == known["size"].default
    return square and usual


def tell_mirrored(images: Tensor) -> float:
    """Return the share of images that can be told from their mirror images by other images of the dataset.

    Two tests judge each half of the images by the other half, on small grey images, and the better one counts:

    - Fisher's linear discriminant (Fisher 1936) of images and mirror images. It reads the difference d of an image and
      its mirror image, whose sign changes with mirroring: w = C^-1 mean(d), and an image is told if w·d > 0.
    - The nearest neighbour: an image is told if it is nearer to an image of the other half than its mirror image is.

    Args:
        images: Images ``[N, C, H, W]`` in the range of the networks.

    Returns:
        About 0.5 for images whose mirror images are as likely, and for fewer than 40 images; 1 where all are told.
    """
    if len(images) < TOLD_LEAST:
        return 0.5
    small = functional.adaptive_avg_pool2d(images.float().mean(1, keepdim=True), SIDE).double()
    order = torch.randperm(len(small), generator=torch.Generator().manual_seed(0))  # their own may be a pattern
    small = small[order]
    halves = small[::2], small[1::2]
    tests = [[test(*halves), test(*halves[::-1])] for test in (_tell_by_line, _tell_by_neighbour)]
    return max(float(torch.cat(told).mean()) for told in tests)


def _tell_by_line(learned: Tensor, judged: Tensor) -> Tensor:
    """Return 1 for each judged image that Fisher's discriminant tells from its mirror image, 0.5 for ties, else 0."""
    one, other = ((half - half.flip(3))[..., : SIDE // 2].flatten(1) for half in (learned, judged))  # [n, 128]
    covariance, mean = torch.cov(one.T), one.mean(0)
    ridge = RIDGE * covariance.diagonal().mean() + 1e-9
    direction = torch.linalg.solve(covariance + ridge * torch.eye(len(mean), dtype=mean.dtype), mean)
    return _rank(other @ direction)


def _tell_by_neighbour(learned: Tensor, judged: Tensor) -> Tensor:
    """Return 1 for each judged image that is nearer to a learned one than its mirror image, 0.5 for ties, else 0."""
    straight, mirrored = (torch.cdist(each.flatten(1), learned.flatten(1)).amin(1) for each in (judged, judged.flip(3)))
    return _rank(mirrored - straight)


def _rank(differences: Tensor) -> Tensor:
    return (differences > 1e-6).double() + 0.5 * (differences.abs() <= 1e-6)
