"""The weight of the adversarial loss that follows from gradients (Esser et al. 2021, arXiv:2012.09841, eq. 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, Step, UsageError
from ganzoo_autoencoders.options import AdaptiveWeightOptions

EPS = 1e-4  # delta in the authors' code; 1e-6 in the paper


class AdaptiveWeight:
    """|gradient of the other terms| / (|gradient of the adversarial loss| + 1e-4), from 0 to 1e4.

    Both gradients are those of the weight of the generator's last layer (``generator.last_layer``), with the mean over
    all processes. No gradient flows through the factor.

    Args:
        options: The options of `adaptive-weight`.
        data: The data that the networks see.
    """

    def __init__(self, options: AdaptiveWeightOptions, data: DataInfo) -> None:
        self.options = options

    def weigh_adversarial(self, adversarial: Tensor, others: Tensor, step: Step) -> Tensor:
        """Return the factor, a scalar.

        Raises:
            UsageError: None of the other terms depends on the last layer, so that there is nothing to weigh against.
        """
        layer = step.generator.last_layer
        assert isinstance(layer, nn.Module)
        weight, lengths = layer.get_parameter("weight"), []
        for loss in (others, adversarial):
            (gradient,) = torch.autograd.grad(loss, weight, retain_graph=True, allow_unused=True)
            if gradient is None:
                raise UsageError(
                    "regularizer 'adaptive-weight': none of G's other terms depends on its last layer: add one, such "
                    "as --reg l1"
                )
            lengths.append(step.mean(gradient).norm())
        wanted, found = lengths
        factor: Tensor = (wanted / (found + EPS)).clamp(0, self.options.highest)
        return factor
