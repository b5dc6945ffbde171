"""Checks that the parts of a recipe fit together; each mismatch is an error that says what to change.

Everything that follows from the specs is checked before torch is imported, the rest after the dataset was opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin import Architecture, Augmentation, DataInfo, Dataset, Metric, Regularizer
from ganzoo.plugin.measuring import get_direction
from ganzoo.plugin.options import list_options
from ganzoo.recipe.check_training import check_training
from ganzoo.recipe.check_words import check_words
from ganzoo.recipe.holdout import choose_holdout
from ganzoo.recipe.keys import COMPONENTS, KEYS, SHORT
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.recipe.settings import TrainOptions


def check_recipe(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if the parts of a recipe do not fit together. The data is checked if its spec describes it."""
    check_training(recipe)
    if recipe.train.best is not None:
        _check_best(recipe.train.best, recipe.metric)
    check_words(recipe)
    data = recipe.dataset.known_data
    if data is not None:
        check_data(recipe, data)
    elif recipe.dataset.known_images is not None:
        check_samples(recipe, recipe.dataset.known_images)


def check_path(dataset: Choice) -> None:
    """Raise NotFound if a path of the user's own data does not exist, before anything is written.

    The path of the held-out part is one of them; an impossible ``dataset.holdout`` is a UsageError.
    """
    option = dataset.spec.path_option if isinstance(dataset.spec, Dataset) and dataset.spec.opens_paths else ""
    path = getattr(dataset.options, option) if option else None
    if path and not os.path.exists(path):
        raise NotFound(f"dataset.{option}: {path!r} does not exist or may not be read: add --dataset PATH")
    choose_holdout(dataset)


def check_metrics(metrics: Sequence[Choice], data: DataInfo, dataset: str, labelled: bool) -> None:
    """Raise UsageError if a metric cannot measure a generator on this data.

    Args:
        metrics: The metrics, with the extractors that they read.
        data: A description of the real samples.
        dataset: The name of the dataset, for messages.
        labelled: Whether the generator takes labels.
    """
    held: dict[str, Choice] = {}
    for choice in metrics:
        spec, extractor = choice.spec, choice.extractor
        assert isinstance(spec, Metric)
        check_modality(choice, data, dataset)
        if (spec.pairs or spec.labels) and not labelled:
            raise UsageError(
                f"metric {choice.name!r} compares samples that are made from labels, and this generator takes none: "
                "train with --conditional, on labelled data, or remove that metric"
            )
        if spec.whole and data.num_items is None:
            way_out = f"measure something similar: {spec.instead}" if spec.instead else "choose another metric"
            raise UsageError(
                f"metric {choice.name!r} compares with a whole dataset, and dataset {dataset!r} has no end: {way_out}"
            )
        if extractor:
            check_modality(extractor, data, dataset)
            other = held.setdefault(extractor.name, extractor)
            if other.component.qualified != extractor.component.qualified:
                raise UsageError(
                    f"two extractors are called {extractor.name!r} ({other.component.qualified}, "
                    f"{extractor.component.qualified}), but extractor.{extractor.name}.* can set only one: keep one"
                )


def check_modality(choice: Choice, data: DataInfo, dataset: str) -> None:
    """Raise UsageError if a component does not take the kind of data of this dataset."""
    kinds, key = getattr(choice.spec, "modalities", ()), KEYS[choice.spec.kind]
    if kinds and data.modality not in kinds:
        way_out = f"add --{key.name} none, then the ones that fit" if key in COMPONENTS else "choose one that fits"
        raise UsageError(
            f"{choice.spec.kind} {choice.name!r} is for {', '.join(kinds)}; dataset {dataset!r} is {data.modality}: "
            f"remove {choice.name!r}, or {way_out}"
        )


