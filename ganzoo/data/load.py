"""Opening the dataset of a recipe, in the device's memory where it fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ganzoo.data.holdout import Parts, remove_copies, split_by_content
from ganzoo.data.opening import open_source
from ganzoo.data.packing import replace_surrogates
from ganzoo.data.shards import WHOLE, Machine, Shards
from ganzoo.data.source import ArraySource, EndlessSource, Source, describe_skipped_items
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, Item, options
from ganzoo.recipe.check import find_changed_meaning
from ganzoo.recipe.holdout import HOLDOUT, choose_holdout, make_endless_error
from ganzoo.recipe.recipe import Choice
from ganzoo.registry.code import hash_factory

SHARD = "shard"  # the option that the core adds to every dataset
SHARE_OF_DEVICE = 0.25  # the data may take this share of a CUDA device's free memory


def load_source(
    dataset: Choice,
    device: torch.device,
    notify: Callable[[str], None],
    check: Callable[[DataInfo], None] | None = None,
) -> Source:
    """Open the samples of a recipe's dataset that are trained on; arguments as in `load_parts`."""
    return load_parts(dataset, device, notify, check).training


def load_parts(
    dataset: Choice,
    device: torch.device,
    notify: Callable[[str], None],
    check: Callable[[DataInfo], None] | None = None,
    progress: Callable[[str, float], None] | None = None,
    machine: Machine = WHOLE,
) -> Parts:
    """Open a recipe's dataset, without its held-out part and that part alone (``dataset.holdout``).

    Data that take little of the free memory of a CUDA device are moved there.

    Args:
        dataset: The dataset, with its options.
        device: The device of the training.
        notify: A function that shows one line to the user.
        check: A function that raises an error if the dataset's info does not suit the caller. It is called before the
            first item is decoded.
        progress: A function that shows how far the packing is, in words and as a share from 0 to 1; None for a line
            every ten seconds.
        machine: Which of the shards this machine has, if the dataset is packed in shards.

    Raises:
        UsageError: ``dataset.holdout`` does not fit the dataset, or leaves nothing to train on or to hold out.
    """
    source, holdout = _open(dataset, device, notify, check, progress, machine), choose_holdout(dataset)
    if not holdout:
        return Parts(source, None)
    if isinstance(holdout, float):
        if isinstance(source, EndlessSource):
            raise make_endless_error(dataset)
        if getattr(dataset.options, "crops", 1) > 1:
            raise UsageError(
                "dataset.holdout: random crops of one image would be on both sides: remove dataset.crops, or hold out "
                "other images with dataset.holdout=FOLDER"
            )
        training, held_out = split_by_content(source, holdout)
        notify(f"held out {len(held_out):,} of the {len(source):,} samples, which are not trained on")
        return Parts(training, held_out)
    other = _open(holdout, device, notify, None, progress, machine)
    if isinstance(other, ArraySource) and not source.info.labelled:  # nothing would read its labels
        info = replace(other.info, num_classes=0, label_shape=(), meta=source.info.meta)
        other = replace(other, info=info, labels=None, condition=None)
    check_held_out(source.info, other.info, getattr(dataset.options, HOLDOUT))
    if line := describe_skipped_items(other):
        notify(f"of the held-out files: {line}")
    if isinstance(source, EndlessSource) or isinstance(other, EndlessSource):
        return Parts(source, other)
    training = remove_copies(source, other)
    copies = (
        f"; copies of them, which are not trained on either: {num:,}" if (num := len(source) - len(training)) else ""
    )
    notify(f"held-out samples: {len(other):,}{copies}")
    return Parts(training, other)


def open_with_items(
    dataset: Choice, notify: Callable[[str], None], progress: Callable[[str, float], None] | None = None
) -> tuple[Source, list[Item]]:
    """Open all samples of a dataset on the CPU, held-out ones too; return them and its items, if it has items.

    Args:
        dataset: The dataset, with its options.
        notify: A function that shows one line to the user.
        progress: A function that shows how far the packing is; None for a line every ten seconds.
    """
    built = dataset.build()
    source = _open_built(dataset, built, notify, None, progress, WHOLE)
    return source, list(built.items()) if getattr(built, "items", None) is not None else []


