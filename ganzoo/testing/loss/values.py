"""Checks of losses: what comes back."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from ganzoo.testing.checks import Trial, require
from ganzoo.testing.loss.calling import (
    TITLES,
    logits_of,
    played,
    sound_setups,
    term_of,
)
from ganzoo.testing.probes import flat, require_untrained, setups, slopes_of


def scalar(trial: Trial) -> None:
    """A loss returns scalars: tensors of no dimension, floating, with a graph to the logits."""
    for setup in setups(trial):
        loss = trial.make(setup.options)
        real, fake = logits_of(), logits_of(1)
        for network, title in TITLES.items():
            value = term_of(trial, loss, network, real, fake)
            slopes = slopes_of(value, played(network, real, fake))
            require(flat(slopes).any(), f"{title}{setup.words} does not depend on the logits that {title[0]} moves.")


def learns_nothing(trial: Trial) -> None:
    """Only the two networks are trained: a loss has no parameter of its own that waits for a gradient."""
    require_untrained(trial.build())


def large_logits(trial: Trial) -> None:
    """Value and gradient are finite in float32 at logits of 1e4 and -1e4."""
    for setup in sound_setups(trial):
        loss = trial.make(setup.options)
        for r, f in product((1e4, -1e4), repeat=2):
            real, fake = (torch.full((2, 1), level, requires_grad=True) for level in (r, f))
            for network, title in TITLES.items():
                value = term_of(trial, loss, network, real, fake)
                where = f"{title}{setup.words} at real logits of {r:g} and fake of {f:g}"
                require(value.isfinite(), f"{where} is {value.item()}: write softplus(x), not log(sigmoid(-x)).")
                slopes = flat(slopes_of(value, played(network, real, fake)))
                require(slopes.isfinite().all(), f"The gradient of {where} is {_listed(slopes)}.")


def _listed(numbers: Tensor) -> str:
    return ", ".join(f"{number:g}" for number in numbers.tolist())
