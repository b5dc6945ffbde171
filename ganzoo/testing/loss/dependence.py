"""Checks of losses: what a value may depend on."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.registry.installed import describe_error
from ganzoo.testing.checks import Broken, Skip, Trial, require
from ganzoo.testing.loss.calling import (
    SHAPE,
    Answers,
    differ,
    logits_of,
    require_alike,
    sound_setups,
    term_of,
)
from ganzoo.testing.probes import restore, setups, state_of


def order(trial: Trial) -> None:
    """The order of the samples does not matter: real and fake permuted alike, or apart unless the loss pairs."""
    one, other = (torch.randperm(SHAPE[0], generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    for setup in sound_setups(trial):
        answers = Answers(trial, setup.options)
        real, fake = logits_of(), logits_of(1)
        alike, apart = answers(real[one], fake[one]), answers(real[one], fake[other])
        for network, (title, value) in answers.titled(real, fake).items():
            require_alike(value, alike[network], f"{title}{setup.words}", "the same permutation of real and fake")
            if not trial.spec.pairs:
                words = "another permutation of real than of fake (a loss that pairs them says pairs=True)"
                require_alike(value, apart[network], f"{title}{setup.words}", words)


def shapes(trial: Trial) -> None:
    """The same numbers are worth the same as ``[N, 1]`` and as patches ``[N, P]``, unless the loss couples samples."""
    if trial.spec.batch_coupled:
        raise Skip("samples of its batch meet, and patches of one sample are not samples")
    for setup in sound_setups(trial):
        answers = Answers(trial, setup.options)
        real, fake = (logits.reshape(-1, 1) for logits in (logits_of(), logits_of(1)))
        for shape in (SHAPE, (SHAPE[1], SHAPE[0])):
            other = answers(real.reshape(shape), fake.reshape(shape))
            for network, (title, value) in answers.titled(real, fake).items():
                words = f"{list(shape)} in place of {list(real.shape)}"
                require_alike(value, other[network], f"{title}{setup.words}", words)


def batch_size(trial: Trial) -> None:
    """A loss is a mean, not a sum: a batch given twice over is worth what it is worth once."""
    for setup in sound_setups(trial):
        answers = Answers(trial, setup.options)
        real, fake = logits_of(), logits_of(1)
        twice = answers.twice(real, fake)
        for network, (title, value) in answers.titled(real, fake).items():
            if not trial.spec.batch_coupled:
                require_alike(value, twice[network], f"{title}{setup.words}", "the batch twice over")
            words = f"{title}{setup.words} is {value:.6g}, and {twice[network]:.6g} for the batch twice over"
            require(differ(2 * value, twice[network]), f"{words}: it is a sum.")


def batch_coupled_honest(trial: Trial) -> None:
    """A loss says ``batch_coupled`` where a sample's term depends on the rest of the batch, and only there."""
    coupled = []
    for setup in sound_setups(trial):
        answers = Answers(trial, setup.options)
        real, fake = logits_of(), logits_of(1)
        halves = [answers(*pair) for pair in zip(real.chunk(2), fake.chunk(2), strict=True)]
        for network, (title, value) in answers.titled(real, fake).items():
            if not trial.spec.batch_coupled and differ(value, answers.twice(real, fake)[network]):
                raise Skip(f"it is no mean: see {trial.title}/batch-size")
            mean = sum(half[network] for half in halves) / 2
            if differ(value, mean):
                words = f"{title}{setup.words} is {value:.6g} for a batch and {mean:.6g}, the mean, for its halves"
                require(trial.spec.batch_coupled, f"{words}, and its spec says batch_coupled=False.")
                coupled.append(network)
    words = "Its spec says batch_coupled=True, but a batch is worth the mean of its halves: accumulation is refused"
    require(coupled or not trial.spec.batch_coupled, f"{words} for nothing.")


def pairs_honest(trial: Trial) -> None:
    """A loss says ``pairs`` where the generator's term reads real logits, and only there: elsewhere `real` is None."""
    reads = []
    for setup in setups(trial):
        loss = trial.make(setup.options)
        state, fake = state_of(loss), logits_of(1)
        if trial.spec.pairs:
            values = []
            for seed in (0, 2):
                restore(loss, state)
                values.append(term_of(trial, loss, "generator", logits_of(seed), fake).item())
            reads.append(differ(*values))
            continue
        try:
            value = loss.generator(fake * 1, None)
            restore(loss, state)
            beside = loss.generator(fake * 1, logits_of() * 1)
        except Exception as error:
            words = f"Its spec says pairs=False, and G's loss{setup.words} failed with real=None"
            raise Broken(f"{words}: {describe_error(error)}.") from error
        if not isinstance(value, Tensor):
            raise Skip(f"it returns no tensor: see {trial.title}/scalar")
        require(torch.equal(value, beside), f"Its spec says pairs=False, and G's loss{setup.words} reads real logits.")
    words = "Its spec says pairs=True, but G's loss is the same for other real logits: D judges reals for nothing"
    require(any(reads) or not trial.spec.pairs, f"{words} in G's update.")
