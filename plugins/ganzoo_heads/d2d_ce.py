"""ReACGAN: data-to-data cross-entropy, D2D-CE (Kang, Shim, Cho & Park 2021, arXiv:2111.01118, section 3.3, eq. 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import make_linear, make_table, read_classes, read_fake, read_real
from ganzoo_heads.options import D2DCEOptions


class D2DCE(nn.Module):
    """A sample lies near its class and far from samples of other classes; easy samples and pairs give no gradient.

    f is a linear map of D's embedding and v a vector of the class, both of length 1; t is the temperature. The term is
    weight times the mean over samples i of

        -log exp(p_i / t) / [exp(p_i / t) + sum exp(n_ij / t) over j with y_j != y_i]

    where p_i = min(f_i . v(y_i) - positive, 0) and n_ij = max(f_i . f_j - negative, 0).

    D's term has the real samples of the batch, and G's the generated ones. A process, and each part of a batch
    (``train.micro_batch``), compares its own samples with each other.
    """

    project: nn.Linear
    classes: nn.Embedding

    def __init__(self, options: D2DCEOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data

    def prepare(self, networks: Networks) -> None:
        """Build the map of the embedding, and the vectors of the classes."""
        embedding, options = measure_embedding(networks.discriminator, self.data), self.options
        self.project = make_linear(embedding, options.dim, options.spectral)
        self.classes = make_table(embedding, self.data.num_classes, options.dim, options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        return self.options.weight * self.compare(read_real(step), read_classes(step))

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        return self.options.weight * self.compare(read_fake(step), read_classes(step))

    def compare(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """Return the term without its weight, a scalar, for embeddings ``[N, E]`` of samples with labels ``[N]``."""
        f, v = F.normalize(self.project(embedding), dim=1), F.normalize(self.classes(labels), dim=1)  # [N, dim]
        near = ((f * v).sum(1) - self.options.positive).clamp(max=0) / self.options.temperature  # [N]
        pairs = (f @ f.T - self.options.negative).clamp(min=0) / self.options.temperature  # [N, N]
        apart = pairs.masked_fill(labels[:, None] == labels, -torch.inf)
        return (torch.cat([near[:, None], apart], 1).logsumexp(1) - near).mean()
