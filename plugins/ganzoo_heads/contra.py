"""ContraGAN: the conditional contrastive loss, 2C (Kang & Park 2020, arXiv:2006.12681, section 3.2, eq. 8)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo_heads.class_vectors import ClassVectors


class Contra(ClassVectors):
    """A sample lies near its class and near samples of its class, and far from the others of the batch.

    h is a linear map of D's embedding, e(y) a vector of the class; c(a, b) is the cosine of two vectors, divided by the
    temperature. The term is weight times the mean over samples i of

        -log [exp c(h_i, e(y_i)) + sum exp c(h_i, h_k) over k != i with y_k = y_i]
            / [exp c(h_i, e(y_i)) + sum exp c(h_i, h_k) over k != i]

    D's term has the real samples of the batch, and G's the generated ones. A process, and each part of a batch
    (``train.micro_batch``), compares its own samples with each other.
    """

    def compare(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """Return the term without its weight, a scalar, for embeddings ``[N, E]`` of samples with labels ``[N]``."""
        h, e = F.normalize(self.project(embedding), dim=1), F.normalize(self.classes(labels), dim=1)  # [N, dim]
        own = (h * e).sum(1, keepdim=True) / self.options.temperature  # [N, 1]
        pairs = h @ h.T / self.options.temperature  # [N, N]
        itself = torch.eye(len(h), dtype=torch.bool, device=h.device)
        others = pairs.masked_fill(itself, -torch.inf)
        alike = others.masked_fill(labels[:, None] != labels, -torch.inf)
        every, near = (torch.cat([own, each], 1).logsumexp(1) for each in (others, alike))
        return (every - near).mean()
