"""ADA: adaptive discriminator augmentation (Karras et al. 2020, arXiv:2006.06676)."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_augmentations import ADAOptions
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
    if options.p is None:
        return AdaptiveADA(options)
    defaults = {each.name: each.default for each in fields(ADAOptions)}
    for name in ("target", "images", "interval"):
        if getattr(options, name) != defaults[name]:
            raise UsageError(f"aug.ada.p is given, so it does not adapt: remove aug.ada.p or aug.ada.{name}")
    return ADA(options, options.p)


class ADA(nn.Module):
    """The pipeline of appendix B: blitting, geometry, colour, filter, noise and cutout, in this order.

    Each operation changes each image with probability `p`, times the factor of its group. At ``p=0`` the pipeline is
    the identity, bit for bit. Below about 0.8 it does not leak: G learns the data, not the augmented data (section 2.2,
    appendix C).
    """

    def __init__(self, options: ADAOptions, p: float | Tensor) -> None:
        super().__init__()
        self.options, self.p = options, p
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
        chosen, p = self.options, self.p

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
    """The pipeline with a probability that rises while D overfits, and falls while it does not (section 3.1).

    The sign of overfitting is r_t = E[sign(D(real))], the mean over the logits of `interval` updates. Then p moves by
    the number of their images divided by `images`: up if r_t is above the target, and down if it is below.
    """

    def __init__(self, options: ADAOptions) -> None:
        super().__init__(options, 0.0)
        del self.p
        for name in ("p", "signs", "seen", "updates"):
            self.register_buffer(name, torch.zeros(()))
        self.p: Tensor
        self.signs: Tensor  # sums since p last moved: of r_t,
        self.seen: Tensor  # of images,
        self.updates: Tensor  # and of updates

    @torch.no_grad()
    def update(self, real_logits: Tensor) -> None:
        """Count D's logits of the real samples of an update, ``[N, P]``; after `interval` updates, move p."""
        self.signs += real_logits.sign().mean()
        self.seen += len(real_logits)
        self.updates += 1
        due = self.updates >= self.options.interval
        step = (self.signs / self.updates - self.options.target).sign() * self.seen / self.options.images
        self.p.copy_(torch.where(due, (self.p + step).clamp(0, 1), self.p))
        for total in (self.signs, self.seen, self.updates):
            total.mul_(~due)
