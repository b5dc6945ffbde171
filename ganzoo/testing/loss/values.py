"""Checks of losses: the values that they return."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from ganzoo.testing.checks import Trial, require
from ganzoo.testing.loss.calling import (
    TITLES,
    compute_value,
    list_sound_setups,
    make_logits,
    select_logits,
)
from ganzoo.testing.probes import compute_gradients, flatten, list_setups, require_untrained


def scalar(trial: Trial) -> None:
    """A loss returns scalars: 0-dim floating-point tensors with a graph to the logits."""
    for setup in list_setups(trial):
        loss = trial.build_with(setup.options)
        real, fake = make_logits(), make_logits(1)
        for network, title in TITLES.items():
            value = compute_value(trial, loss, network, real, fake)
            slopes = compute_gradients(value, select_logits(network, real, fake))
            words = f"{title}{setup.suffix} does not depend on the logits that {title[0]} influences."
            require(flatten(slopes).any(), words)


def learns_nothing(trial: Trial) -> None:
    """A loss has no trainable parameters: only the two networks are trained."""
    require_untrained(trial.build())


def large_logits(trial: Trial) -> None:
    """Value and gradient are finite in float32 for logits of 1e4 and -1e4."""
    for setup in list_sound_setups(trial):
        loss = trial.build_with(setup.options)
        for r, f in product((1e4, -1e4), repeat=2):
            real, fake = (torch.full((2, 1), level, requires_grad=True) for level in (r, f))
            for network, title in TITLES.items():
                value = compute_value(trial, loss, network, real, fake)
                where = f"{title}{setup.suffix} at real logits of {r:g} and fake of {f:g}"
                require(value.isfinite(), f"{where} is {value.item()}: write softplus(x), not log(sigmoid(-x)).")
                slopes = flatten(compute_gradients(value, select_logits(network, real, fake)))
                require(slopes.isfinite().all(), f"The gradient of {where} is {_join_numbers(slopes)}.")


def _join_numbers(numbers: Tensor) -> str:
    return ", ".join(f"{number:g}" for number in numbers.tolist())
