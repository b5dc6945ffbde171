"""Passes of the networks in an update: their precision, and what they leave as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.device import autocast, float32_products
from ganzoo.errors import GanzooError
from ganzoo.layers import SpectralNorm
from ganzoo.plugin import DiscriminatorOutput, GeneratorOutput


def generate(generator: nn.Module, z: Tensor, labels: Tensor | None, precision: str) -> GeneratorOutput:
    """Return samples ``[n, *shape]`` and what comes with them, in float32 whatever G computes in."""
    with autocast(precision, z.device):
        answer = generator(z, labels)
    if not isinstance(answer, GeneratorOutput):
        return GeneratorOutput(full(answer))
    losses = {name: full(scalar(f"the generator's loss {name!r}", loss)) for name, loss in answer.losses.items()}
    return GeneratorOutput(full(answer.samples), losses, tuple(full(each) for each in answer.intermediates))


def discriminate(
    discriminator: nn.Module, samples: Tensor, labels: Tensor | None, precision: str
) -> DiscriminatorOutput:
    """Return D's answer to samples ``[n, *shape]``, in float32 whatever D computes in."""
    with autocast(precision, samples.device):
        answer = discriminator(samples, labels)
    if not isinstance(answer, DiscriminatorOutput):
        answer = DiscriminatorOutput(answer)
    return replace(
        answer,
        logits=full(answer.logits) if isinstance(answer.logits, Tensor) else [full(x) for x in answer.logits],
        class_logits=None if answer.class_logits is None else full(answer.class_logits),
        features=None if answer.features is None else [full(x) for x in answer.features],
        embedding=None if answer.embedding is None else full(answer.embedding),
    )


def discriminate_float32(discriminator: nn.Module, samples: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
    """Return D's answer in float32 products, with dropout off and spectral norms held, as differences need it."""
    with still(discriminator, CHANGING_LAYERS), float32_products():
        answer = discriminator(samples, labels)
    return answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)


def has_changing_layers(network: nn.Module) -> bool:
    """Whether the network may answer otherwise to the same samples when it is asked again."""
    return any(isinstance(module, CHANGING_LAYERS) and module.training for module in network.modules())


CHANGING_LAYERS = (  # layers whose answer to the same samples changes from one forward in train mode to the next
    nn.modules.dropout._DropoutNd,
    SpectralNorm,
    nn.utils.parametrizations._SpectralNorm,
)


@contextlib.contextmanager
def still(network: nn.Module, off: tuple[type[nn.Module], ...] = ()) -> Iterator[None]:
    """Run the block with BatchNorm's statistics left as they are, and modules of the classes `off` in eval mode."""
    tracking = [m for m in network.modules() if getattr(m, "track_running_stats", False) and m.training]
    switched = [m for m in network.modules() if isinstance(m, off) and m.training] if off else []
    try:
        for module in tracking:
            module.track_running_stats = False  # type: ignore[assignment]
        for module in switched:
            module.training = False
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True  # type: ignore[assignment]
        for module in switched:
            module.training = True


def scalar(title: str, term: Any) -> Tensor:
    """Return a component's term; raise GanzooError where it is no scalar: of a vector the sum would be taken."""
    if not isinstance(term, Tensor) or term.dim():
        found = list(term.shape) if isinstance(term, Tensor) else type(term).__name__
        raise GanzooError(f"{title} returned {found}, not a scalar tensor: take the mean over the batch")
    return term


def full(value: Tensor) -> Tensor:
    """Return a tensor in float32, or in float64 where it is in that."""
    return value if value.dtype == torch.float64 else value.float()
