"""Checks of datasets: their contents. Of a long list of items, only some are decoded."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ganzoo.data.source import EndlessSource, scale
from ganzoo.plugin import Case, DataInfo, Item
from ganzoo.registry.failures import describe_error
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, Skip, Trial, fatal_failures, require
from ganzoo.testing.sources import NUM_DRAWN, draw_samples, has_items, opened_source, pick_evenly, take_samples

SPAN = 0.2  # of [-1, 1]: images whose numbers are closer together are nearly grey
MANY = 64  # classes: a draw need not have all of more than this many


def measure_case(trial: Trial, case: Case) -> dict[str, float]:
    """Return one number of a case's sample, in the range that networks see, and the sample's label if it has one."""
    index, indices = case.given["index"], tuple(case.given["indices"])
    trial = Trial(trial.entry, {**trial.values, **case.options})
    dataset = build_component(trial)
    if has_items(dataset):
        item = list(dataset.items())[index]
        sample, label = torch.as_tensor(np.array(item.load())), item.label
    else:
        with opened_source(trial, dataset) as source:
            draw = (
                draw_samples(source, case.seed, index + 1)
                if isinstance(source, EndlessSource)
                else take_samples(source)
            )
            data, labels = draw
            sample, label = data[index].clone(), None if labels is None or labels.dim() > 1 else labels[index]
    return {"value": float(scale(sample)[indices])} | ({} if label is None else {"label": float(label)})


def opens_as_its_info_says(trial: Trial) -> None:
    """The dataset matches its info: shape, number of samples, range of labels, and images in [-1, 1]."""
    with ExitStack() as stack:
        with fatal_failures():
            dataset = build_component(trial)
            _require_items(dataset)
            source = stack.enter_context(opened_source(trial, dataset))
        info, wanted = source.info, dataset.info
        if isinstance(source, EndlessSource):
            require(
                wanted.num_items is None,
                f"It is an endless source, but its info says num_items={wanted.num_items}.",
            )
            _check_draws(source, info)
    items = list(dataset.items()) if has_items(dataset) else []
    if items and wanted.num_items is not None:
        words = f"It has {len(items)} items, but its info says num_items={wanted.num_items}."
        require(len(items) == wanted.num_items, words)
    for item in items:
        words = (
            f"Its item {item.name!r} has the label {item.label}, but its info says num_classes={wanted.num_classes}."
        )
        require(item.label is None or 0 <= item.label < wanted.num_classes, words)


def info_matches_spec(trial: Trial) -> None:
    """The spec's info, or its shape of images, is that of the opened dataset: recipes are checked with the spec's."""
    known = trial.spec.info
    if known is None and trial.spec.image_shape is not None:
        shape, found = trial.spec.image_shape(trial.make_options()), build_component(trial).info
        require(found.shape == shape, f"The spec says image_shape={shape} and the dataset {found.shape}.")
        require(found.modality == "image", f"Its spec has an image_shape, but it is {found.modality}.")
        return
    if known is None:
        raise Skip("its spec gives no info")
    given = known if isinstance(known, DataInfo) else known(trial.make_options())
    require(isinstance(given, DataInfo), f"Its spec gives {given!r}, which is not a DataInfo.")
    found = asdict(build_component(trial).info)
    wrong = [
        f"{name}={value!r} and the dataset {found[name]!r}"
        for name, value in asdict(given).items()
        if value != found[name]
    ]
    require(not wrong, f"The spec says {'; '.join(wrong)}.")


def info_round_trip(trial: Trial) -> None:
    """The info survives JSON, with its meta, because it is stored with the model."""
    info: DataInfo = build_component(trial).info
    try:
        back = DataInfo.from_json(json.loads(json.dumps(info.to_json(), allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise Failure(f"It cannot be written as JSON: {error}.") from error
    require(back == info, f"{info} comes back as {back}.")


def class_names_fit(trial: Trial) -> None:
    """The names of classes, ``meta["classes"]``, are one text for each class, and no two are equal."""
    info: DataInfo = build_component(trial).info
    if "classes" not in info.meta:
        raise Skip("its classes have no names")
    names = info.class_names
    words = f"Its info has num_classes={info.num_classes}, and meta['classes'] is {info.meta['classes']!r}."
    require(len(names) == len(set(names)) == info.num_classes > 0, words)


def range_is_used(trial: Trial) -> None:
    """Images use the range from black to white: -1 to 1 as floats, 0 to 255 as bytes."""
    with opened_source(trial) as source:
        if source.info.modality != "image":
            raise Skip(f"it is {source.info.modality}")
        data, _ = take_samples(source)
        ends = torch.stack([*data.aminmax()])
    low, high = ends.tolist()
    least, most = scale(ends).tolist()
    if data.is_floating_point():
        require(low < 0, f"Its floats are from {low:g} to {high:g}: scale images to -1 (black) to 1 (white).")
    words = f"The lowest of all numbers is {low:g} and the highest {high:g}"
    require(most - least > SPAN, f"{words}: the images were scaled twice, or not at all.")


def channels_first(trial: Trial) -> None:
    """Images are ``[C, H, W]``: channels come first."""
    info: DataInfo = build_component(trial).info
    if info.modality != "image":
        raise Skip(f"it is {info.modality}")
    channels, height, width = info.shape
    last = width <= 4 < min(channels, height)
    words = f"Its images are [{channels}, {height}, {width}], {channels} channels and {width} pixels wide"
    require(not last, f"{words}: np.moveaxis(images, -1, 1) moves the channels to the front.")


def every_class_has_samples(trial: Trial) -> None:
    """Every class that the info counts has samples, because G is asked for each of them."""
    dataset = build_component(trial)
    num = dataset.info.num_classes
    if not num:
        raise Skip("it has no classes")
    if has_items(dataset):
        found = {item.label for item in dataset.items()}
    else:
        with opened_source(trial, dataset) as source:
            if source.condition is not None:
                raise Skip("it makes its labels from samples")
            if isinstance(source, EndlessSource) and num > MANY:
                raise Skip(f"a draw cannot show whether each of {num} classes has samples")
            if isinstance(source, EndlessSource):
                draws = [draw_samples(source, seed, 64) for seed in range(num)]
            else:
                draws = [take_samples(source)]
            found = {label for _, labels in draws if labels is not None for label in labels.tolist()}
    missing = [label for label in range(num) if label not in found]
    words = f"Of {num} classes {len(missing)} have no sample, first {missing[:1]}"
    require(not missing, f"{words}: count only classes with samples, or give the reason in the spec's `excused`.")


def samples_differ(trial: Trial) -> None:
    """Samples are finite, and they are not all the same."""
    with opened_source(trial) as source:
        data, _ = take_samples(source)
    require(bool(data.float().isfinite().all()), "Some numbers are not finite.")
    require(len(data) < 2 or bool((data != data[:1]).any()), f"All {len(data)} samples are the same.")


# ----------------------------------------------------------------------------
# Helpers.


def _require_items(dataset: Any) -> None:
    """Check three items of a dataset; raise `Failure` if all three are wrong, because a single file may be broken."""
    if not has_items(dataset) or not isinstance(getattr(dataset, "info", None), DataInfo):
        return
    long = dataset.info.shape[-1] + getattr(dataset, "margin", 0)
    wanted, wrong = f"{dataset.info.dtype} {[*dataset.info.shape[:-1], long]}", []
    for item in pick_evenly(dataset.items(), 3):
        require(isinstance(item, Item), f"Its items are {type(item).__name__}s: make them ganzoo.plugin.Item.")
        try:
            array = np.asarray(item.load())
        except Exception as error:
            wrong.append(f"Its item {item.name!r} cannot be decoded: {describe_error(error)}.")
        else:
            found = f"{array.dtype} {list(array.shape)}"
            wrong += [f"Its item {item.name!r} is decoded to {found}, not {wanted}."] if found != wanted else []
    require(len(wrong) < 3, wrong[0] if wrong else "")


def _check_draws(source: EndlessSource, info: DataInfo) -> None:
    """Check draws of several sizes against the info."""
    for num in (1, 7, NUM_DRAWN):
        data, labels = draw_samples(source, 0, num)
        require(tuple(data.shape) == (num, *info.shape), f"It draws {list(data.shape)} for {num} samples.")
        if labels is not None and not info.label_shape:
            low, high = int(labels.min()), int(labels.max())
            inside = 0 <= low <= high < info.num_classes and tuple(labels.shape) == (num,)
            words = f"labels {list(labels.shape)} from {low} to {high}"
            require(inside, f"It draws {words} for {num} samples with num_classes={info.num_classes}.")
    if info.modality == "image" and data.is_floating_point():
        least, most = (float(value) for value in data.aminmax())
        require(-1 <= least <= most <= 1, f"It draws images from {least:g} to {most:g}.")
