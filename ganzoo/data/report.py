"""A report on a dataset: what its samples and files are, and what to change before they are trained on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ganzoo.data.facts import Copies, Values, count_classes, find_copies, measure_values
from ganzoo.data.originals import Originals, describe_originals
from ganzoo.data.packing import Skipped, describe_skipped, replace_surrogates
from ganzoo.data.source import ArraySource, EndlessSource, Source
from ganzoo.plugin import DataInfo, Item

DRAWN = 10_000  # samples of an endless dataset that are looked at
NUM_NAMED = 3  # examples of copies
NUM_CLASSES = 8  # classes that are named
SAMPLED = 2048  # samples whose values are measured before a training
QUICK = 1 << 28  # bytes of samples of which copies are searched before a training
UNEVEN = 10  # the largest class has so many times the samples of the smallest


@dataclass(frozen=True)
class DataReport:
    """What a dataset is.

    Args:
        info: The description of its samples.
        num: The number of samples.
        drawn: Whether they were drawn from an endless dataset.
        classes: The number of samples of each class, by its name; empty where there are no classes.
        values: The numbers in the samples.
        copies: Samples that are copies of others.
        originals: The files before they are cropped and resized; None where nothing is known of them.
        skipped: The files that cannot be read.
        names: The names of the samples; empty where they have none.
    """

    info: DataInfo
    num: int
    drawn: bool
    classes: Mapping[str, int]
    values: Values
    copies: Copies
    originals: Originals | None
    skipped: tuple[Skipped, ...]
    names: Sequence[str]

    def name_sample(self, number: int) -> str:
        """Return the name of a sample; its number where it has none."""
        return replace_surrogates(" ".join(self.names[number].split())) if self.names else f"sample {number}"

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON; of copies at most 1,000 groups and pairs are named."""
        copies = {
            "equal": self.copies.num_equal,
            "alike": self.copies.num_alike,
            "equal_samples": [list(map(self.name_sample, group)) for group in self.copies.equal[:1000]],
            "alike_samples": [list(map(self.name_sample, pair)) for pair in self.copies.alike[:1000]],
        }
        return {
            "num": self.num,
            "drawn": self.drawn,
            "info": self.info.to_json(),
            "classes": dict(self.classes),
            "files": None if self.originals is None else asdict(self.originals),
            "unreadable": [{"name": replace_surrogates(each.name), "reason": each.reason} for each in self.skipped],
            "copies": copies,
            "values": asdict(self.values),
        }


def make_report(source: Source, items: Sequence[Item] = ()) -> DataReport:
    """Return the report on a dataset.

    Args:
        source: The dataset, which was opened by `open_source`.
        items: Its items, in the order of the packing; empty where it has none.
    """
    drawn = isinstance(source, EndlessSource)
    if isinstance(source, EndlessSource):
        data, labels = source.sample(torch.Generator().manual_seed(0), DRAWN)
        source = ArraySource(replace(source.info, num_items=DRAWN), data, labels)
    left_out = {entry.index for entry in source.skipped}
    counts = count_classes(source)
    return DataReport(
        info=source.info,
        num=len(source),
        drawn=drawn,
        classes=dict(zip(source.info.class_names or map(str, range(len(counts))), counts, strict=False)),
        values=measure_values(source),
        copies=find_copies(source),
        originals=describe_originals(items) if items else None,
        skipped=source.skipped,
        names=[item.name for index, item in enumerate(items) if index not in left_out],
    )


# ----------------------------------------------------------------------------
# In words.


def describe_report(report: DataReport) -> list[tuple[str, str]]:
    """Return the report as titles and lines."""
    info, values = report.info, report.values
    shape = "x".join(map(str, info.shape))
    samples = f"{report.num:,} of {shape}, {info.dtype}" + (", drawn from a dataset without end" * report.drawn)
    lines = [("samples", samples)]
    if report.originals:
        lines += [("files", _describe_files(report.originals)), ("resizing", _describe_resizing(report.originals))]
    if report.skipped:
        lines.append(("unreadable", f"{len(report.skipped):,}: {describe_skipped(report.skipped)}"))
    lines.append(("classes", _describe_classes(report.classes)))
    lines.append(("copies", _describe_copies(report)))
    mean, std = (", ".join(f"{value:.3g}" for value in each[:NUM_CLASSES]) for each in (values.mean, values.std))
    lines.append(
        ("values", f"{values.low:g} to {values.high:g}; as the networks see them, mean {mean}, deviation {std}")
    )
    return lines


def _describe_files(files: Originals) -> str:
    formats, modes = (
        ", ".join(f"{name} {num:,}" for name, num in each.items()) for each in (files.formats, files.modes)
    )
    sides = [f"{_describe_range(spread)} (median {spread[1]:,.0f})" for spread in (files.width, files.height)]
    return f"{files.num:,}: {formats}; {modes}; width {sides[0]}, height {sides[1]}"


