"""Self-distillation: the averaged generator teaches G (Nowinowski & Krawiec 2026, arXiv:2605.08577, SD-GAN).

Where G and D chase each other, G circles around its average. A pull towards the average damps the circle. Take the
Dirac-GAN with the loss `wasserstein`: G's sample t, D's slope s, the average a with the rate k, the term w (t - a)^2:

    dt/dt = s - 2 w (t - a),   ds/dt = -t,   da/dt = k (t - a),

whose eigenvalues are the roots of x^3 + (k + 2 w) x^2 + x + k. By the criterion of Routh and Hurwitz all of them have
negative real parts if and only if w > 0; without the term two of them are +i and -i, and the game circles for ever.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.layers import extractor
from ganzoo.plugin import DataInfo, Step, extract_samples
from ganzoo_regularizers.options import SDOptions


class SD(nn.Module):
    """weight E (p(G(z)) - p(A(z)))^2, A being the averaged generator, for the z and the labels of the update.

    p are the features of an extractor, such as those of a perceptual distance; without one, the samples themselves. The
    square is the mean over all numbers; this distance and the weight of 1 are choices made here. No gradient flows into
    A. A is in eval mode: it has no dropout, and normalises by the running statistics of BatchNorm.
    """

    def __init__(self, options: SDOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        self.look = extractor(options.extractor, data) if options.extractor else None

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        with torch.no_grad():
            taught = self._describe(extract_samples(step.average(step.z, step.labels)).to(step.fake.dtype))
        term: Tensor = self.options.weight * (self._describe(step.fake) - taught).square().mean()
        return term

    def _describe(self, samples: Tensor) -> Tensor:
        """Return what is compared of samples, ``[N, ...]``."""
        return samples if self.look is None else self.look(samples)["features"]
