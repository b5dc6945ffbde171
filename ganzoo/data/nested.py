"""The samples of another dataset, for a dataset that is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from ganzoo.data.load import load_source
from ganzoo.data.shards import Shards
from ganzoo.data.source import ArraySource, pick
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.nested import choose_nested
from ganzoo.registry import registry


def open_samples(
    name: str, settings: Iterable[str] = (), margin: bool = False
) -> tuple[torch.Tensor, torch.Tensor | None, DataInfo]:
    """Return the samples of an installed dataset ``[N, *shape]``, their labels or None, and their info.

    The option that has the name is declared with ``nested=Nested(kind="dataset", ...)`` (`ganzoo.plugin.option`).
    Samples that must be decoded come from the packed store; they may be a read-only memory map.

    Args:
        name: The dataset's name: the option of the dataset that is made of it.
        settings: The dataset's options that differ from its defaults, each ``NAME=VALUE``.
        margin: Whether samples that are crops of longer ones come with their margin, so that their last dimension may
            be longer than that of the info; by default they are cut at their beginning.

    Raises:
        UsageError: There is no such dataset or option, a value is wrong, or the dataset is an endless source.
        GanzooError: The dataset cannot be opened.
    """
    source = load_source(choose_nested(registry(), "dataset", name, settings), torch.device("cpu"), _ignore)
    if not isinstance(source, ArraySource):
        raise UsageError(f"dataset {name!r} draws its samples without end: name one that has a fixed number of them")
    long = None if margin else source.info.shape[-1]
    if source.index is None and isinstance(source.data, torch.Tensor) and not isinstance(source.labels, Shards):
        return source.data[..., :long], source.labels, source.info
    assert source.index is not None  # shards have one
    labels = None if source.labels is None else pick(source.labels, source.index)
    return pick(source.data, source.index)[..., :long], labels, source.info  # without its held-out part


def _ignore(line: Any) -> None:
    """Ignore a line about files that cannot be read; `ganzoo data check` shows it."""
