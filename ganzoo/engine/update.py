"""The algorithm, on one page: an update of the discriminator and an update of the generator.

Goodfellow et al. 2014, algorithm 1, with what the field has added since: any loss on logits, regularizers that see
the update (at intervals of their own: Karras et al. 2020, StyleGAN2, appendix B), augmentation of all that D sees
(Karras et al. 2020, ADA, section 2), and an averaged generator. A total batch comes in parts, whose gradients add up.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ganzoo.engine.batches import Batches, Part
from ganzoo.engine.gan import Gan, logits_of
from ganzoo.plugin import Step

Stats = dict[str, Tensor]  # 0-dim tensors on the device: what an update measured; fetched once a tick, never here


def update_discriminator(gan: Gan, batches: Batches, images: int) -> Stats:
    """Train D on a batch of real samples and as many generated ones, after `images` images.

    Regularizers join the loss where their interval is 1. Above, every k-th update is followed by one of the
    regularizers alone on the same batch, weighted k.
    """
    gan.refresh(images)
    interval, update = gan.d_interval, images // batches.batch
    stats = _step_discriminator(gan, batches.discriminator(images), images, 1, 1 if interval == 1 else 0)
    if interval > 1 and update % interval == 0:
        stats |= _step_discriminator(gan, batches.discriminator(images), images, 0, interval)
    return stats


def update_generator(gan: Gan, batches: Batches, images: int, step: int) -> Stats:
    """Train G against the frozen D, the `step`-th time after `images` images; then move the average towards it."""
    gan.refresh(images)
    interval, update = gan.g_interval, gan.generator_updates(images) + step
    stats = _step_generator(gan, batches.generator(images, step), images, 1, 1 if interval == 1 else 0)
    if interval > 1 and update % interval == 0:
        stats |= _step_generator(gan, batches.generator(images, step), images, 0, interval)
    gan.ema.update(gan.generator, gan.images_per_generator_update, images)
    return stats


def _step_discriminator(gan: Gan, parts: Iterable[Part], images: int, adversarial: int, penalty: int) -> Stats:
    """One optimizer step of D on ``adversarial * loss + penalty * regularizers``."""
    stats, said = Stats(), list[Tensor]()
    gan.let_learn("discriminator")
    gan.optim_d.zero_grad()
    for part in parts:
        fake = gan.generate(part.z, part.labels)  # [n, *shape], no graph through G
        if penalty and gan.input_gradients and part.real is not None:
            part.real.requires_grad_()
            fake.requires_grad_()
        step = _look(gan, part, fake)
        loss = torch.zeros((), device=fake.device)
        if adversarial:
            r, f = logits_of(step.real_output), logits_of(step.fake_output)  # lists of [n, P], one for each scale
            for real_logits, fake_logits in zip(r, f, strict=True):
                loss = loss + gan.loss.discriminator(real_logits, fake_logits)
            _add(stats, part, loss_d=loss, real=torch.cat(r, 1).mean(), fake=torch.cat(f, 1).mean())
            said.append(torch.cat(r, 1).detach())
        if penalty and gan.regularizers:
            term = gan.regularize("discriminator", step)
            loss = loss + penalty * term
            _add(stats, part, penalty_d=term)
        torch.autograd.backward(part.share * loss)
    gan.optim_d.step(images)
    gan.after_discriminator(torch.cat(said) if adversarial else None)
    return stats


def _step_generator(gan: Gan, parts: Iterable[Part], images: int, adversarial: int, penalty: int) -> Stats:
    """One optimizer step of G on ``adversarial * loss + penalty * regularizers``."""
    stats = Stats()
    gan.let_learn("generator")
    gan.optim_g.zero_grad()
    for part in parts:
        step = _look(gan, part, gan.generate(part.z, part.labels))
        loss = torch.zeros((), device=part.z.device)
        if adversarial:
            f = logits_of(step.fake_output)
            r = logits_of(step.real_output) if step.real_output else [None] * len(f)  # real only where the loss pairs
            for fake_logits, real_logits in zip(f, r, strict=True):
                loss = loss + gan.loss.generator(fake_logits, real_logits)
            _add(stats, part, loss_g=loss)
        if penalty and gan.regularizers:
            term = gan.regularize("generator", step)
            loss = loss + penalty * term
            _add(stats, part, penalty_g=term)
        torch.autograd.backward(part.share * loss)
    gan.optim_g.step(images)
    return stats


def _look(gan: Gan, part: Part, fake: Tensor) -> Step:
    """Show D the part's real and generated samples, augmented alike."""
    real_seen = None if part.real is None else gan.augment(part.real)
    fake_seen = gan.augment(fake)
    return Step(
        generator=gan.generator,
        discriminator=gan.discriminator,
        z=part.z,
        labels=part.labels,
        real=part.real,
        fake=fake,
        real_seen=real_seen,
        fake_seen=fake_seen,
        real_output=None if real_seen is None else gan.judge(real_seen, part.labels),
        fake_output=gan.judge(fake_seen, part.labels),
    )


def _add(stats: Stats, part: Part, **values: Tensor) -> None:
    for name, value in values.items():
        stats[name] = stats.get(name, 0) + part.share * value.detach()
