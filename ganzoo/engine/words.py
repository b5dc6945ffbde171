"""The sentences about a run that a user reads: what is trained, and why it ended early."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ganzoo.compute.device import is_out_of_memory
from ganzoo.data.packing import replace_surrogates
from ganzoo.data.report import Summary, summarise_source
from ganzoo.data.source import ArraySource, Source, describe_skipped_items
from ganzoo.engine.batches import Batches
from ganzoo.engine.distributed import ProcessLost
from ganzoo.engine.events import Events, Facts
from ganzoo.engine.gan import Gan
from ganzoo.engine.recomputation import find_blocks
from ganzoo.errors import GanzooError, Interrupted, UsageError
from ganzoo.plugin.files import write_atomic
from ganzoo.recipe.check_training import find_smaller_micro_batch
from ganzoo.runs.run import Run


def describe(run: Run, gan: Gan) -> str:
    """Return a line that says what is trained."""
    recipe, world = gan.recipe, gan.world
    g, d = (sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator))
    shape = "x".join(map(str, gan.data.shape))
    terms = [choice.name for choice in (recipe.loss, *recipe.reg, *recipe.aug)]
    processes = f", {world.size} processes" if world.size > 1 else ""
    return (
        f"{run.path}: {recipe.arch.name} with {', '.join(terms)} on {recipe.dataset.name} {shape}, "
        f"generator {g:,} and discriminator {d:,} parameters, {recipe.train.precision} on {gan.device} "
        f"({torch.get_num_threads()} threads{processes})"
    )


def introduce(run: Run, gan: Gan, source: Source, events: Events, lines: Sequence[str] = ()) -> None:
    """Report lines about the start, what is trained, and the lines and facts on its data."""
    data = describe_data(gan, source)
    for line in (*lines, describe(run, gan), *data.lines):
        events.note(line)
    if data.facts:
        events.emit(Facts(0, data.facts))


def describe_end(run: Run, images: int, seconds: float, early: str, arrays: bool) -> str:
    """Return a line that says that a run finished, why it did so before its length if it did, and what to type.

    Args:
        run: The run that finished.
        images: The images that it has seen.
        seconds: The time of its training.
        early: Why it finished before its length; empty if it did not.
        arrays: Whether its generator makes samples of images or other arrays, which have to be given.
    """
    why = f" early, because {early}," if early else ""
    use = f"ganzoo apply {run.path} IN OUT" if arrays else f"ganzoo sample {run.path}"
    return f"finished{why} after {images:,} images and {seconds:.0f} s of training: {use}"


def describe_data(gan: Gan, source: Source) -> Summary:
    """Return lines and facts on the data: their number, copies and strange values; none on another rank than 0."""
    return Summary([], {}) if gan.world.rank else summarise_source(source)


def report_skipped(run: Run, source: Source) -> str:
    """Write the list of the dataset's files that could not be read to the run; return a line about them.

    The line is empty if all files could be read.
    """
    path, skipped = run.path / "skipped.txt", source.skipped if isinstance(source, ArraySource) else ()
    if not skipped:
        path.unlink(missing_ok=True)  # of a start at which some files could not be read
        return ""
    lines = (f"{' '.join(entry.name.split())}: {entry.reason}" for entry in skipped)
    write_atomic(path, [replace_surrogates("".join(f"{line}\n" for line in lines)).encode()])
    return describe_skipped_items(source, path)


def explain(error: BaseException, run: Run, gan: Gan, batches: Batches) -> BaseException:
    """Return an error for the user: with the way out, and with the last good checkpoint."""
    if is_out_of_memory(error):
        error = GanzooError(f"{gan.device.type} memory ran out: {suggest_less_memory(run, gan, batches)}")
    if isinstance(error, ProcessLost):
        return ProcessLost(f"{error}; go on with torchrun ... -m ganzoo train --resume {run.path}")
    if isinstance(error, GanzooError) and not isinstance(error, (Interrupted, UsageError)) and run.checkpoints:
        return type(error)(f"{error}; the last good checkpoint is {run.checkpoints[-1]}")
    return error


def suggest_less_memory(run: Run, gan: Gan, batches: Batches) -> str:
    """Return what to type for less memory: a new run with the same settings, since a run cannot change its own."""
    present = min(batches.micro_batch, max(batches.batch, batches.g_batch) // gan.world.size)
    size = find_smaller_micro_batch(gan.recipe, present)
    smaller = "a smaller --batch, --size or width"
    keeps_all = not gan.recipe.train.checkpoint_activations and any(
        map(find_blocks, (gan.generator, gan.discriminator))
    )
    if size is None and keeps_all:
        return (
            f"start anew with ganzoo train --config {run.path} train.checkpoint_activations=true, which computes "
            f"activations again instead of keeping them, or with {smaller}"
        )
    if size is None:
        return f"start anew with ganzoo train --config {run.path} and {smaller}"
    return (
        f"start anew with ganzoo train --config {run.path} train.micro_batch={size}, which accumulates the "
        f"gradients of the same batch, or with {smaller}"
    )
