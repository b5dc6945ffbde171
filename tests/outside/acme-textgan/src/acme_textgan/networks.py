"""The two networks: gated recurrent units, as in Press et al. 2017, arXiv:1706.01399, section 3."""

from __future__ import annotations

from torch import Tensor, nn

from acme_textgan import GRUGANOptions
from ganzoo.plugin import DataInfo, Networks


def build(options: GRUGANOptions, data: DataInfo) -> Networks:
    """Build the networks for text of shape (V, L)."""
    return Networks(Generator(options, data), Discriminator(options, data), latent_dim=options.z_dim)


class Generator(nn.Module):
    """Turns z ``[N, z_dim]``, which each step reads, into text ``[N, V, L]``: a distribution over V at L places."""

    def __init__(self, options: GRUGANOptions, data: DataInfo) -> None:
        super().__init__()
        size, self.length = data.shape
        self.steps = nn.GRU(options.z_dim, options.width, batch_first=True)
        self.characters = nn.Linear(options.width, size)

    def forward(self, z: Tensor, labels: None = None) -> Tensor:
        """Return the samples of latents `z`."""
        states, _ = self.steps(z[:, None].repeat(1, self.length, 1))  # [N, L, width]
        return self.characters(states).softmax(2).transpose(1, 2)


class Discriminator(nn.Module):
    """Gives text ``[N, V, L]``, one-hot or soft, its logits ``[N]``, of the state after the last character."""

    def __init__(self, options: GRUGANOptions, data: DataInfo) -> None:
        super().__init__()
        self.steps = nn.GRU(data.shape[0], options.width, batch_first=True)
        self.end = nn.Linear(options.width, 1)

    def forward(self, x: Tensor, labels: None = None) -> Tensor:
        """Return the logits of samples `x`."""
        states, _ = self.steps(x.transpose(1, 2))  # [N, L, width]
        return self.end(states[:, -1]).squeeze(1)
