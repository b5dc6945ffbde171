"""Checks of architectures: what samples and logits depend on: latents and labels, and nothing besides."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.compute.streams import seeded
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, samples_of
from ganzoo.testing.architecture.networks import (
    SAME,
    discriminate,
    flat,
    gap,
    generate,
    labelled,
    labels,
    latents,
    one_of_each,
    samples,
    shaken,
    smallest,
    some,
    standing,
    tensors_of,
    title,
)
from ganzoo.testing.architecture.pair import assembled, recipe, rounds, trained
from ganzoo.testing.checks import Skip, Trial, require

CHANGED = 1e-6  # likewise: below, nothing did
HARDLY = 1e-3  # of the spread of all numbers: below, latents do not count


def latents_matter(trial: Trial) -> None:
    """Different latents give different samples, and every entry of z has a say."""
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        if not gan.networks.latent_dim:
            raise Skip("its samples are made of labels alone")
        network, chosen = gan.generator.eval(), labels(data, 4)
        z = latents(gan.networks, 4)
        one, two = generate(network, z, chosen), generate(network, latents(gan.networks, 4, seed=1), chosen)
        require(gap(one, two) > CHANGED, f"{title(data)}: other latents changed its samples by {gap(one, two):.2g}.")
        many = generate(network, latents(gan.networks, 16), _alike(chosen, 16)).double()
        share = float(many.std(0).mean() / many.std().clamp(min=1e-12))
        words = f"over 16 latents samples vary by {share:.2g} of how their numbers vary in all"
        require(share > HARDLY, f"{title(data)}: {words}: z hardly counts.")
        codes = int(gan.networks.latent.partition("onehot")[2] or 0)
        z.requires_grad_()
        with seeded(0):
            answer = samples_of(network(z, chosen))
        (gradient,) = torch.autograd.grad((answer * torch.randn_like(answer)).sum(), z)
        silent = (gradient.abs().sum(0) == 0)[: z.shape[1] - codes].nonzero().flatten().tolist()
        require(not silent, f"{title(data)}: of {z.shape[1]} entries {len(silent)} change nothing, first {silent[:1]}.")


def generator_uses_labels(trial: Trial) -> None:
    """The generator uses its labels: the same z gives another sample for each, and no label is taken for another."""
    for data in _labelled(trial):
        gan, _ = trained(trial, data)
        chosen, network = one_of_each(data), shaken(gan.generator.eval())
        answers = generate(network, latents(gan.networks, 1).expand(len(chosen), -1), chosen)
        _require_apart(data, chosen, answers, "samples of the same z")


def discriminator_uses_labels(trial: Trial) -> None:
    """The discriminator uses its labels: the same sample gets other logits with each label; or it has class logits."""
    for data in _labelled(trial):
        gan, _ = trained(trial, data)
        chosen, network = one_of_each(data), shaken(gan.discriminator.eval())
        x = samples(data, 4)
        with torch.no_grad():
            found = [discriminate(network, x, label.expand(4, *label.shape)) for label in chosen]
        if found[0].class_logits is None:
            _require_apart(data, chosen, torch.stack([flat(answer) for answer in found]), "logits of the same samples")


def labels_that_are_numbers(trial: Trial) -> None:
    """Labels that are numbers (`DataInfo.label_shape`) are used, or refused with an error, never left out."""
    if trial.spec.conditional == "never":
        raise Skip("it takes no labels")
    data = replace(smallest(trial)[0], num_classes=0, label_shape=smallest(trial)[-1].label_shape or (3,))
    try:
        gan, batches = assembled(recipe(trial, data), data)
        rounds(gan, batches)
    except (GanzooError, ValueError) as error:
        if isinstance(error.__cause__ or error, ValueError | GanzooError):
            return
        raise
    z, network = latents(gan.networks, 4), gan.generator.eval()
    off = gap(*(generate(network, z, labels(data, 4, shift)) for shift in (0, 1)))
    require(off > CHANGED, f"{title(data)}: other labels changed the samples by {off:.2g}.")


def samples_stand_alone(trial: Trial) -> None:
    """In eval mode a sample depends on its own latents alone, not on its neighbours in the batch."""
    for data in smallest(trial):
        gan, _ = trained(trial, data)
        network, chosen = gan.ema.network, labels(data, 4)
        z, others = latents(gan.networks, 4), latents(gan.networks, 4, seed=1)
        others[0] = z[0]
        off = gap(generate(network, z, chosen)[0], generate(network, others, chosen)[0])
        require(off < SAME, f"{title(data)}: other neighbours changed a sample by {off:.2g} of its largest value.")


def inputs_left_alone(trial: Trial) -> None:
    """The networks leave what they are given as it was."""
    for data in smallest(trial):
        networks, chosen, before = standing(trial, data), labels(data, 4), labels(data, 4)
        for name, network, x in (
            ("generator", networks.generator, latents(networks, 4)),
            ("discriminator", networks.discriminator, samples(data, 4)),
        ):
            given = x.clone()
            with torch.no_grad():
                network(given, chosen)
            require(torch.equal(given, x), f"{title(data)}: its {name} changed its input by {gap(x, given):.2g}.")
            same = chosen is None or before is None or torch.equal(chosen, before)
            require(same, f"{title(data)}: its {name} changed the labels.")


def eval_changes_nothing(trial: Trial) -> None:
    """A forward in eval mode changes no parameter and no buffer: sampling twice samples one model."""
    for data in smallest(trial):
        networks = standing(trial, data)
        networks.generator.eval()
        networks.discriminator.eval()
        before = {name: tensor.detach().clone() for name, tensor in tensors_of(networks).items()}
        made = generate(networks.generator, latents(networks, 4), labels(data, 4))
        with torch.no_grad():
            discriminate(networks.discriminator, made, labels(data, 4))
        changed = [name for name, tensor in tensors_of(networks).items() if not torch.equal(tensor, before[name])]
        require(not changed, f"{title(data)}: it changed {some(changed)}.")


# ----------------------------------------------------------------------------
# What they share.


def _alike(chosen: Tensor | None, num: int) -> Tensor | None:
    """Return the first label so many times over."""
    return None if chosen is None else chosen[:1].expand(num, *chosen.shape[1:])


def _require_apart(data: DataInfo, chosen: Tensor, answers: Tensor, what: str) -> None:
    """Raise `Broken` where the answers to two labels are the same."""
    answers = answers.double().flatten(1)
    apart = torch.cdist(answers, answers, p=torch.inf) / answers.abs().max().clamp(min=1e-12)
    apart.fill_diagonal_(torch.inf)
    one, two = divmod(int(apart.argmin()), len(apart))
    names = [chosen[i].item() if chosen.dim() == 1 else f"number {i}" for i in (one, two)]
    words = f"{what} differ by {float(apart.min()):.2g} between label {names[0]} and label {names[1]}"
    require(float(apart.min()) > CHANGED, f"{title(data)}: {words}.")


def _labelled(trial: Trial) -> list[DataInfo]:
    found = labelled(trial)
    if not found:
        raise Skip("it takes no labels")
    return found
