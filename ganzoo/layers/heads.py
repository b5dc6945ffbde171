"""Discriminators with several scales or several members.

Logits of patches need no head: a convolution to one channel gives a map of logits, which the contract allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from torch import Tensor, nn

from ganzoo.layers.resampling import downsample
from ganzoo.plugin import DiscriminatorOutput


class MultiScale(nn.Module):
    """Several discriminators of the same samples, each at half the resolution of the one before.

    Source: Wang et al. 2018 (pix2pixHD), arXiv:1711.11585, section 3.2.

    Args:
        members: The discriminators, ``(x, labels) ->`` logits or a `DiscriminatorOutput`, the finest scale first.
        shrink: A function that scales samples, and labels that are images, down to the next scale.
    """

    def __init__(self, members: Iterable[nn.Module], shrink: Callable[[Tensor], Tensor] = downsample) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.shrink = shrink

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the members' outputs for samples ``[N, ...]`` as one `DiscriminatorOutput`."""
        answers = []
        for scale, member in enumerate(self.members):
            if scale:
                x = self.shrink(x)
                labels = self.shrink(labels) if labels is not None and labels.dim() == x.dim() else labels
            answers.append(member(x, labels))
        return join_answers(answers)


def join_answers(answers: Sequence[DiscriminatorOutput | Tensor | list[Tensor]]) -> DiscriminatorOutput:
    """Join the outputs of several discriminators: all their logits in one list, all their features in another.

    The logits of a member keep their weights; without weights they count 1 each.

    Args:
        answers: The members' outputs in order, each in any form that the contract allows. At most one has class logits,
            and at most one has an embedding.

    Raises:
        ValueError: Several outputs have class logits, or several have an embedding.
    """
    outputs = [each if isinstance(each, DiscriminatorOutput) else DiscriminatorOutput(each) for each in answers]
    logits: list[Tensor] = []
    weights: list[float | Tensor] = []
    for output in outputs:
        own = [output.logits] if isinstance(output.logits, Tensor) else output.logits
        logits += own
        weights += [1.0] * len(own) if output.weights is None else output.weights
    return DiscriminatorOutput(
        logits,
        class_logits=_only("class logits", [output.class_logits for output in outputs]),
        features=[each for output in outputs for each in output.features or []] or None,
        embedding=_only("an embedding", [output.embedding for output in outputs]),
        weights=None if all(output.weights is None for output in outputs) else weights,
    )


def _only(what: str, values: Iterable[Tensor | None]) -> Tensor | None:
    """Return the one value that is not None, or None where all are."""
    found = [value for value in values if value is not None]
    if len(found) > 1:
        raise ValueError(f"{len(found)} members of a discriminator have {what}: give that to one of them")
    return found[0] if found else None
