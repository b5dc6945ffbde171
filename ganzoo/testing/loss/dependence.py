"""Checks of losses: what a loss may depend on."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.registry.failures import describe_error
from ganzoo.testing.checks import Failure, Skip, Trial, require
from ganzoo.testing.loss.calling import (
    SHAPE,
    LossValues,
    compute_value,
    differ,
    list_sound_setups,
    make_logits,
    require_alike,
)
from ganzoo.testing.probes import copy_state, list_setups, restore_state


def order(trial: Trial) -> None:
    """The value stays the same if real and fake are permuted alike or, unless the loss pairs, each on its own."""
    one, other = (torch.randperm(SHAPE[0], generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    for setup in list_sound_setups(trial):
        values = LossValues(trial, setup.options)
        real, fake = make_logits(), make_logits(1)
        alike, apart = values(real[one], fake[one]), values(real[one], fake[other])
        for network, (title, value) in values.add_titles(real, fake).items():
            require_alike(value, alike[network], f"{title}{setup.suffix}", "the same permutation of real and fake")
            if not trial.spec.pairs:
                words = "different permutations of real and fake (a loss that pairs them says pairs=True)"
                require_alike(value, apart[network], f"{title}{setup.suffix}", words)


def shapes(trial: Trial) -> None:
    """The same logits as ``[N, 1]`` or as patches ``[N, P]`` give the same value, unless the loss couples samples."""
    if trial.spec.batch_coupled:
        raise Skip("it couples samples, and patches of one sample are not samples")
    for setup in list_sound_setups(trial):
        values = LossValues(trial, setup.options)
        real, fake = (logits.reshape(-1, 1) for logits in (make_logits(), make_logits(1)))
        for shape in (SHAPE, (SHAPE[1], SHAPE[0])):
            other = values(real.reshape(shape), fake.reshape(shape))
            for network, (title, value) in values.add_titles(real, fake).items():
                words = f"{list(shape)} instead of {list(real.shape)}"
                require_alike(value, other[network], f"{title}{setup.suffix}", words)


def batch_size(trial: Trial) -> None:
    """A loss is a mean, not a sum: a batch that holds every sample twice gives the same value."""
    for setup in list_sound_setups(trial):
        values = LossValues(trial, setup.options)
        real, fake = make_logits(), make_logits(1)
        twice = values.compute_twice(real, fake)
        for network, (title, value) in values.add_titles(real, fake).items():
            if not trial.spec.batch_coupled:
                require_alike(value, twice[network], f"{title}{setup.suffix}", "a batch with every sample twice")
            words = (
                f"{title}{setup.suffix} is {value:.6g}, and {twice[network]:.6g} for a batch with every sample twice"
            )
            require(differ(2 * value, twice[network]), f"{words}: it is a sum.")


def batch_coupled_declared(trial: Trial) -> None:
    """The spec says ``batch_coupled`` if and only if a sample's term depends on the rest of the batch."""
    coupled = []
    for setup in list_sound_setups(trial):
        values = LossValues(trial, setup.options)
        real, fake = make_logits(), make_logits(1)
        halves = [values(*pair) for pair in zip(real.chunk(2), fake.chunk(2), strict=True)]
        for network, (title, value) in values.add_titles(real, fake).items():
            if not trial.spec.batch_coupled and differ(value, values.compute_twice(real, fake)[network]):
                raise Skip(f"it is not a mean: see {trial.title}/batch-size")
            mean = sum(half[network] for half in halves) / 2
            if differ(value, mean):
                words = f"{title}{setup.suffix} is {value:.6g} for a batch and {mean:.6g}, the mean, for its halves"
                require(trial.spec.batch_coupled, f"{words}, and its spec says batch_coupled=False.")
                coupled.append(network)
    words = (
        "Its spec says batch_coupled=True, but a batch gives the mean of its halves: ganzoo refuses train.micro_batch"
    )
    require(coupled or not trial.spec.batch_coupled, f"{words} without need.")


def pairs_declared(trial: Trial) -> None:
    """The spec says ``pairs`` if and only if G's loss reads real logits. Otherwise G's loss gets ``real=None``."""
    reads = []
    for setup in list_setups(trial):
        loss = trial.build_with(setup.options)
        state, fake = copy_state(loss), make_logits(1)
        if trial.spec.pairs:
            values = []
            for seed in (0, 2):
                restore_state(loss, state)
                values.append(compute_value(trial, loss, "generator", make_logits(seed), fake).item())
            reads.append(differ(*values))
            continue
        try:
            value = loss.generator(fake * 1, None)
            restore_state(loss, state)
            beside = loss.generator(fake * 1, make_logits() * 1)
        except Exception as error:
            words = f"Its spec says pairs=False, and G's loss{setup.suffix} fails with real=None"
            raise Failure(f"{words}: {describe_error(error)}.") from error
        if not isinstance(value, Tensor):
            raise Skip(f"it does not return a tensor: see {trial.title}/scalar")
        require(torch.equal(value, beside), f"Its spec says pairs=False, and G's loss{setup.suffix} reads real logits.")
    words = "Its spec says pairs=True, but G's loss is the same for other real logits: G's update would run D on real"
    require(any(reads) or not trial.spec.pairs, f"{words} samples without need.")
