"""Checks of losses: which way their gradients push."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch

from ganzoo.testing.checks import Skip, Trial, require
from ganzoo.testing.loss.calling import (
    SHAPE,
    TITLES,
    Answers,
    logits_of,
    played,
    sound_setups,
    term_of,
)
from ganzoo.testing.probes import flat, moved, slopes_of

LEVELS = [level / 4 for level in range(-80, 81)]


def discriminator_signs(trial: Trial) -> None:
    """D's loss falls as real logits rise and as fake logits fall, where D cannot tell them apart."""
    for setup in sound_setups(trial):
        found = [_slopes_at(trial, trial.make(setup.options), level) for level in LEVELS]
        for level, (by_real, by_fake, _) in zip(LEVELS, found, strict=True):
            apart = f"At logits of {level:g} for both, D's loss{setup.words} changes by {by_real:.3g} as real logits"
            apart += f" rise and by {by_fake:.3g} as fake logits rise"
            require(by_real - by_fake < 0 or abs(level) > 3, f"{apart}: it does not fall as D tells them apart.")
        both = any(by_real < 0 < by_fake for by_real, by_fake, _ in found)
        by_real, by_fake, _ = found[LEVELS.index(0)]
        require(
            both,
            f"Nowhere from {LEVELS[0]:g} to {LEVELS[-1]:g} does it{setup.words}; at 0 it changes by {by_real:.3g} as "
            f"real logits rise and by {by_fake:.3g} as fake logits rise.",
        )


def generator_signs(trial: Trial) -> None:
    """G's loss falls as fake logits rise, where D's loss falls as they fall."""
    for setup in sound_setups(trial):
        found = [_slopes_at(trial, trial.make(setup.options), level) for level in LEVELS]
        if not any(by_real < 0 < by_fake for by_real, by_fake, _ in found):
            raise Skip(f"D's own loss has a wrong sign: see {trial.title}/discriminator-signs")
        opposed = any(by_real < 0 < by_fake and of_g < 0 for by_real, by_fake, of_g in found)
        of_g = found[LEVELS.index(0)][2]
        require(
            opposed,
            f"Nowhere from {LEVELS[0]:g} to {LEVELS[-1]:g} does it{setup.words}; at logits of 0 for both it changes by "
            f"{of_g:.3g} as fake logits rise.",
        )


def finite_differences(trial: Trial) -> None:
    """The gradient is that of the value: it agrees with finite differences."""
    generator = torch.Generator().manual_seed(2)
    for setup in sound_setups(trial):
        answers = Answers(trial, setup.options)
        dtype = answers.finest()
        for (network, title), seed in product(TITLES.items(), range(3)):
            pair = [logits_of(seed, dtype=dtype), logits_of(seed + 10, dtype=dtype)]
            here = answers.term(network, *pair)
            h, tolerance = (1e-5, 1e-6) if dtype == torch.float64 else (1e-3, 2e-3)
            if moved(answers.loss, answers.state):  # a running mean, through which no gradient goes
                tolerance = 0.05
            slopes = flat(slopes_of(here, played(network, *pair)))
            moves = [torch.randn(SHAPE, generator=generator).to(dtype) for _ in pair]
            if network == "generator":
                moves[0].zero_()
            told = (slopes @ flat(played(network, *moves))).item()
            sides = [[x.detach() + s * move for x, move in zip(pair, moves, strict=True)] for s in (h, -h)]
            ahead, behind = (answers.term(network, *(x.requires_grad_() for x in side)).item() for side in sides)
            rise = (ahead - behind) / (2 * h)
            words = f"Along a random direction {title}{setup.words} rises by {rise:.6g}; its gradient says {told:.6g}"
            require(abs(rise - told) <= tolerance * max(1.0, abs(rise)), f"{words}: something in it was detached.")


def _slopes_at(trial: Trial, loss: Any, level: float) -> tuple[float, float, float]:
    """Return how D's loss changes as all real and all fake logits rise, and G's as the fake ones do, from one level."""
    real, fake = (torch.full((4, 1), level, requires_grad=True) for _ in range(2))
    by_real, by_fake = slopes_of(term_of(trial, loss, "discriminator", real, fake), [real, fake])
    (of_g,) = slopes_of(term_of(trial, loss, "generator", real, fake), [fake])
    return by_real.sum().item(), by_fake.sum().item(), of_g.sum().item()
