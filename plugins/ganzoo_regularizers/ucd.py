"""UCD: D's projection as a classifier of real and of generated samples (Xia et al. 2025, arXiv:2510.00624)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo_regularizers.options import UCDOptions


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
