"""MHGAN: a multi-class hinge loss (Kavalerov, Czaja & Chellappa 2021, arXiv:1912.04216, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import make_linear, read_classes, read_fake, read_real
from ganzoo_heads.options import MultiHingeOptions


class MultiHinge(nn.Module):
    """A classifier c on D's embedding with the loss h(x, y) = max(0, 1 - c_y(x) + max of c_k(x) over k != y).

    D: weight_d (E h(x, y) + E h(G(z, y), K)), the second term if `fakes`: K is then a class of generated samples
    G: weight_g E h(G(z, y), y)
    """

    classifier: nn.Linear

    def __init__(self, options: MultiHingeOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data

    def prepare(self, networks: Networks) -> None:
        """Build the classifier."""
        embedding = measure_embedding(networks.discriminator, self.data)
        self.classifier = make_linear(embedding, self.data.num_classes + self.options.fakes, self.options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        classes = read_classes(step)
        loss = self.compute_hinge(read_real(step), classes)
        if self.options.fakes:
            loss = loss + self.compute_hinge(read_fake(step), torch.full_like(classes, self.data.num_classes))
        return self.options.weight_d * loss

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        return self.options.weight_g * self.compute_hinge(read_fake(step), read_classes(step))

    def compute_hinge(self, embedding: Tensor, classes: Tensor) -> Tensor:
        """Return the mean of h, a scalar, for embeddings ``[N, E]`` of samples of these classes ``[N]``."""
        logits: Tensor = self.classifier(embedding)  # [N, K] or [N, K + 1]
        own = logits.gather(1, classes[:, None])  # [N, 1]
        others = logits.scatter(1, classes[:, None], -torch.inf).amax(1, keepdim=True)
        return (1 - own + others).clamp(min=0).mean()
