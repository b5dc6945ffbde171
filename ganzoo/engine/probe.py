"""The probe: at some ticks, a look at a few samples and at the weights, without effect on the training.

It shows the networks the same latents and real samples each time, draws its random numbers from a stream of its own,
and gives all buffers and random generators back what they had. So the weights of a run do not depend on it, although it
runs when there is time. The first process of several looks alone, without waiting for the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganzoo.compute.device import copy_to_device
from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.data.shards import Shards
from ganzoo.data.source import EndlessSource, Source, label_batch, scale_batch
from ganzoo.engine import forward
from ganzoo.engine.batches import GREY_LEVEL, Batches
from ganzoo.engine.gan import Gan
from ganzoo.engine.reals import take_slice
from ganzoo.engine.state import Before
from ganzoo.health.movement import Movement
from ganzoo.health.samples import RealStatistics
from ganzoo.health.signals import compute_auc
from ganzoo.layers import logits

NUM = 64  # samples of each kind
FIRST, SECOND = 1.0, 10.0  # seconds of training before the first look, and at most between it and the second
SHARE = 0.01  # of the training time
FEWEST = 8  # real samples, below which nothing is measured


class Probe:
    """The probe of one run, on its first process.

    Args:
        gan: The GAN that is looked at.
        batches: The batches of its updates.
        held_out: The held-out data; None if nothing is held out.
        clock: A function that returns the time in seconds.
    """

    def __init__(self, gan: Gan, batches: Batches, held_out: Source | None, clock: Callable[[], float]) -> None:
        self.gan, self.batches, self.held_out, self.clock = gan, batches, held_out, clock
        self.seen, self.images, self.failed = -torch.inf, 0, False
        self.looks, self.cost = 0, 0.0  # the number of looks, and the seconds that one takes
        self._samples: _Samples | None = None
        self._movements: dict[str, Movement] = {}

    def start(self, images: int) -> None:
        """Remember the weights at the start of this session, after `images` images seen."""
        self.images, self.seen = images, self.clock()
        self._movements = {
            "g": Movement(self.gan.generator.parameters()),
            "d": Movement(self.gan.discriminator.parameters()),
        }

    def is_due(self) -> bool:
        """Return whether enough time has passed since the last look: it takes at most about 1 % of the time."""
        waiting = (FIRST, min(SECOND, self.cost / SHARE), self.cost / SHARE)[min(self.looks, 2)]
        return not self.failed and self.clock() - self.seen >= waiting

    def look(self, images: int) -> dict[str, float]:
        """Return what can be measured after `images` images seen, by name.

        The time that it takes is measured as well, and averaged over the last looks. The first one does not count,
        since it warms up.
        """
        self.failed, begin = True, self.clock()
        before = Before(self.gan.buffers, self.gan.device)
        try:
            with seeded(0, self.gan.device), torch.no_grad():
                found = self._measure_movements(images)
                found |= self._measure_samples()
                values = torch.stack([value.float() for value in found.values()]).tolist()
        finally:
            before.restore()
        self.failed, self.seen, self.images = False, self.clock(), images
        took, self.looks = self.seen - begin, self.looks + 1
        self.cost = took if self.looks <= 2 else (self.cost + took) / 2
        return {
            name: float(f"{value:.5g}")
            for name, value in zip(found, values, strict=True)
            if abs(value) < torch.inf  # not NaN either
        }

    def _measure_movements(self, images: int) -> dict[str, Tensor]:
        train, num = self.gan.recipe.train, images - self.images
        updates = {"d": num // train.batch, "g": num // self.gan.images_per_round * train.g_steps}
        return {
            f"{name}_{network}": value
            for network, movement in self._movements.items()
            for name, value in movement.measure(updates[network]).items()
        }

    def _measure_samples(self) -> dict[str, Tensor]:
        if self._samples is None:
            self._samples = _Samples(self.gan, self.batches, self.held_out)
        with ExitStack() as stack:
            for network in (self.gan.generator, self.gan.discriminator):  # one process alone does not synchronise
                stack.enter_context(forward.still(network, (nn.SyncBatchNorm,)))
            return self._samples.measure()


class _Samples:
    """The samples that a probe shows the networks, always the same.

    The networks get as many at a time as in an update.
    """

    def __init__(self, gan: Gan, batches: Batches, held_out: Source | None) -> None:
        self.gan, self.modality = gan, gan.data.modality
        self.chunk = min(batches.micro_batch, gan.recipe.train.batch // gan.world.size)
        if "batch-coupled-d" not in gan.recipe.arch.provides:
            self.chunk = min(self.chunk, NUM)
        self.num = max(NUM // self.chunk, 1) * self.chunk
        self.real, self.labels, count = _read(batches, self.num)
        self.statistics = RealStatistics(self.real[:count], self.modality) if count >= FEWEST else None
        self.held_out: tuple[Tensor, Tensor | None] | None = None
        if held_out is not None:
            real, labels, count = _read(Batches(held_out, batches.streams, gan), self.num)
            self.held_out = (real, labels) if count >= FEWEST else None
        generator = batches.streams.generator("probe-z", 0)
        self.z, self.other_z = (
            draw_latents(gan.networks.latent, generator, self.num, gan.networks.latent_dim) for _ in range(2)
        )

    def measure(self) -> dict[str, Tensor]:
        """Return what the networks make of the samples: 0-dim tensors by name."""
        fake = torch.cat([self._generate(*part) for part in self._split(self.z, self.labels)])
        found = self._measure_discriminator(fake)
        if self.statistics is not None:
            found |= self.statistics.compare(fake)
            found |= self._measure_sensitivity(fake[: self.chunk], self.statistics)
            found |= self._compare_generators(fake[: self.chunk], self.statistics)
        return found

    # ------------------------------------------------------------------------
    # The discriminator.

    def _measure_discriminator(self, fake: Tensor) -> dict[str, Tensor]:
        train = self._discriminate(self.real, self.labels)
        fake_logits, gradient = self._differentiate(fake)
        found = {
            "auc_train": compute_auc(train, fake_logits),
            "train_logit": train.mean(),
            "fake_logit": fake_logits.mean(),
            "input_gradient": gradient,
        }
        if self.held_out is not None:
            held_out = self._discriminate(*self.held_out)
            found |= {"auc_val": compute_auc(held_out, fake_logits), "val_logit": held_out.mean()}
        return found

    def _discriminate(self, samples: Tensor, labels: Tensor | None) -> Tensor:
        """Return D's mean logit of each sample, ``[n]``."""
        parts = [self.gan.discriminate(*part) for part in self._split(samples, labels)]
        return torch.cat([torch.cat(logits(part), 1).mean(1) for part in parts])

    def _differentiate(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return D's mean logits ``[n]`` and the root mean square, over samples, of the norms of their gradients."""
        values, squares = list[Tensor](), list[Tensor]()
        for part, labels in self._split(samples, self.labels):
            part = part.detach().requires_grad_(True)
            with torch.enable_grad():
                mean = torch.cat(logits(self.gan.discriminate(part, labels, penalised=True)), 1).mean(1)
                (gradient,) = torch.autograd.grad(mean.sum(), part, allow_unused=True)
            values.append(mean.detach())
            squares.append(torch.zeros_like(part) if gradient is None else gradient.square())
        return torch.cat(values), torch.cat(squares).flatten(1).sum(1).mean().sqrt()

    # ------------------------------------------------------------------------
    # The generator.

    def _generate(self, z: Tensor, labels: Tensor | None) -> Tensor:
        with seeded(derive_seed("probe"), self.gan.device):
            return self.gan.generate(z, labels).samples

    def _measure_sensitivity(self, fake: Tensor, statistics: RealStatistics) -> dict[str, Tensor]:
        """Return how far latents, and labels, change the samples."""
        if not self.gan.networks.latent_dim:
            return {}
        if self.labels is None:
            return {"z_sensitivity": statistics.measure_difference(fake, fake.roll(1, 0))}
        num = max(self.chunk // 3, 1)
        labels, others = self.labels[:num], self._change_labels()[:num]
        z, other_z = self.z[:num], self.other_z[:num]
        made = self._generate(torch.cat([z, other_z, z]), torch.cat([labels, labels, others]))  # of one batch
        one, other, labelled = made[:num], made[num : 2 * num], made[2 * num :]
        by_latents = statistics.measure_difference(one, other)
        by_labels = statistics.measure_difference(one, labelled)
        return {"z_sensitivity": by_latents, "label_sensitivity": by_labels / by_latents}

    def _change_labels(self) -> Tensor:
        """Return other labels: the next class, or the label of another sample."""
        assert self.labels is not None
        num_classes = self.gan.data.num_classes
        return (self.labels + 1) % num_classes if num_classes else self.labels.roll(1, 0)

    def _compare_generators(self, fake: Tensor, statistics: RealStatistics) -> dict[str, Tensor]:
        """Return how far G with running statistics is from G in training mode, and from its average, on one batch.

        Where all of G is in evaluation mode, layers that draw numbers, such as mixed styles, would make a gap too.
        """
        gan, (z, labels) = self.gan, next(self._split(self.z, self.labels))
        with forward.still(gan.generator, (_BatchNorm,)):
            running = self._generate(z, labels)
        with forward.still(gan.generator, (nn.Module,)):
            still = self._generate(z, labels)
        with seeded(derive_seed("probe"), gan.device):
            average = forward.generate(gan.ema.network, z, labels, gan.recipe.train.precision).samples
        return {
            "mode_gap": statistics.measure_difference(fake, running),
            "average_gap": statistics.measure_difference(still, average),
        }

    def _split(self, samples: Tensor, labels: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield samples and their labels, as many at a time as the networks get in an update."""
        for first in range(0, len(samples), self.chunk):
            chosen = slice(first, first + self.chunk)
            yield samples[chosen], None if labels is None else labels[chosen]


def _read(batches: Batches, num: int) -> tuple[Tensor, Tensor | None, int]:
    """Return `num` real samples as D sees them, without augmentation, their labels, and how many of them differ.

    Of a source with fewer samples some are there several times.
    """
    source, streams, reals = batches.source, batches.streams, batches.reals
    if isinstance(source, EndlessSource):
        count, stored = num, reals.sample("probe-real", 0, num)
    elif isinstance(source.data, Shards):  # each process reads its own ones
        drawn = reals.draw_positions("probe-real", 0, num * batches.world.size)
        count, stored = num, reals.read(take_slice(drawn, batches.world))
    else:
        count = min(num, len(source))
        chosen = random.Random(streams.derive_seed("probe-real", 0)).sample(range(len(source)), count)
        numbers = torch.tensor(chosen).repeat(-(-num // count))[:num]
        stored = reals.read(source.locate(copy_to_device(numbers, source.data.device)))
    assert stored[0] is not None
    batch = scale_batch(source, (stored[0], stored[1]), streams.device)
    samples, labels = label_batch(source, batch, streams.generator("probe-labels", 0))
    if batches.dequantise:
        generator = streams.generator("probe-noise", 0)
        noise = torch.rand(samples.shape, generator=generator, device=streams.device)
        samples = samples + GREY_LEVEL * (noise - 0.5)
    return samples, labels, count
