"""Path length regularization: equal steps of a style change samples equally (Karras et al. 2020, StyleGAN2)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import PathLengthOptions


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
