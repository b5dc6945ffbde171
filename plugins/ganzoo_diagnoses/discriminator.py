"""Rules on D: too strong, too weak, flat, or sure of its training samples alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import advice
from ganzoo_diagnoses.options import DOverfitOptions, DTooStrongOptions, DTooWeakOptions, OverregularisedOptions
from ganzoo_diagnoses.reading import (
    LIMITS,
    TICKS,
    Recipe,
    Row,
    find_episode,
    find_equilibrium,
    find_terms,
    find_warm_up,
    get_bare_name,
    take_median,
)

Finding = tuple[list[Row], str, dict[str, float]]  # the rows of an episode, its words and its evidence
WITH_ZERO = ("bce", "minimax", "hinge")  # losses whose D calls real what is above 0
LEAST_AUC = 0.75  # r_v is a ratio of gaps, which mean nothing if D cannot tell its own samples apart


@dataclass(frozen=True)
class DTooStrong:
    """D puts nearly all pairs in order and its loss is almost nothing, so that G's gradients say little.

    Arjovsky & Bottou 2017 (arXiv:1701.04862), theorem 2.4: under a perfect D the gradient of the generator vanishes.
    A loss without a value for a D that cannot tell (a difference of means) is small for no D; there the gap between the
    logits must grow from tick to tick.
    """

    options: DTooStrongOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D won in the last ticks."""
        known, start = find_equilibrium(recipe), find_warm_up(recipe)
        keys = ("auc", "loss_d", "real", "fake")
        if known == 0:
            return self._judge_gap(rows, recipe, start)
        most = self.options.loss * known if known else float("inf")
        least = self.options.auc if known else 1 - (1 - self.options.auc) / 5  # AUC alone must say more
        found = find_episode(
            rows, keys, lambda row: row["auc"] > least, ends=lambda row: row["auc"] < least - 0.02, start=start
        )
        if not found or take_median(found, "loss_d") > most:  # the median, because single updates can be far off
            return None
        auc, loss = take_median(found, "auc"), take_median(found, "loss_d")
        share = f" and its loss is {100 * loss / known:.2g}% of that of a D that cannot tell" if known else ""
        return self._report(
            f"D orders {auc:.1%} of the pairs{share}, so G learns little from it", found, recipe, auc=auc, loss_d=loss
        )

    def _judge_gap(self, rows: Sequence[Row], recipe: Recipe, start: float) -> Verdict | None:
        ticks = [row for row in rows[-8 * TICKS :] if {"auc", "real", "fake"} <= row.keys() and row["images"] >= start]
        gaps = [row["real"] - row["fake"] for row in ticks][-TICKS - 1 :]
        grown = len(gaps) > TICKS and all(0 < self.options.growth * a < b for a, b in pairwise(gaps))
        if not grown or any(row["auc"] < self.options.auc for row in ticks[-TICKS:]):
            return None
        words = f"D's gap between real and fake grew from {gaps[0]:.3g} to {gaps[-1]:.3g} in {TICKS} ticks"
        return self._report(words, ticks[-TICKS - 1 :], recipe, gap=gaps[-1], auc=ticks[-1]["auc"])

    def _report(self, words: str, found: Sequence[Row], recipe: Recipe, **evidence: float) -> Verdict:
        todo = (*advice.limit_d(recipe), *advice.change_rate(recipe, "d", 0.5), *advice.augment(recipe, self.data))
        return Verdict(code="d-too-strong", words=words, since=found[0]["images"], evidence=evidence, advice=todo)


