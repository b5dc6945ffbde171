"""Relativistic losses: D compares real with fake. Logits are r and f; E is the mean over all elements.

Losses on pairs compare each real logit with the fake one beside it (`RpGAN`, `RpHinge`). Relativistic average losses
compare it with the mean of the batch (`RaGAN`, `RaLSGAN`, `RaHinge`), and `DualContrast` with each logit of the batch,
so they couple the samples of a batch. In all but the last G's loss is D's with real and fake exchanged. A shift of all
logits changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganzoo.plugin import DataInfo, NoOptions

# ----------------------------------------------------------------------------
# On pairs.


@dataclass(frozen=True)
class RpGAN:
    """The relativistic GAN on pairs (Jolicoeur-Martineau 2018, RSGAN; Huang et al. 2025, section 2).

    D: E softplus(-(r - f)), the cross-entropy of saying which one of a pair is real
    G: E softplus(-(f - r)), the same with real and fake exchanged
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; ln 2 if D cannot tell."""
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; ln 2 if D cannot tell."""
        return self.discriminator(fake, require_real("rpgan", real))


@dataclass(frozen=True)
class RpHinge:
    """The hinge loss on pairs (Jolicoeur-Martineau 2019, arXiv:1901.02474, section 3, with the concave f of hinge).

    D: E max(0, 1 - (r - f))
    G: E max(0, 1 - (f - r))
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 1 if D cannot tell."""
        return relu(1 - (real - fake)).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; 1 if D cannot tell."""
        return self.discriminator(fake, require_real("rphinge", real))


# ----------------------------------------------------------------------------
# With averages. ``above(x, y)`` is how far each x lies above the average y.


@dataclass(frozen=True)
class RaGAN:
    """The relativistic average GAN (Jolicoeur-Martineau 2018, section 4.2, RaSGAN).

    D: E softplus(-(r - E f)) + E softplus(f - E r)
    G: E softplus(-(f - E r)) + E softplus(r - E f)
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 ln 2 if all logits are equal."""
        return softplus(-above(real, fake)).mean() + softplus(above(fake, real)).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; 2 ln 2 if all logits are equal."""
        return self.discriminator(fake, require_real("ragan", real))


@dataclass(frozen=True)
class RaLSGAN:
    """Relativistic average least squares (Jolicoeur-Martineau 2018, appendix, RaLSGAN).

    D: E (r - E f - 1)^2 + E (f - E r + 1)^2
    G: E (f - E r - 1)^2 + E (r - E f + 1)^2
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 if all logits are equal."""
        return (above(real, fake) - 1).square().mean() + (above(fake, real) + 1).square().mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; 2 if all logits are equal."""
        return self.discriminator(fake, require_real("ralsgan", real))


@dataclass(frozen=True)
class RaHinge:
    """The relativistic average hinge loss (Jolicoeur-Martineau 2018, appendix, RaHingeGAN).

    D: E max(0, 1 - (r - E f)) + E max(0, 1 + (f - E r))
    G: E max(0, 1 - (f - E r)) + E max(0, 1 + (r - E f))
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 if all logits are equal."""
        return relu(1 - above(real, fake)).mean() + relu(1 + above(fake, real)).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; 2 if all logits are equal."""
        return self.discriminator(fake, require_real("rahinge", real))


# ----------------------------------------------------------------------------
# With all samples of the other kind. log(e^r / (e^r + sum_j e^f_j)) = -softplus(log sum_j e^f_j - r).


@dataclass(frozen=True)
class DualContrast:
    """The dual contrastive loss (Yu et al. 2021, arXiv:2103.16748, section 3), as a zero-sum game.

    D: -E log(e^r / (e^r + sum_j e^f_j)) - E log(e^-f / (e^-f + sum_i e^-r_i))
    G: minus D's loss

    D finds each real sample among all fakes of the batch, and each fake among all real ones. A single pair gives twice
    rpgan's loss of D.
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 ln(1 + N) if all logits are equal, N being their number in the batch."""
        fakes, reals = fake.flatten().logsumexp(0), (-real).flatten().logsumexp(0)
        return softplus(fakes - real).mean() + softplus(fake + reals).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; it is negative."""
        return -self.discriminator(require_real("dual-contrast", real), fake)


def above(ones: Tensor, others: Tensor) -> Tensor:
    """Return how far each logit lies above the mean of the others, in the shape of `ones`."""
    return ones - others.mean()


def require_real(name: str, real: Tensor | None) -> Tensor:
    """Return the logits of real samples.

    Raises:
        ValueError: There are none. The generator's loss compares them with the fake ones.
    """
    if real is None:
        raise ValueError(f"{name} compares fakes with real samples: give the logits of real samples too")
    return real
