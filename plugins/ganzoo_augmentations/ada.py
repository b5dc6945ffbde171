"""ADA: adaptive discriminator augmentation (Karras et al. 2020, arXiv:2006.06676)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_augmentations import ADAOptions
from ganzoo_augmentations.adaptation import Adaptation, get_probability, make_adaptation
from ganzoo_augmentations.colour import change_colours
from ganzoo_augmentations.cutout import cut_out
from ganzoo_augmentations.filters import add_noise, amplify_bands
from ganzoo_augmentations.geometry import transform
from ganzoo_augmentations.pixels import require_images
from ganzoo_augmentations.wavelets import SYM6, make_bands

GROUPS = ("blit", "geometry", "colour", "filter", "noise", "cutout")


def build(options: ADAOptions, data: DataInfo) -> ADA:
    """Build the pipeline: with the probability of the options, or with one that adapts if they give none.

    Raises:
        UsageError: All factors are 0, or the probability is given and also an option of its adaptation.
    """
    if not any(getattr(options, group) for group in GROUPS):
        raise UsageError(f"every factor of aug 'ada' is 0 ({', '.join(GROUPS)}), so it changes nothing: remove it")
    adaptation = make_adaptation("ada", options)
    return ADA(options) if adaptation is None else AdaptiveADA(options, adaptation)


class ADA(nn.Module):
    """The pipeline of appendix B: blitting, geometry, colour, filter, noise and cutout, in this order.

    Each operation changes each image with probability `p`, times the factor of its group. At ``p=0`` the pipeline is
    the identity, bit for bit. Below about 0.8 it does not leak: G learns the data, not the augmented data (section 2.2,
    appendix C).
    """

    def __init__(self, options: ADAOptions, adaptation: Adaptation | None = None) -> None:
        super().__init__()
        self.options, self.adaptation = options, adaptation
        self.register_buffer("taps", torch.tensor(SYM6), persistent=False)
        self.register_buffer("bands", make_bands().float(), persistent=False)
        self.taps: Tensor
        self.bands: Tensor

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return augmented images ``[N, C, H, W]``. If labels are given, return images and labels.

        Raises:
            UsageError: The samples are not images.
        """
        require_images(images, "ada")
        chosen, p = self.options, get_probability(self.options, self.adaptation)

        def scale(factor: float) -> float | Tensor:
            return factor * p if factor else 0.0

        if chosen.blit or chosen.geometry:
            images, labels = transform(images, labels, self.taps, scale(chosen.blit), scale(chosen.geometry))
        if chosen.colour:
            images = change_colours(images, scale(chosen.colour))
        if chosen.filter:
            images = amplify_bands(images, self.bands, scale(chosen.filter))
        if chosen.noise:
            images = add_noise(images, scale(chosen.noise))
        if chosen.cutout:
            images, labels = cut_out(images, labels, scale(chosen.cutout), share=1 / 2)
        return images if labels is None else (images, labels)


class AdaptiveADA(ADA):
    """The pipeline with a probability that rises while D overfits, and falls while it does not (section 3.1)."""

    adaptation: Adaptation

    def update(self, real_logits: Tensor) -> None:
        """Adapt p to D's logits of the real samples of an update, ``[N, P]``."""
        self.adaptation.update(real_logits)

    def report(self) -> dict[str, Tensor]:
        """Return p and r_t, scalars."""
        return self.adaptation.report()
