"""Checks of losses: how they run, on any device, recorded, and with scheduled options."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.registry.failures import describe_error
from ganzoo.testing.checks import Failure, Skip, Trial, require
from ganzoo.testing.loss.calling import (
    SHAPE,
    TITLES,
    LossValues,
    call_loss,
    call_loss_directly,
    differ,
    list_sound_setups,
    make_logits,
    select_logits,
)
from ganzoo.testing.probes import NoReadback, compute_gradients, copy_state, flatten, list_refills, restore_state


def repeatable(trial: Trial) -> None:
    """The same logits, seed and state give the same value: state that lasts between updates is a buffer."""
    for setup in list_sound_setups(trial, steady=False):
        values = LossValues(trial, setup.options)
        first = values(make_logits(), make_logits(1))
        values(make_logits(2), make_logits(3))
        for network, (title, value) in values.add_titles(make_logits(), make_logits(1)).items():
            words = f"{title}{setup.suffix} is {first[network]:.9g} at first, and {value:.9g} after another batch"
            require(first[network] == value, f"{words}: keep state in an nn.Module's buffers.")


def logits_unchanged(trial: Trial) -> None:
    """A loss changes neither the logits nor their ``.grad``."""
    for setup in list_sound_setups(trial, steady=False):
        loss = trial.build_with(setup.options)
        leaves = [make_logits(), make_logits(1)]
        real, fake = (leaf * 1 for leaf in leaves)  # not leaves, because torch itself protects these
        before = real.detach().clone(), fake.detach().clone()
        for network, title in TITLES.items():
            call_loss_directly(trial, loss, network, real, fake)
            for name, logits, was in zip(("real", "fake"), (real, fake), before, strict=True):
                require(torch.equal(logits, was), f"{title}{setup.suffix} changes the {name} logits in place.")
            for name, leaf in zip(("real", "fake"), leaves, strict=True):
                words = f"{title}{setup.suffix} leaves a gradient of the {name} logits"
                require(leaf.grad is None, f"{words}: return the value, and do not call backward().")


def any_device(trial: Trial) -> None:
    """A loss runs on any device: this check moves it to torch's ``meta`` device, like any module."""
    for setup in list_sound_setups(trial):
        loss = trial.build_with(setup.options)
        loss = loss.to("meta") if isinstance(loss, nn.Module) else loss
        real, fake = (torch.empty(SHAPE, device="meta", requires_grad=True) for _ in range(2))
        for network, title in TITLES.items():
            try:
                value = call_loss(trial, loss, network, real, fake)
            except Exception as error:
                words = f"{title}{setup.suffix} fails there (does it read a number back, or name a device?)"
                raise Failure(f"{words}: {describe_error(error)}.") from error
            require(value.device.type == "meta", f"{title}{setup.suffix} is on {value.device}.")


def recordable(trial: Trial) -> None:
    """A loss computes with tensors alone, so that a record (compile, a CUDA graph) gives the same value."""
    from torch.fx.experimental.proxy_tensor import make_fx

    for setup in list_sound_setups(trial):
        given = [options for _, options, _, _ in list_refills(setup.options)] or [setup.options]
        for options, (network, title) in product(given, TITLES.items()):
            loss = trial.build_with(options)
            state, piece = copy_state(loss), _make_piece(trial, loss, network)
            try:
                with NoReadback():  # type: ignore[no-untyped-call]
                    piece(make_logits(), make_logits(1))
                restore_state(loss, state)
                record = make_fx(piece)(make_logits(), make_logits(1))
            except Failure:
                raise
            except Exception as error:
                raise Failure(f"{title}{setup.suffix} cannot be recorded: {describe_error(error)}.") from error
            real, fake = make_logits(2, scale=5), make_logits(3, scale=5)
            found = []
            for run in (record, piece):
                restore_state(loss, state)
                with seeded(0):
                    found.append(flatten(run(real, fake)))
            off = (found[0] - found[1]).abs().max().item()
            words = f"A record of {title}{setup.suffix} is off by {off:.3g} for other logits: it depends on a Python"
            require(off <= 1e-6, f"{words} number or condition.")


def schedules(trial: Trial) -> None:
    """A schedulable option may be a 0-dim tensor that is refilled before each update, with effect at once."""
    found = False
    for setup in list_sound_setups(trial):
        for name, options, tensors, wanted in list_refills(setup.options):
            found = True
            values = LossValues(trial, options)
            before = values(make_logits(), make_logits(1))
            for tensor, other in tensors:
                tensor.fill_(other)
            right = LossValues(trial, wanted)(make_logits(), make_logits(1))
            for network, (title, value) in values.add_titles(make_logits(), make_logits(1)).items():
                numbers = ", ".join(f"{other:g}" for _, other in tensors)
                words = f"{title}{setup.suffix} is {before[network]:.6g}; with {name} refilled to {numbers} it is"
                near = not differ(value, right[network], 1e-5)
                require(near, f"{words} {value:.6g}, and built with that number {right[network]:.6g}.")
    if not found:
        raise Skip("it has no schedulable option")


def _make_piece(trial: Trial, loss: Any, network: str) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """Return the part of an update that calls the loss: a function that returns its value and gradients."""

    def piece(real: Tensor, fake: Tensor) -> list[Tensor]:
        value = call_loss(trial, loss, network, real, fake)
        return [value.detach(), *compute_gradients(value, select_logits(network, real, fake))]

    return piece
