"""A generator as a graph of operations, traced by `torch.export`, and what such a graph must answer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._dynamo.exc import UserError  # here, because Ctrl-C may interrupt a later import of it
from torch.export import Dim, ExportedProgram

from ganzoo.plugin import GanzooError, extract_samples

NUM_TRACED = 3  # samples of the batch that is traced: torch.export treats 0 and 1 as numbers that never change
TRUNCATION = 0.7  # a truncation to trace and to compare with; any number other than 1
TOLERANCE = 1e-4  # of samples, relative to the largest number in them if that is above 1


class SamplesAlone(nn.Module):
    """A generator whose inputs are float32, int64 for classes, and whose output is its samples, in float32.

    Args:
        network: The generator of an architecture.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.dtype = next((parameter.dtype for parameter in network.parameters()), torch.float32)

    def forward(
        self, z: Tensor | None = None, labels: Tensor | None = None, truncation: Tensor | None = None
    ) -> Tensor:
        """Return samples ``[N, *shape]``.

        Args:
            z: The latents, ``[N, latent_dim]``; None for a network that gets only labels.
            labels: The classes ``[N]``, or arrays ``[N, *label_shape]``; None for a network without labels.
            truncation: A number without dimensions; None for no truncation.
        """
        if z is None:
            assert labels is not None
            z = labels.new_zeros(labels.shape[0], 0)
        options = {} if truncation is None else {"truncation": truncation}
        return extract_samples(self.network(z.to(self.dtype), labels, **options)).float()


class DecoderAlone(nn.Module):
    """The decoder of an autoencoder as a generator whose labels are latents.

    Args:
        network: The autoencoder, with ``decode(latents)``.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return the samples of latents ``[N, C, h, w]``."""
        samples: Tensor = self.network.decode(labels)
        return samples


def take_decoder(generator: Any) -> Any:
    """Return the decoder of a trained autoencoder, in the place of a generator whose labels are latents."""
    zeros = torch.zeros(1, *generator.data.label_shape, device=generator.device)
    with torch.no_grad():
        shape = tuple(generator.network.encode(zeros).shape[1:])
    decoder = copy(generator)
    decoder.network = DecoderAlone(generator.network).eval()
    decoder.data = replace(generator.data, label_shape=shape, label_dtype="float32")
    return decoder


class Graph(NamedTuple):
    """A traced generator.

    Args:
        program: The operations and the weights. The size of the batch is free.
        inputs: The inputs by name, as they were traced: ``z``, ``labels`` and ``truncation``, as far as there are any.
        random: Whether the network draws random numbers of its own, so that no two calls are alike.
    """

    program: ExportedProgram
    inputs: dict[str, Tensor]
    random: bool


@torch.no_grad()
def trace_generator(generator: Any) -> Graph:
    """Return a generator as a graph; raise GanzooError if torch.export cannot trace it.

    A truncation is an input if the network accepts a tensor for it. It is left out if the network has statistics of
    batch normalisation, which are other ones for each truncation.
    """
    network = SamplesAlone(generator.network).eval()
    inputs = make_inputs(generator, NUM_TRACED)
    random = draws_numbers(generator, inputs)
    error: Exception | None = None
    if "truncation" in generator.provides and not has_statistics(generator.network):
        try:
            return Graph(_trace(network, given := {**inputs, "truncation": torch.tensor(TRUNCATION)}), given, random)
        except Exception:  # the network computes with a number there, not with a tensor
            pass
    try:
        return Graph(_trace(network, inputs), inputs, random)
    except Exception as raised:
        error = raised
    words = " ".join(str(error).split())[:200] or type(error).__name__
    raise GanzooError(f"torch.export cannot trace this generator: {words}") from error


def make_inputs(generator: Any, num: int, seed: int = 0) -> dict[str, Tensor]:
    """Return latents and labels of `num` samples, by the name of the input; only those that the network takes."""
    latent = {"z": generator.draw_latents(num, seed).cpu()} if generator.networks.latent_dim else {}
    labels = generator.make_labels(num)
    return latent if labels is None else {**latent, "labels": labels.cpu()}


def compute_samples(generator: Any, inputs: dict[str, Tensor], seed: int = 0) -> Tensor:
    """Return the samples of a generator for the inputs of its graph, on the CPU."""
    first = next(iter(inputs.values()))
    z = inputs.get("z", torch.zeros(len(first), 0))
    options = {"truncation": float(inputs["truncation"])} if "truncation" in inputs else {}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        samples: Tensor = generator(z, inputs.get("labels"), **options).cpu()
    return samples


def draws_numbers(generator: Any, inputs: dict[str, Tensor]) -> bool:
    """Return whether two calls with the same inputs differ, because the network draws random numbers."""
    return not torch.equal(compute_samples(generator, inputs, 1), compute_samples(generator, inputs, 2))


def has_statistics(network: nn.Module) -> bool:
    """Return whether a network has running statistics of batch normalisation."""
    return any(name.endswith("running_mean") for name, _ in network.named_buffers())


def measure_difference(expected: Tensor, found: Tensor) -> float:
    """Return the largest difference of samples, relative to the largest expected number if that is above 1."""
    if found.shape != expected.shape:
        raise GanzooError(f"the exported network returns {list(found.shape)}, the model {list(expected.shape)}")
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1))


@contextmanager
def warnings_ignored() -> Iterator[None]:
    """A context in which warnings about torch's own code are not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _trace(network: nn.Module, inputs: dict[str, Tensor]) -> ExportedProgram:
    """Return the operations for these inputs.

    If the plain trace takes the size of the batch for a constant, as ``len(z)`` makes it do, Dynamo reads the code
    instead. That takes two to five times as long.
    """
    batch = Dim("batch")
    shapes = {name: {0: batch} if tensor.dim() else {} for name, tensor in inputs.items()}
    with warnings_ignored():
        try:
            return torch.export.export(network, (), kwargs=inputs, dynamic_shapes=shapes, strict=False)
        except UserError:
            return torch.export.export(network, (), kwargs=inputs, dynamic_shapes=shapes, strict=True)
