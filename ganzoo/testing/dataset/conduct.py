"""Checks of datasets: the same data everywhere, clear errors, and files that show samples."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import torch

from ganzoo.data.source import EndlessSource, label_batch, scale, scale_batch
from ganzoo.errors import GanzooError
from ganzoo.plugin import Item
from ganzoo.plugin.options import list_options
from ganzoo.registry.calling import import_object
from ganzoo.registry.failures import describe_error
from ganzoo.samples.show import show
from ganzoo.testing.building import build_component
from ganzoo.testing.checks import Failure, Skip, Trial, fatal_failures, require
from ganzoo.testing.examples import make_samples
from ganzoo.testing.files import find_file_defect
from ganzoo.testing.guards import (
    copy_generator_states,
    empty_caches,
    find_message_defect,
    list_moved_generators,
    offline,
)
from ganzoo.testing.sources import (
    compute_digest,
    decode_item,
    draw_samples,
    has_items,
    opened_source,
    pick_evenly,
    require_same,
    take_samples,
)

# ----------------------------------------------------------------------------
# The same everywhere.


def deterministic(trial: Trial) -> None:
    """Two builds hold the same samples and labels, because resumed runs and each process open the dataset again."""
    with opened_source(trial) as one, opened_source(trial) as other:
        require(one.info == other.info, f"Its info was {one.info}, then {other.info}.")
        require_same(take_samples(one), take_samples(other), "built a second time")


def same_in_every_process(trial: Trial) -> None:
    """Every process gets the same data: nothing depends on Python's hash of text, as the order of a set does."""
    if hasattr(build_component(trial), "sample"):
        raise Skip("it draws its samples")
    one, other = (compute_digest(trial, hash_seed) for hash_seed in ("0", "1"))
    require(one == other, "Samples, labels or their order differ in two processes: sort the entries of a set.")


def draws_follow_the_generator(trial: Trial) -> None:
    """An endless source draws from the generator that it gets: one seed gives one draw, another seed another."""
    with opened_source(trial) as source:
        if not isinstance(source, EndlessSource):
            raise Skip("it is not an endless source")
        first = draw_samples(source, seed=1)
        require_same(first, draw_samples(source, seed=1), "drawn a second time from the same seed")
        other, _ = draw_samples(source, seed=2)
        require(bool((other != first[0]).any()), "Two seeds gave the same samples.")


def condition_follows_the_generator(trial: Trial) -> None:
    """Labels made from samples are drawn from the generator that is given, and the samples do not change."""
    with opened_source(trial) as source:
        if source.condition is None:
            raise Skip("it does not make labels from samples")
        batch = scale_batch(source, (take_samples(source)[0][:8], None), torch.device("cpu"))
    before, state = batch[0].clone(), copy_generator_states()
    first, again = (label_batch(source, batch, torch.Generator().manual_seed(1))[1] for _ in range(2))
    assert first is not None
    assert again is not None
    require(torch.equal(first, again), "With the same generator it makes other labels the second time.")
    require(torch.equal(batch[0], before), "It changes the samples in place.")
    require(
        not list_moved_generators(state),
        f"It drew from {' and '.join(list_moved_generators(state))}: use the generator that it gets.",
    )
    require(bool(first.isfinite().all()), "Some numbers of the labels are not finite.")


def random_generators_unchanged(trial: Trial) -> None:
    """Opening, decoding and drawing use no global random generator: weights are drawn from torch's."""
    build_component(trial)  # first imports may draw random numbers
    before = copy_generator_states()
    with opened_source(trial) as source:
        take_samples(source)
    touched = list_moved_generators(before)
    require(not touched, f"It drew from {' and '.join(touched)}: use your own generator.")


