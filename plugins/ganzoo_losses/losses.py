"""The losses of single logits: r = D(real) and f = D(fake); E is the mean over all elements; D(x) = sigmoid(logit).

A loss is two scalars to minimise: ``discriminator(real, fake)`` and ``generator(fake, real=None)``, which ignores
`real` unless the loss pairs. Logits have any shape (``[N]``, ``[N, 1]``, ``[N, 1, H, W]``), the same for real and fake;
the engine refuses other logits before.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, rand_like
from torch.nn.functional import relu, softplus

from ganzoo.plugin import DataInfo, NoOptions
from ganzoo_losses import BCEOptions, HingeOptions, LSGANOptions


@dataclass(frozen=True)
class BCE:
    """The non-saturating GAN (Goodfellow et al. 2014, section 3): binary cross-entropy for both.

    D: -E log D(real) - E log(1 - D(fake)) = E softplus(-r) + E softplus(f)
    G: -E log D(fake) = E softplus(-f)

    `measure_smoothed_loss` says what the option `smoothing` changes.
    """

    options: BCEOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 ln 2 if D cannot tell."""
        return measure_smoothed_loss(real, fake, self.options.smoothing)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; ln 2 if D cannot tell."""
        return softplus(-fake).mean()


@dataclass(frozen=True)
class Minimax:
    """The zero-sum GAN (Goodfellow et al. 2014, eq. 1), whose generator gets no gradient when D is sure.

    D: -E log D(real) - E log(1 - D(fake)) = E softplus(-r) + E softplus(f)
    G: E log(1 - D(fake)) = -E softplus(f)

    `measure_smoothed_loss` says what the option `smoothing` changes.
    """

    options: BCEOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 ln 2 if D cannot tell."""
        return measure_smoothed_loss(real, fake, self.options.smoothing)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; -ln 2 if D cannot tell."""
        return -softplus(fake).mean()


def measure_smoothed_loss(real: Tensor, fake: Tensor, smoothing: float | Tensor) -> Tensor:
    """Return D's cross-entropy if its target for real samples is 1 - s (Salimans et al. 2016, section 3.4), a scalar.

    E (1 - s) softplus(-r) + s softplus(r) + softplus(f) = E softplus(-r) + s r + softplus(f). Targets of fakes stay 0.
    """
    return (softplus(-real) + smoothing * real).mean() + softplus(fake).mean()


@dataclass(frozen=True)
class LSGAN:
    """Least squares (Mao et al. 2017, eq. 2), to the targets a, b and c of the options.

    D: E (r - b)^2 / 2 + E (f - a)^2 / 2
    G: E (f - c)^2 / 2
    """

    options: LSGANOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; (b - a)^2 / 4 if D cannot tell."""
        return (real - self.options.b).square().mean() / 2 + (fake - self.options.a).square().mean() / 2

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar; ((a + b) / 2 - c)^2 / 2 if D cannot tell."""
        return (fake - self.options.c).square().mean() / 2


@dataclass(frozen=True)
class Hinge:
    """The hinge loss (Lim & Ye 2017; Miyato et al. 2018, eqs. 16-17), with the margin m = 1 of these papers.

    D: E max(0, m - r) + E max(0, m + f)
    G: -E f, or E max(0, 1 - f) if it is `bounded` (Siuzdak 2023, arXiv:2306.00814, section 3.4)

    With `jitter`, each logit has a margin of its own, drawn between 1 - jitter and 1.
    """

    options: HingeOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar; 2 if D cannot tell and the margin is 1."""
        return relu(self._draw_margin(real) - real).mean() + relu(self._draw_margin(fake) + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar, unbounded unless the option says so."""
        return relu(1 - fake).mean() if self.options.bounded else -fake.mean()

    def _draw_margin(self, logits: Tensor) -> Tensor | float:
        """Return the margin of each logit: 1, or a number below it."""
        return 1 - self.options.jitter * rand_like(logits) if self.options.jitter else 1.0


@dataclass(frozen=True)
class Wasserstein:
    """The dual of the Wasserstein-1 distance (Arjovsky et al. 2017, eq. 2), for a D that is 1-Lipschitz.

    D: E f - E r, minus the distance at the best D
    G: -E f
    """

    options: NoOptions
    data: DataInfo

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss, a scalar, unbounded unless D is Lipschitz; 0 if D cannot tell."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return G's loss, a scalar, unbounded."""
        return -fake.mean()
