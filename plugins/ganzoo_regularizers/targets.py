"""Terms of G that compare each sample with its target, for labels that are arrays (docs/pairs.md)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ganzoo.layers import extractor, perceptual_distance
from ganzoo.plugin import DataInfo, Step
from ganzoo_regularizers.options import L1Options, PerceptualOptions


@dataclass(frozen=True)
class L1:
    """weight E |x - G(z, c)|, c being the label of x (Isola et al. 2017, arXiv:1611.07004, eq. 3).

    The distance is the mean over all numbers of a sample, whose range is 2. In papers whose images are from 0 to 1 it
    is half as large, so their weight is twice the one here.
    """

    options: L1Options
    data: DataInfo

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        return self.options.weight * (step.fake - _get_target(step)).abs().mean()


class Perceptual(nn.Module):
    """weight d(x, G(z, c)), c being the label of x, and d the distance of an extractor's maps.

    The distance is `ganzoo.layers.perceptual_distance`. The maps of ESRGAN (Wang et al. 2018, section 3.3) are those of
    VGG19 before the activation; here they are what the extractor offers.
    """

    def __init__(self, options: PerceptualOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        self.look = extractor(options.extractor, data)

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar.

        Raises:
            UsageError: There are not as many weights of layers as the extractor has maps.
        """
        scaled = self.options.distance == "direction"
        return self.options.weight * perceptual_distance(
            self.look, step.fake, _get_target(step), weights=self.options.layers, scaled=scaled
        )


def _get_target(step: Step) -> Tensor:
    """Return the real samples of a step of G, whose labels G was given."""
    if step.real is None:
        raise ValueError("this term needs real samples in G's update")
    return step.real.detach()
