"""Opening a dataset: the source of what its factory returned, checked against its info."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.data.arrays import (
    check_data,
    check_item_labels,
    check_labels,
    format_dtype,
    list_dtypes,
    share_memory,
    to_tensor,
)
from ganzoo.data.packing import Packing
from ganzoo.data.resampling import read_resampling
from ganzoo.data.shards import WHOLE, Machine, ShardedStore, Shards, choose_shard_size
from ganzoo.data.source import ArraySource, EndlessSource, Source, label_batch, pick, scale_batch
from ganzoo.data.store import open_store
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import DataInfo
from ganzoo.runs.cache import DATASETS, find_cache_folder


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
    margin = getattr(dataset, "margin", 0)
    if margin and given == ["sample"]:
        raise GanzooError(f"dataset {name!r} has a margin of {margin} and draws its samples: only stored ones have one")
    # A dataset that makes its labels stores none.
    stored = info if condition is None else replace(info, num_classes=0, label_shape=())
    stored = replace(stored, shape=(*info.shape[:-1], info.shape[-1] + margin))
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
    if margin:
        assert isinstance(source, ArraySource)
        source = replace(source, info=replace(source.info, shape=info.shape), margin=margin)
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
