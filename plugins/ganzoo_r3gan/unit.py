"""Layers whose weights are normalised in each forward, and the regularizer that keeps the stored weights at that size.

Source: Karras et al. 2024, EDM2, arXiv:2312.02696, sections 2.3 and 2.4 and appendix B. If the inputs of a layer have
mean square 1 and are not correlated, its outputs have mean square 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import one_hot
from ganzoo.plugin import Case, DataInfo, Networks, NoOptions

EPSILON = 1e-4  # added to the root mean square of a weight


class UnitWeight(nn.Module):
    """A layer whose weight ``[outputs, ...]`` is drawn from N(0, 1), and whose rows are normalised in each forward.

    The stored rows have mean square 1 after `rescale`, which changes no output.
    """

    weight: Tensor

    def normalise(self) -> Tensor:
        """Return the weight with rows of length 1."""
        root = math.sqrt(self.weight[0].numel())
        lengths: Tensor = torch.linalg.vector_norm(self.weight.flatten(1), dim=1) + EPSILON * root
        return self.weight / lengths.view(-1, *[1] * (self.weight.dim() - 1))

    @torch.no_grad()
    def rescale(self) -> None:
        """Give the rows of the stored weight the mean square 1, in place."""
        self.weight.copy_(self.normalise() * math.sqrt(self.weight[0].numel()))

    def reset_parameters(self) -> None:
        """Draw the weight."""
        nn.init.normal_(self.weight)
        self.rescale()


class UnitLinear(UnitWeight, nn.Linear):
    """``[N, inputs] -> [N, outputs]``: x W^T, with rows of W of length `gain`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, input: Tensor, gain: float | Tensor = 1.0) -> Tensor:
        """Return the outputs."""
        return F.linear(input, self.normalise() * gain)


class UnitConv2d(UnitWeight, nn.Conv2d):
    """``[N, inputs, H, W] -> [N, outputs, H, W]``: a convolution by W, whose rows have the length `gain`."""

    def __init__(self, inputs: int, outputs: int, size: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2, groups=groups, bias=False)

    def forward(self, input: Tensor, gain: float | Tensor = 1.0) -> Tensor:
        """Return the outputs."""
        return F.conv2d(input, self.normalise() * gain, padding=self.padding, groups=self.groups)


class UnitEmbedding(UnitWeight):
    """Classes ``int64 [N]`` to vectors ``[N, dim]`` whose features have mean square 1 over the classes."""

    def __init__(self, num_classes: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim, num_classes))
        self.reset_parameters()

    def forward(self, labels: Tensor) -> Tensor:
        """Return the vectors."""
        num_classes = self.weight.shape[1]
        return F.linear(one_hot(labels, num_classes, self.weight.dtype) * math.sqrt(num_classes), self.normalise())


class UnitBasis(UnitWeight):
    """A map of 4x4 for each channel, ``[channels, 4, 4]``, of length `gain`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 4, 4))
        self.reset_parameters()

    def forward(self, gain: float = 1.0) -> Tensor:
        """Return the maps."""
        return self.normalise() * gain


# ----------------------------------------------------------------------------
# The regularizer.


@dataclass(frozen=True)
class UnitWeights:
    """The weights of both networks at mean square 1 after each step of D (section 2.4, forced weight normalisation).

    The gradient by a normalised weight is orthogonal to it, so that each step makes it longer and the next step
    smaller in relation to it. G's weights are rescaled at the same moment, before its own next step.
    """

    options: NoOptions
    data: DataInfo

    def after_step(self, networks: Networks) -> None:
        """Rescale the weights in place."""
        for network in (networks.generator, networks.discriminator):
            for module in network.modules():
                if isinstance(module, UnitWeight):
                    module.rescale()


def cases() -> Iterator[Case]:
    """Yield D(x) = (3 x + 4 y) / 5, whose logits stay when its weight is rescaled."""
    network = UnitLinear(2, 1).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[3.0, 4.0]]))
    samples = torch.tensor([(0.2, -0.3), (1.0, 0.5)], dtype=torch.float64)
    given = {"network": network, "real": samples, "fake": samples}
    length = 5 + EPSILON * math.sqrt(2)
    yield Case(name="any length", given=given, expected={"logits": (3 * 1.2 + 4 * 0.2) / length}, tolerance=1e-3)
