"""InfoGAN: latents that D can read off the samples (Chen et al. 2016, arXiv:1606.03657, sections 4-6)."""

from __future__ import annotations

import re

from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step, UsageError
from ganzoo_heads.heads import make_linear, read_fake
from ganzoo_heads.options import InfoGANOptions


class InfoGAN(nn.Module):
    """Q predicts the codes c of generated samples from D's embedding: a bound of the mutual information I(c; G(z, c)).

    The codes are the one-hot part of the latent (`normal+onehotK`), if there is one, and its first `continuous`
    entries. Q(c|x) is softmax for the former, N(mean, 1) for the latter, whose -log without its constant is half a
    square.

    D and G: weight E -log Q(one-hot|G(z)) + weight_continuous E sum (z_j - mean_j(G(z)))^2 / 2
    """

    predict: nn.Linear

    def __init__(self, options: InfoGANOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data, self.num_codes = options, data, 0

    def prepare(self, networks: Networks) -> None:
        """Build Q.

        Raises:
            UsageError: The latent has no code to predict, or fewer entries than continuous codes.
        """
        found = re.search(r"onehot(\d+)", networks.latent)
        self.num_codes = int(found[1]) if found else 0
        entries, continuous = networks.latent_dim - self.num_codes, self.options.continuous
        if not continuous and not self.num_codes:
            raise UsageError("infogan: the latent has no codes: set reg.infogan.continuous=2")
        if continuous > entries:
            raise UsageError(f"reg.infogan.continuous={continuous}, but the latent has {entries}: use {entries}")
        embedding = measure_embedding(networks.discriminator, self.data)
        self.predict = make_linear(embedding, self.num_codes + continuous, self.options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        return self.compute_surprise(step)

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        return self.compute_surprise(step)

    def compute_surprise(self, step: Step) -> Tensor:
        """Return the term of either network."""
        options = self.options
        logits, means = self.predict(read_fake(step)).split([self.num_codes, options.continuous], 1)
        term: Tensor = options.weight_continuous * (step.z[:, : options.continuous] - means).square().sum(1).mean() / 2
        if self.num_codes:
            codes = step.z[:, -self.num_codes :]  # [N, K], one-hot
            term = term - options.weight * (F.log_softmax(logits, 1) * codes).sum(1).mean()
        return term
