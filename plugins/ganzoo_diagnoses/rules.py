"""The rules. Each is called with the rows of a run, oldest first, and its frozen recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ganzoo.plugin import DataInfo, Verdict
from ganzoo_diagnoses import FewPicturesOptions, HugeLossOptions, WinningDOptions

Row = Mapping[str, Any]
TICKS = 5  # a verdict on D needs so many ticks, and one on a large loss so many in a row
APART = 0.5  # D's mean logits for real and for fake differ by more if D tells them apart


@dataclass(frozen=True)
class WinningD:
    """D wins: its loss is almost 0 although it is not negative, and its logits are far apart.

    A loss of D that may be negative (a difference of means) is not 0 if D wins, so no such loss is reported. The median
    is taken, because single ticks differ.
    """

    options: WinningDOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Mapping[str, Any]) -> Verdict | None:
        """Return a verdict if D was sure for the last part of the run."""
        long = max(self.options.images, self.options.share * recipe["train"]["images"])
        last, seen = rows[-1]["images"], list[Row]()
        for row in reversed(rows):
            if row["images"] < last - long and len(seen) >= TICKS:
                break
            seen += [row] if {"loss_d", "real", "fake"} <= row.keys() else []
        num = last - seen[-1]["images"] if len(seen) >= TICKS else 0
        if num < long * (1 - 1 / TICKS):  # the run, or D, started later
            return None
        loss, real, fake = (median(row[name] for row in seen) for name in ("loss_d", "real", "fake"))
        if not 0 <= loss < self.options.loss or not real - fake > APART:
            return None
        return Verdict(
            code="d-wins",
            words=f"D has won for {num:,} images (its loss is {loss:.2g}), so G learns little from it",
            since=seen[-1]["images"],
            evidence={"loss_d": loss, "real": real, "fake": fake},
            advice=_suggest_weaker_d(recipe),
        )


@dataclass(frozen=True)
class HugeLoss:
    """A loss or a logit was too large at each of the last ticks."""

    options: HugeLossOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Mapping[str, Any]) -> Verdict | None:
        """Return a verdict if the smallest of the last values is still too large."""
        names = {"loss_d": "D's loss", "loss_g": "G's loss", "real": "D(real)", "fake": "D(fake)"}
        ticks = [row for row in rows[-2 * TICKS :] if names.keys() & row.keys()][-TICKS:]
        sizes = {name: [abs(row[name]) for row in ticks if name in row] for name in names}
        least = {name: min(values) for name, values in sizes.items() if len(values) == TICKS}
        name = max(least, key=lambda each: least[each], default="")
        if not name or not least[name] > self.options.warn:
            return None
        value = ticks[-1][name]
        return Verdict(
            code="huge-loss",
            severity="stop" if abs(value) > self.options.stop else "warn",
            words=f"{names[name]} is {value:.2g}, so the training diverges",
            since=ticks[0]["images"],
            evidence={name: value},
            advice=_suggest_lower_rates(recipe),
        )


@dataclass(frozen=True)
class FewPictures:
    """The data set is small."""

    options: FewPicturesOptions
    data: DataInfo

    def __call__(self, rows: Sequence[Row], recipe: Mapping[str, Any]) -> Verdict | None:
        """Return a verdict if there are fewer pictures than the options say."""
        num, least = self.data.num_items, self.options.least
        if self.data.modality != "image" or num is None or num >= least:
            return None
        return Verdict(
            code="few-pictures",
            words=f"there are only {num:,} pictures, and D learns fewer than {least:,} by heart: add more",
            evidence={"num": num},
            advice=("--aug diffaugment",) * (not recipe["aug"]) + ("train.flip=true",) * (not recipe["train"]["flip"]),
        )


# ----------------------------------------------------------------------------


def _suggest_weaker_d(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a penalty on D, or a stronger one, then a lower rate of D, which helps less."""
    regs = {entry["name"].rpartition(":")[2]: entry["options"] for entry in recipe["reg"]}
    gamma = regs.get("r1", {}).get("gamma")
    penalty = () if regs else ("--reg r1",)
    stronger = (f"reg.r1.gamma={gamma * 4:g}",) if isinstance(gamma, float) else ()
    lr = recipe["optim"]["d"]["lr"]
    return (*penalty, *stronger, *((f"optim.d.lr={lr / 4:.2g}",) if isinstance(lr, float) else ()))


def _suggest_lower_rates(recipe: Mapping[str, Any]) -> tuple[str, ...]:
    rates = {network: recipe["optim"][network]["lr"] for network in ("d", "g")}
    return tuple(f"optim.{network}.lr={lr / 4:.2g}" for network, lr in rates.items() if isinstance(lr, float))
