"""The algorithm, on one page: an update of the discriminator, one of the generator, and one of both together.

Goodfellow et al. 2014, algorithm 1, with what the field has added since: any loss on logits, regularizers that see
the update (at intervals of their own: Karras et al. 2020, StyleGAN2, appendix B), augmentation of all that D sees
(Karras et al. 2020, ADA, section 2), and an averaged generator. A total batch comes in parts, whose gradients add up;
`Gan.execute` runs each piece plainly or from a recording of it, so a piece computes with tensors alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.engine.batches import Batches, Part
from ganzoo.engine.gan import Gan
from ganzoo.layers import logits
from ganzoo.plugin import Step

Stats = dict[str, Tensor]  # 0-dim tensors on the device: what an update measured; fetched once a tick, never here


class Gradients(NamedTuple):
    """What a part asks of a network."""

    of: list[Tensor | None]  # in the order of its trainable parameters; None where the loss does not depend on one
    stats: Stats
    real_logits: Tensor | None = None  # [n, P], D's answers to real samples, where augmentations go by them


def update_discriminator(gan: Gan, batches: Batches, images: int) -> Stats:
    """Train D on a batch of real samples and as many generated ones, after `images` images.

    Regularizers join the loss where their interval is 1. Above, every k-th update is followed by one of the
    regularizers alone on the same batch, weighted k.
    """
    gan.refresh(images)
    k, update = gan.d_interval, images // batches.batch
    stats = _train(gan, "discriminator", batches.discriminator(images), images, 1, int(k == 1))
    if k > 1 and update % k == 0:
        stats = stats | _train(gan, "discriminator", batches.discriminator(images), images, 0, k)
    return stats


def update_generator(gan: Gan, batches: Batches, images: int, step: int) -> Stats:
    """Train G against the frozen D, the `step`-th time after `images` images; then move the average towards it."""
    gan.refresh(images)
    gan.ema.refill(gan.images_per_generator_update, images)
    k, update = gan.g_interval, gan.generator_updates(images) + step
    lazy = k > 1 and update % k == 0
    stats = _train(gan, "generator", batches.generator(images, step), images, 1, int(k == 1), average=not lazy)
    if lazy:
        stats = stats | _train(gan, "generator", batches.generator(images, step), images, 0, k, average=True)
    return stats


def update_together(gan: Gan, batches: Batches, images: int) -> Stats:
    """Train both on one batch, whose latents pass G once: ``train.update`` is ``shared`` or ``simultaneous``."""
    gan.refresh(images)
    order = _shared if gan.recipe.train.update == "shared" else _simultaneous
    d, g, update = gan.d_interval, gan.g_interval, images // batches.batch
    lazy_d, lazy_g = d > 1 and update % d == 0, g > 1 and update % g == 0
    for optimizer in gan.optimizers.values():
        optimizer.refill(images)
    gan.ema.refill(batches.batch, images + batches.batch)
    (part,) = batches.discriminator(images)
    stats: Stats = gan.execute((order, not lazy_g), partial(order, gan, int(d == 1), int(g == 1), not lazy_g), part)
    if lazy_d:
        stats = stats | _train(gan, "discriminator", batches.discriminator(images), images, 0, d)
    if lazy_g:
        stats = stats | _train(gan, "generator", batches.discriminator(images), images, 0, g, average=True)
    return stats


# ----------------------------------------------------------------------------
# Steps.


def _train(
    gan: Gan, network: str, parts: Iterator[Part], images: int, adversarial: int, penalty: int, average: bool = False
) -> Stats:
    """One optimizer step of a network on ``adversarial * loss + penalty * regularizers``; then, if so, G's average."""
    gan.optimizers[network].refill(images)
    ask = partial(_ask_discriminator if network == "discriminator" else _ask_generator, gan, adversarial, penalty)
    step, kind = partial(_step, gan, network, average), (network, adversarial, penalty, average)
    part = next(parts)
    if part.share == 1:
        stats: Stats = gan.execute(kind, lambda part: step(ask(part)), part)
        return stats
    total: Gradients = gan.execute(("part", *kind), ask, part)
    for part in parts:
        total = _sum(total, gan.execute(("part", *kind), ask, part))
    stats = gan.execute(("step", *kind), step, gan.world.total(total))
    return stats


def _shared(gan: Gan, d_penalty: int, g_penalty: int, average: bool, part: Part) -> Stats:
    """D's step, then G's on the very samples that D saw, through the new D."""
    gan.let_learn("generator")
    fake = gan.generate(part.z, part.labels)  # [n, *shape], with G's graph
    stats = _step(gan, "discriminator", False, gan.world.total(_ask_discriminator(gan, 1, d_penalty, part, fake)))
    return stats | _step(gan, "generator", average, gan.world.total(_ask_generator(gan, 1, g_penalty, part, fake)))


def _simultaneous(gan: Gan, d_penalty: int, g_penalty: int, average: bool, part: Part) -> Stats:
    """D looks once; both gradients are taken there, then both steps made."""
    gan.let_learn("discriminator", "generator")
    step = _look(gan, part, _leaf(gan, d_penalty, part.real), gan.generate(part.z, part.labels), d_penalty)
    d = gan.world.total(_discriminator_gradients(gan, part, step, 1, d_penalty, keep_graph=True))
    g = gan.world.total(_generator_gradients(gan, part, step, 1, g_penalty))
    return _step(gan, "discriminator", False, d) | _step(gan, "generator", average, g)


