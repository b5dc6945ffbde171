"""Further forwards, for regularizers and augmentations: more samples, generated, mixed, augmented and discriminated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from ganzoo.compute.device import autocast, to_float32
from ganzoo.engine import forward
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.gradients import Stats
from ganzoo.engine.recomputation import recomputed
from ganzoo.errors import UsageError
from ganzoo.plugin import DiscriminatorOutput, Step

Output = DiscriminatorOutput | Tensor | list[Tensor]
Known = tuple[Tensor | None, Tensor | None, DiscriminatorOutput | None]  # samples, labels, and D's output for them


def mix_fakes(gan: Gan, part: Part, fake: Tensor) -> Tensor | None:
    """Return the real samples of D's update, ``[n, *shape]``; augmentations may show it generated ones among them.

    A row never gets D's own fake of that row, since a loss of pairs would then compare a sample with itself. It gets
    the fake of the row before, or for labels another fake, from the latent of the row before. A single row has no
    other fake, and stays real.

    Args:
        gan: The GAN, whose augmentations mix.
        part: The input of the update.
        fake: D's fakes, ``[n, *shape]``.
    """
    if part.real is None or not gan.mixing or len(fake) == 1:
        return part.real
    with torch.no_grad():
        others = fake.roll(1, 0) if part.labels is None else generate(gan, part.z.roll(1, 0), part.labels)
        real = part.real
        for augmentation in gan.mixing.values():
            real = augmentation.mix(real, others)
    return real


def generate(gan: Gan, z: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return samples ``[n, *shape]`` of further latents; BatchNorm's running statistics do not change."""
    with forward.still(gan.generator):
        return gan.generate(z, labels).samples


def augment(gan: Gan, samples: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
    """Augment further samples ``[n, *shape]``; where labels are given, return the samples and the labels.

    Raises:
        ValueError: Labels are images that move with their samples, and no labels are given.
    """
    if labels is None and gan.moves_labels:
        raise ValueError("an augmentation moves the labels with their samples: give them, augment(samples, labels)")
    seen, moved = gan.augment(samples, labels)
    return seen if moved is None else (seen, moved)


def discriminate(
    gan: Gan,
    usual: Tensor | None,
    known: Iterable[Known],
    samples: Tensor,
    labels: Tensor | None = None,
    float32: bool = False,
) -> DiscriminatorOutput:
    """Return D's output for further samples.

    Args:
        gan: The GAN whose discriminator is called.
        usual: The labels of the update's samples, for calls without labels.
        known: The samples that D saw in this update, with their labels and D's outputs.
        samples: The samples, ``[n, *shape]``.
        labels: The samples' labels; by default `usual`.
        float32: Whether to compute in float32, with dropout and the power iteration of spectral normalisation off.

    Raises:
        ValueError: D takes labels, none are given, and the samples are not as many as the update's.
    """
    if labels is None and usual is not None and len(usual) != len(samples):
        raise ValueError(f"D takes labels: give those of these {len(samples)} samples, discriminate(x, labels)")
    labels = usual if labels is None else labels
    if not float32:
        with forward.still(gan.discriminator):
            return gan.discriminate(samples, labels, penalised=True)
    if gan.recipe.train.precision == "fp32" and not forward.has_changing_layers(gan.discriminator):
        for seen, its_labels, answer in known:
            if seen is samples and its_labels is labels and answer is not None:
                return answer
    with recomputed(gan.blocks["discriminator"]):
        return forward.discriminate_float32(gan.discriminator, samples, labels, gan.recipe.train.precision)


def compute(gan: Gan, part: Callable[..., Any], *inputs: Tensor) -> Any:
    """Call a part of a network in the run's precision; return its tensors, or a list of them, in float32.

    The running statistics of BatchNorm do not change.

    Args:
        gan: The GAN whose network has the part.
        part: The module or method that is called.
        inputs: The arguments of the module or method.
    """
    with (
        forward.still(gan.generator),
        forward.still(gan.discriminator),
        autocast(gan.recipe.train.precision, gan.device),
    ):
        found = part(*inputs)
    return tree_map_only(Tensor, to_float32, found)


def adversarial_loss(gan: Gan, network: str, real: Output, fake: Output) -> Tensor:
    """Return the run's loss of a network for further outputs of a discriminator, a scalar, weighted as its own is.

    Args:
        gan: The GAN whose loss it is.
        network: The network whose loss it is, ``discriminator`` or ``generator``.
        real: D's output for real samples, in any form that D may return. G's loss reads it only if the loss pairs.
        fake: D's output for generated samples.
    """
    real, fake = (x if isinstance(x, DiscriminatorOutput) else DiscriminatorOutput(x) for x in (real, fake))
    if network == "discriminator":
        return gan.adversarial_loss(network, real, fake)
    return gan.weight_loss(gan.adversarial_loss(network, fake, real if gan.pairs else None))


def replace_fakes(gan: Gan, fake: Tensor) -> Tensor:
    """Return the samples ``[N, *shape]`` that D sees as generated; regularizers may replace those of this update."""
    for regularizer in gan.fake_replacers:
        fake = regularizer.replace_fakes(fake)
    return fake


def weigh_adversarial(gan: Gan, loss: Tensor, others: Sequence[Tensor], step: Step) -> tuple[Tensor | None, Stats]:
    """Return the factor of G's adversarial loss that a regularizer chooses, and that it chose it; None if none does.

    Args:
        gan: The GAN whose regularizer weighs.
        loss: The adversarial loss before its weight, a scalar.
        others: The other terms of G's loss, scalars.
        step: The update, as terms see it.

    Raises:
        GanzooError: There is no other term, or what was returned is not a scalar.
    """
    if gan.weigher is None:
        return None, {}
    name, made = gan.weigher
    if not others:
        raise UsageError(
            f"regularizer {name!r} weighs the adversarial loss against G's other terms, and there are none: add one, "
            "such as --reg l1"
        )
    weight = made.weigh_adversarial(loss, torch.stack(list(others)).sum(), step)
    weight = to_float32(forward.require_scalar(f"regularizer {name!r}: its weight", weight).detach())
    return weight, {f"reg.{name}/weight": weight}


def mean(gan: Gan, tensor: Tensor) -> Tensor:
    """Return a tensor's mean over all processes, without a graph.

    Raises:
        RuntimeError: The update is being recorded. A recording cannot wait for other processes.
    """
    if gan.recording and gan.world.size > 1:
        raise RuntimeError("a term that averages over processes waits for them, and a recording cannot wait")
    return gan.world.mean(tensor)
