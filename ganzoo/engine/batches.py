"""The batches of an update: real samples, labels and latents of the total batch, cut into micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.compute.device import CAPTURE_LOCK
from ganzoo.compute.streams import Streams, draw_latents
from ganzoo.data.source import ArraySource, Batch, EndlessSource, Source, label_batch, scale_batch
from ganzoo.engine.gan import Gan
from ganzoo.package.references import count_references


class Part(NamedTuple):
    """One micro-batch of an update.

    Args:
        z: The latents of the generated samples, ``[n, latent_dim]``.
        real: Real samples, ``[n, *shape]``, images in [-1, 1]; None where the update does not read them.
        labels: The labels of the real samples and of the latents; None unless the run is conditional.
        share: n divided by the size of the total batch: the weight of this part's mean loss.
    """

    z: Tensor
    real: Tensor | None
    labels: Tensor | None
    share: float


class Batches:
    """The batches of one run. All draws are made for the total batch and depend on (seed, stream, images seen) alone.

    Args:
        source: The data that real samples are read from.
        streams: The random streams; their device is the device of the batches.
        gan: The GAN, whose recipe sets the sizes of batches and whether they have real samples and labels.
    """

    def __init__(self, source: Source, streams: Streams, gan: Gan) -> None:
        train = gan.recipe.train
        self.source, self.streams, self.world = source, streams, gan.world
        self.latent, self.latent_dim = gan.networks.latent, gan.networks.latent_dim
        self.batch = train.batch
        self.g_batch = train.g_batch or train.batch
        self.micro_batch = train.micro_batch or max(self.batch, self.g_batch)
        self.conditional = train.conditional
        self.flip = train.flip
        self.reals = gan.pairs or bool(gan.reals)  # G's update reads real samples as well
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)
        self._draws = torch.Generator()  # on the CPU, reseeded before each use
        self._next = Prefetcher(self._fetch, self.batch) if needs_prefetch(source, streams.device) else self._fetch

    def discriminator(self, images: int) -> Iterator[Part]:
        """Yield the parts of D's update at `images` images seen: the next `batch` samples of the shuffled epochs."""
        z = self._draw_latents("d", images, self.batch)
        real, labels = self._finish_batch("d", images, self.batch, self._next(images))
        return self._cut_parts("d", images, self.batch, z, real, labels)

    def generator(self, images: int, step: int) -> Iterator[Part]:
        """Yield the parts of G's `step`-th update at `images` images seen: new latents, and reals if G reads them."""
        stream = f"g{step}"
        z = self._draw_latents(stream, images, self.g_batch)
        if not (self.reals or self.conditional):
            return self._cut_parts(stream, images, self.g_batch, z, None, None)
        real, labels = self._finish_batch(
            stream, images, self.g_batch, self._draw_independent(stream + "-real", images, self.g_batch)
        )
        return self._cut_parts(stream, images, self.g_batch, z, real if self.reals else None, labels)

    def draw_examples(self, num: int) -> tuple[Tensor, Tensor | None]:
        """Return real samples for a grid, ``[num, *shape]``, and their labels: the same ones at every call."""
        batch = scale_batch(self.source, self._draw("examples", 0, num), self.streams.device)
        return label_batch(self.source, batch, self.streams.generator("examples-labels", 0))

    def draw_example_labels(self) -> Tensor | None:
        """Return a few real labels ``[n, *label_shape]`` where labels are arrays, which nobody can invent."""
        arrays = self.conditional and bool(self.source.info.label_shape)
        return self.draw_examples(count_references(self.source.info))[1] if arrays else None

    def _cut_parts(
        self, stream: str, images: int, total: int, z: Tensor, real: Tensor | None, labels: Tensor | None
    ) -> Iterator[Part]:
        """Cut this rank's slice of a total batch into parts; before each part, reseed the components' generator."""
        feed = (z, real, labels if self.conditional else None)
        num, size = len(z), self.micro_batch
        pieces = [feed] if size >= num else zip(*(_split(values, num, size) for values in feed), strict=True)
        for index, (latents, samples, classes) in enumerate(pieces):
            self.streams.reseed_default(stream, images, self.world.rank, index)
            yield Part(latents, samples, classes, len(latents) / total)

    def _rank_slice(self, values: Any) -> Any:
        """Return this rank's slice of values that were drawn for a total batch."""
        num = len(values) // self.world.size
        return values if self.world.size == 1 else values[self.world.rank * num : (self.world.rank + 1) * num]

    def _draw_latents(self, stream: str, images: int, num: int) -> Tensor:
        generator = self.streams.generator(stream + "-z", images)
        latents: Tensor = self._rank_slice(draw_latents(self.latent, generator, num, self.latent_dim))
        return latents

    def _fetch(self, images: int) -> Batch:
        """Return this rank's slice of the batch at position `images` of the endless sequence of shuffled epochs."""
        if isinstance(self.source, EndlessSource):
            return self._draw_independent("d-real", images, self.batch)
        positions, count = range(images, images + self.batch), len(self.source.data)
        index, taken = [], 0
        while taken < self.batch:
            epoch, start = divmod(positions[taken], count)
            index.append(self._shuffle_epoch(epoch)[start : start + self.batch - taken])
            taken += len(index[-1])
        return self._read_samples(self._rank_slice(torch.cat(index)))

    def _draw_independent(self, stream: str, images: int, num: int) -> Batch:
        """Draw samples from the data independently; return this rank's slice."""
        return self._draw(stream, images, num, self._rank_slice)

    def _draw(self, stream: str, images: int, num: int, part: Callable[[Any], Any] = lambda values: values) -> Batch:
        """Draw samples independently; return `part` of them. The CPU draws, so that all devices get the same."""
        generator = self._draws.manual_seed(self.streams.derive_seed(stream, images))
        if isinstance(self.source, EndlessSource):
            data, labels = self.source.sample(generator, num)
            return part(data), None if labels is None else part(labels)
        return self._read_samples(part(torch.randint(len(self.source.data), (num,), generator=generator)))

    def _shuffle_epoch(self, epoch: int) -> Tensor:
        assert isinstance(self.source, ArraySource)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.streams.derive_seed("order", epoch))
            self._order = torch.randperm(len(self.source.data), generator=generator)
            self._epoch = epoch
        return self._order

    def _read_samples(self, index: Tensor) -> Batch:
        """Return the samples at an index, on the data's device; in pinned memory where they move to a CUDA device."""
        assert isinstance(self.source, ArraySource)
        data, labels = self.source.data, self.source.labels if self.conditional else None
        picked = data[index.to(data.device)], None if labels is None else labels[index.to(labels.device)]
        if self.streams.device.type == "cuda" and not data.is_cuda:
            return picked[0].pin_memory(), None if picked[1] is None else picked[1].pin_memory()
        return picked

    def _finish_batch(self, stream: str, images: int, total: int, batch: Batch) -> Batch:
        """Move this rank's slice of a batch to the device, mirror half of it where the recipe flips, and label it.

        A label that is an image is mirrored with its sample. Labels that the dataset makes of samples (`condition`) are
        made last, from the samples that the networks see. They are drawn from (seed, stream, images, rank).
        """
        real, labels = scale_batch(self.source, batch, self.streams.device)
        if self.flip:
            flips = "flip" if stream == "d" else stream + "-flip"
            coins = torch.rand(total, generator=self.streams.generator(flips, images), device=real.device)
            mirrored = self._rank_slice(coins).reshape(-1, 1, 1, 1) >= 0.5
            real = torch.where(mirrored, real.flip(3), real)
            if labels is not None and self.source.info.labels_are_images:
                labels = torch.where(mirrored, labels.flip(3), labels)
        if self.source.condition is None or not self.conditional:
            return real, labels
        return label_batch(
            self.source, (real, None), self.streams.generator(stream + "-labels", images, self.world.rank)
        )