def _step(gan: Gan, network: str, average: bool, total: Gradients) -> Stats:
    gan.optimizers[network].step(total.of)
    if network == "discriminator":
        gan.after_discriminator(total.real_logits)
    if average:
        gan.ema.update()
    return total.stats


# ----------------------------------------------------------------------------
# Gradients.


def _ask_discriminator(gan: Gan, adversarial: int, penalty: int, part: Part, fake: Tensor | None = None) -> Gradients:
    """Let D tell the real samples from generated ones, which are made without a graph through G."""
    gan.let_learn("discriminator")
    fake = gan.generate(part.z, part.labels) if fake is None else fake  # [n, *shape]
    step = _look(gan, part, _leaf(gan, penalty, part.real), _leaf(gan, penalty, fake), penalty)
    return _discriminator_gradients(gan, part, step, adversarial, penalty)


def _ask_generator(gan: Gan, adversarial: int, penalty: int, part: Part, fake: Tensor | None = None) -> Gradients:
    """Let G make the frozen D take its samples for real ones."""
    gan.let_learn("generator")
    fake = gan.generate(part.z, part.labels) if fake is None else fake  # [n, *shape]
    step = _look(gan, part, part.real if gan.pairs else None, fake)
    return _generator_gradients(gan, part, step, adversarial, penalty)


def _discriminator_gradients(
    gan: Gan, part: Part, step: Step, adversarial: int, penalty: int, keep_graph: bool = False
) -> Gradients:
    loss, stats, said = torch.zeros((), device=part.z.device), Stats(), None
    if adversarial:
        assert step.real_output is not None
        r, f = logits(step.real_output), logits(step.fake_output)  # lists of [n, P], one for each scale
        for real_logits, fake_logits in zip(r, f, strict=True):
            loss = loss + gan.lose("discriminator", real_logits, fake_logits)
        said = torch.cat(r, 1).detach()
        stats |= _measured(part, loss_d=loss, real=said.mean(), fake=torch.cat(f, 1).mean())
    if penalty and gan.regularizers:
        term = gan.regularize("discriminator", step)
        loss = loss + penalty * term
        stats |= _measured(part, penalty_d=term)
    gradients = gan.gradients("discriminator", part.share * loss, keep_graph)
    return Gradients(gradients, stats, said if gan.adaptive else None)


def _generator_gradients(gan: Gan, part: Part, step: Step, adversarial: int, penalty: int) -> Gradients:
    loss, stats = torch.zeros((), device=part.z.device), Stats()
    if adversarial:
        f, paired = logits(step.fake_output), step.real_output if gan.pairs else None  # real only where the loss pairs
        r = [None] * len(f) if paired is None else logits(paired)
        for fake_logits, real_logits in zip(f, r, strict=True):
            loss = loss + gan.lose("generator", fake_logits, real_logits)
        stats |= _measured(part, loss_g=loss)
    if penalty and gan.regularizers:
        term = gan.regularize("generator", step)
        loss = loss + penalty * term
        stats |= _measured(part, penalty_g=term)
    return Gradients(gan.gradients("generator", part.share * loss), stats)


def _look(gan: Gan, part: Part, real: Tensor | None, fake: Tensor, penalty: int = 0) -> Step:
    """Show D real and generated samples, augmented alike."""
    real_seen, real_labels = (None, part.labels) if real is None else gan.augment(real, part.labels)
    fake_seen, fake_labels = gan.augment(fake, part.labels)
    precisely = bool(penalty and gan.input_gradients)
    real_output = None if real_seen is None else gan.judge(real_seen, real_labels, precisely)
    fake_output = gan.judge(fake_seen, fake_labels, precisely)
    return Step(
        generator=gan.generator,
        discriminator=gan.discriminator,
        z=part.z,
        labels=part.labels,
        real=real,
        fake=fake,
        real_seen=real_seen,
        fake_seen=fake_seen,
        real_output=real_output,
        fake_output=fake_output,
        judge=partial(gan.judge_again, real_labels, [(real_seen, real_output), (fake_seen, fake_output)]),
        real_labels=real_labels,
        fake_labels=fake_labels,
    )


def _leaf(gan: Gan, penalty: int, samples: Tensor | None) -> Tensor:
    """Return samples without a graph; a penalty on input gradients differentiates with respect to them."""
    assert samples is not None
    return samples.detach().requires_grad_(bool(penalty and gan.input_gradients))


def _measured(part: Part, **values: Tensor) -> Stats:
    """Return what a part contributes to the total batch's means."""
    return {name: part.share * value.detach() for name, value in values.items()}


def _sum(one: Gradients, other: Gradients) -> Gradients:
    """Return the gradients of two parts together."""
    of = [b if a is None else a if b is None else a + b for a, b in zip(one.of, other.of, strict=True)]
    stats = {name: value + other.stats[name] for name, value in one.stats.items()}
    said = [said for said in (one.real_logits, other.real_logits) if said is not None]
    return Gradients(of, stats, torch.cat(said) if said else None)
