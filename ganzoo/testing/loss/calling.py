"""How checks call a loss: with logits and nothing else, as the engine does it."""

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
SHAPE = (8, 3)  # logits [N, P], as the engine hands them


def measure_case(trial: Trial, case: Case) -> Mapping[str, float]:
    """Return ``discriminator`` and ``generator`` of a case's ``real`` and ``fake``, those that it expects."""
    loss = Trial(trial.entry).build(**case.options)
    return {
        network: compute_value(trial, loss, network, case.given["real"], case.given["fake"]).item()
        for network in TITLES
        if network in case.expected
    }


def list_sound_setups(trial: Trial, steady: bool = True) -> Iterator[Setup]:
    """Yield the setups of a loss that does what `scalar` and, where `steady`, `repeatable` ask for.

    Raises:
        Skip: It does not, so that one bug would be told many times over.
    """
    for setup in list_setups(trial):
        values = LossValues(trial, setup.options)
        real, fake = make_logits(), make_logits(1)
        try:
            for network in TITLES:
                compute_gradients(values.compute(network, real, fake), select_logits(network, real, fake))
        except Exception as error:
            raise Skip(f"a plain call fails already{setup.suffix}: see {trial.title}/scalar") from error
        if steady and values(real, fake) != values(real, fake):
            raise Skip(f"it does not give the same answer twice{setup.suffix}: see {trial.title}/repeatable")
        yield setup


class LossValues:
    """Both values of a loss, each time from the state in which it was built and with the same seed."""

    def __init__(self, trial: Trial, options: Any) -> None:
        self.trial, self.loss = trial, trial.build_with(options)
        self.state = copy_state(self.loss)

    def __call__(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Return both values of these logits, by network."""
        return {network: self.compute(network, real, fake).item() for network in TITLES}

    def compute(self, network: str, real: Tensor, fake: Tensor) -> Tensor:
        """Return one value, with its graph."""
        restore_state(self.loss, self.state)
        with seeded(0):
            return compute_value(self.trial, self.loss, network, real, fake)

    def find_finest_dtype(self) -> torch.dtype:
        """Return float64 where the loss computes in it too, so that differences can be small; else float32."""
        pair = make_logits(dtype=torch.float64), make_logits(1, dtype=torch.float64)
        try:
            values = [self.compute(network, *pair) for network in TITLES]
        except Exception:
            return torch.float32
        return torch.float64 if all(value.dtype == torch.float64 for value in values) else torch.float32

    def compute_twice(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Return both values of a batch that holds every sample twice."""
        return self(torch.cat([real, real]), torch.cat([fake, fake]))

    def add_titles(self, real: Tensor, fake: Tensor) -> dict[str, tuple[str, float]]:
        """Return both values, each with the words for it."""
        return {network: (TITLES[network], value) for network, value in self(real, fake).items()}


def call_loss(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return a term as the engine asks for it, of logits that are D's answers and no leaves."""
    real, fake = real * 1, fake * 1
    return call_loss_directly(trial, loss, network, real, fake)


def call_loss_directly(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return a term of these very logits."""
    if network == "discriminator":
        value: Tensor = loss.discriminator(real, fake)
        return value
    value = loss.generator(fake, real if trial.spec.pairs else None)
    return value


def compute_value(trial: Trial, loss: Any, network: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return a term, which must be a scalar."""
    value = call_loss(trial, loss, network, real, fake)
    title = TITLES[network]
    require(isinstance(value, Tensor), f"{title} is of type {type(value).__name__}.")
    require(value.dim() == 0, f"{title} has the shape {list(value.shape)}, not []: take the mean.")
    require(value.is_floating_point(), f"{title} is {value.dtype}.")
    return value


def make_logits(seed: int = 0, scale: float = 1.5, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return logits ``[N, P]`` of ordinary size, in float32 as the engine hands them."""
    generator = torch.Generator().manual_seed(seed + 100)
    return (scale * torch.randn(SHAPE, generator=generator)).to(dtype).requires_grad_()


def select_logits(network: str, real: Tensor, fake: Tensor) -> list[Tensor]:
    """Return the logits that a network moves: D both, G its own."""
    return [real, fake] if network == "discriminator" else [fake]


def differ(one: float, other: float, tolerance: float = 2e-6) -> bool:
    """Whether two values are further apart than rounding puts them."""
    return not math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def require_alike(value: float, other: float, title: str, change: str) -> None:
    """Raise `Failure` where a change of the logits changed a value."""
    require(not differ(value, other), f"{title} is {value:.6g}, and {other:.6g} for {change}.")
