"""Sources: datasets as the engine reads them, checked against their own info, stored as tensors or drawn endlessly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.compute.device import CAPTURE_LOCK, copy_to_device
from ganzoo.data.arrays import (
    check_data,
    check_item_labels,
    check_labels,
    format_dtype,
    list_dtypes,
    share_memory,
    to_tensor,
)
from ganzoo.data.packing import Packing, Skipped, describe_skipped
from ganzoo.data.resampling import Resampling, read_resampling
from ganzoo.data.shards import WHOLE, Machine, ShardedStore, Shards, choose_shard_size
from ganzoo.data.store import Store, open_store
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import DataInfo
from ganzoo.runs.cache import DATASETS, find_cache_folder

Condition = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
Batch = tuple[torch.Tensor, torch.Tensor | None]  # samples [n, *shape] and their labels


@dataclass(frozen=True)
class ArraySource:
    """A dataset of a fixed number of stored samples.

    Args:
        info: The dataset's info, where `num_items` is the true number of samples, N.
        data: The samples ``[N, *info.shape]`` in the info's dtype. They may be a read-only memory map: never write to
            them. Read `Shards` with `pick`.
        labels: Classes as int64 ``[N]``, or other labels ``[N, *info.label_shape]`` in the info's label_dtype, which
            are read-only too. None where no labels are stored.
        condition: The dataset's function that makes a batch's labels from its samples; see `label_batch`. None where
            the labels are stored.
        skipped: The items of the dataset that could not be decoded.
        content: The SHA-256 of samples and labels if they were packed; empty if nobody computed it.
        store: The packed store that `data` is a memory map of; None where there is none, or there are several.
        index: The positions in `data` of the samples that belong to the source, int64 ``[n]`` on the device of `data`;
            None for all of a tensor. ``len(source)`` is their number.
        resampling: How a conditional run draws samples and makes their labels; None if all samples are drawn alike.
    """

    info: DataInfo
    data: torch.Tensor | Shards
    labels: torch.Tensor | Shards | None
    condition: Condition | None = None
    skipped: tuple[Skipped, ...] = ()
    content: str = ""
    store: Store | None = None
    index: torch.Tensor | None = None
    resampling: Resampling | None = None

    def __len__(self) -> int:
        return len(self.data if self.index is None else self.index)

    def locate(self, numbers: torch.Tensor) -> torch.Tensor:
        """Return the positions in `data` of the samples with these numbers, int64 ``[n]``, from 0 to ``len - 1``."""
        return numbers if self.index is None else self.index[numbers]

    def check_files(self) -> None:
        """Raise GanzooError if another program cut the file short that the samples are read from."""
        if self.store is not None and not self.data.is_cuda:
            self.store.check()

    def select(self, numbers: torch.Tensor) -> ArraySource:
        """Return a source of the samples with these numbers, which shares the memory of this one."""
        index = self.locate(numbers.to(self.data.device))
        digest = hashlib.sha256(self.content.encode() + index.cpu().numpy().tobytes()).hexdigest()
        info = replace(self.info, num_items=len(index))
        return replace(self, info=info, index=index, content=digest if self.content else "")


@dataclass(frozen=True)
class EndlessSource:
    """A dataset that draws new samples without end.

    Args:
        info: The dataset's info, where `num_items` is None.
        sample: ``sample(generator, n)`` returns ``(data [n, *info.shape], labels or None)``.
        condition: The dataset's function that makes a batch's labels from its samples; None where samples come
            with their labels, or without any.
    """

    info: DataInfo
    sample: Callable[[torch.Generator, int], Batch]
    condition: Condition | None = None


Source = ArraySource | EndlessSource


def scale(data: torch.Tensor) -> torch.Tensor:
    """Return samples, or labels that are arrays, in the range that networks and metrics take.

    uint8 becomes float32 in [-1, 1] (x / 127.5 - 1), int16 becomes float32 in [-1, 1) (x / 32768). Other dtypes stay
    as they are.
    """
    if data.dtype == torch.int16:
        return data.float().div_(32768.0)
    return data.float().div_(127.5).sub_(1.0) if data.dtype == torch.uint8 else data


def scale_batch(source: Source, batch: Batch, device: torch.device) -> Batch:
    """Move a stored batch to the device, and scale it to the range that networks take."""
    data, labels = batch
    if labels is not None:
        labels = copy_to_device(labels, device)
        labels = scale(labels) if source.info.label_shape else labels
    return scale(copy_to_device(data, device)), labels


def pick(data: torch.Tensor | Shards, index: torch.Tensor, pinned: bool = False) -> torch.Tensor:
    """Return ``data[index]``.

    On the CPU, `torch.index_select` copies whole samples; plain indexing copies single numbers, which takes several
    times as long. On CUDA, plain indexing is the one that copies whole samples.

    Args:
        data: Samples or labels ``[N, ...]``.
        index: An int64 tensor ``[n]`` on the device of `data`.
        pinned: Whether the result is in pinned memory; `data` is on the CPU then.
    """
    if isinstance(data, torch.Tensor) and data.is_cuda:
        return data[index]
    if not pinned:
        return data.read(index) if isinstance(data, Shards) else data.index_select(0, index)
    with CAPTURE_LOCK:
        out = torch.empty(len(index), *data.shape[1:], dtype=data.dtype, pin_memory=True)
    return data.read(index, out) if isinstance(data, Shards) else torch.index_select(data, 0, index, out=out)


def label_batch(source: Source, batch: Batch, generator: torch.Generator) -> Batch:
    """Return a batch with the labels that its dataset makes from the samples, where the dataset makes labels.

    Args:
        source: The source that the batch was read from.
        batch: A batch as `scale_batch` returns it.
        generator: A seeded generator on the batch's device. The labels draw all their random numbers from it.
    """
    if source.condition is None:
        return batch
    with torch.no_grad():
        return batch[0], source.condition(batch[0], generator)


def describe_skipped_items(source: Source, file: object = "") -> str:
    """Return a line about the items that could not be decoded; empty if there are none.

    Args:
        source: The source, which knows the items that were skipped.
        file: The path of the file that lists them all; empty if there is none.
    """
    if isinstance(source, EndlessSource) or not (skipped := source.skipped):
        return ""
    where = f"; {file} lists them all" if file else ""
    whole = len(source.data) + (0 if isinstance(source.data, Shards) else len(skipped))
    count = f"{len(skipped)} of {whole}"
    return f"skipped {count} files that could not be read: {describe_skipped(skipped)}{where}"


def open_source(
    dataset: object,
    *,
    name: str,
    key: str,
    notify: Callable[[str], None],
    cache: Path | None = None,
    title: str = "",
    check: Callable[[DataInfo], None] | None = None,
    progress: Callable[[str, float], None] | None = None,
    shard: int = 0,
    machine: Machine = WHOLE,
) -> Source:
    """Return the source of the object that a dataset's factory returned (contract: `ganzoo.plugin.Dataset`).

    Args:
        dataset: The object that the factory returned.
        name: The dataset's name, for messages.
        key: The name of the dataset's directory in `cache`. It identifies the dataset and its options.
        notify: A function that shows one line to the user (progress of a long packing).
        cache: The folder of all packed stores; None for the usual one (`ganzoo.runs.cache.find_cache_folder`).
        title: The dataset and its options in words, for `ganzoo cache`.
        check: A function that raises an error if the dataset's info does not suit the caller. It is called before the
            first item is decoded.
        progress: A function that shows how far the packing is; see `Packing`.
        shard: The number of samples in a file of the packed dataset (``dataset.shard``); 0 for one file, and for
            several if they are many.
        machine: Which of several files this machine has.

    Raises:
        GanzooError: The object breaks the contract or does not match its own info, its files cannot be read, or the
            cache cannot be written. The text names the dataset and the numbers.
    """
    info = getattr(dataset, "info", None)
    if not isinstance(info, DataInfo):
        raise GanzooError(f"dataset {name!r} has info {info!r}: its factory must return an object with a DataInfo")
    if check is not None:
        check(info)
    given = [word for word in ("data", "sample", "items") if getattr(dataset, word, None) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise GanzooError(f"dataset {name!r} has {found}: it must have exactly one of data, sample and items")
    condition = getattr(dataset, "condition", None)
    # A dataset that makes its labels stores none.
    stored = info if condition is None else replace(info, num_classes=0, label_shape=())
    source: Source
    if shard and given != ["items"]:
        raise UsageError(f"dataset.shard={shard}: dataset {name!r} is not packed into files: remove dataset.shard")
    if given == ["data"]:
        source = _read_data(dataset, stored, name)
    elif given == ["sample"]:
        source = _read_sample(dataset, stored, name)
    else:
        folder = find_cache_folder() / DATASETS if cache is None else cache
        strict = bool(getattr(dataset, "strict", False))
        packing = Packing(name, (), stored, strict, folder / key, notify, title, progress)
        source = _read_items(dataset, packing, shard, machine)
    for line in getattr(dataset, "notes", list)():
        notify(line)
    if condition is None:
        return source
    info = replace(info, num_items=source.info.num_items, dtype=source.info.dtype)
    source = _check_condition(replace(source, info=info, condition=condition), name)
    if isinstance(source, ArraySource) and source.resampling:
        _check_condition(replace(source, condition=source.resampling.condition), name)
    return source


def _read_data(dataset: Any, info: DataInfo, name: str) -> ArraySource:
    data = check_data(to_tensor(dataset.data, name), info, name)
    labels = check_labels(getattr(dataset, "labels", None), info, name, len(data))
    if info.num_items not in (None, len(data)):
        raise GanzooError(f"dataset {name!r} holds {len(data)} samples, but its info says num_items={info.num_items}")
    info, resampling = replace(info, num_items=len(data), dtype=format_dtype(data.dtype)), None
    if getattr(dataset, "condition", None) is not None:
        resampling = read_resampling(dataset, len(data), name)
    return ArraySource(info, data, labels, resampling=resampling)


def _read_sample(dataset: Any, info: DataInfo, name: str) -> EndlessSource:
    """Check one small draw and return the source. Later draws are not checked: the training loop has no time for it."""
    data, labels = dataset.sample(torch.Generator().manual_seed(0), 2)
    if not isinstance(data, torch.Tensor) or data.dtype not in list_dtypes(info) or len(data) != 2:
        found = (
            f"{format_dtype(data.dtype)} {list(data.shape)}" if isinstance(data, torch.Tensor) else type(data).__name__
        )
        wanted = " or ".join(map(format_dtype, list_dtypes(info)))
        raise GanzooError(
            f"dataset {name!r} drew {found} for 2 samples: it must draw {wanted} tensors {[2, *info.shape]}"
        )
    check_data(data, info, name)
    checked = check_labels(labels, info, name, 2)
    if checked is not None and (not isinstance(labels, torch.Tensor) or labels.dtype != checked.dtype):
        raise GanzooError(f"dataset {name!r} must draw its labels as {format_dtype(checked.dtype)} tensors")
    return EndlessSource(replace(info, num_items=None, dtype=format_dtype(data.dtype)), dataset.sample)


def _read_items(dataset: Any, packing: Packing, shard: int, machine: Machine) -> ArraySource:
    packing = replace(packing, items=list(dataset.items()))
    check_item_labels(packing.items, packing.info, packing.name)
    if packing.items and (size := choose_shard_size(packing, shard)):
        return _read_shards(packing, size, machine)
    store = open_store(packing)
    labels = None if store.labels is None else share_memory(store.labels)
    info = replace(packing.info, num_items=len(store.data))
    data = share_memory(store.data)
    return ArraySource(info, data, labels, skipped=store.skipped, content=store.content, store=store)


def _read_shards(packing: Packing, size: int, machine: Machine) -> ArraySource:
    """Return the source of a dataset in shards. Positions are the numbers of the items; classes are in memory."""
    directory = packing.directory.with_name(f"{packing.directory.name}-{size}")
    stores = ShardedStore(replace(packing, directory=directory), size, machine)
    index, info = stores.list_present(), packing.info
    labels: torch.Tensor | Shards | None = None
    if info.label_shape:
        labels = Shards(stores, labels=True)
    elif info.num_classes:
        labels = torch.tensor([item.label for item in packing.items])
    info = replace(info, num_items=len(index))
    return ArraySource(info, Shards(stores), labels, skipped=stores.skipped, content=stores.content, index=index)


def _check_condition(source: Source, name: str) -> Source:
    """Return the source; raise GanzooError where the labels that it makes of two samples do not match its info."""
    info, generator = source.info, torch.Generator().manual_seed(0)
    if isinstance(source, ArraySource):
        stored = pick(source.data, source.locate(torch.arange(min(2, len(source)))))
    else:
        stored = source.sample(generator, 2)[0]
    _, labels = label_batch(source, scale_batch(source, (stored, None), torch.device("cpu")), generator)
    dtype, shape = torch.float32 if info.label_shape else torch.int64, (len(stored), *info.label_shape)
    if not info.labelled or not isinstance(labels, torch.Tensor) or (labels.dtype, labels.shape) != (dtype, shape):
        found = (
            f"{format_dtype(labels.dtype)} {list(labels.shape)}" if isinstance(labels, torch.Tensor) else repr(labels)
        )
        says = f"label_shape={info.label_shape}" if info.label_shape else f"num_classes={info.num_classes}"
        raise GanzooError(
            f"dataset {name!r}: its condition made labels {found} of {len(stored)} samples, but its info says {says}: "
            f"it must make {format_dtype(dtype)} {list(shape)}"
        )
    return source