def check_held_out(training: DataInfo, held_out: DataInfo, holdout: str) -> None:
    """Raise UsageError where held-out samples or their labels are not of the same kind as those that are trained on."""
    for key in ("modality", "shape", "num_classes", "label_shape", "class_names"):
        found, expected = getattr(held_out, key), getattr(training, key)
        if found != expected:
            raise UsageError(
                f"dataset.holdout={holdout} does not fit the dataset: its {key} is {found}, the dataset's is "
                f"{expected}: hold out data of the same kind, or a share such as dataset.holdout=0.05"
            )
    if key := find_changed_meaning(training, held_out):
        raise UsageError(
            f"dataset.holdout={holdout} does not fit the dataset: its {key} are others, so its numbers mean other "
            "things: hold out a share of the dataset itself, such as dataset.holdout=0.05"
        )


def _open(
    dataset: Choice,
    device: torch.device,
    notify: Callable[[str], None],
    check: Callable[[DataInfo], None] | None,
    progress: Callable[[str, float], None] | None,
    machine: Machine,
) -> Source:
    """Open all samples of a dataset; move them to a CUDA device where they take little of the free memory there."""
    source = _open_built(dataset, dataset.build(), notify, check, progress, machine)
    if isinstance(source.condition, nn.Module):
        source = replace(source, condition=source.condition.to(device))
    if isinstance(source, ArraySource) and source.resampling:
        condition = source.resampling.condition
        condition = condition.to(device) if isinstance(condition, nn.Module) else condition
        source = replace(source, resampling=replace(source.resampling, condition=condition))
    if isinstance(source, EndlessSource) or device.type != "cuda" or isinstance(source.data, Shards):
        return source
    assert not isinstance(source.labels, Shards)
    free, _ = torch.cuda.mem_get_info(device)
    size = source.data.nbytes + (0 if source.labels is None else source.labels.nbytes)
    if size >= SHARE_OF_DEVICE * free:
        return source
    labels = None if source.labels is None else source.labels.to(device)
    return replace(source, data=source.data.to(device), labels=labels)


def _open_built(
    dataset: Choice,
    built: object,
    notify: Callable[[str], None],
    check: Callable[[DataInfo], None] | None,
    progress: Callable[[str, float], None] | None,
    machine: Machine,
) -> Source:
    """Open the object that a dataset's factory returned."""
    title = _describe_choice(dataset)
    return open_source(
        built,
        name=dataset.name,
        key=make_key(dataset),
        notify=notify,
        title=title,
        check=check,
        progress=progress,
        shard=getattr(dataset.options, SHARD),
        machine=machine,
    )


def make_key(dataset: Choice) -> str:
    """Return the name of a dataset's packed store: it differs where the options, the plugin or its code differ."""
    component = dataset.component
    origin = (component.qualified, component.plugin.version, hash_factory(component), dataset.spec.version)
    stored = json.dumps([*origin, _list_opening_options(dataset.options)], sort_keys=True)
    return f"{dataset.name}-{hashlib.sha256(stored.encode()).hexdigest()[:16]}"


def _describe_choice(dataset: Choice) -> str:
    """Return a dataset's name and those of its options that are not the defaults, on one line."""
    chosen, usual = (_list_opening_options(each) for each in (dataset.options, type(dataset.options)()))
    changed = [f"{key}={options.to_text(value)}" for key, value in chosen.items() if value != usual[key]]
    return " ".join(replace_surrogates(" ".join([dataset.name, *changed])).split())


def _list_opening_options(chosen: object) -> dict[str, Any]:
    """Return a dataset's own options as JSON. What is held out of it is stored with it; shards have another folder."""
    return {key: value for key, value in options.to_json(chosen).items() if key not in (HOLDOUT, SHARD)}
