"""The options of the heads. This module is imported by every command, so it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.plugin import Nested, option


@dataclass(frozen=True, kw_only=True)
class HeadOptions:
    """Options of every head."""

    spectral: bool = option(
        False, help="Whether the head has spectral normalisation, as a discriminator with arch.norm_d=spectral."
    )


@dataclass(frozen=True, kw_only=True)
class ACGANOptions(HeadOptions):
    """Options of `acgan`."""

    weight_d: float = option(1.0, low=0, schedulable=True, help="Weight of D's term.")
    weight_g: float = option(1.0, low=0, schedulable=True, help="Weight of G's term; 0.1 in WGAN-GP's training.")
    fakes: bool = option(
        True, help="Whether D's term has generated samples too, as in the paper; many later codes have real ones alone."
    )


@dataclass(frozen=True, kw_only=True)
class TACOptions(HeadOptions):
    """Options of `tac`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the classifier, in both terms.")
    weight_twin_d: float = option(1.0, low=0, schedulable=True, help="Weight of the twin in D's term.")
    weight_twin_g: float = option(1.0, low=0, schedulable=True, help="Weight of the twin in G's term.")


@dataclass(frozen=True, kw_only=True)
class ADCOptions(HeadOptions):
    """Options of `adc`."""

    weight_d: float = option(1.0, low=0, schedulable=True, help="Weight of D's term.")
    weight_g: float = option(1.0, low=0, schedulable=True, help="Weight of G's term, lambda in the paper.")


@dataclass(frozen=True, kw_only=True)
class ContraOptions(HeadOptions):
    """Options of `contra`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of both terms, lambda in the paper.")
    temperature: float = option(1.0, low=1e-3, help="The number that cosines are divided by.")
    dim: int = option(128, low=1, help="Length of the vectors that are compared; 512 for CIFAR-10 in the paper.")


@dataclass(frozen=True, kw_only=True)
class D2DCEOptions(HeadOptions):
    """Options of `d2d-ce`."""

    weight: float = option(0.5, low=0, schedulable=True, help="Weight of both terms, lambda in the paper.")
    temperature: float = option(0.5, low=1e-3, help="The number that cosines are divided by.")
    dim: int = option(128, low=1, help="Length of the vectors that are compared; 512 for CIFAR-10 in the paper.")
    positive: float = option(
        0.98, low=-1, high=1, help="The cosine with its class above which a sample is easy, m_p in the paper."
    )
    negative: float = option(
        0.02,
        low=-1,
        high=1,
        help="The cosine with another class's sample below which a pair is easy, m_n in the paper.",
    )


@dataclass(frozen=True, kw_only=True)
class MultiHingeOptions(HeadOptions):
    """Options of `multi-hinge`."""

    weight_d: float = option(1.0, low=0, schedulable=True, help="Weight of D's term.")
    weight_g: float = option(1.0, low=0, schedulable=True, help="Weight of G's term; 0.05 in the authors' trainings.")
    fakes: bool = option(
        False,
        help="Whether generated samples are one class more, which D's term puts them into, as in the paper's first "
        "version.",
    )


@dataclass(frozen=True, kw_only=True)
class InfoGANOptions(HeadOptions):
    """Options of `infogan`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of a one-hot code, lambda in the paper.")
    weight_continuous: float = option(0.1, low=0, schedulable=True, help="Weight of continuous codes.")
    continuous: int = option(2, low=0, help="Number of continuous codes: the first entries of the latent z.")


@dataclass(frozen=True, kw_only=True)
class SSGANOptions(HeadOptions):
    """Options of `ssgan`."""

    weight_d: float = option(1.0, low=0, schedulable=True, help="Weight of D's term, beta in the paper.")
    weight_g: float = option(0.2, low=0, schedulable=True, help="Weight of G's term, alpha in the paper.")


@dataclass(frozen=True, kw_only=True)
class KDOptions(HeadOptions):
    """Options of `kd`."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of D's term.")
    width: int = option(256, low=1, help="Channels between the layers of the head; 2,048 in the authors' code.")
    extractor: str = option(
        "",
        help="The installed extractor whose features D predicts, as in the paper; empty for the samples' numbers.",
        nested=Nested(kind="extractor"),
    )
