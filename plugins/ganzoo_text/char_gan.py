"""The character-level networks of Gulrajani et al. 2017, arXiv:1704.00028, section 5.4: convolutions along the text.

The paper gives the idea (a 1-D CNN from z to 32 characters, a softmax at the end whose output D sees, no sampling);
kernels, blocks and widths are those of the authors' code (github.com/igul222/improved_wgan_training). Neither network
is normalised, because the penalty needs D's gradient for each sample alone.
"""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.layers import require_labels
from ganzoo.plugin import DataInfo, Networks
from ganzoo_text import CharGANOptions

KERNEL = 5  # characters
SHARE = 0.3  # factor of a block's branch, so that a stack of blocks starts near the identity


def build(options: CharGANOptions, data: DataInfo) -> Networks:
    """Return the networks for text of shape ``(V, L)``."""
    size, length = data.shape
    return Networks(
        Generator(options.z_dim, options.width, options.blocks, size, length),
        Discriminator(options.width, options.blocks, size, length),
        options.z_dim,
    )


class Residual(nn.Module):
    """``x + 0.3 f(x)`` for x ``[N, width, L]``, where f has two convolutions, each after a ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(width, width, KERNEL, padding="same")
        self.conv2 = nn.Conv1d(width, width, KERNEL, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of `x` and its branch, ``[N, width, L]``."""
        branch: Tensor = self.conv2(self.conv1(x.relu()).relu())
        return x + SHARE * branch


class Generator(nn.Module):
    """z ``[N, z_dim]`` to text ``[N, V, L]``: a distribution over V characters at each of L places.

    Args:
        z_dim: The length of the latent z.
        width: The number of channels.
        blocks: The number of residual blocks.
        size: The number of characters, V.
        length: The number of places, L.
    """

    def __init__(self, z_dim: int, width: int, blocks: int, size: int, length: int) -> None:
        super().__init__()
        self.first = nn.Linear(z_dim, width * length)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.last = nn.Conv1d(width, size, 1)
        self._shape = (width, length)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the text of latents `z`; raise ValueError if labels are given."""
        require_labels(labels, False)
        x = self.first(z).unflatten(1, self._shape)  # [N, width, L]
        text: Tensor = self.last(self.blocks(x)).softmax(1)  # [N, V, L]
        return text


class Discriminator(nn.Module):
    """Text ``[N, V, L]``, one-hot or soft, to logits ``[N]``. The arguments are those of `Generator`."""

    def __init__(self, width: int, blocks: int, size: int, length: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(size, width, 1)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.last = nn.Linear(width * length, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of text `x`; raise ValueError if labels are given."""
        require_labels(labels, False)
        h = self.blocks(self.first(x))  # [N, width, L]
        logits: Tensor = self.last(h.flatten(1)).squeeze(1)  # [N]
        return logits
