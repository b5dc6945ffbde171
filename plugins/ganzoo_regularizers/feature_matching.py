"""Feature matching: G's samples have the features of real ones (Salimans et al. 2016, arXiv:1606.03498)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.layers import require_embedding
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo_regularizers.options import EmbeddingMatchingOptions, FeatureMatchingOptions


@dataclass(frozen=True)
class FeatureMatching:
    """weight sum (E d(x) - E d(G(z)))^2 over D's features d (Salimans et al. 2016, section 3.1).

    With ``match=pairs``, where G gets the label c of x, it is weight E sum |d(x) - d(G(z, c))| (Wang et al. 2018,
    arXiv:1711.11585, eq. 4). The sum is over all layers of all scales.

    The features of a layer count as their mean, not as their sum as in the first paper, so that the weight does not
    depend on the number and the size of the layers' features.
    """

    options: FeatureMatchingOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        pairs = zip(_list_features(step.real_output), _list_features(step.fake_output), strict=True)
        compare = _compare_means if self.options.match == "means" else _compare_pairs
        terms = [compare(real.detach(), fake) for real, fake in pairs]
        return self.options.weight * torch.stack(terms).sum()


def _compare_means(real: Tensor, fake: Tensor) -> Tensor:
    return (fake.mean(0) - real.mean(0)).square().mean()


def _compare_pairs(real: Tensor, fake: Tensor) -> Tensor:
    return (fake - real).abs().mean()


def _list_features(output: DiscriminatorOutput | None) -> list[Tensor]:
    if output is None or not output.features:
        raise ValueError("feature-matching needs features in D's outputs for real and for generated samples")
    return output.features


@dataclass(frozen=True)
class EmbeddingMatching:
    """weight mean_k |E e_k(x) - E e_k(G(z))| over the E numbers e_k of D's embedding (Kavalerov et al. 2021, MHGAN)."""

    options: EmbeddingMatchingOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        real, fake = (require_embedding(each, len(step.z)).mean(0) for each in (step.real_output, step.fake_output))
        return self.options.weight * (fake - real.detach()).abs().mean()