def picklable(trial: Trial) -> None:
    """The dataset and its items can be pickled, so that worker processes can use them."""
    dataset = build_component(trial)
    parts = {"the dataset": dataset}
    if has_items(dataset):
        parts |= {f"the item {item.name!r}": item for item in pick_evenly(dataset.items(), 2)}
    for name, part in parts.items():
        try:
            buffers: list[Any] = []  # large arrays are not copied
            back = pickle.loads(pickle.dumps(part, protocol=5, buffer_callback=buffers.append), buffers=buffers)
        except Exception as error:
            words = " ".join(str(error).split())
            raise Failure(f"Pickling {name} fails: {words}; replace a lambda by functools.partial.") from error
        if isinstance(part, Item):
            same = np.array_equal(decode_item(part), decode_item(back))
            require(same, f"After pickling, {name} loads other numbers.")


def any_order_of_workers(trial: Trial) -> None:
    """An item decodes to the same sample with any number of workers and in any order."""
    dataset = build_component(trial)
    if not has_items(dataset):
        raise Skip("it has no items to decode")
    packed = []
    for workers in (1, 4):
        with mock.patch("os.cpu_count", partial(int, workers)), opened_source(trial, dataset) as source:
            data, labels = take_samples(source)
            packed.append((data.clone(), labels))
    require_same(packed[0], packed[1], "decoded by 4 workers instead of 1")
    items = pick_evenly(dataset.items(), 8)
    forward = [decode_item(item) for item in items]
    for item, first in reversed(list(zip(items, forward, strict=True))):
        require(
            np.array_equal(first, decode_item(item)), f"{item.name!r} is decoded to other numbers in another order."
        )


# ----------------------------------------------------------------------------
# Errors.


def clear_error_offline(trial: Trial) -> None:
    """Without a network and with empty caches, the dataset opens or says in one sentence what it needs."""
    options = trial.read_options(**trial.values)  # without its examples, whose files are on the disk
    with empty_caches(), offline():
        _require_clear_error(trial, options, wrong="")


def clear_error_for_a_path(trial: Trial) -> None:
    """A path that is missing or empty gives a GanzooError of one sentence that names the path."""
    key = trial.spec.path_option or "path"
    if key not in list_options(trial.spec.options):
        raise Skip("it has no option for a path")
    with TemporaryDirectory() as folder:
        parent = Path(folder)
        (parent / "empty").mkdir()
        (parent / "nothing.txt").touch()
        for name in ("missing", "empty", "nothing.txt"):
            path = str(parent / name)
            _require_clear_error(trial, trial.make_options(**{key: path}), wrong=path)


# ----------------------------------------------------------------------------
# Files that show samples.


def show_makes_files(trial: Trial) -> None:
    """`show` makes files that open: from its own samples, from any output of a generator, and from one sample."""
    if not trial.spec.show:
        raise Skip("its spec names no `show`")
    with opened_source(trial) as source:
        data, info = scale(take_samples(source)[0][:64]), source.info
    wild = make_samples(info, 8) * 4
    for words, given in {"its own samples": data, "wild samples": wild, "one sample": wild[:1]}.items():
        before = given.clone()
        with fatal_failures():
            files = show(given, info, trial.spec)
        require(torch.equal(given, before), f"It changes {words} in place.")
        for name, content in files.items():
            wrong = find_file_defect(name, content)
            require(not wrong, f"From {words} it makes {name!r}, {wrong}.")


# ----------------------------------------------------------------------------
# Helpers.


def _require_clear_error(trial: Trial, options: Any, wrong: str) -> None:
    """Open the dataset; raise `Failure` where it opens a wrong path, or raises anything but a clear GanzooError."""
    try:
        dataset = import_object(trial.spec.factory)(options)
        with opened_source(trial, dataset):
            pass
    except Failure as broken:
        error: BaseException | None = broken.__cause__
        if not isinstance(error, GanzooError):
            raise
    except GanzooError as refusal:
        error = refusal
    except (Exception, SystemExit) as other:
        where = f"With {Path(wrong).name!r} for a path it" if wrong else "It"
        raise Failure(f"{where} raised {describe_error(other)}: raise a GanzooError.") from other
    else:
        require(not wrong, f"It opens {Path(wrong).name!r}, which is empty.")
        return
    require(not find_message_defect(error), f"It raises {type(error).__name__}, but {find_message_defect(error)}.")
    require(wrong in str(error), f"It says {str(error)!r}, which does not name the path.")
