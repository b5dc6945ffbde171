"""`ganzoo data check` from Python: what a dataset is, and what a training on it would look like."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Dataset
from ganzoo.plugin.options import list_options, to_json, to_text
from ganzoo.recipe.check import check_path
from ganzoo.recipe.dataset import choose_dataset
from ganzoo.recipe.keys import SHORT, map_flags_to_keys
from ganzoo.recipe.named import Facts, choose_default_recipe
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.recipe.resolve import parse_dataset_flag, resolve
from ganzoo.registry import registry
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.progress import make_progress

if TYPE_CHECKING:
    from ganzoo.data.report import DataReport
    from ganzoo.data.source import Source

SIZES = {"cpu": 64, "cuda": 256}  # the largest size that is suggested, by device
SMALLEST = 32
SIZE = "dataset.size"


@dataclass(frozen=True)
class Suggestion:
    """A training that suits a dataset.

    Args:
        command: The line to type in a shell.
        reason: Why it suits the data and the machine, in one line or several.
        words: What it trains and for how long.
        recipe: The recipe, with all settings.
    """

    command: str
    reason: str
    words: str
    recipe: ResolvedRecipe


@dataclass(frozen=True)
class CheckedData:
    """What a dataset is, and what a training on it would look like.

    Args:
        dataset: The dataset, with its options.
        report: What its samples and files are.
        lines: The same in words, as titles and lines.
        warnings: What to change before a training, in lines.
        suggestion: A training that suits it; None if no installed recipe says that it does.
        files: Pictures or other files that show samples, by suffix.
    """

    dataset: Choice
    report: DataReport
    lines: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    suggestion: Suggestion | None
    files: Mapping[str, bytes]

    def describe(self) -> list[tuple[str, str]]:
        """Return what was found as titles and lines."""
        said = self.suggestion
        more = [] if said is None else [said.words, *said.reason.splitlines()]
        training = [] if said is None else [("training", said.command), *(("", line) for line in more)]
        return [*self.lines, *training]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the files as JSON."""
        said = self.suggestion
        found = None if said is None else {"command": said.command, "reason": said.reason, "training": said.words}
        return {
            "dataset": self.dataset.to_json(),
            **self.report.to_json(),
            "warnings": list(self.warnings),
            "suggestion": None if said is None or found is None else found | {"recipe": said.recipe.to_json()},
        }


def check_data(
    dataset: str | os.PathLike[str] | None = None,
    *,
    size: int | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    progress: bool = True,
) -> CheckedData:
    """Look at a dataset before it is trained on. It is packed as for a training.

    Args:
        dataset: The name of a dataset, or the path of a folder of images; by default ganzoo's digits.
        size: The width and height of images, in pixels (``dataset.size``).
        options: Options of the dataset by key, such as ``{"dataset.channels": 1}``.
        device: The device that a training would use.
        progress: Whether stderr, or a notebook, shows how far the packing is.

    Raises:
        GanzooError: The dataset cannot be opened.
    """
    flags = map_flags_to_keys({"dataset": dataset, "size": size})
    if dataset is not None:
        flags |= parse_dataset_flag(registry(), os.fspath(dataset))
    chosen = choose_dataset(registry(), {**flags, **(options or {})})
    check_path(chosen)
    with make_progress(transient=True) if progress else nullcontext() as shown:
        with heavy_imports():
            from ganzoo.compute.device import choose_device
            from ganzoo.data.load import open_with_items
            from ganzoo.data.report import describe_report, list_warnings, make_report
            from ganzoo.engine.events import Events
        events = Events()
        events.subscribe("progress", shown)
        source, items = open_with_items(chosen, events.note, events.report_preparation)
        report = make_report(source, items)
    known = list_options(type(chosen.options))
    found = suggest_training(chosen, report, choose_device(device).type)
    warnings = list_warnings(report, {name: getattr(chosen.options, name) for name in known})
    shown_samples = _show_samples(source, chosen)
    return CheckedData(chosen, report, tuple(describe_report(report)), tuple(warnings), found, shown_samples)


def gather_facts(device: str, dataset: Choice) -> Facts:
    """Return the facts that a recipe's settings may depend on: the info of the dataset, the device, and a look at both.

    Args:
        device: The device, as ``--device`` takes it.
        dataset: The dataset, with its options.
    """
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.data.look import look_at
    chosen = choose_device(device)
    return Facts(dataset.known_data or dataset.build().info, chosen.type, lambda: look_at(dataset, chosen))


def suggest_training(dataset: Choice, report: DataReport, device: str) -> Suggestion | None:
    """Return a training that suits a dataset, with all that must be typed.

    It is that of the default recipe, or else of the first recipe that says that it suits the data.

    Args:
        dataset: The dataset, with its options.
        report: The report on the dataset.
        device: The type of the device: ``cpu``, ``cuda`` ...
    """
    info = replace(report.info, num_items=None if report.drawn else report.num)
    return _suggest_default(dataset, info, device) or _suggest_other(dataset, report, info, device)


