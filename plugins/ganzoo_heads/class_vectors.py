"""What the contrastive heads share: a map of D's embedding, and a vector for each class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import make_linear, make_table, read_classes, read_fake, read_real


class ClassVectors(nn.Module, ABC):
    """A term that compares embeddings with each other and with vectors of their classes; a subclass has `compare`."""

    project: nn.Linear
    classes: nn.Embedding

    def __init__(self, options: Any, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data

    def prepare(self, networks: Networks) -> None:
        """Build the map of the embedding, and the vectors of the classes."""
        embedding, options = measure_embedding(networks.discriminator, self.data), self.options
        self.project = make_linear(embedding, options.dim, options.spectral)
        self.classes = make_table(embedding, self.data.num_classes, options.dim, options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar: the comparison of the real samples of the batch."""
        term: Tensor = self.options.weight * self.compare(read_real(step), read_classes(step))
        return term

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar: the comparison of the generated samples."""
        term: Tensor = self.options.weight * self.compare(read_fake(step), read_classes(step))
        return term

    @abstractmethod
    def compare(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """Return the term without its weight, a scalar, for embeddings ``[N, E]`` of samples with labels ``[N]``."""
