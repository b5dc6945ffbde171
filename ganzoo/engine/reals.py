"""The real samples of a run's updates: the order of the epochs, independent draws, and reading."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.compute.device import copy_to_device
from ganzoo.compute.streams import Streams
from ganzoo.data.order import ShardOrder
from ganzoo.data.resampling import draw_numbers
from ganzoo.data.shards import Shards
from ganzoo.data.source import ArraySource, EndlessSource, Source, pick
from ganzoo.engine.distributed import World
from ganzoo.engine.prefetch import Stored


class Reals:
    """The real samples of one run's updates. What they are depends on (seed, stream, images seen) alone.

    The CPU draws, so that all devices get the same samples.

    Args:
        source: The data that samples are read from.
        streams: The random streams; their device is the device of the updates.
        labelled: Whether the run is conditional, so that labels are read too.
        batch: The size of the total batch. Of data in shards, it decides about the order.
    """

    def __init__(self, source: Source, streams: Streams, labelled: bool, batch: int = 1) -> None:
        self.source, self.streams, self.labelled = source, streams, labelled
        self._shards: ShardOrder | None = None
        if isinstance(source, ArraySource) and isinstance(source.data, Shards):
            self._shards = ShardOrder(source.data, source.locate(torch.arange(len(source))), batch, streams.derive_seed)
        self.resampling = source.resampling if isinstance(source, ArraySource) and labelled else None
        self._limits: Tensor | None = None  # of the weights of `resampling`
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)
        self._draws = torch.Generator()  # on the CPU, reseeded before each use

    def sample(self, stream: str, images: int, num: int) -> Stored:
        """Return samples of an endless source, and their labels, on the CPU."""
        assert isinstance(self.source, EndlessSource)
        data, labels = self.source.sample(self._draws.manual_seed(self.streams.derive_seed(stream, images)), num)
        return data, labels if self.labelled else None

    def read(self, positions: Tensor, samples: bool = True) -> Stored:
        """Return the samples at positions and their labels, on the data's device; in pinned memory on the way to CUDA.

        Args:
            positions: The positions of the samples in the data, int64 ``[n]``, on the data's device.
            samples: Whether to read samples, and not their labels alone.
        """
        assert isinstance(self.source, ArraySource)
        self.source.check_files()
        data, labels = self.source.data, self.source.labels if self.labelled else None
        pinned = self.streams.device.type == "cuda" and not data.is_cuda
        found = pick(data, positions, pinned) if samples else None
        return found, None if labels is None else pick(labels, positions, pinned)

    def follow_order(self, images: int, num: int) -> Tensor:
        """Return the positions of `num` samples after the first `images` of the endless sequence of shuffled epochs."""
        assert isinstance(self.source, ArraySource)
        if self._shards is not None:
            return self._shards.follow(images, num)
        count, positions, taken = len(self.source), list[Tensor](), 0
        while taken < num:
            epoch, start = divmod(images + taken, count)
            positions.append(self._shuffle_epoch(epoch)[start : start + num - taken])
            taken += len(positions[-1])
        return torch.cat(positions)

    def draw_positions(self, stream: str, images: int, num: int) -> Tensor:
        """Return the positions of `num` samples that are drawn independently, on the data's device."""
        assert isinstance(self.source, ArraySource)
        generator = torch.Generator().manual_seed(self.streams.derive_seed(stream, images))
        if self._shards is not None:
            return self._shards.draw(generator, images, num)
        numbers = torch.randint(len(self.source), (num,), generator=generator)
        return self.source.locate(copy_to_device(numbers, self.source.data.device))

    def resample(self, stream: str, images: int, num: int) -> Tensor:
        """Return the positions of `num` samples that are drawn as the dataset's `resampling` says."""
        assert isinstance(self.source, ArraySource)
        assert self.resampling is not None
        if self._limits is None:
            self._limits = self.resampling.compute_limits(self.source.index)
        self._draws.manual_seed(self.streams.derive_seed(stream, images))
        numbers = draw_numbers(self._limits, self._draws, num)
        return self.source.locate(copy_to_device(numbers, self.source.data.device))

    def _shuffle_epoch(self, epoch: int) -> Tensor:
        """Return the order of an epoch. It stays on the data's device, so that nothing crosses while it lasts."""
        assert isinstance(self.source, ArraySource)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.streams.derive_seed("order", epoch))
            order = torch.randperm(len(self.source), generator=generator)
            self._epoch, self._order = epoch, self.source.locate(copy_to_device(order, self.source.data.device))
        return self._order


def take_slice(values: Tensor, world: World) -> Tensor:
    """Return this rank's slice of values that were drawn for a total batch."""
    num = len(values) // world.size
    return values if world.size == 1 else values[world.rank * num : (world.rank + 1) * num]
