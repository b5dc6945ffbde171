"""Real samples: those that metrics compare with generated ones, and those that extractors are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from ganzoo.compute.streams import derive_seed
from ganzoo.data.content import hash_batches, hash_samples
from ganzoo.data.source import ArraySource, Batch, EndlessSource, Source, label_batch, pick, scale_batch
from ganzoo.plugin import DataInfo

BATCH = 64  # samples that are generated and measured together
DRAWN = 10_000  # samples of an endless source that extractors are trained on


class RealSamples:
    """Real samples that are compared with generated ones. Seed and number decide which; none is used twice.

    If more are wanted than are stored, all are repeated in the same order: only for metrics of whole datasets
    (`Metric.whole`), which read from them the labels of the generated samples alone.

    Args:
        source: The source of the samples.
        num: The number of samples.
        seed: The seed that chooses the samples; it chooses the same ones on every device.
        device: The device on which batches are returned.
        start: How many samples of the order are left out. Samples from another start are other ones.
    """

    def __init__(self, source: Source, num: int, seed: int, device: torch.device, start: int = 0) -> None:
        self.source, self.num, self.seed, self.device, self.start = source, num, seed, device, start

    @property
    def info(self) -> DataInfo:
        """The info of the samples."""
        return self.source.info

    def iterate_batches(self) -> Iterator[Batch]:
        """Yield batches of `BATCH` samples, float32 ``[n, *shape]``, and their labels, on the device."""
        generator = torch.Generator(self.device)
        for step, batch in enumerate(self._iterate_stored()):
            generator.manual_seed(derive_seed(self.seed, "metric-labels", step))
            yield label_batch(self.source, scale_batch(self.source, batch, self.device), generator)

    @cached_property
    def whole(self) -> RealSamples:
        """All stored samples, each once. Raises ValueError if the source is endless."""
        if isinstance(self.source, EndlessSource):
            raise ValueError("it compares with a whole dataset, and this one draws new samples without end")
        return RealSamples(self.source, len(self.source), self.seed, self.device)

    @cached_property
    def digest(self) -> str:
        """A SHA-256 that changes with any sample and with their order."""
        return hash_batches(samples for samples, _ in self._iterate_stored())

    def _iterate_stored(self) -> Iterator[Batch]:
        """Yield batches of `BATCH` stored samples and their labels."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "metric-real"))
        if isinstance(self.source, EndlessSource):
            if self.start:
                generator.manual_seed(derive_seed(self.seed, "metric-real", self.start))
            for start in range(0, self.num, BATCH):
                yield self.source.sample(generator, min(BATCH, self.num - start))
            return
        data, labels = self.source.data, self.source.labels
        order = torch.randperm(len(self.source), generator=generator)[self.start :]
        order = order.repeat(-(-self.num // max(1, len(order))))[: self.num]
        for numbers in torch.split(order, BATCH):
            self.source.check_files()
            own = self.source.locate(numbers.to(data.device))
            yield pick(data, own), None if labels is None else pick(labels, own)


def choose_others(reals: RealSamples, other_part: Source | None = None) -> RealSamples | None:
    """Return real samples other than the compared ones, as many if possible; None where there are not half as many.

    They are from the other part of the dataset if it has enough samples, otherwise from where there are more.

    Args:
        reals: The compared real samples.
        other_part: The part of the dataset that the compared samples are not from: held-out samples beside those that
            are trained on, or the other way round. None if no samples are held out.
    """
    seed, device = reals.seed, reals.device
    if isinstance(reals.source, EndlessSource):
        return RealSamples(reals.source, reals.num, seed, device, start=reals.num)
    left = len(reals.source) - reals.num
    apart = len(other_part) if isinstance(other_part, ArraySource) else 0
    num = min(reals.num, max(left, apart))
    if 2 * num < reals.num:
        return None
    if other_part is not None and apart >= num:
        return RealSamples(other_part, num, seed, device)
    return RealSamples(reals.source, num, seed, device, start=reals.num)


class TrainingSet:
    """All samples of a dataset by index (`DRAWN` samples of an endless one), to train extractors on.

    ``len(real)`` is the number of samples. ``real[index]``, with an int64 tensor ``[n]``, returns samples as metrics
    get them, float32 ``[n, *shape]``, and labels ``[n, ...]`` or None, on the device.

    Args:
        source: The source of the samples.
        device: The device on which samples are returned.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        self.info, self.device = source.info, device
        if isinstance(source, EndlessSource):
            drawn = source.sample(torch.Generator().manual_seed(0), DRAWN)
            source = ArraySource(source.info, *drawn, condition=source.condition)
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: Tensor) -> Batch:
        source = self._source
        source.check_files()
        index = source.locate(index.to(source.data.device))
        batch = pick(source.data, index), None if source.labels is None else pick(source.labels, index)
        return label_batch(source, scale_batch(source, batch, self.device), torch.Generator(self.device))

    def compute_digest(self) -> str:
        """Return a SHA-256 that changes with any sample, any label, and with their order."""
        return hash_samples(self._source)
