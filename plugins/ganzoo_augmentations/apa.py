"""APA: adaptive pseudo augmentation (Jiang et al. 2021, arXiv:2111.06849)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo
from ganzoo_augmentations import APAOptions
from ganzoo_augmentations.adaptation import Adaptation, get_probability, make_adaptation


def build(options: APAOptions, data: DataInfo) -> APA:
    """Build the augmentation: with the probability of the options, or with one that adapts if they give none.

    Raises:
        UsageError: The probability is given, and also an option of its adaptation.
    """
    adaptation = make_adaptation("apa", options)
    return APA(options) if adaptation is None else AdaptiveAPA(options, adaptation)


class APA(nn.Module):
    """Shows D generated samples as real ones, each with probability p: it deceives D, as far as D overfits (section 3).

    D then has less to learn by heart: it cannot tell all samples that are called real from those that are called fake.
    """

    def __init__(self, options: APAOptions, adaptation: Adaptation | None = None) -> None:
        super().__init__()
        self.options, self.adaptation = options, adaptation

    def mix(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return samples ``[N, ...]`` for D to take as real: of each row the fake with probability p, else the real."""
        p = get_probability(self.options, self.adaptation)
        chosen = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device) < p
        return torch.where(chosen, fake, real)


class AdaptiveAPA(APA):
    """APA with a probability that rises while D overfits, and falls while it does not (section 3.2).

    Of the paper's signs of overfitting, this is lambda_r = E[sign(D(real))], its default and that of ADA.
    """

    adaptation: Adaptation

    def update(self, real_logits: Tensor) -> None:
        """Adapt p to D's logits ``[N, P]`` of the samples that it took as real in an update."""
        self.adaptation.update(real_logits)

    def report(self) -> dict[str, Tensor]:
        """Return p and r_t, scalars."""
        return self.adaptation.report()
