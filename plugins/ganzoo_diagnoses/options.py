"""The thresholds of the rules. All defaults have a reason in a paper or in the scale of what is measured."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class DTooStrongOptions:
    """Options of `d-too-strong`."""

    auc: float = option(0.995, help="Share of pairs of a real sample and a fake that D puts in order.", low=0, high=1)
    loss: float = option(0.02, help="D's loss in multiples of its value if D cannot tell.", low=0)
    growth: float = option(2.0, help="Growth of D's gap in a tick, for losses without such a value.", low=1)


@dataclass(frozen=True, kw_only=True)
class DTooWeakOptions:
    """Options of `d-too-weak`."""

    auc: float = option(0.55, help="Share of pairs that D puts in order, below which it cannot tell.", low=0, high=1)
    beaten: float = option(0.2, help="The same share, below which G leads D, whatever its samples are.", low=0, high=1)
    distance: float = option(0.3, help="Distance of the fakes' means and deviations from those of the reals.", low=0)


@dataclass(frozen=True, kw_only=True)
class DOverfitOptions:
    """Options of `d-overfit`."""

    gap: float = option(0.25, help="AUC of training samples minus AUC of held-out samples.", low=0, high=1)
    ratio: float = option(0.6, help="r_v of ADA: 1 if D takes held-out samples for fakes, 0 if it does not.", low=0)
    sign: float = option(0.9, help="r_t of ADA: mean sign of D's logits of real samples, if the loss has a zero.")
    items: int = option(1_000, help="Samples below which r_t counts, if none are held out.", low=0)


@dataclass(frozen=True, kw_only=True)
class OverregularisedOptions:
    """Options of `overregularised`."""

    spread: float = option(0.01, help="Standard deviation of D's logits, below which D is flat.", low=0)
    auc: float = option(0.6, help="AUC above which D can tell, however small its logits are.", low=0, high=1)
    tells: float = option(0.9, help="AUC above which D tells.", low=0, high=1)
    muted: float = option(0.85, help="Loss of a D that tells, in multiples of that of one that cannot.", low=0)
    penalty: float = option(1.0, help="Penalty in multiples of the loss of a D that cannot tell.", low=0)


@dataclass(frozen=True, kw_only=True)
class OscillationOptions:
    """Options of `oscillation`."""

    efficiency: float = option(0.05, help="Length of the net path of D's weights over that of their path.", low=0)
    flips: float = option(0.25, help="Share of ticks at which D's gap changes its sign.", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class LipschitzOptions:
    """Options of `lipschitz-violation`."""

    growth: float = option(10.0, help="Growth of D's logits or weights since the start.", low=1)
    low: float = option(0.5, help="Least norm of D's gradient that keeps the target 1.", low=0)
    high: float = option(2.0, help="Largest norm of D's gradient that keeps the target 1.", low=0)


@dataclass(frozen=True, kw_only=True)
class NumericOptions:
    """Options of `numeric-blowup`."""

    warn: float = option(1e4, help="Size of a loss or a logit that is reported.", low=0)
    stop: float = option(1e8, help="Size of a loss or a logit from which no run recovers.", low=0)
    gradient: float = option(1e3, help="Norm of a gradient in multiples of its median before.", low=1)


@dataclass(frozen=True, kw_only=True)
class GDeadOptions:
    """Options of `g-dead`."""

    gradient: float = option(1e-7, help="Norm of G's gradient, below which G does not learn.", low=0)
    std: float = option(1e-3, help="Standard deviation of fakes over that of reals, below which they are flat.", low=0)
    share: float = option(0.05, help="Steps of G over those of D, below which most of G's weights rest.", low=0)


@dataclass(frozen=True, kw_only=True)
class ZIgnoredOptions:
    """Options of `z-ignored`."""

    change: float = option(1e-3, help="Change of a sample between two latents, over the deviation of reals.", low=0)
    distance: float = option(0.05, help="Distance of fakes over that of reals, if it was never larger.", low=0)


@dataclass(frozen=True, kw_only=True)
class LabelsOptions:
    """Options of `labels-ignored`."""

    change: float = option(0.05, help="Change of a sample between two labels, over that between two latents.", low=0)
    chance: float = option(2.0, help="Accuracy of `cas` in multiples of chance.", low=1)


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options of `eval-mismatch`."""

    gap: float = option(0.5, help="Difference of G's samples in both modes, over the deviation of reals.", low=0)


@dataclass(frozen=True, kw_only=True)
class StaleOptions:
    """Options of `ema-stale`."""

    share: float = option(0.3, help="Half-life of the average as a share of the images seen.", low=0)
    gap: float = option(0.5, help="Difference of samples of G and of its average, over the deviation of reals.", low=0)


@dataclass(frozen=True, kw_only=True)
class CheckerboardOptions:
    """Options of `checkerboard`."""

    energy: float = option(3.0, help="Energy of fakes in the highest band over that of reals.", low=1)
    updates: int = option(5_000, help="Updates after which it is a warning, and a note before.", low=0)


@dataclass(frozen=True, kw_only=True)
class CollapseOptions:
    """Options of `mode-collapse`."""

    distance: float = option(0.5, help="Mean distance of two fakes over that of two reals.", low=0)
    lost: float = option(0.05, help="The same ratio, from which no run recovers.", low=0)
    duplicates: float = option(
        0.5,
        help="Share of 64 fakes that are nearly equal to another; half of them are if about 90 differ.",
        low=0,
        high=1,
    )
    recall: float = option(0.2, help="Recall of `prdc`, if the precision is above 0.5.", low=0, high=1)
    modes: float = option(0.5, help="Share of captured modes of a mixture.", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class DropOptions:
    """Options of `mode-drop`."""

    share: float = option(0.1, help="Share of a class in multiples of its real share.", low=0, high=1)
    distance: float = option(0.5, help="Distance of fakes, below which it is a collapse instead.", low=0)
    modes: float = option(0.5, help="Share of captured modes, below which it is a collapse instead.", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class MemorisingOptions:
    """Options of `memorising`."""

    authentic: float = option(0.5, help="Authentic samples of `copying` in multiples of those of real ones.", low=0)
    ct: float = option(-3.0, help="C_T of `copying`, in standard deviations.", high=0)


@dataclass(frozen=True, kw_only=True)
class LeakOptions:
    """Options of `aug-leak`."""

    p: float = option(0.9, help="Probability of an augmentation, above which nothing is shown as it is.", low=0, high=1)
    auc: float = option(0.9, help="AUC below which D takes fakes for augmented reals.", low=0, high=1)
    distance: float = option(0.2, help="Distance of the fakes' means and deviations from those of the reals.", low=0)


@dataclass(frozen=True, kw_only=True)
class DuplicatesOptions:
    """Options of `data-duplicates`."""

    share: float = option(0.05, help="Share of samples that are equal to another one.", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class BalanceOptions:
    """Options of `data-imbalance`."""

    ratio: float = option(10.0, help="Samples of the largest class over those of the smallest one.", low=1)


@dataclass(frozen=True, kw_only=True)
class UnreadableOptions:
    """Options of `data-unreadable`."""

    share: float = option(0.0, help="Share of unreadable files above which they are reported.", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class FewPicturesOptions:
    """Options of `few-pictures`."""

    least: int = option(1_000, help="Number of pictures that suffice.", low=1)


@dataclass(frozen=True, kw_only=True)
class RegressionOptions:
    """Options of `score-regression`."""

    factor: float = option(1.5, help="A score in multiples of the best one so far.", low=1)
    evaluations: int = option(2, help="Number of measurements in a row.", low=1)
