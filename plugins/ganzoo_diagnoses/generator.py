"""Rules on G: dead, deaf to its latent or its labels, or another network in evaluation than in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import advice
from ganzoo_diagnoses.options import (
    CheckerboardOptions,
    EvalOptions,
    GDeadOptions,
    LabelsOptions,
    StaleOptions,
    ZIgnoredOptions,
)
from ganzoo_diagnoses.reading import TICKS, Recipe, Row, find_episode, find_warm_up, is_number, take_median

STEADY = 0.8  # a value of so much of what it was does not become better
SEEN = 0.2  # distance of fakes over that of reals, above which G once used its latent


@dataclass(frozen=True)
class GDead:
    """G does not learn: its gradient is nothing, or all of its samples are of one value.

    From the first tick on, because rectifiers that are off have no gradient that could turn them on again.
    """

    options: GDeadOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if G had no gradient, or flat samples, in the last ticks."""
        start = recipe["train"].get("adversarial_start", 0)
        still = find_episode(rows, ("gradient_g",), lambda row: row["gradient_g"] < self.options.gradient, start=start)
        if still:
            size = still[-1]["gradient_g"]
            words, found, evidence = f"G's gradient is {size:.1g}, so G does not learn", still, {"gradient_g": size}
        else:
            flat = find_episode(rows, ("std_ratio",), lambda row: row["std_ratio"] < self.options.std, start=start)
            if off := self._find_resting(rows, recipe):
                return off
            if not flat or self.data.modality != "image":  # points of one value are a collapse, or a z that is ignored
                return None
            std = flat[-1]["std_ratio"]
            words, found = f"G's samples are flat: their deviation is {std:.1g} of that of real ones", flat
            evidence = {"std_ratio": std}
        return self._report(words, found, evidence, recipe)

    def _find_resting(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if z changes nothing and G's weights hardly move while D's do: its units are off."""
        keys, share = ("z_sensitivity", "step_g", "step_d"), self.options.share
        found = find_episode(
            rows, keys, lambda row: row["z_sensitivity"] == 0 and row["step_g"] < share * row["step_d"], ticks=1
        )
        if not found:
            return None
        moved = found[-1]["step_g"] / found[-1]["step_d"]
        words = f"no latent changes G's samples, and its weights move {moved:.1g} times as far as those of D"
        return self._report(words, found, {"step_g": found[-1]["step_g"], "z_sensitivity": 0.0}, recipe)

    def _report(self, words: str, found: Sequence[Row], evidence: dict[str, float], recipe: Recipe) -> Verdict:
        todo = (*advice.change_rate(recipe, "g", 0.5), "train.seed=1")
        return Verdict(
            code="g-dead", severity="stop", words=words, since=found[0]["images"], evidence=evidence, advice=todo
        )


@dataclass(frozen=True)
class ZIgnored:
    """G makes the same sample of every latent: its input is not connected to its output."""

    options: ZIgnoredOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the latent changed nothing in the last probes."""
        key, change = "z_sensitivity", self.options.change
        deaf = find_episode(rows, (key,), lambda row: row[key] < change)
        deaf = deaf or find_episode(rows, (key,), lambda row: row[key] == 0, ticks=1)  # exactly: no matter of chance
        if deaf:
            change = take_median(deaf, "z_sensitivity")
            return self._report(f"two latents give the same sample, but for {change:.1g} of its contrast", deaf, change)
        if any(row.get("pairwise", 0.0) > SEEN for row in rows):
            return None  # G used its latent before: it collapsed
        alike = find_episode(
            rows, ("pairwise",), lambda row: row["pairwise"] < self.options.distance, start=find_warm_up(recipe)
        )
        if not alike:
            return None
        words = (
            f"two samples differ by {take_median(alike, 'pairwise'):.1%} of what two real ones do, from the start on"
        )
        return self._report(words, alike, alike[-1].get("z_sensitivity", 0.0))

    def _report(self, words: str, found: Sequence[Row], change: float) -> Verdict:
        return Verdict(
            code="z-ignored",
            severity="stop",
            words=f"{words}: check that the generator reads z",
            since=found[0]["images"],
            evidence={"z_sensitivity": change},
        )


@dataclass(frozen=True)
class LabelsIgnored:
    """G makes the same sample for every label: the labels say nothing about the samples, or do not reach G or D.

    Ravuri & Vinyals 2019 (arXiv:1905.10887): a classifier that learns from generated samples finds the classes of real
    ones only if labels and samples belong together.
    """

    options: LabelsOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if labels changed little in the last probes, or a classifier learned nothing from them."""
        if not recipe["train"]["conditional"]:
            return None
        start, key, least = find_warm_up(recipe), "label_sensitivity", self.options.change
        found = find_episode(
            rows, (key,), lambda row: row[key] < least, ends=lambda row: row[key] > 2 * least, start=start
        )
        if found:
            evidence = {key: take_median(found, key)}
            words = f"another label changes a sample by {evidence[key]:.1%} of what another latent changes"
        else:
            chance = self.options.chance / max(2, self.data.num_classes)
            found = find_episode(
                rows, ("cas/accuracy",), lambda row: row["cas/accuracy"] < chance, start=start, ticks=2
            )
            if not found or not self.data.num_classes:
                return None
            evidence = {"cas/accuracy": found[-1]["cas/accuracy"]}
            accuracy, num = evidence["cas/accuracy"], self.data.num_classes
            words = f"a classifier that learns from the samples knows {accuracy:.0%} of real ones of {num} classes"
        options = recipe["arch"]["options"]
        todo = ("arch.projection=true",) if options.get("projection") is False and not recipe["reg"] else ()
        return Verdict(
            code="labels-ignored",
            words=f"{words}: check that each label belongs to its sample",
            since=found[0]["images"],
            evidence=evidence,
            advice=todo,
        )


@dataclass(frozen=True)
class EvalMismatch:
    """G makes other samples in evaluation than in training: its running statistics are not those of its batches.

    Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithm 2; Brock et al. 2019 (arXiv:1809.11096), appendix C.1, on
    standing statistics.
    """

    options: EvalOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the modes differed in the last probes."""
        key, most = "mode_gap", self.options.gap
        found = find_episode(
            rows, (key,), lambda row: row[key] > most, ends=lambda row: row[key] < 0.7 * most,
            start=find_warm_up(recipe),
        )  # fmt: skip
        if not found:
            return None
        gap = take_median(found, key)
        return Verdict(
            code="eval-mismatch",
            words=f"G's samples change by {gap:.2f} of their contrast in evaluation mode: the statistics of its "
            "normalisation are not those of its batches",
            since=found[0]["images"],
            evidence={key: gap},
            advice=advice.double(recipe, "batch"),
        )


@dataclass(frozen=True)
class EmaStale:
    """The average of G is behind G: its half-life is a large part of the run, so that it has weights of long ago.

    Karras et al. 2020 (ADA, arXiv:2006.06676), appendix C: the half-life is at most 5 % of the images seen.
    """

    options: StaleOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the half-life was long and the samples differed in the last probes."""
        train, key = recipe["train"], "average_gap"
        half_life, ramp = train["ema_half_life"], train["ema_ramp"]
        if not half_life:
            return None

        def get_share(row: Row) -> float:
            return float(min(half_life, ramp * row["images"] if is_number(ramp) else half_life) / max(row["images"], 1))

        found = find_episode(
            rows, (key,), lambda row: row[key] > self.options.gap and get_share(row) > self.options.share,
            ends=lambda row: row[key] < 0.7 * self.options.gap or get_share(row) < self.options.share,
            start=find_warm_up(recipe),
        )  # fmt: skip
        if not found:
            return None
        share, gap = get_share(found[-1]), take_median(found, key)
        todo = ("train.ema_ramp=0.05",) if ramp is None or ramp > 0.05 else (f"train.ema_half_life={half_life / 10:g}",)
        return Verdict(
            code="ema-stale",
            words=f"the average of G is old: its half-life is {share:.0%} of the run so far, and its samples differ "
            f"from G's by {gap:.2f} of their contrast",
            since=found[0]["images"],
            evidence={key: gap, "share": share},
            advice=todo,
        )


@dataclass(frozen=True)
class Checkerboard:
    """Fakes have a pattern of single pixels, as of transposed convolutions whose stride does not divide the kernel.

    Odena, Dumoulin & Olah 2016, Deconvolution and Checkerboard Artifacts, doi:10.23915/distill.00003. Most generators
    begin with a wild pattern and lose it in their first thousands of updates. So one that becomes weaker is not
    reported, and one that has not lasted long is a note.
    """

    options: CheckerboardOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Recipe) -> Verdict | None:
        """Return a verdict if the fakes had the pattern in the last probes."""
        key, most = "high_band", self.options.energy
        found = find_episode(
            rows, (key,), lambda row: row[key] > most, ends=lambda row: row[key] < 0.7 * most,
            start=find_warm_up(recipe),
        )  # fmt: skip
        if not found or self.data.modality != "image" or found[-1][key] < STEADY * found[-TICKS][key]:
            return None
        energy = take_median(found, key)
        lasted = (found[-1]["images"] - found[0]["images"]) / recipe["train"]["batch"]
        return Verdict(
            code="checkerboard",
            severity="warn" if lasted >= self.options.updates else "info",
            words=f"the fakes have {energy:.1f} times the energy of real ones in patterns of single pixels: use "
            "kernels that the stride divides, or resize before a convolution",
            since=found[0]["images"],
            evidence={key: energy},
            advice=(*advice.change_rate(recipe, "g", 0.5),),
        )
