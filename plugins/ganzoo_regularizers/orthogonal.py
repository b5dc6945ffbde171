"""Orthogonal regularization: rows of a weight have small products (Brock et al. 2019, arXiv:1809.11096, BigGAN)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, Step, UsageError
from ganzoo_regularizers.options import OrthogonalOptions

PARAMETRIZED = re.compile(r"\.?parametrizations\.\w+$")  # where torch keeps the weight of a layer like SpectralNorm
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class OrthogonalD:
    """weight sum |W W^T * (1 - I)|_F^2 over D's weights (Brock et al. 2019, section 3.1), * being elementwise.

    W is a weight as a matrix ``[outputs, the rest]``. Its rows have small products with each other, and any length.
    Embeddings, gains and biases are left out. A weight under spectral normalisation counts before its normalisation.
    """

    options: OrthogonalOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * sum_products(step.discriminator)


@dataclass(frozen=True)
class OrthogonalG:
    """`OrthogonalD`'s term for G, as in the paper."""

    options: OrthogonalOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * sum_products(step.generator)


@dataclass(frozen=True)
class OrthogonalBoth(OrthogonalD, OrthogonalG):
    """The terms for both networks."""


def build_orthogonal(options: OrthogonalOptions, data: DataInfo) -> OrthogonalD | OrthogonalG:
    """Return the regularizer with the terms for the networks of the option `network`."""
    if options.network == "both":
        return OrthogonalBoth(options, data)
    return OrthogonalG(options, data) if options.network == "generator" else OrthogonalD(options, data)


def sum_products(network: nn.Module) -> Tensor:
    """Return the sum over a network's weights of |W W^T * (1 - I)|_F^2, a scalar."""
    terms = []
    for weight in list_matrices(network):
        products = weight @ weight.T  # [outputs, outputs]
        terms.append((products - products.diag().diag()).square().sum())
    if not terms:
        raise UsageError("regularizer 'orthogonal': this network has no matrix of weights: remove --reg orthogonal")
    return torch.stack(terms).sum()


def list_matrices(network: nn.Module) -> Iterator[Tensor]:
    """Yield the trained weights of a network's layers as matrices ``[outputs, the rest]``, without embeddings."""
    for path, weight in network.named_parameters():
        owner = network.get_submodule(PARAMETRIZED.sub("", path.rpartition(".")[0]))
        if weight.dim() > 1 and weight.requires_grad and not isinstance(owner, nn.Embedding):
            yield weight.movedim(1 if isinstance(owner, TRANSPOSED) else 0, 0).flatten(1)