@dataclass(frozen=True)
class DTooWeak:
    """D cannot tell fakes that are evidently different, or it is behind G, which it takes for more real than the reals.

    AUC does not depend on the scale of the logits. At 0.5 either all is well or D is blind; the means and deviations of
    the samples tell these apart.
    """

    options: DTooWeakOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D was blind in the last ticks."""
        start = find_warm_up(recipe)
        options = self.options
        beaten = find_episode(
            rows, ("auc",), lambda row: row["auc"] < options.beaten,
            ends=lambda row: row["auc"] > options.beaten + 0.1, start=start,
        )  # fmt: skip
        blind = find_episode(
            rows, ("auc", "std_ratio"),
            lambda row: row["auc"] < options.auc and measure_distance(row) > options.distance,
            ends=lambda row: row["auc"] > options.auc + 0.05 or measure_distance(row) < options.distance / 2,
            start=start,
        )  # fmt: skip
        found = beaten or (blind if not is_improving(blind) else [])
        if not found:
            return None
        auc, evidence = take_median(found, "auc"), {"auc": take_median(found, "auc")}
        words = f"D orders only {auc:.0%} of the pairs, so G follows a D that is behind it"
        if not beaten:
            evidence |= {"distance": measure_distance(found[-1])}
            words = (
                f"D orders only {auc:.0%} of the pairs, although the fakes differ from the reals in mean or contrast"
            )
        if "step_d" in found[-1] and "step_g" in found[-1]:
            evidence |= {key: found[-1][key] for key in ("step_d", "step_g")}
        todo = (
            *advice.change_rate(recipe, "d", 4),
            *advice.double(recipe, "d_steps"),
            *advice.scale_penalties(recipe, 0.25),
        )
        if recipe["train"]["update"] != "alternating":  # the other orders make one step of each
            todo = tuple(each for each in todo if "d_steps" not in each)
        return Verdict(code="d-too-weak", words=words, since=found[0]["images"], evidence=evidence, advice=todo)


@dataclass(frozen=True)
class Overregularised:
    """D is flat: its logits hardly differ, because a penalty on its slope outweighs the loss.

    A D that orders nearly all pairs, and has nearly the loss of one that cannot tell, may not say what it knows. A
    constant D has no penalty, so a penalty above the loss of a D that cannot tell is more than D can gain.

    The losses have a scale of their own (a margin of 1, or log-odds), so that logits with a deviation of a hundredth
    say nothing. A difference of means has none.
    """

    options: OverregularisedOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D was flat in the last ticks, and has a penalty that is a number of each update."""
        penalties = find_terms(recipe, "reg").items()
        names = [name for name, options in penalties if name in LIMITS and {"gamma", "weight"} & options.keys()]
        known = find_equilibrium(recipe)
        if not names or not known:
            return None
        for found, words, evidence in (
            self._find_flat(rows, recipe),
            self._find_costly(rows, recipe, names, known),
            self._find_muted(rows, recipe, known),
        ):
            if found:
                return Verdict(
                    code="overregularised",
                    words=f"{words}: {', '.join(names)} outweighs the loss",
                    since=found[0]["images"],
                    evidence=evidence,
                    advice=(*advice.scale_penalties(recipe, 0.1), *advice.change_rate(recipe, "d", 2)),
                )
        return None

    def _find_flat(self, rows: Sequence[Row], recipe: Recipe) -> Finding:
        most, keys = self.options.spread, ("real_std", "fake_std", "real", "fake", "auc")
        found = find_episode(
            rows, keys,
            lambda row: max(row["real_std"], row["fake_std"], abs(row["real"] - row["fake"])) < most
            and row["auc"] < self.options.auc,
            ends=lambda row: max(row["real_std"], row["fake_std"]) > 2 * most,
            start=find_warm_up(recipe),
        )  # fmt: skip
        spread = take_median(found, "real_std") if found else 0.0
        return found, f"D's logits differ by {spread:.1g} alone", {"real_std": spread}

    def _find_costly(self, rows: Sequence[Row], recipe: Recipe, names: Sequence[str], known: float) -> Finding:
        terms, most = [f"reg.{name}/d" for name in names], self.options.penalty * known
        found = find_episode(
            rows, terms, lambda row: sum(row[term] for term in terms) > most,
            ends=lambda row: sum(row[term] for term in terms) < most / 2, start=find_warm_up(recipe),
        )  # fmt: skip
        size = sum(take_median(found, term) for term in terms) if found else 0.0
        words = f"the penalty costs D {size:.2g}, and not to tell at all would cost {known:.2g}"
        return found, words, {"penalty": size, "loss": known}

    def _find_muted(self, rows: Sequence[Row], recipe: Recipe, known: float) -> Finding:
        least, share = self.options.tells, self.options.muted
        found = find_episode(
            rows, ("auc", "loss_d"), lambda row: row["auc"] > least and row["loss_d"] > share * known,
            ends=lambda row: row["auc"] < least - 0.05 or row["loss_d"] < (share - 0.1) * known,
            start=find_warm_up(recipe),
        )  # fmt: skip
        auc, loss = (take_median(found, key) if found else 0.0 for key in ("auc", "loss_d"))
        words = f"D orders {auc:.0%} of the pairs, but its loss is {loss / known:.0%} of that of a D that cannot tell"
        return found, words, {"auc": auc, "loss_d": loss}