def _check_best(best: str, metrics: tuple[Choice, ...]) -> None:
    """Raise UsageError if ``train.best`` is not a value of a chosen metric that says which values are better."""
    if best.startswith("-"):
        raise UsageError(
            f"train.best={best}: the metric says which values are better, so a sign is not allowed: "
            f"write train.best={best.lstrip('-') or 'METRIC/KEY'}"
        )
    name, _, key = best.partition("/")
    if not name or not key:
        raise UsageError(f"train.best={best} is not of the form METRIC/KEY: write METRIC/KEY")
    specs = {choice.name: choice.spec for choice in metrics}
    if name not in specs:
        way_out = f"add --metric {name}" + (f", or name a value of {' or '.join(specs)}" if specs else "")
        raise UsageError(f"train.best={best}: metric {name!r} is not measured: {way_out}")
    spec = specs[name]
    assert isinstance(spec, Metric)
    if get_direction(key, spec.better) not in ("lower", "higher"):
        usable = [f"{name}/{other}" for other, way in spec.better.items() if way != "neither"]
        way_out = f"choose {' or '.join(usable)}, or ask its author to declare" if usable else "its author must declare"
        raise UsageError(
            f"train.best={best}: metric {name!r} does not say whether lower or higher values of {key!r} are better: "
            f"{way_out} Metric(better={{{key!r}: ...}})"
        )


def check_samples(recipe: ResolvedRecipe, data: DataInfo) -> None:
    """Raise UsageError if an architecture or another component does not take samples of this kind and shape."""
    name = recipe.dataset.name
    for arch, spec in _list_architectures(recipe.arch):
        if data.modality not in spec.modalities:
            raise UsageError(
                f"arch {arch!r} generates {', '.join(spec.modalities)}; dataset {name!r} is {data.modality}: "
                "choose another arch or dataset"
            )
    for choice in (*recipe.reg, *recipe.aug):
        check_modality(choice, data, name)
    if recipe.train.flip and data.modality != "image":
        raise UsageError(f"train.flip mirrors images; dataset {name!r} is {data.modality}: remove it")
    if recipe.train.dequantise and (data.modality != "image" or data.dtype != "uint8"):
        raise UsageError(
            f"train.dequantise adds noise to images of bytes, which dataset {name!r} does not have: remove it"
        )
    for arch, spec in _list_architectures(recipe.arch) if data.modality == "image" else ():
        _check_shape(recipe, arch, spec, data)


def _list_architectures(arch: Choice) -> Iterator[tuple[str, Architecture]]:
    """Yield the name and the spec of an architecture, and of those whose networks it uses, which get the same data."""
    if isinstance(arch.spec, Architecture):
        yield arch.name, arch.spec
    for part in arch.parts.values():
        yield from _list_architectures(part)


def _check_shape(recipe: ResolvedRecipe, arch: str, spec: Architecture, data: DataInfo) -> None:
    """Raise UsageError if an architecture does not take images of this shape."""
    name, (channels, height, width) = recipe.dataset.name, data.shape
    if spec.square and height != width:
        raise UsageError(
            f"arch {arch!r} takes square images; dataset {name!r} is {width}x{height}: crop the images to squares, "
            "or choose an arch that takes other shapes"
        )
    for key, side in (("size", height), ("width", width)) if spec.sizes else ():
        if side not in spec.sizes:
            nearest = min(spec.sizes, key=lambda size: abs(size - side))
            way_out = _suggest_option(recipe, key if height != width else "size", nearest)
            raise UsageError(f"arch {arch!r} takes {_join(spec.sizes)}; dataset {name!r} is {side}: {way_out}")
    if spec.channels and channels not in spec.channels:
        way_out = _suggest_option(recipe, "channels", spec.channels[-1])
        raise UsageError(
            f"arch {arch!r} takes {_join(spec.channels)} channels; dataset {name!r} has {channels}: {way_out}"
        )


