"""A regularizer's term in an update of a GAN, with a step that the engine makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import seeded
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.latents import move_latents
from ganzoo.engine.update import _build_step, _detach
from ganzoo.plugin import Step
from ganzoo.testing.changes import are_equal
from ganzoo.testing.checks import require
from ganzoo.testing.probes import (
    SmallDiscriminator,
    compute_gradients,
    copy_state,
    flatten,
    has_changed,
    restore_state,
)

TITLES = {"discriminator": "D's term", "generator": "G's term"}


@dataclass
class Term:
    """A network's term in an update of a GAN.

    Args:
        network: The network that the term belongs to, ``discriminator`` or ``generator``.
        title: The term's name in messages.
        gan: A GAN whose only regularizer has this term.
        part: The input of the update.
    """

    network: str
    title: str
    gan: Gan
    part: Part

    def __post_init__(self) -> None:
        (self.component,) = self.gan.regularizers.values()
        self.state = copy_state(self.component)

    @property
    def small_discriminator(self) -> SmallDiscriminator:
        """The discriminator, which is one of the kit's."""
        assert isinstance(self.gan.discriminator, SmallDiscriminator)
        return self.gan.discriminator

    def make_step(self) -> Step:
        """Return the step that the engine makes in this network's update."""
        gan = self.gan
        gan.enable_gradients(self.network)
        with seeded(1):
            part = move_latents(gan, self.part)
            made, penalised = gan.generate(part.z, part.labels), gan.differentiates_inputs(1)
            if self.network == "generator":
                return _build_step(gan, part, part.real if gan.pairs or gan.reals else None, made)
            made = made if gan.latent_movers else replace(made, samples=_detach(made.samples, penalised))
            return _build_step(gan, part, _detach(part.real, penalised), made, penalised=penalised)

    def evaluate(self, step: Step) -> Tensor:
        """Return the term for a step; it must be a scalar."""
        value = getattr(self.component, self.network)(step)
        require(isinstance(value, Tensor), f"{self.title} is of type {type(value).__name__}.")
        require(value.dim() == 0, f"{self.title} has the shape {list(value.shape)}, not []: take the mean.")
        require(value.is_floating_point(), f"{self.title} is {value.dtype}.")
        return value  # type: ignore[no-any-return]

    def compute(self) -> Tensor:
        """Return the term for a new step, with the first state and the same seed each time; it must be finite."""
        restore_state(self.component, self.state)
        step = self.make_step()
        with seeded(0):
            value = self.evaluate(step)
        require(value.isfinite(), f"{self.title} is {value.item()}.")
        return value

    def compute_gradients(self) -> list[Tensor]:
        """Return the gradients of the term by the network's parameters."""
        return compute_gradients(self.compute(), self.gan.trainable[self.network])

    def settle(self) -> bool:
        """Let running means settle, and start from there; return whether the term has state that changes."""
        self.compute()
        if not has_changed(self.component, self.state):
            return False
        for _ in range(200):
            self.evaluate(self.make_step())
        self.state = copy_state(self.component)
        return True

    def compute_at(self, parameters: Sequence[Tensor], move: Tensor) -> Tensor:
        """Return the term after adding `move` to the parameters, and restore them."""
        before = [parameter.detach().clone() for parameter in parameters]
        parts = torch.split(move, [p.numel() for p in parameters])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter += part.view_as(parameter)
        state, own = self.state, self.component if isinstance(self.component, nn.Module) else nn.Module()
        self.state = state | {name: parameter.detach().clone() for name, parameter in own.named_parameters()}
        value, self.state = self.compute(), state
        with torch.no_grad():
            for parameter, was in zip(parameters, before, strict=True):
                parameter.copy_(was)
        return value

    def compute_weighted_gradient(self, weight: int) -> Tensor:
        """Return the gradient of the weighted term as one vector, as the engine computes it; the state is not reset."""
        step = self.make_step()
        with seeded(0):
            term, _ = self.gan.regularize(self.network, step, 1)
        assert term is not None
        return flatten(compute_gradients(weight * term, self.gan.trainable[self.network]))

    def list_changes(self, look: Callable[[Gan, Step], Mapping[str, Any]]) -> list[str]:
        """Return the names of the values of `look` that computing the term changes."""
        restore_state(self.component, self.state)
        step = self.make_step()
        before = look(self.gan, step)
        with seeded(0):
            self.evaluate(step)
        after = look(self.gan, step)
        return [name for name in {**before, **after} if not are_equal(before.get(name), after.get(name))]
