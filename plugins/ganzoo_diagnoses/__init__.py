"""Diagnoses: rules that find what goes wrong in a run. Each says it in one line, with settings to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Diagnosis, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class WinningDOptions:
    """Options of `winning-discriminator`."""

    loss: float = option(0.04, help="Loss of D, below which it is sure of its answers.", low=0)
    images: int = option(20_000, help="Images after which it counts as long.", low=1)
    share: float = option(0.1, help="Share of the run after which it counts as long, if that is more.", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class HugeLossOptions:
    """Options of `huge-loss`."""

    warn: float = option(1e4, help="Size of a loss or a logit that is reported.", low=0)
    stop: float = option(1e8, help="Size of a loss or a logit from which no run recovers.", low=0)


@dataclass(frozen=True, kw_only=True)
class FewPicturesOptions:
    """Options of `few-pictures`."""

    least: int = option(1_000, help="Number of pictures that suffice.", low=1)


@hookimpl
def ganzoo_diagnoses() -> Iterator[Diagnosis]:
    """Offer the diagnoses."""
    yield Diagnosis(
        name="winning-discriminator",
        summary="D is sure of its answers for long, so that G learns little from them.",
        factory="ganzoo_diagnoses.rules:WinningD",
        cases="ganzoo_diagnoses.cases:winning_discriminator",
        options=WinningDOptions,
        paper="Martin Arjovsky & Léon Bottou 2017, Towards Principled Methods for Training Generative Adversarial "
        "Networks, arXiv:1701.04862",
    )
    yield Diagnosis(
        name="huge-loss",
        summary="A loss or a logit is finite, but so large that the training diverges.",
        factory="ganzoo_diagnoses.rules:HugeLoss",
        cases="ganzoo_diagnoses.cases:huge_loss",
        options=HugeLossOptions,
    )
    yield Diagnosis(
        name="few-pictures",
        summary="There are so few pictures that D learns them by heart.",
        factory="ganzoo_diagnoses.rules:FewPictures",
        options=FewPicturesOptions,
        paper="Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training "
        "Generative Adversarial Networks with Limited Data, arXiv:2006.06676",
    )
