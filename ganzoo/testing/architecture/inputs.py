"""Checks of architectures: samples and logits depend on latents and labels, and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.compute.streams import seeded
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, extract_samples
from ganzoo.testing.architecture.networks import (
    ROUNDING,
    compute_gap,
    describe_data,
    discriminate,
    flatten_logits,
    generate,
    join_first,
    list_labelled_data,
    list_labels,
    list_small_data,
    make_labels,
    make_latents,
    make_samples,
    name_tensors,
    perturb,
    share_networks,
)
from ganzoo.testing.architecture.pair import assemble_gan, make_recipe, share_trained, train_rounds
from ganzoo.testing.checks import Skip, Trial, require

MIN_CHANGE = 1e-6  # of the largest value: a smaller change counts as none
MIN_SPREAD = 1e-3  # of the spread of all numbers: a smaller spread over latents counts as none


def latents_matter(trial: Trial) -> None:
    """Different latents give different samples, and every entry of z has an effect."""
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        if not gan.networks.latent_dim:
            raise Skip("it has no latents")
        network, chosen = gan.generator.eval(), make_labels(data, 4)
        z = make_latents(gan.networks, 4)
        one, two = generate(network, z, chosen), generate(network, make_latents(gan.networks, 4, seed=1), chosen)
        require(
            compute_gap(one, two) > MIN_CHANGE,
            f"{describe_data(data)}: other latents change its samples by {compute_gap(one, two):.2g}.",
        )
        many = generate(network, make_latents(gan.networks, 16), _repeat_label(chosen, 16)).double()
        share = float(many.std(0).mean() / many.std().clamp(min=1e-12))
        words = f"over 16 latents, samples vary by {share:.2g} of the spread of all their numbers"
        require(share > MIN_SPREAD, f"{describe_data(data)}: {words}: z has almost no effect.")
        codes = int(gan.networks.latent.partition("onehot")[2] or 0)
        z.requires_grad_()
        with seeded(0):
            answer = extract_samples(network(z, chosen))
        (gradient,) = torch.autograd.grad((answer * torch.randn_like(answer)).sum(), z)
        silent = (gradient.abs().sum(0) == 0)[: z.shape[1] - codes].nonzero().flatten().tolist()
        require(
            not silent,
            f"{describe_data(data)}: of {z.shape[1]} entries {len(silent)} change nothing, first {silent[:1]}.",
        )


def generator_uses_labels(trial: Trial) -> None:
    """The generator uses its labels: with the same z, each label gives a different sample."""
    for data in _list_labelled(trial):
        gan, _ = share_trained(trial, data)
        chosen, network = list_labels(data), perturb(gan.generator.eval())
        answers = generate(network, make_latents(gan.networks, 1).expand(len(chosen), -1), chosen)
        _require_apart(data, chosen, answers, "samples of the same z")


def discriminator_uses_labels(trial: Trial) -> None:
    """D uses its labels: each label gives the same sample different logits, or D returns class logits."""
    for data in _list_labelled(trial):
        gan, _ = share_trained(trial, data)
        chosen, network = list_labels(data), perturb(gan.discriminator.eval())
        x = make_samples(data, 4)
        with torch.no_grad():
            found = [discriminate(network, x, label.expand(4, *label.shape)) for label in chosen]
        if found[0].class_logits is None:
            _require_apart(
                data, chosen, torch.stack([flatten_logits(answer) for answer in found]), "logits of the same samples"
            )


def labels_that_are_numbers(trial: Trial) -> None:
    """Labels that are arrays (`DataInfo.label_shape`) are used or refused with an error, but never ignored."""
    if trial.spec.conditional == "never":
        raise Skip("it has no labels")
    data = replace(list_small_data(trial)[0], num_classes=0, label_shape=list_small_data(trial)[-1].label_shape or (3,))
    try:
        gan, batches = assemble_gan(make_recipe(trial, data), data)
        train_rounds(gan, batches)
    except (GanzooError, ValueError) as error:
        if isinstance(error.__cause__ or error, ValueError | GanzooError):
            return
        raise
    z, network = make_latents(gan.networks, 4), gan.generator.eval()
    off = compute_gap(*(generate(network, z, make_labels(data, 4, shift)) for shift in (0, 1)))
    require(off > MIN_CHANGE, f"{describe_data(data)}: other labels change the samples by {off:.2g}.")


def samples_are_independent(trial: Trial) -> None:
    """In eval mode a sample depends on its own latents and label alone, not on the rest of the batch."""
    for data in list_small_data(trial):
        gan, _ = share_trained(trial, data)
        network, chosen = gan.ema.network, make_labels(data, 4)
        z, others = make_latents(gan.networks, 4), make_latents(gan.networks, 4, seed=1)
        others[0] = z[0]
        off = compute_gap(generate(network, z, chosen)[0], generate(network, others, chosen)[0])
        require(
            off < ROUNDING,
            f"{describe_data(data)}: other samples in the batch change a sample by {off:.2g} of its largest value.",
        )


def inputs_unchanged(trial: Trial) -> None:
    """The networks do not change their inputs in place."""
    for data in list_small_data(trial):
        networks, chosen, before = share_networks(trial, data), make_labels(data, 4), make_labels(data, 4)
        for name, network, x in (
            ("generator", networks.generator, make_latents(networks, 4)),
            ("discriminator", networks.discriminator, make_samples(data, 4)),
        ):
            given = x.clone()
            with torch.no_grad():
                network(given, chosen)
            require(
                torch.equal(given, x),
                f"{describe_data(data)}: the {name} changes its input by {compute_gap(x, given):.2g}.",
            )
            same = chosen is None or before is None or torch.equal(chosen, before)
            require(same, f"{describe_data(data)}: the {name} changes the labels.")


def eval_changes_nothing(trial: Trial) -> None:
    """A forward pass in eval mode changes no parameter and no buffer."""
    for data in list_small_data(trial):
        networks = share_networks(trial, data)
        networks.generator.eval()
        networks.discriminator.eval()
        before = {name: tensor.detach().clone() for name, tensor in name_tensors(networks).items()}
        made = generate(networks.generator, make_latents(networks, 4), make_labels(data, 4))
        with torch.no_grad():
            discriminate(networks.discriminator, made, make_labels(data, 4))
        changed = [name for name, tensor in name_tensors(networks).items() if not torch.equal(tensor, before[name])]
        require(not changed, f"{describe_data(data)}: it changes {join_first(changed)}.")


# ----------------------------------------------------------------------------
# Helpers.


def _repeat_label(chosen: Tensor | None, num: int) -> Tensor | None:
    """Return the first label, repeated `num` times."""
    return None if chosen is None else chosen[:1].expand(num, *chosen.shape[1:])


def _require_apart(data: DataInfo, chosen: Tensor, answers: Tensor, what: str) -> None:
    """Raise `Failure` if the outputs for two labels are the same."""
    answers = answers.double().flatten(1)
    apart = torch.cdist(answers, answers, p=torch.inf) / answers.abs().max().clamp(min=1e-12)
    apart.fill_diagonal_(torch.inf)
    one, two = divmod(int(apart.argmin()), len(apart))
    names = [chosen[i].item() if chosen.dim() == 1 else f"number {i}" for i in (one, two)]
    words = f"{what} differ by {float(apart.min()):.2g} between label {names[0]} and label {names[1]}"
    require(float(apart.min()) > MIN_CHANGE, f"{describe_data(data)}: {words}.")


def _list_labelled(trial: Trial) -> list[DataInfo]:
    found = list_labelled_data(trial)
    if not found:
        raise Skip("it has no labels")
    return found
