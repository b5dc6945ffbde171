"""Rules on variety: all fakes alike, some kinds missing, or copies of the training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import advice
from ganzoo_diagnoses.options import CollapseOptions, DropOptions, MemorisingOptions
from ganzoo_diagnoses.reading import Recipe, Row, find_episode, find_terms, find_warm_up, take_median

GROWN = 1.25  # growth of a value since the beginning of an episode, above which it becomes better
MEASUREMENTS = 2  # of a metric, in a row


@dataclass(frozen=True)
class ModeCollapse:
    """The fakes are alike: they are nearer to each other than real samples are, or nearly equal, or of few modes.

    Goodfellow 2016 (arXiv:1701.00160), section 5.1.1; the distance of pairs after Karras et al. and others; duplicates
    after the birthday test of Arora & Zhang 2017 (arXiv:1706.08224).
    """

    options: CollapseOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the fakes were alike in the last probes or measurements."""
        start, options, severity = find_warm_up(recipe), self.options, "warn"
        near = find_episode(
            rows, ("pairwise",), lambda row: row["pairwise"] < options.distance,
            ends=lambda row: row["pairwise"] > 1.2 * options.distance, start=start,
        )  # fmt: skip
        twins = find_episode(
            rows, ("duplicates",), lambda row: row["duplicates"] > options.duplicates,
            ends=lambda row: row["duplicates"] < 0.6 * options.duplicates, start=start,
        )  # fmt: skip
        near = (
            near if near and take_median(near, "pairwise") < GROWN * near[0]["pairwise"] else []
        )  # it is not on its way
        twins = twins if twins and take_median(twins, "duplicates") * GROWN > twins[0]["duplicates"] else []
        num = len(self.data.meta.get("modes", ()))
        few = find_episode(
            rows,
            ("modes/modes",),
            lambda row: row["modes/modes"] < options.modes * num,
            start=start,
            ticks=MEASUREMENTS,
        )
        narrow = find_episode(
            rows, ("prdc/recall", "prdc/precision"),
            lambda row: row["prdc/recall"] < options.recall and row["prdc/precision"] > 0.5,
            start=start, ticks=MEASUREMENTS,
        )  # fmt: skip
        if near:
            value, found = {"pairwise": take_median(near, "pairwise")}, near
            words = f"two fakes differ by {value['pairwise']:.0%} of what two real samples do"
            severity = "stop" if value["pairwise"] < options.lost else "warn"
        elif twins:
            value, found = {"duplicates": take_median(twins, "duplicates")}, twins
            words = f"{value['duplicates']:.0%} of the fakes are nearly equal to another fake"
        elif few:
            value, found = {"modes": few[-1]["modes/modes"]}, few
            words = f"the fakes have {value['modes']:.0f} of {num} modes"
        elif narrow:
            value, found = {"recall": narrow[-1]["prdc/recall"]}, narrow
            words = f"the fakes are realistic, but reach only {value['recall']:.0%} of the real samples"
        else:
            return None
        return Verdict(
            code="mode-collapse",
            severity="stop" if severity == "stop" else "warn",
            words=words,
            since=found[0]["images"],
            evidence=value,
            advice=list_varied(recipe),
        )


@dataclass(frozen=True)
class ModeDrop:
    """Some kinds of real samples are missing among the fakes, which are varied otherwise.

    Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761) count modes; Bau et al. 2019 (arXiv:1910.11626) look at what is
    missing.
    """

    options: DropOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if a class or a mode was missing in the last measurements."""
        start, options, num = find_warm_up(recipe), self.options, len(self.data.meta.get("modes", ()))
        pairwise = next((row["pairwise"] for row in reversed(rows) if "pairwise" in row), 1.0)
        if pairwise < options.distance:
            return None
        classes = find_episode(
            rows, ("class-shares/least",), lambda row: row["class-shares/least"] < options.share, start=start,
            ticks=MEASUREMENTS,
        )  # fmt: skip
        modes = find_episode(
            rows, ("modes/modes", "modes/share"),
            lambda row: options.modes * num <= row["modes/modes"] < num and row["modes/share"] > 0.5,
            start=start, ticks=MEASUREMENTS,
        )  # fmt: skip
        absent = next((row["data/missing_classes"] for row in rows[:3] if row.get("data/missing_classes")), 0)
        if classes:
            value, found = {"least": classes[-1]["class-shares/least"]}, classes
            words = f"the rarest class among the fakes has {value['least']:.0%} of its real share"
        elif modes:
            value, found = {"modes": modes[-1]["modes/modes"]}, modes
            words = f"{num - value['modes']:.0f} of {num} modes are missing among the fakes"
        elif absent:
            value, found = {"missing_classes": absent}, [rows[0]]
            words = f"the training samples have none of {absent:.0f} classes"
        else:
            return None
        return Verdict(
            code="mode-drop", words=words, since=found[0]["images"], evidence=value, advice=list_varied(recipe)
        )


@dataclass(frozen=True)
class Memorising:
    """The fakes are copies of training samples.

    Alaa et al. 2022 (arXiv:2102.08921), section 3.3: authentic samples. Meehan et al. 2020 (arXiv:2004.05675): C_T.
    """

    options: MemorisingOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the last measurements found copies."""
        found = find_episode(
            rows, ("copying/ratio", "copying/ct"),
            lambda row: row["copying/ratio"] < self.options.authentic or row["copying/ct"] < self.options.ct,
            start=find_warm_up(recipe), ticks=MEASUREMENTS,
        )  # fmt: skip
        if not found:
            return None
        ratio, ct = found[-1]["copying/ratio"], found[-1]["copying/ct"]
        keep = ("train.best=copying/ratio",) if "copying" in find_terms(recipe, "metric") else ()
        return Verdict(
            code="memorising",
            words=f"the fakes are copies: {ratio:.0%} as many are authentic as of real samples (C_T is {ct:.1f})",
            since=found[0]["images"],
            evidence={"ratio": ratio, "ct": ct},
            advice=(*advice.augment(recipe, self.data), *keep),
        )


def list_varied(recipe: Recipe) -> tuple[str, ...]:
    """Return what helps against a lack of variety: a loss on pairs, a penalty, more samples at a time."""
    return (
        *advice.choose_pairs(recipe),
        *advice.limit_d(recipe),
        *advice.double(recipe, "batch"),
        *advice.pack(recipe),
    )
