"""Terms of G: the lengths of its paths, how far it moves latents, and what its samples have in common with others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from ganzoo.layers import require_embedding
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, Step, UsageError
from ganzoo_regularizers.options import (
    FeatureMatchingOptions,
    IntermediateConsistencyOptions,
    OTOptions,
    PathLengthOptions,
)


class PathLength(nn.Module):
    """weight E (|J^T y| - a)^2 (Karras et al. 2020, arXiv:1912.04958, eq. 4), with J the derivative of samples by w.

    y ~ N(0, I) / sqrt(H W) is a random image, so that E |J^T y|^2 is the mean square by which a pixel's colour changes
    along w. If w has rows for several layers, the length is the root of the mean square over them. a is a running mean
    of the lengths, which starts at 0. The term uses a part of the batch (appendix B).
    """

    average: Tensor

    def __init__(self, options: PathLengthOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("average", torch.zeros(()))

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar, after the running mean moved."""
        n, network = max(1, len(step.z) // self.options.shrink), step.generator
        styled: Any = network
        w = styled.mapping(step.z[:n], None if step.labels is None else step.labels[:n])  # [n, E] or [n, L, E]
        samples = styled.synthesis(w)  # [n, C, H, W]
        y = torch.randn_like(samples) / math.sqrt(samples[0, 0].numel())
        (slopes,) = torch.autograd.grad((samples * y).sum(), w, create_graph=True)
        lengths = torch.linalg.vector_norm(slopes.flatten(1), dim=1) / math.sqrt(w[0, ..., 0].numel())  # [n]
        with torch.no_grad():
            self.average.lerp_(step.mean(lengths.mean()).to(self.average.dtype), self.options.decay)
        term: Tensor = self.options.weight * (lengths - self.average).square().mean()
        return term


@dataclass(frozen=True)
class FeatureMatching:
    """weight sum (E d(x) - E d(G(z)))^2 over D's features d (Salimans et al. 2016, section 3.1).

    The features of a layer count as their mean, not as their sum as in the paper, so that the weight does not depend on
    the number and the size of the layers' features.
    """

    options: FeatureMatchingOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        pairs = zip(_list_features(step.real_output), _list_features(step.fake_output), strict=True)
        terms = [(fake.mean(0) - real.detach().mean(0)).square().mean() for real, fake in pairs]
        return self.options.weight * torch.stack(terms).sum()


def _list_features(output: DiscriminatorOutput | None) -> list[Tensor]:
    if output is None or not output.features:
        raise ValueError("feature-matching needs features in D's outputs for real and for generated samples")
    return output.features


@dataclass(frozen=True)
class EmbeddingMatching:
    """weight mean_k |E e_k(x) - E e_k(G(z))| over the E numbers e_k of D's embedding (Kavalerov et al. 2021, MHGAN)."""

    options: FeatureMatchingOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        real, fake = (require_embedding(each, len(step.z)).mean(0) for each in (step.real_output, step.fake_output))
        return self.options.weight * (fake - real.detach()).abs().mean()


@dataclass(frozen=True)
class OptimalTransport:
    """weight E |G(z) - z|^2 / n for latents of the n numbers of a sample (Lin et al. 2025, arXiv:2511.22475).

    Of all maps from latents to data, this prefers the one that moves them least. The adversarial loss alone leaves the
    map free, so that G drifts among many. The weight falls during the training, since the term also pulls samples from
    the data to the latents.
    """

    options: OTOptions
    data: DataInfo

    def prepare(self, networks: Networks) -> None:
        """Change nothing.

        Raises:
            UsageError: Latents and samples have different sizes, so that they cannot be compared.
        """
        size = math.prod(self.data.shape)
        if networks.latent_dim != size:
            raise UsageError(
                f"regularizer 'ot' compares samples of {size} numbers with their latents, which have "
                f"{networks.latent_dim}: choose an arch and options with {size} latents, or remove 'ot'"
            )

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * (step.fake - step.z.view_as(step.fake)).square().mean()


@dataclass(frozen=True)
class IntermediateConsistency:
    """weight sum_k E (x_k - shrink(x))^2 over the earlier stages x_k of the sample x (Hyun et al. 2026, CAT).

    The authors describe the final sample as the common anchor of all stages. What their description leaves open is
    chosen here: an image is shrunk to the size of a stage by averages over areas, a square is the mean over all numbers
    of a stage, and no gradient flows into x, so that the stages follow it.
    """

    options: IntermediateConsistencyOptions
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        final = step.fake.detach()
        terms = [(stage - _shrink(final, stage)).square().mean() for stage in step.intermediates]
        return self.options.weight * torch.stack(terms).sum()


def _shrink(samples: Tensor, like: Tensor) -> Tensor:
    """Return samples in the size of others, ``[N, C, h, w]``; samples of the same shape are unchanged."""
    return samples if samples.shape == like.shape else adaptive_avg_pool2d(samples, (like.shape[2], like.shape[3]))
