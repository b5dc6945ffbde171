"""Knowledge distillation: D predicts what a trained network sees in real samples (Hyun et al. 2025, GAT)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import extractor, measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import make_linear, read_real
from ganzoo_heads.options import KDOptions


class KD(nn.Module):
    """Q predicts the features t of a trained network from D's embedding of real samples x that D saw.

    D: weight E (1 - cos(Q(x), t(x)))

    Q has three layers, with SiLU between them. t are the features of an extractor; without one, the numbers of the
    samples themselves. The authors distil DINOv2's features of the image, and with the same weight those of its
    patches, into the tokens of a transformer; here D has one embedding for the whole sample.
    """

    predict: nn.Sequential

    def __init__(self, options: KDOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data
        self.look = extractor(options.extractor, data) if options.extractor else None

    def prepare(self, networks: Networks) -> None:
        """Build Q."""
        embedding = measure_embedding(networks.discriminator, self.data)
        hidden = embedding.new_empty(2, self.options.width)
        if self.look is not None:
            self.look.to(embedding)
        taught = self._describe(embedding.new_zeros(2, *self.data.shape))
        self.predict = nn.Sequential(
            make_linear(embedding, self.options.width, self.options.spectral),
            nn.SiLU(),
            make_linear(hidden, self.options.width, self.options.spectral),
            nn.SiLU(),
            make_linear(hidden, taught.shape[1], self.options.spectral),
        )

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        if step.real_seen is None:
            raise ValueError("kd needs the step of D's update, which has real samples")
        predicted = self.predict(read_real(step))  # [N, F]
        return self.options.weight * (1 - F.cosine_similarity(predicted, self._describe(step.real_seen))).mean()

    @torch.no_grad()
    def _describe(self, samples: Tensor) -> Tensor:
        """Return what Q predicts of samples, ``[N, F]``."""
        return samples.flatten(1) if self.look is None else self.look(samples)["features"]