def _suggest_default(dataset: Choice, info: DataInfo, device: str) -> Suggestion | None:
    """Return the training of the default recipe, as `ganzoo train --dataset` chooses it; None if there is none."""
    settings = _list_settings(dataset)
    with suppress(GanzooError):  # a recipe that has no networks for these data
        if name := choose_default_recipe(registry(), None, settings):
            facts = gather_facts(device, dataset)
            recipe = resolve(registry(), recipe=name, pairs=settings, facts=lambda _: replace(facts, data=info))
            if size := getattr(recipe.dataset.options, "size", 0) if info.modality == "image" else 0:
                info = replace(info, shape=(info.shape[0], size, getattr(recipe.dataset.options, "width", 0) or size))
            words = _describe_training(recipe, info)
            return Suggestion(_format_command("", dataset, settings), "\n".join(recipe.reasons), words, recipe)
    return None


def _suggest_other(dataset: Choice, report: DataReport, info: DataInfo, device: str) -> Suggestion | None:
    """Return the training of the first recipe that says that it suits the data; None if there is none."""
    settings = _list_settings(dataset)
    if size := _choose_size(dataset, report, device):
        settings |= {SIZE: size}
        info = replace(info, shape=(info.shape[0], size, size))
    for entry in registry().components("recipe"):
        reason = entry.explain_suitability(info, device)
        with suppress(GanzooError):  # a recipe that does not fit after all
            if reason:
                recipe = resolve(
                    registry(), recipe=entry.qualified, pairs=settings, facts=lambda _: Facts(info, device)
                )
                command = _format_command(entry.spec.name, dataset, settings)
                return Suggestion(command, reason, _describe_training(recipe, info), recipe)
    return None


def _list_settings(dataset: Choice) -> dict[str, Any]:
    """Return the settings that choose a dataset, without options that have their defaults."""
    values, usual = (to_json(each) for each in (dataset.options, type(dataset.options)()))
    changed = {f"dataset.{key}": value for key, value in values.items() if value != usual[key]}
    return {"dataset": dataset.component.qualified, **changed}


def _choose_size(dataset: Choice, report: DataReport, device: str) -> int:
    """Return the size to which images should be resized: a power of two that the files have; 0 for the present size."""
    files, sizes = report.originals, list_options(type(dataset.options))
    if files is None or "size" not in sizes or report.info.modality != "image":
        return 0
    height, width = report.info.shape[1:]
    if height != width or dataset.options.size != sizes["size"].default:
        return 0
    largest = min(int(files.shorter), SIZES.get(device, SMALLEST))
    size = 1 << max(SMALLEST, largest).bit_length() - 1
    return size if size != height else 0


def _format_command(recipe: str, dataset: Choice, settings: Mapping[str, Any]) -> str:
    """Return what to type for a training; an empty name means the default recipe."""
    spec, left = dataset.spec, dict(settings)
    assert isinstance(spec, Dataset)
    name, path = left.pop("dataset"), left.pop(f"dataset.{spec.path_option}", "") if spec.opens_paths else ""
    words = ["ganzoo", "train", *(["--recipe", recipe] if recipe else []), "--dataset", path or name.rpartition(":")[2]]
    flags = [word for key in left if key in SHORT for word in (f"--{SHORT[key]}", to_text(left[key]))]
    pairs = [f"{key}={to_text(value)}" for key, value in left.items() if key not in SHORT]
    return shlex.join([*words, *flags, *pairs])


def _describe_training(recipe: ResolvedRecipe, info: DataInfo) -> str:
    """Return what a recipe trains, and for how long."""
    with heavy_imports():
        from ganzoo.engine.setup import draft
    networks, train = draft(recipe, info), recipe.train
    g, d = (sum(p.numel() for p in each.parameters()) for each in (networks.generator, networks.discriminator))
    terms = ", ".join(choice.name for choice in (recipe.loss, *recipe.reg, *recipe.aug))
    classes = f" in {info.num_classes} classes" if train.conditional else ""
    shape = "x".join(map(str, info.shape))
    rounds = train.images / info.num_items if info.num_items and not train.time else 0
    each = f", each sample about {rounds:,.{0 if rounds >= 10 else 1}f} times" if rounds else ""
    return (
        f"{recipe.arch.name} with {terms} on {shape}{classes}, generator {g:,} and discriminator {d:,} parameters; "
        f"{train.time or f'{train.images:,} images'} in batches of {train.batch}{each}"
    )


def _show_samples(source: Source, dataset: Choice) -> Mapping[str, bytes]:
    """Return files that show samples of a dataset, by suffix; none if nobody knows how to show them."""
    with heavy_imports():
        import torch

        from ganzoo.evaluate.reals import RealSamples
        from ganzoo.samples.show import count_shown, select_kept_files, show
    spec = dataset.spec
    assert isinstance(spec, Dataset)
    num = min(count_shown(source.info, spec), source.info.num_items or count_shown(source.info, spec))
    batches = list(RealSamples(source, num, 0, torch.device("cpu")).iterate_batches())
    labels = [label for _, label in batches if label is not None]
    files = show(
        torch.cat([samples for samples, _ in batches]), source.info, spec, torch.cat(labels) if labels else None
    )
    return select_kept_files(files)
