"""Discriminators that answer at several scales, or as several members.

Logits of patches need no head: a convolution to one channel gives a map, and the contract takes maps as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from torch import Tensor, nn

from ganzoo.layers.resampling import downsample
from ganzoo.plugin import DiscriminatorOutput


class MultiScale(nn.Module):
    """Discriminators of the same samples, each at half the resolution of the one before.

    Source: Wang et al. 2018 (pix2pixHD), arXiv:1711.11585, section 3.2.

    Args:
        members: The discriminators, ``(x, labels) ->`` logits or a `DiscriminatorOutput`, the finest scale first.
        shrink: Takes samples, and labels that are images, to the next scale.
    """

    def __init__(self, members: Iterable[nn.Module], shrink: Callable[[Tensor], Tensor] = downsample) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.shrink = shrink

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the members' answers to samples ``[N, ...]`` as one."""
        answers = []
        for scale, member in enumerate(self.members):
            if scale:
                x = self.shrink(x)
                labels = self.shrink(labels) if labels is not None and labels.dim() == x.dim() else labels
            answers.append(member(x, labels))
        return join_answers(answers)


def join_answers(answers: Sequence[DiscriminatorOutput | Tensor | list[Tensor]]) -> DiscriminatorOutput:
    """Return the answers of several discriminators as one: all their logits in a list, all their features in another.

    Args:
        answers: Of the members, in order, each as a discriminator may answer; one of them may classify.

    Raises:
        ValueError: Several classify.
    """
    logits: list[Tensor] = []
    features: list[Tensor] = []
    classes: list[Tensor] = []
    for answer in answers:
        output = answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)
        logits += [output.logits] if isinstance(output.logits, Tensor) else output.logits
        features += output.features or []
        classes += [] if output.class_logits is None else [output.class_logits]
    if len(classes) > 1:
        raise ValueError(f"{len(classes)} members of a discriminator have class logits: give them to one of them")
    return DiscriminatorOutput(logits, classes[0] if classes else None, features or None)