def _describe_resizing(files: Originals) -> str:
    low, middle, high = files.ratio
    ratio = (
        f"width / height is {low:.2f} to {high:.2f} (median {middle:.2f}), and {files.kept:.0%} of the pixels are used"
    )
    return ratio + (f"; {files.enlarged:.0%} of the files are smaller and are enlarged" if files.enlarged else "")


def _describe_classes(classes: Mapping[str, int]) -> str:
    if not classes:
        return "none"
    shown = ", ".join(f"{name}: {num:,}" for name, num in list(classes.items())[:NUM_CLASSES])
    more = f" and {len(classes) - NUM_CLASSES} more" if len(classes) > NUM_CLASSES else ""
    return f"{len(classes)} with {_describe_range(classes.values())} samples ({shown}{more})"


def _describe_range(values: Collection[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _describe_copies(report: DataReport) -> str:
    copies, name = report.copies, report.name_sample
    equal = [f"{name(group[0])} = {name(group[1])}" for group in copies.equal[:NUM_NAMED]]
    alike = [f"{name(one)} ~ {name(other)}" for one, other in copies.alike[:NUM_NAMED]]
    words = f"{copies.num_equal:,} equal to another" + (f" ({', '.join(equal)})" if equal else "")
    if report.info.modality != "image":
        return words
    return f"{words}; {copies.num_alike:,} look like another" + (f" ({', '.join(alike)})" if alike else "")


def list_warnings(report: DataReport, options: Mapping[str, Any]) -> list[str]:
    """Return what a person may want to change before a training, and how, a line for each.

    Args:
        report: The report on the dataset.
        options: The options of the dataset, by name.
    """
    files, num = report.originals, report.num
    found = _list_value_warnings(report.values, num, report.info, options)
    if report.copies.num_equal and not report.drawn:  # equal draws are not removed
        found.append(f"copies of other samples: {report.copies.num_equal:,}; they count more often, so remove them")
    if report.classes and max(report.classes.values()) > UNEVEN * min(report.classes.values()):
        least = min(report.classes, key=lambda name: report.classes[name])
        found.append(f"class {least!r} has only {report.classes[least]:,} of {num:,} samples: add more of it")
    if files and files.enlarged > 0.1:
        found.append(
            f"{files.enlarged:.0%} of the files are smaller than the samples: a smaller dataset.size is sharper"
        )
    if files and files.kept < 0.6 and options.get("crop") == "centre":
        found.append(f"{1 - files.kept:.0%} of the pixels are cropped away: dataset.crop=pad keeps all of an image")
    return found


def _list_value_warnings(values: Values, num: int, info: DataInfo, options: Mapping[str, Any]) -> list[str]:
    found = []
    if info.dtype == "uint8" and values.high <= 1:
        found.append(
            f"all numbers are from {values.low:g} to {values.high:g} of 255, which is almost black: scale them"
        )
    elif values.grey == num and info.modality == "image" and info.shape[0] == 3:
        found.append(
            "all images are grey although they have three channels"
            + (": dataset.channels=1 trains faster" if "channels" in options else "")
        )
    if values.constant and info.modality == "image":
        found.append(f"images of one colour: {values.constant:,}; remove them if they are not meant")
    return found


@dataclass(frozen=True)
class Summary:
    """The part of a report that takes no time, which a training begins with.

    Args:
        lines: At most two lines. Strange values are judged by diagnoses.
        facts: The numbers that a run writes to its first row, by ``data/NAME``: ``samples``, ``unreadable`` files,
            samples ``equal`` to another one, the numbers ``low`` to ``high`` in them, the shares of ``grey`` and of
            ``constant`` images, and of classes ``smallest_class``, ``largest_class`` and ``missing_classes``.
    """

    lines: list[str]
    facts: Mapping[str, float]


def summarise_source(source: Source) -> Summary:
    """Return what a training says of its data; nothing for an endless dataset.

    Args:
        source: The dataset, which was opened by `open_source`.
    """
    if isinstance(source, EndlessSource):
        return Summary([], {})
    classes = count_classes(source)
    each = f" in {len(classes)} classes of {_describe_range(classes)}" if classes else ""
    lines = [f"data: {len(source):,} samples{each}"]
    facts: dict[str, float] = {"samples": len(source), "unreadable": len(source.skipped)}
    if isinstance(source.data, torch.Tensor) and source.data.nbytes <= QUICK:
        equal = find_copies(source, alike=False).num_equal
        facts["equal"] = equal
        lines += [f"copies of other samples: {equal:,}; `ganzoo data check` shows which"] if equal else []
    values, looked = measure_values(source, SAMPLED), min(SAMPLED, len(source))
    facts |= {
        "low": values.low,
        "high": values.high,
        "grey": values.grey / looked,
        "constant": values.constant / looked,
    }
    if present := [num for num in classes if num]:
        facts |= {"smallest_class": min(present), "largest_class": max(present)}
        facts["missing_classes"] = len(classes) - len(present)
    named = {f"data/{name}": float(value) for name, value in facts.items()}
    return Summary(lines, named)
