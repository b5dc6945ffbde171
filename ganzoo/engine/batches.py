"""What each update is fed: real samples, labels and latents of the total batch, cut into micro-batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganzoo import options
from ganzoo.data.source import ArraySource, EndlessSource, open_source
from ganzoo.engine.gan import Gan
from ganzoo.engine.streams import Streams, draw_latents
from ganzoo.recipe import Choice

SHARE_OF_DEVICE = 0.25  # of a CUDA device's free memory that the data may take


@dataclass(frozen=True)
class Part:
    """One micro-batch of an update.

    Args:
        z: Latents, ``[n, latent_dim]``.
        real: Real samples, ``[n, *shape]``, images in [-1, 1]; None where the update needs none.
        labels: Of both; None unless the run is conditional.
        share: n over the total batch: what this part's mean loss counts for.
    """

    z: Tensor
    real: Tensor | None
    labels: Tensor | None
    share: float


class Batches:
    """The feed of one run. All draws are made for the total batch and are functions of (seed, images seen, stream).

    Args:
        source: The data.
        streams: Randomness; its device is where batches are made.
        gan: Whose recipe says how large batches are and what they carry.
    """

    def __init__(self, source: ArraySource | EndlessSource, streams: Streams, gan: Gan) -> None:
        train = gan.recipe.train
        self.source, self.streams = source, streams
        self.latent, self.latent_dim = gan.networks.latent, gan.networks.latent_dim
        self.batch = train.batch
        self.g_batch = train.g_batch or train.batch
        self.micro_batch = train.micro_batch or max(self.batch, self.g_batch)
        self.conditional = train.conditional
        self.pairs = getattr(gan.recipe.loss.spec, "pairs", False)  # G's loss reads real logits as well
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def discriminator(self, images: int) -> Iterator[Part]:
        """Yield the parts of D's update at `images` images: the next `batch` samples of the epochs' order."""
        z = self._latents("d", images, self.batch)
        real, labels = self._next(images)
        return self._parts("d", images, z, real, labels)

    def generator(self, images: int, step: int) -> Iterator[Part]:
        """Yield the parts of G's `step`-th update after `images` images: fresh latents, and reals where it pairs."""
        stream = f"g{step}"
        z = self._latents(stream, images, self.g_batch)
        if not (self.pairs or self.conditional):
            return self._parts(stream, images, z, None, None)
        real, labels = self._random(stream + "-real", images, self.g_batch)
        return self._parts(stream, images, z, real if self.pairs else None, labels)

    def examples(self, num: int) -> tuple[Tensor, Tensor | None]:
        """Return real samples for a grid, ``[num, *shape]``, and their labels; drawn alike at every call."""
        return self._random("examples", 0, num)

    def _parts(self, stream: str, images: int, z: Tensor, real: Tensor | None, labels: Tensor | None) -> Iterator[Part]:
        """Cut a total batch up; before each part, reseed what components draw from."""
        labels = labels if self.conditional else None
        for index, start in enumerate(range(0, len(z), self.micro_batch)):
            cut = slice(start, start + self.micro_batch)
            self.streams.reseed_default(stream, images, 0, index)
            yield Part(
                z=z[cut],
                real=None if real is None else real[cut],
                labels=None if labels is None else labels[cut],
                share=len(z[cut]) / len(z),
            )

    def _latents(self, stream: str, images: int, num: int) -> Tensor:
        return draw_latents(self.latent, self.streams.generator(stream + "-z", images), num, self.latent_dim)

    def _next(self, images: int) -> tuple[Tensor, Tensor | None]:
        """Return the batch at position `images` of the endless sequence of shuffled epochs."""
        if isinstance(self.source, EndlessSource):
            return self._random("d-real", images, self.batch)
        positions, count = range(images, images + self.batch), len(self.source.data)
        index, taken = [], 0
        while taken < self.batch:
            epoch, start = divmod(positions[taken], count)
            index.append(self._permutation(epoch)[start : start + self.batch - taken])
            taken += len(index[-1])
        return self._take(torch.cat(index))

    def _random(self, stream: str, images: int, num: int) -> tuple[Tensor, Tensor | None]:
        """Return independent draws from the data; drawn on the CPU, so that every device sees the same."""
        generator = torch.Generator().manual_seed(self.streams.seed_of(stream, images))
        if isinstance(self.source, EndlessSource):
            return self._ready(*self.source.sample(generator, num))
        return self._take(torch.randint(len(self.source.data), (num,), generator=generator))

    def _permutation(self, epoch: int) -> Tensor:
        assert isinstance(self.source, ArraySource)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.streams.seed_of("order", epoch))
            self._order = torch.randperm(len(self.source.data), generator=generator)
            self._epoch = epoch
        return self._order

    def _take(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        assert isinstance(self.source, ArraySource)
        data, labels = self.source.data, self.source.labels
        picked = None if labels is None else labels[index.to(labels.device)]
        return self._ready(data[index.to(data.device)], picked)

    def _ready(self, data: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Bring a batch to the device; bytes become floats in [-1, 1] there."""
        data = data.to(self.streams.device, non_blocking=True)
        if data.dtype == torch.uint8:
            data = data.float().div_(127.5).sub_(1.0)
        return data, None if labels is None else labels.to(self.streams.device, non_blocking=True)


def load_source(dataset: Choice, device: torch.device, notify: Callable[[str], None]) -> ArraySource | EndlessSource:
    """Open a recipe's dataset; where it takes little of a CUDA device's free memory it is held there."""
    stored = json.dumps(options.to_json(dataset.options), sort_keys=True)
    stored = f"{dataset.component.qualified} {dataset.spec.version} {stored}"
    key = f"{dataset.name}-{hashlib.sha256(stored.encode()).hexdigest()[:16]}"
    source = open_source(dataset.build(), name=dataset.name, key=key, notify=notify)
    if isinstance(source, ArraySource) and device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if source.data.nbytes < SHARE_OF_DEVICE * free:
            labels = None if source.labels is None else source.labels.to(device)
            return replace(source, data=source.data.to(device), labels=labels)
    return source
