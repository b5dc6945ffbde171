"""Sources: datasets as the engine reads them, checked against their own info, stored as tensors or drawn endlessly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from ganzoo.compute.device import CAPTURE_LOCK, copy_to_device
from ganzoo.data.packing import Skipped, describe_skipped
from ganzoo.data.resampling import Resampling
from ganzoo.data.shards import Shards
from ganzoo.data.store import Store
from ganzoo.plugin import DataInfo

Condition = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
Batch = tuple[torch.Tensor, torch.Tensor | None]  # samples [n, *shape] and their labels


@dataclass(frozen=True)
class ArraySource:
    """A dataset of a fixed number of stored samples.

    Args:
        info: The dataset's info, where `num_items` is the true number of samples, N.
        data: The samples ``[N, *info.shape]`` in the info's dtype; with a margin, their last dimension is longer. They
            may be a read-only memory map: never write to them. Read `Shards` with `pick`.
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
        margin: By how many values the last dimension of `data` is longer than that of a sample. Updates read crops at
            random places of it, everything else reads its beginning.
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
    margin: int = 0

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
    """Move a stored batch to the device, without its margin, and scale it to the range that networks take."""
    data, labels = batch
    data = data[..., : source.info.shape[-1]]
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
