"""A probability that adapts to how much D overfits (Karras et al. 2020, ADA, arXiv:2006.06676, section 3.1)."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor, nn

from ganzoo.plugin import UsageError
from ganzoo_augmentations import AdaptationOptions


def make_adaptation(name: str, options: AdaptationOptions) -> Adaptation | None:
    """Return the adaptation of an augmentation's p; None if the options give p.

    Raises:
        UsageError: p is given, and also an option of its adaptation.
    """
    if options.p is None:
        return Adaptation(options)
    for each in fields(AdaptationOptions):
        if each.name != "p" and getattr(options, each.name) != each.default:
            raise UsageError(
                f"aug.{name}.p is given, so it does not adapt: remove aug.{name}.p or aug.{name}.{each.name}"
            )
    return None


def get_probability(options: AdaptationOptions, adaptation: Adaptation | None) -> float | Tensor:
    """Return the p that adapts or, without adaptation, the p of the options."""
    if adaptation is not None:
        return adaptation.p
    assert options.p is not None
    return options.p


class Adaptation(nn.Module):
    """A probability p, which starts at 0.

    The sign of overfitting is r_t = E[sign(D(real))], the mean over the logits of `interval` updates. Then p moves by
    the number of their images divided by `images`: up if r_t is above the target, and down if it is below.
    """

    p: Tensor
    r_t: Tensor
    signs: Tensor  # sums since p last moved: of the mean sign of an update,
    seen: Tensor  # of images,
    updates: Tensor  # and of updates

    def __init__(self, options: AdaptationOptions) -> None:
        super().__init__()
        self.options = options
        for name in ("p", "r_t", "signs", "seen", "updates"):
            self.register_buffer(name, torch.zeros(()))

    @torch.no_grad()
    def update(self, real_logits: Tensor) -> None:
        """Count D's logits of the real samples of an update, ``[N, P]``; after `interval` updates, move p."""
        self.signs += real_logits.sign().mean()
        self.seen += len(real_logits)
        self.updates += 1
        due, mean = self.updates >= self.options.interval, self.signs / self.updates
        step = (mean - self.options.target).sign() * self.seen / self.options.images
        self.p.copy_(torch.where(due, (self.p + step).clamp(0, 1), self.p))
        self.r_t.copy_(torch.where(due, mean, self.r_t))
        for total in (self.signs, self.seen, self.updates):
            total.mul_(~due)

    def report(self) -> dict[str, Tensor]:
        """Return p, and the r_t that it last moved by, scalars."""
        return {"p": self.p, "r_t": self.r_t}
