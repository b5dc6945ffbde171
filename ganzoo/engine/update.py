"""The algorithm, on one page: an update of the discriminator, one of the generator, and one of both together.

    z = regularizer.move_latents(z, judge)                 if it has that; judge(z) is D's logit of the sample of z
    fake = generator(z, labels)                            D's update: no graph through the generator
    real = augmentation.mix(real, other fakes)             where one shows fakes as real
    fake = regularizer.replace_fakes(fake)                 if it has that; earlier fakes, for example
    real_seen, fake_seen = augment(real), augment(fake)
    real_output, fake_output = discriminator(real_seen, labels), discriminator(fake_seen, labels)
    loss.discriminator(real_logits, fake_logits)           float32 [N, P]
      + regularizer.discriminator(step)                    each, with what this update computed
    the gradient clipped to optim.d.clip, an optimizer step
    regularizer.after_step(networks)
    augmentation.update(real_logits)                       the total batch's

    z = regularizer.move_latents(z, judge)
    fake = generator(z, labels)                            G's update: with its graph
    fake_output = discriminator(augment(fake), labels)     the discriminator's parameters are frozen
    w * loss.generator(fake_logits, real_logits or None)   w is train.adversarial_weight, times weigh_adversarial
      + the losses of a GeneratorOutput
      + regularizer.generator(step)
    the gradient clipped to optim.g.clip, an optimizer step; then the averaged generator moves

This is algorithm 1 of Goodfellow et al. 2014 with later additions: any loss of logits; regularizers, with intervals of
their own (Karras et al. 2020, StyleGAN2, appendix B); augmentation of all samples that D sees (Karras et al. 2020, ADA,
section 2); and an averaged generator. A total batch is split into parts, whose gradients add up. `Gan.execute` runs
each piece of an update eagerly or replays a recording of it, so a piece computes with tensors alone.

An update measures ``loss_d`` and ``loss_g``, the adversarial losses before their weight; ``generator/NAME``, each loss
of the generator itself; ``reg.NAME/d`` and ``reg.NAME/g``, each term of a regularizer; ``reg.NAME/KEY`` and
``aug.NAME/KEY``, what components report; and ``real`` and ``fake``, the means of D's logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from ganzoo.engine import further
from ganzoo.engine.batches import Batches, Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.gradients import Gradients, Stats
from ganzoo.engine.latents import move_latents
from ganzoo.layers import logits
from ganzoo.plugin import GeneratorOutput, Step


def update_discriminator(gan: Gan, batches: Batches, images: int) -> Stats:
    """Train D on a batch of real samples and as many generated ones, after `images` images seen.

    Regularizers with interval 1 are added to the loss. Every k-th update is followed by a step of the regularizers with
    interval k alone, on the same batch and multiplied by k.
    """
    gan.refresh(images)
    if images < gan.recipe.train.d_start:
        return {}
    k, update = gan.interval["discriminator"], images // batches.batch
    stats = _train(gan, batches, "discriminator", batches.discriminator(images), images)
    if k > 1 and update % k == 0:
        stats = stats | _train(gan, batches, "discriminator", batches.discriminator(images), images, k)
    return stats


def update_generator(gan: Gan, batches: Batches, images: int, step: int) -> Stats:
    """Train G against the frozen D, then move the average towards G: the `step`-th time after `images` images seen."""
    gan.refresh(images)
    k, update, adversarial = gan.interval["generator"], gan.generator_updates(images) + step, gan.is_adversarial(images)
    gan.ema.refill(gan.images_per_generator_update, images, update + 1)
    lazy = k > 1 and update % k == 0
    stats = _train(gan, batches, "generator", batches.generator(images, step), images, 1, adversarial, average=not lazy)
    if lazy:
        stats = stats | _train(
            gan, batches, "generator", batches.generator(images, step), images, k, adversarial, average=True
        )
    return stats


def update_together(gan: Gan, batches: Batches, images: int) -> Stats:
    """Train both networks on one batch, with one forward of G: ``train.update`` is ``shared`` or ``simultaneous``."""
    gan.refresh(images)
    order = _update_shared if gan.recipe.train.update == "shared" else _update_simultaneous
    d, g, update = gan.interval["discriminator"], gan.interval["generator"], images // batches.batch
    d_has_started, adversarial = images >= gan.recipe.train.d_start, gan.is_adversarial(images + batches.batch)
    lazy_d, lazy_g = d_has_started and d > 1 and update % d == 0, g > 1 and update % g == 0
    gan.ema.refill(batches.batch, images + batches.batch, update + 1)
    if d_has_started:
        for optimizer in gan.optimizers.values():
            optimizer.refill(images, (order, adversarial))
        (part,) = batches.discriminator(images)
        kind = ("discriminator", "generator", order, adversarial, not lazy_g)
        stats: Stats = gan.execute(kind, partial(order, gan, batches, adversarial, not lazy_g), part)
    else:
        stats = _train(
            gan, batches, "generator", batches.discriminator(images), images, 1, adversarial, average=not lazy_g
        )
    if lazy_d:
        stats = stats | _train(gan, batches, "discriminator", batches.discriminator(images), images, d)
    if lazy_g:
        stats = stats | _train(
            gan, batches, "generator", batches.discriminator(images), images, g, adversarial, average=True
        )
    return stats


# ----------------------------------------------------------------------------
# Steps.


def _train(
    gan: Gan,
    batches: Batches,
    network: str,
    parts: Iterator[Part],
    images: int,
    interval: int = 1,
    adversarial: bool = True,
    average: bool = False,
) -> Stats:
    """Make one optimizer step of a network, on one total batch.

    Args:
        gan: The GAN whose network makes the step.
        batches: The batches that finish the parts.
        network: The network that makes the step, ``discriminator`` or ``generator``.
        parts: The parts of the total batch.
        images: Images seen so far.
        interval: The interval of the regularizers in this step. With 1, the losses are in the step too; above 1, the
            regularizers alone, multiplied by the interval.
        adversarial: Whether G's loss has its adversarial term.
        average: Whether G's average moves after the step.
    """
    gan.optimizers[network].refill(images, (interval, adversarial))
    ask = (
        partial(_compute_discriminator_gradients, gan)
        if network == "discriminator"
        else partial(_compute_generator_gradients, gan, adversarial)
    )
    step, kind = partial(_step, gan, network, average), (network, interval, adversarial, average)

    def piece(part: Part) -> Gradients:
        return ask(interval, batches.finish(part))

    part = next(parts)
    if part.share == 1:
        stats: Stats = gan.execute(kind, lambda part: step(piece(part)), part)
        return stats
    total: Gradients = gan.execute(("part", *kind), piece, part).copy()
    for part in parts:
        total = total.add(gan.execute(("part", *kind), piece, part))
    stats = gan.execute(("step", *kind), step, gan.world.all_reduce(total))
    return stats


def _update_shared(gan: Gan, batches: Batches, adversarial: bool, average: bool, part: Part) -> Stats:
    """Make D's step, then G's step on the same fakes: G's gradients flow through the updated D."""
    part = batches.finish(part)
    gan.enable_gradients("generator")
    made = gan.generate(part.z, part.labels)  # [n, *shape], with G's graph
    d = _compute_discriminator_gradients(gan, 1, part, made)
    stats = _step(gan, "discriminator", False, gan.world.all_reduce(d))
    g = _compute_generator_gradients(gan, adversarial, 1, part, made)
    return stats | _step(gan, "generator", average, gan.world.all_reduce(g))


