"""Checks of losses: how they are run, moved and recorded."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.registry.installed import describe_error
from ganzoo.testing.checks import Broken, Skip, Trial, require
from ganzoo.testing.loss.calling import (
    SHAPE,
    TITLES,
    Answers,
    called,
    called_on,
    differ,
    logits_of,
    played,
    sound_setups,
)
from ganzoo.testing.probes import Unread, flat, refilled, restore, slopes_of, state_of


def repeatable(trial: Trial) -> None:
    """The same logits, seed and state give the same answer: what lasts from one update to the next is a buffer."""
    for setup in sound_setups(trial, steady=False):
        answers = Answers(trial, setup.options)
        first = answers(logits_of(), logits_of(1))
        answers(logits_of(2), logits_of(3))
        for network, (title, value) in answers.titled(logits_of(), logits_of(1)).items():
            words = f"{title}{setup.words} was {first[network]:.9g}, and after another batch it is {value:.9g}"
            require(first[network] == value, f"{words}: keep state in an nn.Module's buffers.")


def logits_untouched(trial: Trial) -> None:
    """A loss changes nothing about the logits: neither their values nor their ``.grad``."""
    for setup in sound_setups(trial, steady=False):
        loss = trial.make(setup.options)
        leaves = [logits_of(), logits_of(1)]
        real, fake = (leaf * 1 for leaf in leaves)  # no leaves, which torch itself would guard
        before = real.detach().clone(), fake.detach().clone()
        for network, title in TITLES.items():
            called_on(trial, loss, network, real, fake)
            for name, logits, was in zip(("real", "fake"), (real, fake), before, strict=True):
                require(torch.equal(logits, was), f"{title}{setup.words} changed the {name} logits in place.")
            for name, leaf in zip(("real", "fake"), leaves, strict=True):
                words = f"{title}{setup.words} left a gradient behind by the {name} logits"
                require(leaf.grad is None, f"{words}: it returns the value and calls no backward().")


def any_device(trial: Trial) -> None:
    """A loss computes wherever its logits are: it runs on torch's ``meta`` device, moved there like any module."""
    for setup in sound_setups(trial):
        loss = trial.make(setup.options)
        loss = loss.to("meta") if isinstance(loss, nn.Module) else loss
        real, fake = (torch.empty(SHAPE, device="meta", requires_grad=True) for _ in range(2))
        for network, title in TITLES.items():
            try:
                value = called(trial, loss, network, real, fake)
            except Exception as error:
                words = f"{title}{setup.words} failed there (a number read back, or a device written down?)"
                raise Broken(f"{words}: {describe_error(error)}.") from error
            require(value.device.type == "meta", f"{title}{setup.words} came back on {value.device}.")


def recordable(trial: Trial) -> None:
    """A loss computes with tensors alone, so that a record of it (compile, a CUDA graph) gives what it gives."""
    from torch.fx.experimental.proxy_tensor import make_fx

    for setup in sound_setups(trial):
        given = [options for _, options, _, _ in refilled(setup.options)] or [setup.options]
        for options, (network, title) in product(given, TITLES.items()):
            loss = trial.make(options)
            state, piece = state_of(loss), _piece(trial, loss, network)
            try:
                with Unread():  # type: ignore[no-untyped-call]
                    piece(logits_of(), logits_of(1))
                restore(loss, state)
                record = make_fx(piece)(logits_of(), logits_of(1))
            except Broken:
                raise
            except Exception as error:
                raise Broken(f"{title}{setup.words} cannot be recorded: {describe_error(error)}.") from error
            real, fake = logits_of(2, scale=5), logits_of(3, scale=5)
            found = []
            for run in (record, piece):
                restore(loss, state)
                with seeded(0):
                    found.append(flat(run(real, fake)))
            off = (found[0] - found[1]).abs().max().item()
            words = f"A record of {title}{setup.words} is off by {off:.3g} for other logits: it went by a Python number"
            require(off <= 1e-6, f"{words} or condition.")


def schedules(trial: Trial) -> None:
    """A schedulable option may be a 0-dim tensor that is refilled before each update, and takes effect at once."""
    found = False
    for setup in sound_setups(trial):
        for name, options, tensors, wanted in refilled(setup.options):
            found = True
            answers = Answers(trial, options)
            before = answers(logits_of(), logits_of(1))
            for tensor, other in tensors:
                tensor.fill_(other)
            right = Answers(trial, wanted)(logits_of(), logits_of(1))
            for network, (title, value) in answers.titled(logits_of(), logits_of(1)).items():
                numbers = ", ".join(f"{other:g}" for _, other in tensors)
                words = f"{title}{setup.words} was {before[network]:.6g}; with {name} refilled to {numbers} it is"
                near = not differ(value, right[network], 1e-5)
                require(near, f"{words} {value:.6g}, and built with that number {right[network]:.6g}.")
    if not found:
        raise Skip("it has no schedulable option")


def _piece(trial: Trial, loss: Any, network: str) -> Callable[[Tensor, Tensor], list[Tensor]]:
    """Return what an update computes of a loss: its value and its gradient by the logits."""

    def piece(real: Tensor, fake: Tensor) -> list[Tensor]:
        value = called(trial, loss, network, real, fake)
        return [value.detach(), *slopes_of(value, played(network, real, fake))]

    return piece
