"""What networks return, as one tensor, whatever the form: logits of a discriminator, samples of a generator."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.plugin import DiscriminatorOutput


def compute(network: nn.Module, *given: Tensor | None) -> Tensor:
    """Return the samples of a generator, or the logits of a discriminator."""
    answer = network(*given)
    return answer.logits if isinstance(answer, DiscriminatorOutput) else answer


class Plain(nn.Module):
    """A network that returns one tensor."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return what `compute` returns."""
        return compute(self.network, x, labels)
