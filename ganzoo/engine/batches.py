"""The batches of an update: real samples, labels and latents of the total batch, cut into micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.compute.streams import Streams, draw_latents
from ganzoo.data.source import EndlessSource, Source, label_batch, scale, scale_batch
from ganzoo.engine.gan import Gan
from ganzoo.engine.prefetch import Prefetcher, Stored, copy_stored
from ganzoo.engine.reals import Reals, take_slice
from ganzoo.package.references import count_references

Drawn = Tensor | Stored  # positions of samples that lie on the batches' device, int64 ``[n]``, or the samples


class Part(NamedTuple):
    """One micro-batch of an update, before or after `Batches.finish`.

    Args:
        z: The latents of the generated samples, ``[n, latent_dim]``.
        real: Real samples, ``[n, *shape]``: as they are stored before `finish`, images in [-1, 1] after it. None where
            the update does not read them, or `positions` says which they are.
        labels: The labels of the real samples and of the latents; None unless the run is conditional.
        share: n divided by the size of the total batch: the weight of this part's mean loss.
        positions: Where the real samples lie in the data, int64 ``[n]``, for `finish` to read; else None.
        starts: Where the crop of each sample begins in its last dimension, int64 ``[n]``. `finish` cuts the samples
            there. None where the data have no margin.
        coins: A number in [0, 1) for each sample, ``[n]``. `finish` mirrors samples with a half or more. None where
            nothing is mirrored.
        noise: A number in [0, 1) for each pixel of the real images, ``[n, *shape]``. `finish` moves each pixel by that
            share of a grey level, less a half. None where no noise is added.
        drawn_z: The latents as they were drawn, if regularizers moved them to `z`; else None.
    """

    z: Tensor
    real: Tensor | None
    labels: Tensor | None
    share: float
    positions: Tensor | None = None
    starts: Tensor | None = None
    coins: Tensor | None = None
    noise: Tensor | None = None
    drawn_z: Tensor | None = None


NOISE_BLOCK = 32  # samples whose noise is drawn at once
GREY_LEVEL = 2 / 255  # the difference of two neighbouring bytes, as the networks see them


class Batches:
    """The batches of one run. All draws are made for the total batch and depend on (seed, stream, images seen) alone.

    The host never waits for a CUDA device. Draws that the CPU makes, so that all devices get the same, go to the device
    through pinned memory. A part has what a recording of the update can read: positions or stored samples, and coins.
    `finish`, the first step of a piece of the update, makes samples of them.

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
        self.flip, self.dequantise = train.flip, train.dequantise
        self.reals = Reals(source, streams, train.conditional, train.batch)
        self._g_reads_reals = gan.pairs or bool(gan.reals)
        self._makes_labels = train.conditional and source.condition is not None
        self._round = gan.images_per_round
        self._ahead: dict[str, Prefetcher] = {}  # by stream; where the data lie in the host's memory

    def discriminator(self, images: int) -> Iterator[Part]:
        """Yield the parts of D's update at `images` images seen: the next `batch` samples of the shuffled epochs."""
        return self._cut_parts("d", images, self.batch, self._fetch("d", images, self.batch, True), True)

    def generator(self, images: int, step: int) -> Iterator[Part]:
        """Yield the parts of G's `step`-th update at `images` images seen: new latents, and reals if G reads them."""
        stream, samples = f"g{step}", self._g_reads_reals or self._makes_labels
        drawn = self._fetch(stream, images, self.g_batch, samples) if samples or self.conditional else None
        return self._cut_parts(stream, images, self.g_batch, drawn, self._g_reads_reals)

    def finish(self, part: Part) -> Part:
        """Return a part with the samples and labels that the networks read. It computes with tensors alone.

        Samples at positions are read, and cropped if they have a margin. Half of the samples are mirrored where the
        recipe flips, and bytes become floats, with noise where the recipe dequantises: a pixel is then uniform among
        the values that are rounded to its byte (Theis et al. 2016, arXiv:1511.01844, section 3.1). A label that is an
        image is mirrored with its sample. A stored one has no noise, and one that is made of the sample is made of it
        with noise.
        """
        real, labels, info = part.real, part.labels, self.source.info
        if part.positions is not None:
            real, labels = self.reals.read(part.positions)
        if part.starts is not None and real is not None:
            real = crop(real, part.starts, info.shape[-1])
        if part.coins is not None:
            mirrored = part.coins.reshape(-1, 1, 1, 1) >= 0.5
            real = None if real is None else torch.where(mirrored, real.flip(3), real)
            if labels is not None and info.labels_are_images:
                labels = torch.where(mirrored, labels.flip(3), labels)
        real = None if real is None else scale(real)
        real = real if real is None or part.noise is None else real + GREY_LEVEL * (part.noise - 0.5)
        return Part(part.z, real, scale(labels) if info.label_shape and labels is not None else labels, part.share)

    def draw_examples(self, num: int) -> tuple[Tensor, Tensor | None]:
        """Return real samples for a grid, ``[num, *shape]``, and their labels: the same ones at every call."""
        if isinstance(self.source, EndlessSource):
            data, labels = self.reals.sample("examples", 0, num)
        else:
            data, labels = self.reals.read(self.reals.draw_positions("examples", 0, num))
        assert data is not None
        batch = scale_batch(self.source, (data, labels), self.streams.device)
        return label_batch(self.source, batch, self.streams.generator("examples-labels", 0))

    def draw_example_labels(self) -> Tensor | None:
        """Return a few real labels ``[n, *label_shape]`` where labels are arrays, which nobody can invent."""
        arrays = self.conditional and bool(self.source.info.label_shape)
        return self.draw_examples(count_references(self.source.info))[1] if arrays else None

    # ------------------------------------------------------------------------
    # Parts.

    def _cut_parts(self, stream: str, images: int, total: int, drawn: Drawn | None, reals: bool) -> Iterator[Part]:
        """Cut this rank's slice of a total batch into parts; before each part, reseed the components' generator.

        Args:
            stream: The random stream of the update.
            images: Images seen so far.
            total: The size of the total batch.
            drawn: This rank's slice of its real samples; None where the update needs neither them nor labels.
            reals: Whether the update reads real samples.
        """
        whole = self._assemble(stream, images, total, drawn, reals)
        num, size = len(whole.z), self.micro_batch
        fields = (whole.z, whole.real, whole.labels, whole.positions, whole.starts, whole.coins, whole.noise)
        pieces = [fields] if size >= num else zip(*(_split(values, num, size) for values in fields), strict=True)
        for number, (z, real, labels, positions, starts, coins, noise) in enumerate(pieces):
            self.streams.reseed_default(stream, images, self.world.rank, number)
            yield Part(z, real, labels, len(z) / total, positions, starts, coins, noise)

    def _assemble(self, stream: str, images: int, total: int, drawn: Drawn | None, reals: bool) -> Part:
        """Return this rank's slice of a total batch as one part.

        Labels that the dataset makes of samples (`condition`) are made here, from the samples that the networks see:
        a recording cannot contain them. They are drawn from (seed, stream, images, rank).
        """
        generator = self.streams.generator(stream + "-z", images)
        z = take_slice(draw_latents(self.latent, generator, total, self.latent_dim), self.world)
        if drawn is None:
            return Part(z, None, None, 1.0)
        starts = self._draw_starts(stream, images, total)
        coins = self._flip_coins(stream, images, total) if self.flip else None
        positions, (real, labels) = (drawn, (None, None)) if isinstance(drawn, Tensor) else (None, drawn)
        noise = self._draw_noise(stream, images, total) if self.dequantise and (reals or self._makes_labels) else None
        part = Part(z, real, labels, 1.0, positions, starts, coins, noise)
        if self._makes_labels:
            part = self.finish(part)
            assert part.real is not None
            source, generator = self.source, self.streams.generator(stream + "-labels", images, self.world.rank)
            if self.reals.resampling:  # makes the labels of updates, but not those of grids and metrics
                source = replace(source, condition=self.reals.resampling.condition)
            part = part._replace(labels=label_batch(source, (part.real, None), generator)[1])
        return part if reals else part._replace(real=None)

    def _draw_starts(self, stream: str, images: int, total: int) -> Tensor | None:
        margin = 0 if isinstance(self.source, EndlessSource) else self.source.margin
        if not margin:
            return None
        generator = self.streams.generator(stream + "-crop", images)
        starts = torch.randint(margin + 1, (total,), generator=generator, device=self.streams.device)
        return take_slice(starts, self.world)

    def _flip_coins(self, stream: str, images: int, total: int) -> Tensor:
        generator = self.streams.generator("flip" if stream == "d" else stream + "-flip", images)
        return take_slice(torch.rand(total, generator=generator, device=self.streams.device), self.world)

    def _draw_noise(self, stream: str, images: int, total: int) -> Tensor:
        """Return the noise of this rank's slice, cut out of blocks of the total batch that have streams of their own.

        It has as many numbers as the samples, so no rank draws that of all others.
        """
        num = total // self.world.size
        start, stop = self.world.rank * num, (self.world.rank + 1) * num
        blocks = []
        for first in range(start - start % NOISE_BLOCK, stop, NOISE_BLOCK):
            generator = self.streams.generator(stream + "-noise", images, first)
            shape = (min(NOISE_BLOCK, total - first), *self.source.info.shape)
            blocks.append(torch.rand(shape, generator=generator, device=self.streams.device))
        return torch.cat(blocks)[start % NOISE_BLOCK :][:num]

    # ------------------------------------------------------------------------
    # Real samples.

    def _fetch(self, stream: str, images: int, total: int, samples: bool) -> Drawn:
        """Return this rank's slice of the real samples of an update, on the device.

        Args:
            stream: The random stream of the update. D's update reads the next samples of the shuffled epochs, G's reads
                samples that are drawn independently.
            images: Images seen so far.
            total: The size of the total batch.
            samples: Whether samples are needed, and not their labels alone.
        """
        reals, world, device = self.reals, self.world, self.streams.device
        if isinstance(self.source, EndlessSource):
            data, labels = reals.sample(stream + "-real", images, total)
            own = (
                None if data is None else take_slice(data, world),
                None if labels is None else take_slice(labels, world),
            )
            return copy_stored(own, device)

        def find(images: int) -> Tensor:
            if reals.resampling:
                order = reals.resample(stream + "-real", images, total)
            elif stream == "d":
                order = reals.follow_order(images, total)
            else:
                order = reals.draw_positions(stream + "-real", images, total)
            return take_slice(order, world)

        if isinstance(self.source.data, Tensor) and self.source.data.device == device:
            self.source.check_files()
            return find(images) if samples else reals.read(find(images), samples=False)
        if stream not in self._ahead:
            stride = self.batch if stream == "d" else self._round
            self._ahead[stream] = Prefetcher(lambda images: reals.read(find(images), samples), stride, device)
        return self._ahead[stream](images)


def crop(data: Tensor, starts: Tensor, length: int) -> Tensor:
    """Return `length` values of the last dimension of each sample ``[n, ...]``, from its start on."""
    places = starts[:, None] + torch.arange(length, device=data.device)  # [n, length]
    places = places.reshape(len(data), *[1] * (data.dim() - 2), length)
    return data.gather(-1, places.expand(*data.shape[:-1], length))


def _split(values: Tensor | None, num: int, size: int) -> list[Any]:
    """Split `num` values into micro-batches of `size`; None becomes as many Nones."""
    return [None] * -(-num // size) if values is None else list(torch.split(values, size))
