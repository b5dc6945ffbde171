"""Forwards of the networks in an update: their precision, and the state that they do not change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from ganzoo.compute.device import autocast, float32_products, to_float32
from ganzoo.engine.structures import differentiate_needed, join_tensors, split_tensors
from ganzoo.errors import GanzooError
from ganzoo.layers import SpectralNorm
from ganzoo.plugin import DiscriminatorOutput, GeneratorOutput


def generate(generator: nn.Module, z: Tensor, labels: Tensor | None, precision: str) -> GeneratorOutput:
    """Return G's output for latents, samples ``[n, *shape]`` and all else in float32, whatever G computes in."""
    with autocast(precision, z.device):
        answer = generator(z, labels)
    if not isinstance(answer, GeneratorOutput):
        return GeneratorOutput(to_float32(answer))
    losses = {
        name: to_float32(require_scalar(f"the generator's loss {name!r}", loss)) for name, loss in answer.losses.items()
    }
    report = {
        name: to_float32(require_scalar(f"the generator's number {name!r}", value).detach())
        for name, value in answer.report.items()
    }
    stages = tuple(to_float32(each) for each in answer.intermediates)
    return GeneratorOutput(to_float32(answer.samples), losses, stages, report)


def discriminate(
    discriminator: nn.Module, samples: Tensor, labels: Tensor | None, precision: str
) -> DiscriminatorOutput:
    """Return D's output for samples ``[n, *shape]``, in float32 whatever D computes in."""
    with autocast(precision, samples.device):
        answer = discriminator(samples, labels)
    if not isinstance(answer, DiscriminatorOutput):
        answer = DiscriminatorOutput(answer)
    logits = answer.logits
    return replace(
        answer,
        logits=to_float32(logits) if isinstance(logits, Tensor) else [to_float32(x) for x in logits],
        class_logits=None if answer.class_logits is None else to_float32(answer.class_logits),
        features=None if answer.features is None else [to_float32(x) for x in answer.features],
        embedding=None if answer.embedding is None else to_float32(answer.embedding),
    )


def discriminate_float32(
    discriminator: nn.Module, samples: Tensor, labels: Tensor | None, precision: str
) -> DiscriminatorOutput:
    """Return D's output in float32, with dropout off and spectral norms constant, as finite differences need.

    Under tf32 the gradients of the output are exact too: a difference of two gradients is as sensitive as one of two
    outputs. Under every other precision they are exact anyway.
    """

    def run() -> DiscriminatorOutput:
        with still(discriminator, CHANGING_LAYERS), float32_products():
            answer = discriminator(samples, labels)
        return answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)

    parameters = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
    if precision != "tf32" or not torch.is_grad_enabled() or not (parameters or samples.requires_grad):
        return run()
    structure: list[Any] = []
    tensors = _ExactGradient.apply(run, structure, samples, *parameters)  # type: ignore[no-untyped-call]
    return DiscriminatorOutput(**join_tensors(structure[0], structure[1], tensors))


class _ExactGradient(Function):
    """D's output from samples and parameters, with gradients in exact float32 wherever they are computed."""

    @staticmethod
    def forward(
        ctx: Any, run: Callable[[], DiscriminatorOutput], structure: list[Any], *variables: Tensor
    ) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            kept, form, ctx.outputs = split_tensors(vars(run()))
        structure += kept, form
        ctx.run, ctx.variables = run, variables
        ctx.set_materialize_grads(False)
        return tuple(output.detach() for output in ctx.outputs)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        twice, needed = torch.is_grad_enabled(), ctx.needs_input_grad[2:]
        with float32_products():
            # a graph of its own for gradients that are differentiated: that frees it, and the other one is still needed
            outputs = split_tensors(vars(ctx.run()))[2] if twice else ctx.outputs
            found = differentiate_needed(outputs, slopes, ctx.variables, needed, twice, keep_graph=True)
        return None, None, *found


def has_changing_layers(network: nn.Module) -> bool:
    """Return whether the network's output for the same samples may change from one call to the next."""
    return any(isinstance(module, CHANGING_LAYERS) and module.training for module in network.modules())


CHANGING_LAYERS = (  # their output for the same samples changes from one forward in train mode to the next
    nn.modules.dropout._DropoutNd,
    SpectralNorm,
    nn.utils.parametrizations._SpectralNorm,
)


@contextlib.contextmanager
def still(network: nn.Module, off: tuple[type[nn.Module], ...] = ()) -> Iterator[None]:
    """Keep running statistics (`track_running_stats`) in the block, and put modules of classes `off` in eval mode."""
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


def require_scalar(title: str, term: Any) -> Tensor:
    """Return a component's term; raise GanzooError where it is not a scalar: a vector would be summed."""
    if not isinstance(term, Tensor) or term.dim():
        found = list(term.shape) if isinstance(term, Tensor) else type(term).__name__
        raise GanzooError(f"{title} returned {found}, not a scalar tensor: take the mean over the batch")
    return term
