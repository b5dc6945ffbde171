"""The projection head of conditional discriminators (Miyato & Koyama 2018, arXiv:1802.05637)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers.labels import require_labels


class ProjectionHead(nn.Module):
    """Features ``[N, dim]`` to logits ``[N]``: f(x, y) = psi(phi(x)) + y^T V phi(x) (section 3, figure 1d).

    psi is a linear map to one number, V an embedding of the labels. Where real samples of class y follow p(x|y) and
    fakes q(x|y), the best logit is log p(x|y) / q(x|y). The head splits it into a part that depends on the class and a
    part that depends on the sample alone.

    Args:
        dim: Length of the features phi(x).
        num_classes: Number of classes of the labels, ``int64 [N]``. 0 for a network without labels: psi alone.
        bias: Whether psi has a bias.
    """

    def __init__(self, dim: int, num_classes: int = 0, bias: bool = True) -> None:
        super().__init__()
        self.psi = nn.Linear(dim, 1, bias)
        self.embedding = nn.Embedding(num_classes, dim) if num_classes else None
        for layer in (self.psi, self.embedding):
            if layer is not None:
                nn.init.xavier_uniform_(layer.weight)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits.

        Raises:
            ValueError: Labels are missing, or were passed to a head without classes.
        """
        return self.score(features, labels)[0]

    def score(self, features: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the logits ``[N]``, and those that the samples would have with each label, ``[N, num_classes]``.

        The second is None for a head without classes. It suits `DiscriminatorOutput.class_logits`.

        Raises:
            ValueError: Labels are missing, or were passed to a head without classes.
        """
        require_labels(labels, self.embedding is not None)
        psi: Tensor = self.psi(features)  # [N, 1]
        if self.embedding is None:
            return psi.squeeze(1), None
        assert labels is not None
        table = self.embedding.weight  # read once, because a spectral normalisation makes a step for each reading
        return psi.squeeze(1) + (F.embedding(labels, table) * features).sum(1), psi + features @ table.t()
