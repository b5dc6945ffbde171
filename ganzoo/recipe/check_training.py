"""Checks of how a recipe trains: its batches, the order of its updates, its optimizers and its processes."""

from __future__ import annotations

import math

from ganzoo.errors import UsageError
from ganzoo.plugin import Augmentation, Loss
from ganzoo.plugin.numbers import parse_time
from ganzoo.plugin.options import list_options
from ganzoo.recipe.recipe import Choice, ResolvedRecipe


def check_training(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if settings of the training do not fit each other or the loss."""
    _check_time(recipe)
    _check_auto_gamma(recipe)
    _check_batches(recipe)
    _check_eps_hat(recipe)
    _check_early_end(recipe)


def _check_time(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if the time of the training is not a time."""
    try:
        parse_time(recipe.train.time or "1s")
    except ValueError as error:
        raise UsageError(f"--time or train.time: {error}") from None


def list_strengths(choice: Choice) -> list[str]:
    """Return the options of a regularizer that are strengths, which ``train.auto_gamma`` adapts."""
    return [name for name, entry in list_options(type(choice.options)).items() if entry.strength]


def _check_auto_gamma(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if strengths are to be adapted and there are none."""
    if recipe.train.auto_gamma and not any(map(list_strengths, recipe.reg)):
        raise UsageError(
            "train.auto_gamma=true adapts the strength of penalties on D, and this training has none: add --reg r1, or "
            "remove it"
        )


def _check_batches(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if the batch sizes do not fit each other, the loss or the order of updates."""
    train = recipe.train
    largest = max(train.batch, train.g_batch or 0)
    if train.micro_batch is not None and train.micro_batch < largest:
        if train.micro_batch < train.batch and train.batch % train.micro_batch:
            nearest = max(size for size in range(1, train.micro_batch + 1) if train.batch % size == 0)
            raise UsageError(
                f"train.micro_batch={train.micro_batch} does not divide train.batch={train.batch}: use {nearest}"
            )
        if _couples_batch(recipe):
            raise UsageError(
                f"loss {recipe.loss.name!r} couples the whole batch, so gradients cannot be accumulated: "
                "remove train.micro_batch"
            )
        if train.g_top_k != 1:
            raise UsageError(
                "train.g_top_k compares all fakes of a batch, so gradients cannot be accumulated: remove "
                "train.micro_batch"
            )
    if train.g_top_k != 1 and _couples_batch(recipe):
        raise UsageError(
            f"train.g_top_k removes fakes of a batch, and loss {recipe.loss.name!r} needs them all: remove "
            "train.g_top_k"
        )
    if train.update == "simultaneous" and any(map(mixes_fakes, recipe.aug)):
        names = ", ".join(choice.name for choice in recipe.aug if mixes_fakes(choice))
        raise UsageError(
            f"aug {names} shows fakes to D as real, and train.update=simultaneous would show them to G's terms too: "
            "use train.update=shared or alternating"
        )
    if any(map(mixes_fakes, recipe.aug)) and min(train.batch, train.micro_batch or train.batch) == 1:
        names = ", ".join(choice.name for choice in recipe.aug if mixes_fakes(choice))
        raise UsageError(f"aug {names} shows other fakes of a batch to D as real: use a batch of at least 2")
    if train.update != "alternating":
        whole = max(train.batch, train.micro_batch or 0)
        wanted = {"d_steps": 1, "g_steps": 1, "g_batch": train.batch, "micro_batch": whole}
        for name, value in wanted.items():
            if getattr(train, name) not in (None, value):
                raise UsageError(
                    f"train.update={train.update} trains both networks on the same batch: "
                    f"remove train.{name}, or use train.update=alternating"
                )


def mixes_fakes(choice: Choice) -> bool:
    """Return whether an augmentation shows generated samples to D as real ones."""
    return isinstance(choice.spec, Augmentation) and choice.spec.mixes_fakes


def _couples_batch(recipe: ResolvedRecipe) -> bool:
    """Return whether the loss of a sample depends on the rest of the batch."""
    return isinstance(recipe.loss.spec, Loss) and recipe.loss.spec.batch_coupled


def _check_eps_hat(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if losses are scaled for an optimizer that adds epsilon as TensorFlow does."""
    for network, chosen in (("g", recipe.optim_g), ("d", recipe.optim_d)):
        if recipe.train.precision == "fp16" and getattr(chosen.options, "eps_hat", False):
            raise UsageError(
                f"optim.{network}.eps_hat=true is not possible with train.precision=fp16, which scales the loss: use "
                f"train.precision=bf16, or remove optim.{network}.eps_hat"
            )


def _check_early_end(recipe: ResolvedRecipe) -> None:
    """Raise UsageError if a run may finish early by a score that no setting names."""
    train = recipe.train
    asked = [f"train.patience={train.patience}"] if train.patience else []
    asked += ["train.on_regression=stop"] if train.on_regression == "stop" else []
    if asked and train.best is None:
        raise UsageError(
            f"{asked[0]} judges the run by a score, and none is named: add train.best=METRIC/KEY, and --metric METRIC "
            "where the run does not measure it yet"
        )


def check_ranks(recipe: ResolvedRecipe, size: int, device: str) -> None:
    """Raise UsageError if a recipe cannot be trained by `size` processes on devices of this type."""
    train = recipe.train
    if size > 1 and train.sync_batchnorm and device != "cuda":
        raise UsageError("train.sync_batchnorm=true needs CUDA: remove it; each process then has its own statistics")
    for key, batch in (("train.batch", train.batch), ("train.g_batch", train.g_batch)):
        if batch is not None and size > 1 and not _can_divide(batch, size, train.micro_batch):
            near = (batch + sign * step for step in range(1, 2 * size * batch + 1) for sign in (-1, 1))
            nearest = next(other for other in near if other > 0 and _can_divide(other, size, train.micro_batch))
            micro = "" if train.micro_batch is None else f" with train.micro_batch={train.micro_batch}"
            words = f"{key}={batch} cannot be divided evenly among {size} processes{micro}"
            raise UsageError(f"{words}: use {key}={nearest}")


def _can_divide(batch: int, size: int, micro_batch: int | None) -> bool:
    """Return whether a batch can be divided among `size` processes in micro-batches of equal size."""
    pieces = math.ceil(batch / size / micro_batch) if micro_batch else 1
    return batch % (size * pieces) == 0 and (not micro_batch or micro_batch >= batch or batch % micro_batch == 0)


def find_smaller_micro_batch(recipe: ResolvedRecipe, present: int) -> int | None:
    """Return the largest ``train.micro_batch`` that is at most half of the present one; None if there is none.

    Args:
        recipe: The recipe that runs out of memory.
        present: The number of samples that go through a network at a time now.
    """
    train = recipe.train
    if train.update != "alternating" or train.g_top_k != 1 or _couples_batch(recipe):
        return None
    sizes = (size for size in range(present // 2, 0, -1) if size >= train.batch or train.batch % size == 0)
    return next(sizes, None)