@dataclass(frozen=True)
class DOverfit:
    """D knows its training samples by heart: it takes held-out real samples for fakes.

    Karras et al. 2020 (ADA, arXiv:2006.06676), section 3: r_v = (E D_train - E D_val) / (E D_train - E D_fake) and
    r_t = E sign D_train. AUC says the same without a scale.
    """

    options: DOverfitOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if D knew its samples by heart in the last probes, or in the last ticks by r_t."""
        start, options = find_warm_up(recipe), self.options
        found = find_episode(
            rows, ("auc_train", "auc_val", "train_logit", "val_logit", "fake_logit"),
            lambda row: row["auc_train"] - row["auc_val"] > options.gap
            or (compute_r_v(row) > options.ratio and row["auc_train"] > LEAST_AUC),
            ends=lambda row: row["auc_train"] - row["auc_val"] < options.gap * 0.6
            and compute_r_v(row) < options.ratio * 0.8,
            start=start,
        )  # fmt: skip
        todo = (
            *advice.augment(recipe, self.data),
            *advice.limit_d(recipe),
            *(("--reg lecam",) if not recipe["reg"] else ()),
        )
        if found:
            train, held = take_median(found, "auc_train"), take_median(found, "auc_val")
            r_v = compute_r_v(found[-1])
            return Verdict(
                code="d-overfit",
                words=f"D orders {train:.0%} of the pairs with training samples, and {held:.0%} with held-out ones: it "
                "knows its samples by heart",
                since=found[0]["images"],
                evidence={"auc_train": train, "auc_val": held, "r_v": r_v},
                advice=todo,
            )
        few = self.data.num_items is not None and self.data.num_items < options.items
        if not few or get_bare_name(recipe["loss"]) not in WITH_ZERO or _is_held_out(rows):
            return None
        found = find_episode(
            rows, ("sign_real",), lambda row: row["sign_real"] > options.sign,
            ends=lambda row: row["sign_real"] < options.sign - 0.1, start=start,
        )  # fmt: skip
        if not found:
            return None
        sign = take_median(found, "sign_real")
        return Verdict(
            code="d-overfit",
            words=f"D calls nearly all of its {self.data.num_items:,} training samples real (r_t is {sign:.2f})",
            since=found[0]["images"],
            evidence={"sign_real": sign},
            advice=(*todo, "dataset.holdout=0.05"),
        )


def _is_held_out(rows: Sequence[Row]) -> bool:
    """Return whether held-out samples were looked at: then r_t is not needed."""
    return any("auc_val" in row for row in rows[-8 * TICKS :])


def compute_r_v(row: Row) -> float:
    """Return ADA's r_v; 0 if D does not tell its training samples from fakes."""
    gap = row["train_logit"] - row["fake_logit"]
    return float((row["train_logit"] - row["val_logit"]) / gap) if gap > 0 else 0.0


def measure_distance(row: Row) -> float:
    """Return how far the fakes' means or deviations are from those of the reals, in deviations or as a logarithm."""
    shift, std = row.get("mean_shift", 0.0), row.get("std_ratio", 1.0)
    return float(max(shift, abs(log(max(std, 1e-6)))))


def is_improving(found: Sequence[Row]) -> bool:
    """Return whether the distance of the fakes became smaller by a quarter within an episode."""
    return len(found) > 1 and measure_distance(found[-1]) < 0.75 * measure_distance(found[0])
