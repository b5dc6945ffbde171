"""The real samples that generated ones are compared with, and those that extractors are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ganzoo.compute.streams import derive_seed
from ganzoo.data.source import Batch, EndlessSource, Source, label_batch, scale_batch
from ganzoo.plugin import DataInfo

BATCH = 64  # samples that are made and measured at a time
DRAWN = 10_000  # samples that an endless source gives an extractor to be trained on


class RealSamples:
    """Real samples to compare with: of a dataset none is taken twice, which ones follows from seed and number.

    Args:
        source: The data.
        num: How many; of a dataset at most as many as there are.
        seed: Which; the same on every device.
        device: Where they are handed out.
    """

    def __init__(self, source: Source, num: int, seed: int, device: torch.device) -> None:
        self.source, self.num, self.seed, self.device = source, num, seed, device

    @property
    def info(self) -> DataInfo:
        """What they are."""
        return self.source.info

    def batches(self) -> Iterator[Batch]:
        """Yield samples, float32 ``[n, *shape]``, and their labels, `BATCH` at a time, on the device."""
        generator = torch.Generator(self.device)
        for step, batch in enumerate(self._iterate_stored()):
            generator.manual_seed(derive_seed(self.seed, "metric-labels", step))
            yield label_batch(self.source, scale_batch(self.source, batch, self.device), generator)

    def digest(self) -> str:
        """Return what changes when a sample, or their order, does."""
        return _hash_tensors(samples for samples, _ in self._iterate_stored())

    def _iterate_stored(self) -> Iterator[Batch]:
        """Yield samples as they are stored, and their labels, `BATCH` at a time."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "metric-real"))
        if isinstance(self.source, EndlessSource):
            for start in range(0, self.num, BATCH):
                yield self.source.sample(generator, min(BATCH, self.num - start))
            return
        data, labels = self.source.data, self.source.labels
        for index in torch.split(torch.randperm(len(data), generator=generator)[: self.num], BATCH):
            yield data[index.to(data.device)], None if labels is None else labels[index.to(labels.device)]


class TrainingSet:
    """All samples of a dataset (of an endless source `DRAWN`) by index, for extractors that are trained on them.

    ``len(real)`` is their number. ``real[index]``, with an int64 tensor ``[n]``, returns samples as metrics see them,
    float32 ``[n, *shape]``, and labels ``[n, ...]`` or None, on the device.

    Args:
        source: The data.
        device: Where they are handed out.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        self.info, self.device, self._source = source.info, device, source
        if isinstance(source, EndlessSource):
            self._data, self._labels = source.sample(torch.Generator().manual_seed(0), DRAWN)
        else:
            self._data, self._labels = source.data, source.labels

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: Tensor) -> Batch:
        index = index.to(self._data.device)
        batch = self._data[index], None if self._labels is None else self._labels[index]
        return label_batch(self._source, scale_batch(self._source, batch, self.device), torch.Generator(self.device))

    def digest(self) -> str:
        """Return what changes when a sample, a label, or their order does."""
        parts = (self._data, *([] if self._labels is None else [self._labels]))
        return _hash_tensors(batch for part in parts for batch in torch.split(part, 4096))


def _hash_tensors(batches: Iterable[Tensor]) -> str:
    """Return the SHA-256 of tensors' numbers, types and shapes, in hexadecimal."""
    found = hashlib.sha256()
    for batch in batches:
        found.update(f"{batch.dtype} {list(batch.shape)}\n".encode())
        found.update(batch.cpu().contiguous().view(torch.uint8).numpy().data)
    return found.hexdigest()
