"""Self-attention over the pixels of feature maps (Zhang, Goodfellow, Metaxas & Odena 2019, arXiv:1805.08318)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention2d(nn.Module):
    """``[N, channels, H, W]`` to the same shape: y = x + gamma o(sum_j beta_j g(x_j)) (SAGAN, section 3, eqs. 1 to 3).

    beta_j is the softmax over positions j of <theta(x_i), phi(x_j)>. theta, phi, g and o are 1x1 convolutions without
    bias. gamma is a scalar that starts at 0, so the layer starts as the identity. As in the authors' code and in BigGAN
    (Brock et al. 2019, arXiv:1809.11096), phi and g are max-pooled by 2, and g has half the channels.

    The layer does not use torch's fused attention, which D's penalties could not differentiate twice.

    Args:
        channels: Number of channels of the maps, at least `ratio`.
        ratio: `channels` divided by the number of channels of theta and phi.
        pool: Whether phi and g are max-pooled. H and W must then be at least 2.

    Raises:
        ValueError: `channels` is less than `ratio`.
    """

    def __init__(self, channels: int, ratio: int = 8, pool: bool = True) -> None:
        super().__init__()
        if channels < ratio:
            raise ValueError(f"self-attention with ratio {ratio} needs {ratio} channels or more, not {channels}")
        self.theta = nn.Conv2d(channels, channels // ratio, 1, bias=False)
        self.phi = nn.Conv2d(channels, channels // ratio, 1, bias=False)
        self.g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.o = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps plus the attention's output at each position."""
        n, _, height, width = x.shape
        queries, keys, values = self.theta(x), self.phi(x), self.g(x)
        if self.pool:
            keys, values = F.max_pool2d(keys, 2), F.max_pool2d(values, 2)
        scores = torch.bmm(queries.flatten(2).transpose(1, 2), keys.flatten(2))  # [N, H W, H W / 4]
        beta = scores.softmax(2)  # over the positions j
        seen = torch.bmm(values.flatten(2), beta.transpose(1, 2))  # [N, channels / 2, H W]
        added: Tensor = self.gamma * self.o(seen.view(n, -1, height, width))
        return x + added