def _update_simultaneous(gan: Gan, batches: Batches, adversarial: bool, average: bool, part: Part) -> Stats:
    """Compute both networks' gradients from one forward of D, then make both steps."""
    part = batches.finish(part)
    gan.enable_gradients("discriminator", "generator")
    part = move_latents(gan, part) if adversarial else part
    penalised, made = gan.differentiates_inputs(1), gan.generate(part.z, part.labels)
    step = _build_step(gan, part, _detach(part.real, penalised), made, penalised=penalised)
    d = gan.world.all_reduce(_differentiate_discriminator(gan, part, step, 1, keep_graph=True))
    g = gan.world.all_reduce(_differentiate_generator(gan, part, step, made, 1, adversarial))
    return _step(gan, "discriminator", False, d) | _step(gan, "generator", average, g)


def _step(gan: Gan, network: str, average: bool, total: Gradients) -> Stats:
    norm, stats = gan.optimizers[network].step(total.values), dict(total.stats)
    if network == "discriminator":
        gan.finish_discriminator_step(total.real_logits)
        stats |= {name: value / gan.world.size for name, value in gan.report_augmentations().items()}
    if average:
        gan.ema.update()
    return stats if norm is None else stats | {f"gradient_{network[0]}": norm / gan.world.size}


# ----------------------------------------------------------------------------
# Gradients.


def _compute_discriminator_gradients(
    gan: Gan, interval: int, part: Part, made: GeneratorOutput | None = None
) -> Gradients:
    """Compute the gradients of D's loss on a part, whose fakes have no graph, except of latents that D moved."""
    gan.enable_gradients("discriminator")
    part = move_latents(gan, part)
    made, penalised = made or gan.generate(part.z, part.labels), gan.differentiates_inputs(interval)
    real = _detach(further.mix_fakes(gan, part, made.samples), penalised)  # [n, *shape]
    if part.drawn_z is None or not made.samples.requires_grad:  # else D learns through latents that it moved
        shown = further.replace_fakes(gan, made.samples) if interval == 1 else made.samples  # [n, *shape]
        made = replace(made, samples=_detach(shown, penalised))
    return _differentiate_discriminator(gan, part, _build_step(gan, part, real, made, penalised=penalised), interval)


