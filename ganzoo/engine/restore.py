"""Resuming a run from its last good checkpoint, on the data that it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ganzoo.data.content import Content, find_difference, is_identical
from ganzoo.data.source import Source, describe_skipped_items
from ganzoo.engine import checkpoint
from ganzoo.engine.gan import Gan
from ganzoo.errors import Corrupt, UsageError
from ganzoo.plugin import DataInfo, Dataset, options
from ganzoo.recipe.check import find_changed_meaning
from ganzoo.recipe.recipe import Choice
from ganzoo.runs.run import Run

FrozenNetworks = Mapping[str, Mapping[str, str]]  # like `ResolvedRecipe.frozen`: name and sha256, by path


def restore(
    gan: Gan, run: Run, source: Source, content: Content | None, note: Callable[[str], None]
) -> dict[str, Any] | None:
    """Load the run's newest undamaged checkpoint into a GAN. With several processes, rank 0 alone reads it.

    Args:
        gan: The GAN, assembled from the run's recipe.
        run: The run that is resumed.
        source: The data, as they are now.
        content: The content of the data (`ganzoo.data.content`); None if they are endless.
        note: A function that is called with lines about the checkpoint.

    Returns:
        The checkpoint's meta; None before the first checkpoint.

    Raises:
        Corrupt: All checkpoints are damaged, or the undamaged one does not fit the GAN.
        UsageError: The data differ from those that the run was trained on, or a frozen network has other weights.
    """
    found = gan.world.read_on_rank0(lambda: read_newest(run, note))
    if found is None:
        return None
    tensors, meta = found
    stored = gan.world.on_rank0(run.recipe)
    path = find_new_path(stored["dataset"]["options"], gan.recipe.dataset)
    before, now = DataInfo.from_json(meta["data"]), source.info
    difference = find_difference(before, now, meta.get("content"), content)
    if path:
        other = find_changed_meaning(before, now)
        difference = difference or (other and f"its {other} are not the same")
        if difference and (line := describe_skipped_items(source)):
            note(line)  # perhaps this machine reads fewer formats
        check_moved_data(run, path, difference)
    else:
        check_same_data(run, before, now, difference, note)
    if not difference and not is_identical(meta.get("content"), content):
        note("the data are not the same bit for bit as before, but all compared samples look the same")
    check_same_frozen(run, stored.get("frozen", {}), gan.recipe.frozen)
    gan.load_state(tensors, meta["numbers"])
    note(f"{run.path}: going on from {meta['images']:,} images")
    return meta


def read_newest(run: Run, note: Callable[[str], None]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read the newest undamaged checkpoint; rename damaged ones, with a line for each.

    Returns:
        The checkpoint's tensors and its meta; None before the first checkpoint.

    Raises:
        Corrupt: All checkpoints are damaged.
    """
    for path in reversed(run.checkpoints):
        try:
            return checkpoint.load(path)
        except Corrupt as error:
            aside = path.with_name(path.name + ".damaged")
            path.rename(aside)
            note(f"{error}; set aside as {aside.name}")
    if list((run.path / "checkpoints").glob("*.damaged")):
        raise Corrupt(f"no checkpoint of {run.path} is whole: start anew with ganzoo train --config {run.path}")
    note("the run has no checkpoint yet: starting from the beginning")
    return None


def find_new_path(stored: Mapping[str, Any], dataset: Choice) -> str:
    """Return the path of a dataset if it is not the one that the run's recipe stores; else an empty string.

    Args:
        stored: The options of the dataset as the run's recipe stores them.
        dataset: The dataset as it is opened now.
    """
    key = dataset.spec.path_option if isinstance(dataset.spec, Dataset) else ""
    path = options.to_json(dataset.options).get(key, "")
    return str(path) if key and path != stored.get(key) else ""


def check_moved_data(run: Run, path: str, difference: str) -> None:
    """Raise UsageError where the data at a new path differ from those that the run was trained on."""
    if difference:
        raise UsageError(
            f"--dataset {path} does not have the data that {run.path} was trained on ({difference}): name the path "
            f"that has them, or start a new run from its weights with --init {run.path} --dataset {path}"
        )


def check_same_data(run: Run, before: DataInfo, now: DataInfo, difference: str, note: Callable[[str], None]) -> None:
    """Compare the data with those that the run was trained on. Other samples cost a line.

    Raises:
        UsageError: Samples or labels have another shape or another meaning.
    """
    if any(getattr(now, key) != getattr(before, key) for key in ("shape", "num_classes", "label_shape", "modality")):
        raise UsageError(f"the dataset changed: {difference}; restore it, or start a new run with --config {run.path}")
    if key := find_changed_meaning(before, now):
        raise UsageError(
            f"the dataset changed: its {key} are not those that the run was trained on; restore them, "
            f"or start a new run with --config {run.path}"
        )
    if difference:
        note(f"the dataset changed: {difference}")


def check_same_frozen(run: Run, before: FrozenNetworks, now: FrozenNetworks) -> None:
    """Raise UsageError where a network that is used and not trained has other weights than when the run started."""
    for owner, network in now.items():
        if before.get(owner, network)["sha256"] != network["sha256"]:
            raise UsageError(
                f"{owner} ({network['name'] or 'without a name'}) has other weights than when the run was trained: "
                f"restore those weights, or start a new run with --config {run.path}"
            )