def _split(values: Tensor | None, num: int, size: int) -> list[Any]:
    """Split `num` values into micro-batches of `size`; None becomes as many Nones."""
    return [None] * -(-num // size) if values is None else list(torch.split(values, size))


class Prefetcher:
    """Fetches the next batch in a thread while the present one is trained on.

    Args:
        fetch: A pure function from a position to its batch.
        stride: The distance from one position to the next.
    """

    def __init__(self, fetch: Callable[[int], Batch], stride: int) -> None:
        self.fetch, self.stride = fetch, stride
        self.pool = ThreadPoolExecutor(1, "ganzoo-fetch")
        self.coming: dict[int, Future[Batch]] = {}

    def __call__(self, position: int) -> Batch:
        """Return the batch at a position, and start to fetch the next one."""
        wanted = {each: self.coming.get(each) for each in (position, position + self.stride)}
        self.coming = {each: future or self.pool.submit(self._fetch, each) for each, future in wanted.items()}
        return self.coming[position].result()

    def _fetch(self, position: int) -> Batch:
        with CAPTURE_LOCK:  # no memory may be pinned during a capture
            return self.fetch(position)


def needs_prefetch(source: Source, device: torch.device) -> bool:
    """Return whether batches must move to another device, so that prefetching hides the time of the move.

    On the CPU a thread would cost more than a read from the disk: see `ganzoo.package.tensors.snapshot` on threads.
    """
    return isinstance(source, ArraySource) and source.data.device != device
