"""Rules on the data: what a run wrote about them before its first update (``data/...`` in its first row)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.plugin import DataInfo, NoOptions, Verdict
from ganzoo_diagnoses.discriminator import measure_distance
from ganzoo_diagnoses.options import (
    BalanceOptions,
    DuplicatesOptions,
    FewPicturesOptions,
    LeakOptions,
    UnreadableOptions,
)
from ganzoo_diagnoses.reading import Recipe, Row, find_episode, find_terms, find_warm_up, is_number, take_median

EDGE = 0.01  # distance from the ends of a range that counts as being at the end
INVERTIBLE = ("ada", "apa", "flip", "blur")  # augmentations that leave a part of the images as they are, or fade


@dataclass(frozen=True)
class RangeMismatch:
    """The real samples are not in the range of the generator, which is [-1, 1] for images.

    Numbers outside of it are refused before a training. Numbers of [0, 1], or bytes that are 0 and 1, are not.
    """

    options: NoOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the images lie in a part of the range."""
        facts = _get_facts(rows)
        if self.data.modality != "image" or not {"data/low", "data/high"} <= facts.keys():
            return None
        low, high = facts["data/low"], facts["data/high"]
        if self.data.dtype == "uint8":
            wrong, how = high <= 1, "of 255: multiply them by 255"
        else:
            wrong, how = low >= -EDGE and high <= 1 + EDGE, "although images are from -1 to 1: use 2 * x - 1"
            wrong |= low < -1.05 or high > 1.05
        if not wrong:
            return None
        return Verdict(
            code="range-mismatch",
            severity="stop",
            words=f"all numbers of the images are from {low:g} to {high:g}, {how}",
            evidence={"low": low, "high": high},
        )


@dataclass(frozen=True)
class Duplicates:
    """Many samples are equal to another one, so that they count more often, and held-out samples are not new."""

    options: DuplicatesOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the share of equal samples is large."""
        facts = _get_facts(rows)
        num, equal = facts.get("data/samples", 0), facts.get("data/equal", 0)
        if not num or equal / num <= self.options.share:
            return None
        return Verdict(
            code="data-duplicates",
            words=f"{equal:,.0f} of {num:,.0f} samples are equal to another one: remove the copies, which "
            "`ganzoo data check` names",
            evidence={"equal": equal, "samples": num},
        )


@dataclass(frozen=True)
class Unreadable:
    """Some files of the dataset cannot be read."""

    options: UnreadableOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the share of such files is large enough."""
        facts = _get_facts(rows)
        num, skipped = facts.get("data/samples", 0), facts.get("data/unreadable", 0)
        if not skipped or skipped / (num + skipped) <= self.options.share:
            return None
        return Verdict(
            code="data-unreadable",
            words=f"{skipped:,.0f} files cannot be read: skipped.txt in the run's folder names them",
            evidence={"unreadable": skipped},
        )


@dataclass(frozen=True)
class Grey:
    """All images are grey, although they have three channels."""

    options: NoOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a note if all images that were looked at are grey."""
        if _get_facts(rows).get("data/grey", 0.0) < 1 or self.data.shape[0] != 3:
            return None
        options = recipe["dataset"]["options"]
        return Verdict(
            code="data-grey",
            severity="info",
            words="all images are grey although they have three channels, so that two of them are learned for nothing",
            evidence={"grey": 1.0},
            advice=("dataset.channels=1",) if "channels" in options else (),
        )


@dataclass(frozen=True)
class Constant:
    """Some images have one colour only."""

    options: NoOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a note if there are such images."""
        share = _get_facts(rows).get("data/constant", 0.0)
        if not share or self.data.modality != "image":
            return None
        return Verdict(
            code="data-constant",
            severity="info",
            words=f"{share:.1%} of the images have one colour only: remove them if they are not meant",
            evidence={"constant": share},
        )


@dataclass(frozen=True)
class Imbalance:
    """The classes have very different numbers of samples."""

    options: BalanceOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a note if the largest class has many times the samples of the smallest one."""
        facts = _get_facts(rows)
        least, most = facts.get("data/smallest_class", 0), facts.get("data/largest_class", 0)
        if not least or most <= self.options.ratio * least:
            return None
        return Verdict(
            code="data-imbalance",
            severity="info",
            words=f"the smallest class has {least:,.0f} samples and the largest {most:,.0f}: add more of the small one",
            evidence={"smallest": least, "largest": most},
        )


@dataclass(frozen=True)
class FewPictures:
    """The data set is small."""

    options: FewPicturesOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a note if there are fewer pictures than the options say."""
        num, least = self.data.num_items, self.options.least
        if self.data.modality != "image" or num is None or num >= least:
            return None
        return Verdict(
            code="few-pictures",
            severity="info",
            words=f"there are only {num:,} pictures, and D learns fewer than {least:,} by heart: add more",
            evidence={"num": num},
            advice=("--aug diffaugment",) * (not recipe["aug"]) + ("train.flip=true",) * (not recipe["train"]["flip"]),
        )


@dataclass(frozen=True)
class AugLeak:
    """The fakes look like augmented samples: D never sees a sample as it is, so G need not make one.

    Karras et al. 2020 (ADA, arXiv:2006.06676), section 2.2: an augmentation leaks if its probability is near 1 and what
    it does cannot be undone.
    """

    options: LeakOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if an augmentation is always on, D is content, and the fakes differ from the reals."""
        always = [name for name, options in find_terms(recipe, "aug").items() if self._is_always_on(name, options)]
        if not always:
            return None
        options, start = self.options, find_warm_up(recipe)
        found = find_episode(
            rows, ("auc", "mean_shift", "std_ratio"),
            lambda row: row["auc"] < options.auc and measure_distance(row) > options.distance,
            ends=lambda row: row["auc"] > options.auc + 0.05 or measure_distance(row) < 0.7 * options.distance,
            start=start,
        )  # fmt: skip
        if not found:
            return None
        distance, todo = measure_distance(found[-1]), tuple[str, ...]()
        for name in always:
            if "p" in find_terms(recipe, "aug")[name]:
                todo = (*todo, f"aug.{name}.p=0.5")
        return Verdict(
            code="aug-leak",
            words=f"D never sees a sample without {', '.join(always)}, and the fakes differ from the reals by "
            f"{distance:.2f} deviations in mean or contrast: they look augmented",
            since=found[0]["images"],
            evidence={"distance": distance, "auc": take_median(found, "auc")},
            advice=(*todo, "--aug ada"),
        )

    def _is_always_on(self, name: str, options: Mapping[str, Any]) -> bool:
        p = options.get("p", 1.0)
        return name not in INVERTIBLE and is_number(p) and p > self.options.p


def _get_facts(rows: Sequence[Row]) -> Row:
    """Return what a run wrote about its data, in its first rows; empty if it wrote nothing."""
    return next((row for row in rows[:3] if "data/samples" in row), {})
