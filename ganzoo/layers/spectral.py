"""Spectral normalisation (Miyato, Kataoka, Koyama & Yoshida 2018, arXiv:1802.05957)."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.layers._precision import without_autocast

Network = TypeVar("Network", bound=nn.Module)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMALISED: tuple[type[nn.Module], ...] = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
EPSILON = 1e-12  # a shorter vector counts as 0


class SpectralNorm(nn.Module):
    """A weight W to ``W / sigma(W)``: sigma is the largest singular value of W as ``[outputs, the rest]`` (eq. 8).

    Sigma is estimated as ``u^T W v``. Each forward in train mode makes one step of the power iteration (algorithm 1),
    ``u = W v / |W v|`` and ``v = W^T u / |W^T u|``. Forwards in eval mode make none. Gradients flow through W alone.

    The module equals `torch.nn.utils.parametrizations.spectral_norm`, with the same names of buffers (`_u`, `_v`), with
    three exceptions. It makes one step when it is built, where torch makes 16; the paper starts from random vectors as
    well. It computes in float32 under autocast. A weight of 0 stays 0, where torch gives NaN.

    Args:
        weight: A weight of the shape that is normalised, with two dimensions or more.
        dim: The index of the dimension of the outputs.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim
        rows, columns = _matrix(weight.detach(), dim).shape
        for name, length in (("_u", rows), ("_v", columns)):
            start = weight.detach().new_empty(length)
            if not start.is_meta:  # it has no values, and drawing them takes torch a hundred times as long
                start = start.normal_()
                start = start / torch.linalg.vector_norm(start)
            self.register_buffer(name, start)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the normalised weight, of the shape of `weight`."""
        if weight.is_meta:  # it has no values; and torch would import its compiler for these products
            return weight
        with without_autocast(weight.device):
            matrix = _matrix(weight, self.dim)  # [outputs, the rest]
            if self.training:
                self._step(matrix)
            u, v = self._u.clone(), self._v.clone()  # the next forward may change them before this one's backward
            sigma = torch.dot(u, torch.mv(matrix, v))
            return weight / torch.where(sigma.abs() > EPSILON, sigma, torch.ones_like(sigma))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the parameter to store when `weight` is assigned: `weight` itself, normalised when it is read."""
        return weight

    @torch.no_grad()
    def _step(self, matrix: Tensor) -> None:
        self._u.copy_(_unit(torch.mv(matrix, self._v), self._u))
        self._v.copy_(_unit(torch.mv(matrix.t(), self._u), self._v))


def spectral_norm(layer: Network) -> Network:
    """Normalise a layer's weight by its spectral norm whenever it is read; return the layer (see `SpectralNorm`).

    Draw the weight before: afterwards ``layer.weight`` is computed, and values written into it are lost.

    Args:
        layer: A linear layer, a convolution, a transposed convolution or an embedding.
    """
    weight = layer.weight
    assert isinstance(weight, Tensor)
    dim = 1 if isinstance(layer, TRANSPOSED) else 0
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight, dim))
    return layer


def spectral_norm_all(network: Network, kinds: tuple[type[nn.Module], ...] = NORMALISED) -> Network:
    """Apply `spectral_norm` to every layer of a network that does not have it yet; return the network.

    Args:
        network: The network, with its first weights drawn.
        kinds: Classes of the layers that are normalised. Add ``nn.Embedding`` for a projection discriminator.
    """
    for layer in list(network.modules()):
        if isinstance(layer, kinds) and not parametrize.is_parametrized(layer, "weight"):
            spectral_norm(layer)
    return network


def _matrix(weight: Tensor, dim: int) -> Tensor:
    """Return a weight as ``[outputs, the rest]``."""
    return weight.movedim(dim, 0).flatten(1)


def _unit(vector: Tensor, otherwise: Tensor) -> Tensor:
    """Return a vector scaled to length 1; where it is 0, return `otherwise`, from which the iteration goes on."""
    length = torch.linalg.vector_norm(vector)
    return torch.where(length > EPSILON, vector / length.clamp(min=EPSILON), otherwise)
