"""Whether a conditional GAN is one: whether anything teaches G that its samples should have their classes."""

from __future__ import annotations

import torch

from ganzoo.compute.streams import seeded
from ganzoo.engine.gan import Gan
from ganzoo.layers import logits
from ganzoo.plugin import Regularizer
from ganzoo.plugin.options import list_options


@torch.no_grad()
def describe_ignored_labels(gan: Gan) -> str:
    """Return a line if D gives a sample the same logits with each class, and no regularizer reads classes; '' if not.

    Nothing is said of labels that are not classes, because terms may read them in ways that no spec describes.
    """
    reads = any(isinstance(choice.spec, Regularizer) and choice.spec.classes for choice in gan.recipe.reg)
    if not gan.data.num_classes or gan.data.num_classes < 2 or reads:
        return ""
    train, coupled = gan.recipe.train, "batch-coupled-d" in gan.recipe.arch.provides
    discriminator, num = gan.discriminator.eval(), min(train.batch, train.micro_batch or train.batch) if coupled else 2
    answers = []
    for label in (0, 1):
        with seeded(0, gan.device):
            samples = torch.randn(num, *gan.data.shape, device=gan.device)
            answer = discriminator(samples, torch.full((num,), label, device=gan.device))
        answers.append(torch.cat(logits(answer), 1))
    discriminator.train()
    if not torch.equal(*answers):
        return ""
    arch = gan.recipe.arch
    known = list_options(arch.spec.options).values()
    keys = [f"arch.{each.name}=true" for each in known if each.type is bool and "labels" in each.used_with.split(",")]
    return (
        f"warning: arch {arch.name!r} does not show D the classes, and no regularizer reads them, so samples need not "
        f"have their class; try {', or '.join([*keys, 'a head (--reg NAME) that classifies'])}"
    )
