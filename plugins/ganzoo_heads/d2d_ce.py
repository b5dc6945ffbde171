"""ReACGAN: data-to-data cross-entropy, D2D-CE (Kang, Shim, Cho & Park 2021, arXiv:2111.01118, section 3.3, eq. 7)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo_heads.class_vectors import ClassVectors


class D2DCE(ClassVectors):
    """A sample lies near its class and far from samples of other classes; easy samples and pairs give no gradient.

    f is a linear map of D's embedding and v a vector of the class, both of length 1; t is the temperature. The term is
    weight times the mean over samples i of

        -log exp(p_i / t) / [exp(p_i / t) + sum exp(n_ij / t) over j with y_j != y_i]

    where p_i = min(f_i . v(y_i) - positive, 0) and n_ij = max(f_i . f_j - negative, 0).

    D's term has the real samples of the batch, and G's the generated ones. A process, and each part of a batch
    (``train.micro_batch``), compares its own samples with each other.
    """

    def compare(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """Return the term without its weight, a scalar, for embeddings ``[N, E]`` of samples with labels ``[N]``."""
        f, v = F.normalize(self.project(embedding), dim=1), F.normalize(self.classes(labels), dim=1)  # [N, dim]
        near = ((f * v).sum(1) - self.options.positive).clamp(max=0) / self.options.temperature  # [N]
        pairs = (f @ f.T - self.options.negative).clamp(min=0) / self.options.temperature  # [N, N]
        apart = pairs.masked_fill(labels[:, None] == labels, -torch.inf)
        term: Tensor = (torch.cat([near[:, None], apart], 1).logsumexp(1) - near).mean()
        return term
