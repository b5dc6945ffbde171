"""Opening the dataset of a recipe, in the device's memory where it fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from ganzoo.data.packing import replace_surrogates
from ganzoo.data.source import ArraySource, Source, open_source
from ganzoo.plugin import DataInfo, options
from ganzoo.recipe.recipe import Choice

SHARE_OF_DEVICE = 0.25  # the data may take this share of a CUDA device's free memory


def load_source(
    dataset: Choice,
    device: torch.device,
    notify: Callable[[str], None],
    check: Callable[[DataInfo], None] | None = None,
) -> Source:
    """Open a recipe's dataset; move it to a CUDA device where it takes little of the free memory there.

    Args:
        dataset: The dataset, with its options.
        device: The device of the training.
        notify: A function that shows one line to the user.
        check: A function that raises an error if the dataset's info does not suit the caller. It is called before the
            first item is decoded.
    """
    title = _describe_choice(dataset)
    source = open_source(
        dataset.build(), name=dataset.name, key=make_key(dataset), notify=notify, title=title, check=check
    )
    if isinstance(source.condition, nn.Module):
        source = replace(source, condition=source.condition.to(device))
    if isinstance(source, ArraySource) and device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        size = source.data.nbytes + (0 if source.labels is None else source.labels.nbytes)
        if size < SHARE_OF_DEVICE * free:
            labels = None if source.labels is None else source.labels.to(device)
            return replace(source, data=source.data.to(device), labels=labels)
    return source


def make_key(dataset: Choice) -> str:
    """Return the name of a dataset's packed store: it differs where the options, the plugin or its code differ."""
    component = dataset.component
    origin = (component.qualified, component.plugin.version, component.hash_code(), dataset.spec.version)
    stored = json.dumps([*origin, options.to_json(dataset.options)], sort_keys=True)
    return f"{dataset.name}-{hashlib.sha256(stored.encode()).hexdigest()[:16]}"


def _describe_choice(dataset: Choice) -> str:
    """Return a dataset's name and those of its options that are not the defaults, on one line."""
    chosen, usual = options.to_json(dataset.options), options.to_json(type(dataset.options)())
    changed = [f"{key}={options.to_text(value)}" for key, value in chosen.items() if value != usual[key]]
    return " ".join(replace_surrogates(" ".join([dataset.name, *changed])).split())
