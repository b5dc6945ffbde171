"""Functions that call a loss as the engine does: with logits alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.streams import seeded
from ganzoo.plugin import Case
from ganzoo.testing.checks import Skip, Trial, require
from ganzoo.testing.probes import Setup, compute_gradients, copy_state, list_setups, restore_state

TITLES = {"discriminator": "D's loss", "generator": "G's loss"}
SHAPE = (8, 3)  # logits [N, P], as the engine gives them


def measure_case(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return D's and G's loss for a case's ``real`` and ``fake``, each under its network's name if it is expected."""
    loss = Trial(trial.entry).build(**case.options)
    return {
        network: compute_value(trial, loss, network, case.given["real"], case.given["fake"]).item()
        for network in TITLES
        if network in case.expected
    }


def list_sound_setups(trial: Trial, steady: bool = True) -> Iterator[Setup]:
    """Yield the setups of a loss that passes the checks `scalar` and, if `steady`, `repeatable`.

    Raises:
        Skip: The loss fails one of them. Otherwise one bug would be reported by many checks.
    """
    for setup in list_setups(trial):
        values = LossValues(trial, setup.options)
        real, fake = make_logits(), make_logits(1)
        try:
            for network in TITLES:
                compute_gradients(values.compute(network, real, fake), select_logits(network, real, fake))
        except Exception as error:
            raise Skip(f"a plain call fails{setup.suffix}: see {trial.title}/scalar") from error
        if steady and values(real, fake) != values(real, fake):
            raise Skip(f"it does not give the same value twice{setup.suffix}: see {trial.title}/repeatable")
        yield setup


class LossValues:
    """D's and G's loss, each computed from the initial state and with the same seed."""

    def __init__(self, trial: Trial, options: Any) -> None:
        self.trial, self.loss = trial, trial.build_with(options)
        self.state = copy_state(self.loss)

    def __call__(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Return both losses for these logits, by network."""
        return {network: self.compute(network, real, fake).item() for network in TITLES}

    def compute(self, network: str, real: Tensor, fake: Tensor) -> Tensor:
        """Return one network's loss, with its graph."""
        restore_state(self.loss, self.state)
        with seeded(0):
            return compute_value(self.trial, self.loss, network, real, fake)

    def find_finest_dtype(self) -> torch.dtype:
        """Return float64 if the loss computes in it too, so that differences can be small; else float32."""
        pair = make_logits(dtype=torch.float64), make_logits(1, dtype=torch.float64)
        try:
            values = [self.compute(network, *pair) for network in TITLES]
        except Exception:
            return torch.float32
        return torch.float64 if all(value.dtype == torch.float64 for value in values) else torch.float32

    def compute_twice(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Return both losses for a batch that holds every sample twice."""
        return self(torch.cat([real, real]), torch.cat([fake, fake]))

    def add_titles(self, real: Tensor, fake: Tensor) -> dict[str, tuple[str, float]]:
        """Return both losses, by network, each with its title for messages."""
        return {network: (TITLES[network], value) for network, value in self(real, fake).items()}


def call_loss(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Call a loss as the engine does: the logits are outputs of an operation, not leaves."""
    real, fake = real * 1, fake * 1
    return call_loss_directly(trial, loss, network, real, fake)


def call_loss_directly(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Call a loss with these logits themselves."""
    if network == "discriminator":
        value: Tensor = loss.discriminator(real, fake)
        return value
    value = loss.generator(fake, real if trial.spec.pairs else None)
    return value


def compute_value(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Call a loss and return its value, which must be a scalar."""
    value = call_loss(trial, loss, network, real, fake)
    title = TITLES[network]
    require(isinstance(value, Tensor), f"{title} is of type {type(value).__name__}.")
    require(value.dim() == 0, f"{title} has the shape {list(value.shape)}, not []: take the mean.")
    require(value.is_floating_point(), f"{title} is {value.dtype}.")
    return value


def make_logits(seed: int = 0, scale: float = 1.5, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return random logits ``[N, P]`` of ordinary size."""
    generator = torch.Generator().manual_seed(seed + 100)
    return (scale * torch.randn(SHAPE, generator=generator)).to(dtype).requires_grad_()


def select_logits(network: str, real: Tensor, fake: Tensor) -> list[Tensor]:
    """Return the logits that a network influences: both for D, the fake ones for G."""
    return [real, fake] if network == "discriminator" else [fake]


def differ(one: float, other: float, tolerance: float = 2e-6) -> bool:
    """Return whether two values differ by more than rounding."""
    return not math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def require_alike(value: float, other: float, title: str, change: str) -> None:
    """Raise `Failure` if a change of the logits changed a value."""
    require(not differ(value, other), f"{title} is {value:.6g}, and {other:.6g} for {change}.")
