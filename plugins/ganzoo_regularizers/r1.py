"""Zero-centred penalties at the samples. f(x) is the sum of D's logits for the sample x; E is the mean over the batch.

``mode="exact"`` differentiates f twice (create_graph). ``mode="fd"`` compares D's logits of nearby samples and needs
only first derivatives; it moves the samples that D saw, after augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.layers import input_gradients, sum_of_logits
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo_regularizers.options import ZeroCentredOptions


@dataclass(frozen=True)
class R1:
    """gamma / 2 E |grad f(x)|^2 at real x (Mescheder et al. 2018, eq. 9).

    ``exact`` takes the gradient of the update's own logits at the samples before augmentation. ``fd`` is
    gamma / 2 E (f(x + sigma e) - f(x))^2 / sigma^2 with e ~ N(0, I), the approximation of Lin et al. 2025
    (arXiv:2501.08316, section 3.4). Its expectation over e converges to the exact penalty as sigma goes to 0; for a
    linear D they are equal.
    """

    options: ZeroCentredOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return compute_zero_centred(self.options, step, step.real, step.real_seen, step.real_output, step.real_labels)


@dataclass(frozen=True)
class R2:
    """R1 at generated x (Mescheder et al. 2018, eq. 10)."""

    options: ZeroCentredOptions
    data: DataInfo

    def discriminator(self, step: Step) -> Tensor:
        """Return the penalty, a scalar."""
        return compute_zero_centred(self.options, step, step.fake, step.fake_seen, step.fake_output, step.fake_labels)


def compute_zero_centred(
    options: ZeroCentredOptions,
    step: Step,
    samples: Tensor | None,
    seen: Tensor | None,
    output: DiscriminatorOutput | None,
    labels: Tensor | None,
) -> Tensor:
    """Return gamma / 2 E |grad f|^2, a scalar.

    Args:
        options: The options of the penalty.
        step: The step of D's update.
        samples: The samples before augmentation, ``[N, ...]``.
        seen: The samples that D saw, after augmentation.
        output: D's output for them.
        labels: The labels that D saw.
    """
    if samples is None or seen is None or output is None:
        raise ValueError("r1 and r2 need the step of D's update, which has real samples")
    if options.mode == "exact":
        squares = input_gradients(output, samples).square().flatten(1).sum(1)
    else:
        moved = seen.detach() + options.sigma * torch.randn_like(seen)
        ahead, here = (step.discriminate(x, labels, float32=True) for x in (moved, seen))
        difference = sum_of_logits(ahead) - sum_of_logits(here)
        squares = (difference / options.sigma).square()
    return options.gamma / 2 * squares.mean()
