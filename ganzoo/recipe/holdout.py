"""The meaning of ``dataset.holdout``: a share of the samples, or another dataset whose samples are not trained on."""

from __future__ import annotations

import os
from dataclasses import replace

from ganzoo.errors import NotFound, UsageError
from ganzoo.plugin import Built, Dataset
from ganzoo.plugin.options import list_options
from ganzoo.recipe.recipe import Choice

HOLDOUT = "holdout"  # the option that the core adds to every dataset
LARGEST = 0.9


def choose_holdout(dataset: Choice) -> float | Choice:
    """Return the share of samples that a dataset holds out (0 for none), or the dataset that has the held-out samples.

    Raises:
        UsageError: The share is out of range, the text is neither a path nor a split, or the dataset is endless.
        NotFound: The path does not exist.
    """
    value, spec = getattr(dataset.options, HOLDOUT), dataset.spec
    assert isinstance(spec, Dataset)
    if not isinstance(value, str):
        if value and dataset.known_data is not None and dataset.known_data.num_items is None:
            raise make_endless_error(dataset)
        if not 0 <= value <= LARGEST:
            raise UsageError(f"dataset.holdout={value:g}: expected a share from 0 to {LARGEST}, a path or a split")
        return float(value)
    key = spec.split_option if is_split(spec, value) else spec.path_option
    if not key:
        raise UsageError(
            f"dataset.holdout={value}: dataset {dataset.name!r} has neither a path nor such a split: give a share such "
            "as 0.05"
        )
    if key == spec.path_option and not os.path.exists(value):
        known = list_options(spec.options)
        splits = f"a path, or a split ({known[spec.split_option].expects})" if spec.split_option else "or another path"
        raise NotFound(f"dataset.holdout: {value!r} does not exist: give a share such as 0.05, {splits}")
    if getattr(dataset.options, key) == value:
        raise UsageError(f"dataset.holdout={value} is what is trained on: name other data, or a share such as 0.05")
    return replace(dataset, options=replace(dataset.options, **{key: value, HOLDOUT: 0.0}))


def is_split(spec: Built, text: str) -> bool:
    """Return whether a text is the name of a split of a dataset. A text with a separator is a path."""
    if not isinstance(spec, Dataset) or not spec.split_option or any(sep in text for sep in (os.sep, os.altsep) if sep):
        return False
    try:
        list_options(spec.options)[spec.split_option].read(text)
    except ValueError:
        return False
    return True


def holds_path(dataset: Choice) -> bool:
    """Return whether a dataset's held-out samples lie at a path of their own."""
    value = getattr(dataset.options, HOLDOUT)
    return isinstance(value, str) and not is_split(dataset.spec, value)


def make_endless_error(dataset: Choice) -> UsageError:
    """Return the error for a held-out share of a dataset that draws new samples without end."""
    return UsageError(
        f"dataset {dataset.name!r} draws new samples without end, so that nothing needs to be held out: remove "
        "dataset.holdout"
    )