def check_data(recipe: ResolvedRecipe, data: DataInfo) -> None:
    """Raise UsageError if an architecture or a metric does not fit this data, or if labels are missing."""
    name, conditional = recipe.dataset.name, recipe.train.conditional
    check_samples(recipe, data)
    _check_moved_labels(recipe, data)
    rule = recipe.dataset.spec.label_rule if isinstance(recipe.dataset.spec, Dataset) else ""
    labels = "labels" + (f" ({rule})" if rule else "")
    for arch, spec in _list_architectures(recipe.arch):
        if conditional and spec.conditional == "never":
            raise UsageError(f"arch {arch!r} takes no labels: remove --conditional")
        if spec.conditional == "always" and not data.labelled:
            words = f"arch {arch!r} always takes {labels}; dataset {name!r} has none"
            raise UsageError(f"{words}: choose another arch or dataset")
    if conditional and not data.labelled:
        raise UsageError(f"dataset {name!r} has no {labels}: remove --conditional, or use labelled data")
    for arch, spec in _list_architectures(recipe.arch):
        if spec.conditional == "always" and not conditional:
            unlabelled = recipe.architecture.conditional == "never"
            way_out = f"{recipe.arch.name!r} takes none: choose another" if unlabelled else "add --conditional"
            raise UsageError(f"arch {arch!r} always takes labels: {way_out}")
    _check_classes(recipe, data)
    check_metrics(recipe.metric, data, name, conditional)


def _check_classes(recipe: ResolvedRecipe, data: DataInfo) -> None:
    """Raise UsageError if a regularizer reads classes, and the networks get none."""
    for choice in recipe.reg:
        if not isinstance(choice.spec, Regularizer) or not choice.spec.classes:
            continue
        if not data.num_classes:
            raise UsageError(
                f"regularizer {choice.name!r} reads classes; dataset {recipe.dataset.name!r} has none: remove "
                f"{choice.name!r}, or use data with classes"
            )
        if not recipe.train.conditional:
            raise UsageError(f"regularizer {choice.name!r} reads classes: add --conditional")


def moves_pixels(choice: Choice) -> bool:
    """Return whether an augmentation moves pixels."""
    assert isinstance(choice.spec, Augmentation)
    says = choice.spec.moves_pixels
    return says(choice.options) if callable(says) else says


def _check_moved_labels(recipe: ResolvedRecipe, data: DataInfo) -> None:
    """Raise UsageError if samples would be moved, but not their labels, because the labels are not images.

    A vector of attributes does not change when a sample is moved, and neither does a class.
    """
    if not recipe.train.conditional or len(data.label_shape) < 2 or data.labels_are_images:
        return
    moving = ["train.flip mirrors"] if recipe.train.flip else []
    moving += [f"aug {choice.name!r} moves" for choice in recipe.aug if moves_pixels(choice)]
    if moving:
        raise UsageError(
            f"{moving[0]} samples; the labels of dataset {recipe.dataset.name!r} are arrays "
            f"{list(data.label_shape)} that are not images and cannot be moved with them: remove it"
        )


def find_changed_meaning(data: DataInfo, other: DataInfo) -> str:
    """Return the first key of `meta` that gives the numbers of two tables or texts different meanings, or ''.

    The same holds for sounds whose labels are arrays, such as mel spectrograms. For other kinds of data `meta` is only
    a description, so the result is ''.
    """
    spectra = data.modality == other.modality == "audio" and bool(data.label_shape and other.label_shape)
    if not spectra and not {data.modality, other.modality} <= {"tabular", "text"}:
        return ""
    keys = sorted(data.meta.keys() | other.meta.keys())
    return next((key for key in keys if data.meta.get(key) != other.meta.get(key)), "")


def hide_unused_labels(data: DataInfo, train: TrainOptions) -> DataInfo:
    """Return the data as the architecture sees it: without labels unless the run is conditional."""
    return data if train.conditional else replace(data, num_classes=0, label_shape=())


def _suggest_option(recipe: ResolvedRecipe, option: str, value: int) -> str:
    """Return what to change if the data does not fit: the dataset's option, if it has one, or the flag for it."""
    key = f"dataset.{option}"
    if option not in list_options(type(recipe.dataset.options)):
        return "choose another arch or dataset"
    if key in SHORT and recipe.origins.get(key) != "KEY=VALUE":  # which would override the flag
        return f"type --{SHORT[key]} {value}"
    return f"add {key}={value}"


def _join(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