def _compute_generator_gradients(
    gan: Gan, adversarial: bool, interval: int, part: Part, made: GeneratorOutput | None = None
) -> Gradients:
    """Compute the gradients of G's loss on a part, through the frozen D."""
    gan.enable_gradients("generator")
    part = move_latents(gan, part) if adversarial else part
    made = made or gan.generate(part.z, part.labels)  # [n, *shape]
    step = _build_step(gan, part, part.real if gan.reads_reals(interval) else None, made, asked=adversarial)
    return _differentiate_generator(gan, part, step, made, interval, adversarial)


def _differentiate_discriminator(
    gan: Gan, part: Part, step: Step, interval: int, keep_graph: bool = False
) -> Gradients:
    loss, stats, real_logits = torch.zeros((), device=part.z.device), Stats(), None
    if interval == 1:
        assert step.real_output is not None
        assert step.fake_output is not None
        loss = gan.adversarial_loss("discriminator", step.real_output, step.fake_output)
        real_logits = torch.cat(logits(step.real_output), 1).detach()  # [n, P]
        fake_logits = torch.cat(logits(step.fake_output), 1).detach()
        gan.last_logits.keep(real_logits, fake_logits)
        stats |= _weight_stats(part, loss_d=loss, real=real_logits.mean(), fake=fake_logits.mean())
    terms, each = gan.regularize("discriminator", step, interval)
    loss = loss if terms is None else loss + interval * terms
    stats |= _weight_stats(part, **each)
    gradients = gan.gradients("discriminator", part.share * loss, keep_graph)
    return Gradients(gradients, stats, real_logits if gan.adaptive else None)


def _differentiate_generator(
    gan: Gan, part: Part, step: Step, made: GeneratorOutput, interval: int, adversarial: bool
) -> Gradients:
    loss, stats = torch.zeros((), device=part.z.device), Stats()
    others = list(made.losses.values()) if interval == 1 else []
    terms, each = gan.regularize("generator", step, interval, adversarial)
    others += [] if terms is None else [interval * terms]
    if interval == 1 and adversarial:
        assert step.fake_output is not None
        loss = gan.adversarial_loss("generator", step.fake_output, step.real_output if gan.pairs else None)
        stats |= _weight_stats(part, loss_g=loss)
        weight, chosen = further.weigh_adversarial(gan, loss, others, step)
        loss = gan.weight_loss(loss if weight is None else weight * loss)
        stats |= _weight_stats(part, **chosen)
    if interval == 1:
        own = {**made.losses, **made.report}
        stats |= _weight_stats(part, **{f"generator/{name}": value for name, value in own.items()})
    for other in others:
        loss = loss + other
    stats |= _weight_stats(part, **each)
    return Gradients(gan.gradients("generator", part.share * loss), stats)


def _build_step(
    gan: Gan, part: Part, real: Tensor | None, made: GeneratorOutput, asked: bool = True, penalised: bool = False
) -> Step:
    """Augment real and generated samples, show both to D where `asked` says so, and return the update's `Step`."""
    real_seen, real_labels = (None, part.labels) if real is None else gan.augment(real, part.labels)
    fake_seen, fake_labels = gan.augment(made.samples, part.labels)
    real_output = None if real_seen is None or not asked else gan.discriminate(real_seen, real_labels, penalised)
    fake_output = gan.discriminate(fake_seen, fake_labels, penalised) if asked else None
    known = [(real_seen, real_labels, real_output), (fake_seen, fake_labels, fake_output)]
    return Step(
        generator=gan.generator,
        discriminator=gan.discriminator,
        average=gan.ema.network,
        images=gan.images,
        z=part.z,
        drawn_z=part.drawn_z,
        labels=part.labels,
        real=real,
        fake=made.samples,
        intermediates=made.intermediates,
        real_seen=real_seen,
        fake_seen=fake_seen,
        real_output=real_output,
        fake_output=fake_output,
        generate=partial(further.generate, gan),
        augment=partial(further.augment, gan),
        discriminate=partial(further.discriminate, gan, real_labels, known),
        mean=partial(further.mean, gan),
        compute=partial(further.compute, gan),
        adversarial_loss=partial(further.adversarial_loss, gan),
        real_labels=real_labels,
        fake_labels=fake_labels,
    )


def _detach(samples: Tensor | None, penalised: bool) -> Tensor:
    """Return samples without a graph; they require grad where a penalty differentiates with respect to them."""
    assert samples is not None
    return samples.detach().requires_grad_(penalised)


def _weight_stats(part: Part, **values: Tensor) -> Stats:
    """Return a part's contributions to the total batch's means."""
    return {name: part.share * value.detach() for name, value in values.items()}
