"""Terms of D's logits: r of real and f of generated samples. E is the mean over all logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import logits
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo_regularizers.options import CentringOptions, DriftOptions, LeCamOptions, UCDOptions


@dataclass(frozen=True)
class Drift:
    """weight E r^2: logits stay near 0 where a loss leaves their level free (Karras et al. 2018, appendix A.1)."""

    options: DriftOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * join_logits(step.real_output).square().mean()


@dataclass(frozen=True)
class LogitCentring:
    """weight E (r + f)^2 of pairs: the middle between real and fake stays near 0, and their distance is free.

    This is the centring penalty of Lin et al. 2025 (arXiv:2511.22475) for relativistic losses, which do not see a
    common shift of the logits.
    """

    options: CentringOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * (join_logits(step.real_output) + join_logits(step.fake_output)).square().mean()


class LeCam(nn.Module):
    """weight (E (r - a_f)^2 + E (f - a_r)^2), a_r and a_f being running means of r and f (Tseng et al. 2021, eq. 3).

    A running mean includes the newest batch, and weights older ones by powers of `decay`. The weights are divided by
    their sum, so it starts as the mean of the first batch. No gradient flows into it.
    """

    sums: Tensor
    total: Tensor

    def __init__(self, options: LeCamOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("sums", torch.zeros(2))  # of the weighted means of r and f
        self.register_buffer("total", torch.zeros(()))  # of the weights

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar, after the running means moved."""
        real, fake = join_logits(step.real_output), join_logits(step.fake_output)
        with torch.no_grad():
            means, new = step.mean(torch.stack([real.mean(), fake.mean()])), 1 - self.options.decay
            self.sums.mul_(self.options.decay).add_(new * means)
            self.total.mul_(self.options.decay).add_(new)
            of_real, of_fake = (self.sums / self.total).unbind()
        return self.options.weight * ((real - of_fake).square().mean() + (fake - of_real).square().mean())


@dataclass(frozen=True)
class UCD:
    """weight (E -log p(y|x) + E -log p(y|G(z, y))), p being the softmax of the logits that D gives x with each label.

    So D, whose logit of x and y is the entry y of a vector d(x), is a classifier too, of real and of generated samples
    (Xia et al. 2025, arXiv:2510.00624, section 3, eqs. 8-10). The paper's second term, a self-distillation as in DINO
    (eq. 11), is not here, because the paper has no formula for it.
    """

    options: UCDOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * (_classify(step.real_output, step) + _classify(step.fake_output, step))


def _classify(output: DiscriminatorOutput | None, step: Step) -> Tensor:
    if output is None or output.class_logits is None or step.labels is None:
        raise ValueError("this term needs the step of D's update in a run with classes, and D's class logits")
    return F.cross_entropy(output.class_logits, step.labels)


def join_logits(output: DiscriminatorOutput | None) -> Tensor:
    """Return all logits of an output, ``[N, P]``.

    Raises:
        ValueError: The output is missing, as for real samples in G's update.
    """
    if output is None:
        raise ValueError("this term needs the step of D's update, which has D's outputs for real and for fake samples")
    return torch.cat(logits(output), 1)
