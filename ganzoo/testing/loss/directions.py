"""Checks of losses: the directions of their gradients."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch

from ganzoo.testing.checks import Skip, Trial, require
from ganzoo.testing.loss.calling import (
    SHAPE,
    TITLES,
    LossValues,
    compute_value,
    list_sound_setups,
    make_logits,
    select_logits,
)
from ganzoo.testing.probes import Setup, compute_gradients, flatten, has_changed

LEVELS = [level / 4 for level in range(-80, 81)]
Slopes = list[tuple[float, float, float]]  # by real logits and by fake ones of D's loss, and by fake ones of G's


def discriminator_signs(trial: Trial) -> None:
    """Where real and fake logits are equal, D's loss falls as real logits rise and as fake logits fall."""
    for setup in list_sound_setups(trial):
        found = _share_slopes(trial, setup)
        for level, (by_real, by_fake, _) in zip(LEVELS, found, strict=True):
            apart = f"At logits of {level:g} for both, D's loss{setup.suffix} changes by {by_real:.3g} as real logits"
            apart += f" rise and by {by_fake:.3g} as fake logits rise"
            require(by_real - by_fake < 0 or abs(level) > 3, f"{apart}: it does not fall as D separates them.")
        both = any(by_real < 0 < by_fake for by_real, by_fake, _ in found)
        by_real, by_fake, _ = found[LEVELS.index(0)]
        require(
            both,
            f"It does not{setup.suffix} at any level from {LEVELS[0]:g} to {LEVELS[-1]:g}; at 0 it changes by "
            f"{by_real:.3g} as real logits rise and by {by_fake:.3g} as fake logits rise.",
        )


def generator_signs(trial: Trial) -> None:
    """Where D's loss falls as fake logits fall, G's loss falls as they rise."""
    for setup in list_sound_setups(trial):
        found = _share_slopes(trial, setup)
        if not any(by_real < 0 < by_fake for by_real, by_fake, _ in found):
            raise Skip(f"D's loss has a wrong sign: see {trial.title}/discriminator-signs")
        opposed = any(by_real < 0 < by_fake and of_g < 0 for by_real, by_fake, of_g in found)
        of_g = found[LEVELS.index(0)][2]
        require(
            opposed,
            f"It does not{setup.suffix} at any level from {LEVELS[0]:g} to {LEVELS[-1]:g}; at logits of 0 for both it "
            f"changes by {of_g:.3g} as fake logits rise.",
        )


def signed_logits(trial: Trial) -> None:
    """A loss that provides ``signed-logits`` tells real from fake at 0: D's loss for equal logits is least there."""
    found = False
    for setup in list_sound_setups(trial):
        if "signed-logits" not in trial.spec.get_provided(setup.options):
            continue
        found, loss = True, trial.build_with(setup.options)
        values = {}
        for level in (-5.0, -0.5, 0.0, 0.5, 5.0):
            both = torch.full((4, 1), level, requires_grad=True)
            values[level] = compute_value(trial, loss, "discriminator", both, both).item()
        best = min(values, key=lambda level: values[level])
        slack = 0.05 * abs(values[0.0])  # smoothed targets move the least loss a little
        words = f"D's loss{setup.suffix} is {values[0.0]:.6g} if all logits are 0, and"
        require(values[best] >= values[0.0] - slack, f"{words} {values[best]:.6g} if they are {best:g}.")
        for level in (-5.0, 5.0):
            require(values[level] > values[0.0] + slack, f"{words} {values[level]:.6g} if they are {level:g}.")
    if not found:
        raise Skip("it does not provide 'signed-logits'")


def finite_differences(trial: Trial) -> None:
    """The gradient matches finite differences of the value."""
    generator = torch.Generator().manual_seed(2)
    for setup in list_sound_setups(trial):
        values = LossValues(trial, setup.options)
        dtype = values.find_finest_dtype()
        for (network, title), seed in product(TITLES.items(), range(3)):
            pair = [make_logits(seed, dtype=dtype), make_logits(seed + 10, dtype=dtype)]
            here = values.compute(network, *pair)
            h, tolerance = (1e-5, 1e-6) if dtype == torch.float64 else (1e-3, 2e-3)
            if has_changed(values.loss, values.state):  # a running mean, through which no gradient goes
                tolerance = 0.05
            slopes = flatten(compute_gradients(here, select_logits(network, *pair)))
            moves = [torch.randn(SHAPE, generator=generator).to(dtype) for _ in pair]
            if network == "generator":
                moves[0].zero_()
            predicted = (slopes @ flatten(select_logits(network, *moves))).item()
            sides = [[x.detach() + s * move for x, move in zip(pair, moves, strict=True)] for s in (h, -h)]
            ahead, behind = (values.compute(network, *(x.requires_grad_() for x in side)).item() for side in sides)
            rise = (ahead - behind) / (2 * h)
            close = abs(rise - predicted) <= tolerance * max(1.0, abs(rise))
            words = f"Along a random direction {title}{setup.suffix} rises by {rise:.6g}; its gradient predicts"
            require(close, f"{words} {predicted:.6g}: something in it is detached.")


def _share_slopes(trial: Trial, setup: Setup) -> Slopes:
    """Return the slopes at each of `LEVELS`, where real and fake logits are equal; they are computed once."""
    apart = trial.spec.batch_coupled  # otherwise each sample of a batch can have a level of its own
    batches = [[level] * 4 for level in LEVELS] if apart else [LEVELS]

    def compute() -> Slopes:
        found = [_compute_slopes(trial, trial.build_with(setup.options), batch) for batch in batches]
        return [slopes[0] for slopes in found] if apart else found[0]

    return trial.keep(("slopes", setup.suffix), compute)  # type: ignore[no-any-return]


def _compute_slopes(trial: Trial, loss: Any, levels: list[float]) -> Slopes:
    """Return the slopes by each sample's logits, of which there are as many as levels, times the number of samples."""
    real, fake = (torch.tensor(levels)[:, None].requires_grad_() for _ in range(2))
    of_d = compute_gradients(compute_value(trial, loss, "discriminator", real, fake), [real, fake])
    of_g = compute_gradients(compute_value(trial, loss, "generator", real, fake), [fake])
    rows: Any = (torch.cat([*of_d, *of_g], 1) * len(levels)).tolist()
    return [tuple(row) for row in rows]
