"""The two networks of Gulrajani et al. 2017, arXiv:1704.00028, section 5.4: convolutions along the text.

Neither has batch normalisation, because the penalty needs D's gradient for each sample alone.
"""

from __future__ import annotations

from torch import Tensor, nn

from acme_textgan import CharGANOptions
from ganzoo.plugin import DataInfo, Networks, UsageError

SHARE = 0.3  # weight of a block's branch, so that a stack of blocks starts near the identity


def build(options: CharGANOptions, data: DataInfo) -> Networks:
    """Build the networks for text of shape (V, L).

    Raises:
        UsageError: The kernel size is even.
    """
    if options.kernel % 2 == 0:
        raise UsageError(f"arch.kernel={options.kernel} is even: use {options.kernel + 1}")
    return Networks(Generator(options, data), Discriminator(options, data), latent_dim=options.z_dim)


class Generator(nn.Module):
    """Turns z ``[N, z_dim]`` into text ``[N, V, L]``, a distribution over V characters at each of L positions."""

    def __init__(self, options: CharGANOptions, data: DataInfo) -> None:
        super().__init__()
        size, length = data.shape
        self.start = nn.Linear(options.z_dim, options.width * length)
        self.unfold = nn.Unflatten(1, (options.width, length))
        self.blocks = nn.Sequential(*(Residual(options.width, options.kernel) for _ in range(options.depth)))
        self.characters = nn.Conv1d(options.width, size, 1)

    def forward(self, z: Tensor, labels: None = None) -> Tensor:
        """Return the samples of latents `z`."""
        x: Tensor = self.unfold(self.start(z))  # [N, width, L]
        x = self.characters(self.blocks(x))  # [N, V, L]
        return x.softmax(1)


class Discriminator(nn.Module):
    """Gives text ``[N, V, L]``, one-hot or soft, its logits ``[N]``."""

    def __init__(self, options: CharGANOptions, data: DataInfo) -> None:
        super().__init__()
        size, length = data.shape
        self.characters = nn.Conv1d(size, options.width, 1)
        self.blocks = nn.Sequential(*(Residual(options.width, options.kernel) for _ in range(options.depth)))
        self.end = nn.Linear(options.width * length, 1)

    def forward(self, x: Tensor, labels: None = None) -> Tensor:
        """Return the logits of samples `x`."""
        x = self.blocks(self.characters(x))  # [N, width, L]
        x = self.end(x.flatten(1))  # [N, 1]
        return x.squeeze(1)  # [N]


class Residual(nn.Module):
    """x + 0.3 f(x) for x ``[N, width, L]``, where f has two convolutions, each after a ReLU."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(width, width, kernel, padding="same"),
            nn.ReLU(),
            nn.Conv1d(width, width, kernel, padding="same"),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of `x` and its branch."""
        out: Tensor = x + SHARE * self.branch(x)
        return out
