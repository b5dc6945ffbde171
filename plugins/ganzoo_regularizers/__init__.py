"""Gradient penalties on the discriminator: r1, r2 and wgan-gp, each exact or by finite differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Regularizer, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class ZeroCentredOptions:
    """Options of `r1` and `r2`."""

    gamma: float = option(
        1.0,
        low=0,
        schedulable=True,
        help="Twice the weight of the penalty: 10 in Mescheder et al. 2018, 0.05 at 32 pixels in R3GAN.",
    )
    mode: Literal["exact", "fd"] = option(
        "exact", help="exact: by double backward; fd: by finite differences in random directions."
    )
    sigma: float = option(0.01, low=1e-6, help="Standard deviation of the noise of fd; the data is in [-1, 1].")


@dataclass(frozen=True, kw_only=True)
class WGANGPOptions:
    """Options of `wgan-gp`."""

    weight: float = option(10.0, low=0, schedulable=True, help="Weight, lambda in the paper.")
    target: float = option(1.0, low=0, help="The norm that D's gradient shall have; 0 for the zero-centred penalty.")
    mode: Literal["exact", "fd"] = option(
        "exact", help="exact: by double backward; fd: by finite differences along the gradient."
    )
    sigma: float = option(0.01, low=1e-6, help="Length of the step of fd; the data is in [-1, 1].")


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the penalties."""
    yield Regularizer(
        name="r1",
        summary="Penalty on D's gradient at real samples, with which GANs converge near the equilibrium.",
        factory="ganzoo_regularizers.penalties:R1",
        cases="ganzoo_regularizers.cases:r1",
        similar_to=dict.fromkeys(("gradient-penalty", "zero-centered", "0-gp"), "--reg r1"),
        options=ZeroCentredOptions,
        input_gradients=_needs_input_gradients,
        provides=_provides,
        paper="Lars Mescheder, Andreas Geiger & Sebastian Nowozin 2018, Which Training Methods for GANs do actually "
        "Converge?, arXiv:1801.04406, eq. 9",
    )
    yield Regularizer(
        name="r2",
        summary="Penalty on D's gradient at generated samples, as r1 at real ones.",
        factory="ganzoo_regularizers.penalties:R2",
        cases="ganzoo_regularizers.cases:r2",
        options=ZeroCentredOptions,
        input_gradients=_needs_input_gradients,
        provides=_provides,
        paper="Lars Mescheder, Andreas Geiger & Sebastian Nowozin 2018, Which Training Methods for GANs do actually "
        "Converge?, arXiv:1801.04406, eq. 10",
    )
    yield Regularizer(
        name="wgan-gp",
        aliases=("gp",),
        summary="Penalty that pulls the norm of D's gradient to 1 between real and generated samples.",
        factory="ganzoo_regularizers.penalties:WGANGP",
        cases="ganzoo_regularizers.cases:wgan_gp",
        similar_to=dict.fromkeys(("gradient-penalty", "dragan", "wgan-lp"), "--reg wgan-gp"),
        options=WGANGPOptions,
        input_gradients=_needs_input_gradients,
        provides=_provides,
        refuses=("batchnorm-in-d",),
        paper="Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin & Aaron Courville 2017, Improved "
        "Training of Wasserstein GANs, arXiv:1704.00028, eq. 3",
    )


def _needs_input_gradients(options: ZeroCentredOptions | WGANGPOptions) -> bool:
    return options.mode == "exact"


def _provides(options: ZeroCentredOptions | WGANGPOptions) -> tuple[str, ...]:
    strength = options.weight if isinstance(options, WGANGPOptions) else options.gamma
    return ("bounded-slope",) if strength else ()
