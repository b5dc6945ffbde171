"""What the heads share: their layers, and the embeddings and classes that they read."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import require_embedding, spectral_norm
from ganzoo.plugin import Step

Layer = TypeVar("Layer", nn.Linear, nn.Embedding)


def make_linear(embedding: Tensor, outputs: int, spectral: bool) -> nn.Linear:
    """Return a layer from embeddings like this one, ``[N, E]``, to ``[N, outputs]``."""
    layer = nn.Linear(embedding.shape[1], outputs, device=embedding.device, dtype=embedding.dtype)
    nn.init.zeros_(layer.bias)
    return _finish(layer, spectral)


def make_table(embedding: Tensor, num_classes: int, dim: int, spectral: bool) -> nn.Embedding:
    """Return a table of a vector of length `dim` for each class, on the device of an embedding."""
    return _finish(nn.Embedding(num_classes, dim, device=embedding.device, dtype=embedding.dtype), spectral)


def _finish(layer: Layer, spectral: bool) -> Layer:
    nn.init.xavier_uniform_(layer.weight)
    return spectral_norm(layer) if spectral else layer


def read_real(step: Step) -> Tensor:
    """Return D's embedding ``[N, E]`` of the real samples."""
    return require_embedding(step.real_output, len(step.z))


def read_fake(step: Step) -> Tensor:
    """Return D's embedding ``[N, E]`` of the generated samples."""
    return require_embedding(step.fake_output, len(step.z))


def read_classes(step: Step) -> Tensor:
    """Return the classes ``[N]`` of the real and of the generated samples.

    Raises:
        ValueError: There are none.
    """
    if step.labels is None:
        raise ValueError("this term reads classes, so the run must be conditional")
    return step.labels


def cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """Return E -log p(class), a scalar, for logits ``[N, K]``."""
    return F.cross_entropy(logits, classes)
