"""Open a dataset as the engine does, in a temporary cache; of a long list of items, only some are decoded."""

from __future__ import annotations

import base64
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource, EndlessSource, pick
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, Trial, as_sentence, require

NUM_ITEMS = 48  # items of a dataset that are decoded
NUM_DRAWN = 512  # samples that are drawn from an endless source

Source = ArraySource | EndlessSource
Samples = tuple[Tensor, Tensor | None]  # samples, and their labels or None


@dataclass(frozen=True)
class Subset:
    """A dataset with some of the items of another."""

    info: DataInfo
    strict: bool
    items: Callable[[], list[Item]]
    condition: Any = None
    margin: int = 0


@contextmanager
def opened_source(trial: Trial, dataset: Any = None) -> Iterator[Source]:
    """Give the block the open source of a dataset (None: the trial's), with at most `NUM_ITEMS` of its items."""
    dataset = build_component(trial) if dataset is None else dataset
    if has_items(dataset) and isinstance(getattr(dataset, "info", None), DataInfo):
        info = replace(dataset.info, num_items=None)
        items = partial(pick_evenly, dataset.items(), NUM_ITEMS)
        strict, margin = bool(getattr(dataset, "strict", False)), getattr(dataset, "margin", 0)
        dataset = Subset(info, strict, items, getattr(dataset, "condition", None), margin)
    with TemporaryDirectory() as folder:
        try:
            source = open_source(dataset, name=trial.spec.name, key="check", notify=_ignore_line, cache=Path(folder))
        except GanzooError as error:
            raise Failure(as_sentence(error)) from error
        yield source


def _ignore_line(line: str) -> None:
    """Ignore a line about skipped files: broken files are not the dataset's mistake."""


def has_items(dataset: Any) -> bool:
    """Return whether a dataset has items, which must be decoded."""
    return getattr(dataset, "items", None) is not None


def decode_item(item: Item) -> Any:
    """Return the array of an item; for a broken item, an array of its name."""
    try:
        return np.array(item.load())
    except Exception:
        return np.array(item.name)


def pick_evenly(items: list[Item], num: int) -> list[Item]:
    """Return at most `num` of the items, at even distances from the first to the last."""
    items = list(items)
    indices = np.linspace(0, len(items) - 1, min(num, len(items))).round().astype(int)
    return [items[index] for index in indices]


def take_samples(source: Source) -> Samples:
    """Return the samples and labels of a source; for an endless source, a draw."""
    if isinstance(source, EndlessSource):
        return draw_samples(source, seed=0)
    numbers = source.locate(torch.arange(len(source)))
    return pick(source.data, numbers), None if source.labels is None else pick(source.labels, numbers)


def draw_samples(source: EndlessSource, seed: int, num: int = NUM_DRAWN) -> Samples:
    """Return `num` samples that an endless source draws from a generator with that seed."""
    return source.sample(torch.Generator().manual_seed(seed), num)


def require_same(one: Samples, other: Samples, when: str) -> None:
    """Raise `Failure` unless both are the same; `when` says how the second were made."""
    for name, first, second in zip(("samples", "labels"), one, other, strict=True):
        if first is None or second is None:
            require(first is second, f"It has {name} at first and not when {when}, or the other way round.")
        elif first.shape != second.shape:
            raise Failure(f"Its {name} are {list(first.shape)}, and {list(second.shape)} when {when}.")
        else:
            num = int((first != second).reshape(len(first), -1).any(1).sum())
            require(not num, f"{num} of its {len(first)} {name} differ when {when}.")


# ----------------------------------------------------------------------------
# In a fresh interpreter.

# Builds a dataset and prints a digest of its contents in their order. It does not import torch, which takes seconds.
CODE = """
import base64, hashlib, importlib, json, pickle, sys
from pathlib import Path
import numpy as np
module, file, factory, options, sys.path = json.loads(sys.argv[1])
from ganzoo.registry.discovery import import_file
if file:
    import_file(module, Path(file))
module, _, name = factory.partition(":")
dataset = getattr(importlib.import_module(module), name)(pickle.loads(base64.b64decode(options)))
digest = hashlib.sha256(repr(dataset.info).encode())
if getattr(dataset, "items", None) is not None:
    digest.update(repr([(item.name, item.label) for item in dataset.items()]).encode())
else:
    for part in (dataset.data, getattr(dataset, "labels", None)):
        rows = np.asarray([] if part is None else part)
        digest.update(rows[:: 1 + len(rows) // 1024].tobytes())
print(digest.hexdigest())
"""


def compute_digest(trial: Trial, hash_seed: str) -> str:
    """Return a digest of the dataset's contents in a fresh interpreter whose hashes of text have this seed."""
    plugin, options = trial.entry.plugin, base64.b64encode(pickle.dumps(trial.make_options())).decode()
    given = json.dumps([plugin.module.partition(":")[0], plugin.file, trial.spec.factory, options, sys.path])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", CODE, given], capture_output=True, text=True, check=False, env=environment
    )
    require(done.returncode == 0, f"In a fresh interpreter it fails: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout
