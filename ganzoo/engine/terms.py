"""The terms of a recipe's regularizers: their intervals, their needs, and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from ganzoo.compute.device import to_float32
from ganzoo.engine.forward import require_scalar
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import Regularizer, Step
from ganzoo.recipe.idle import is_typed
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.registry.failures import describe_error

NETWORKS = ("generator", "discriminator")
ANSWERS = {"class-logits", "features", "embedding"}  # D's outputs besides logits; terms that need them need D


def intervals(recipe: ResolvedRecipe, regularizers: Mapping[str, Any], network: str) -> dict[str, int]:
    """Return the interval of each term of a network, in updates, by the regularizer's name."""
    train = recipe.train
    usual = train.g_reg_interval if network == "generator" else train.d_reg_interval
    own = {choice.name: getattr(choice.options, "interval", None) for choice in recipe.reg}
    return {name: own.get(name) or usual for name, made in regularizers.items() if hasattr(made, network)}


def refuse_idle_intervals(recipe: ResolvedRecipe, regularizers: Mapping[str, Any]) -> None:
    """Raise UsageError if an interval was typed for this run that no term could have."""
    for name, made in regularizers.items():
        key = f"reg.{name}.interval"
        if is_typed(recipe, key) and not any(hasattr(made, network) for network in NETWORKS):
            raise UsageError(f"{key} has no effect: regularizer {name!r} has no term in a loss: remove {key}")
    for network in NETWORKS:
        key = f"train.{network[0]}_reg_interval"
        if is_typed(recipe, key) and not any(hasattr(made, network) for made in regularizers.values()):
            raise UsageError(f"{key} has no effect: no regularizer has a term in the {network}'s loss: remove {key}")


def interval_above_1(network: str, intervals: Mapping[str, int]) -> int:
    """Return the one interval above 1 of a network's terms; 1 where all terms have interval 1.

    Raises:
        UsageError: There are several intervals above 1. A network has one step for all its terms with an interval.
    """
    above = {name: interval for name, interval in intervals.items() if interval > 1}
    if len(set(above.values())) > 1:
        each = ", ".join(f"reg.{name}.interval={interval}" for name, interval in above.items())
        raise UsageError(
            f"the {network}'s regularizers have several intervals above 1 ({each}): give them the same, or 1"
        )
    return next(iter(above.values()), 1)


def find_learners(recipe: ResolvedRecipe, regularizers: Mapping[str, Any], network: str) -> list[nn.Module]:
    """Return the regularizers whose parameters are trained by a network's optimizer.

    Raises:
        GanzooError: One of them is not a module, so it has no parameters.
    """
    found = []
    for choice in recipe.reg:
        made = regularizers.get(choice.name)
        if isinstance(choice.spec, Regularizer) and choice.spec.learns == network and made is not None:
            if not isinstance(made, nn.Module):
                raise GanzooError(f"regularizer {choice.name!r} says learns={network!r} and is not a torch.nn.Module")
            found.append(made)
    return found


def find_latent_movers(recipe: ResolvedRecipe, regularizers: Mapping[str, Any]) -> list[Any]:
    """Return the regularizers that move latents before samples are made of them.

    Raises:
        UsageError: G would take its step through the updated D, but its latents were moved by D before that.
    """
    found = {name: made for name, made in regularizers.items() if hasattr(made, "move_latents")}
    if found and recipe.train.update == "shared":
        raise UsageError(
            f"regularizer {next(iter(found))!r} moves latents by what D says of them, and with train.update=shared D "
            "changes before G learns: use train.update=alternating"
        )
    return list(found.values())


def find_fake_replacers(recipe: ResolvedRecipe, regularizers: Mapping[str, Any]) -> list[Any]:
    """Return the regularizers that replace generated samples before D sees them.

    Raises:
        UsageError: D would see the replaced samples in the one forward from which G learns, too.
    """
    found = {name: made for name, made in regularizers.items() if hasattr(made, "replace_fakes")}
    if found and recipe.train.update == "simultaneous":
        raise UsageError(
            f"regularizer {next(iter(found))!r} shows D other generated samples than G learns from, and with "
            "train.update=simultaneous both see the same: use train.update=shared or alternating"
        )
    return list(found.values())


def find_weigher(recipe: ResolvedRecipe, regularizers: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the regularizer that weighs G's adversarial loss against its other terms, with its name, or None.

    Raises:
        UsageError: There are several, or gradients of a part of the batch, or gradients in half precision, would give
            another weight than those of the batch.
    """
    found = {name: made for name, made in regularizers.items() if hasattr(made, "weigh_adversarial")}
    if not found:
        return None
    if len(found) > 1:
        raise UsageError(f"regularizers {' and '.join(map(repr, found))} both weigh the adversarial loss: remove one")
    (name,), train = found, recipe.train
    if train.micro_batch:
        raise UsageError(
            f"regularizer {name!r} weighs gradients of the whole batch, and with train.micro_batch={train.micro_batch} "
            "there are only those of its parts: remove train.micro_batch, or choose a smaller train.batch"
        )
    if train.precision == "fp16":
        raise UsageError(
            f"regularizer {name!r} compares gradients, which may be 0 in half precision: add train.precision=bf16"
        )
    return name, found[name]


def reads_reals(choice: Choice) -> bool:
    """Return whether a regularizer's term for G reads real samples."""
    return isinstance(choice.spec, Regularizer) and choice.spec.reals


def collect_reports(parts: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the values that components report, scalars in float32 by ``PART/KEY``.

    Args:
        parts: The components by the first part of the names; those without `report` report nothing.

    Raises:
        GanzooError: A value is not a scalar tensor.
    """
    return {
        f"{part}/{key}": to_float32(require_scalar(f"{part}: the value {key!r} that it reports", value).detach())
        for part, made in parts.items()
        if hasattr(made, "report")
        for key, value in made.report().items()
    }


def compute_term(name: str, term: Callable[[Step], Any], step: Step) -> Tensor:
    """Compute a regularizer's term of an update, a scalar in float32.

    Raises:
        GanzooError: The term is not a scalar, or it failed where D is not used yet.
    """
    try:
        found = term(step)
    except GanzooError:
        raise
    except Exception as error:
        if step.fake_output is not None:
            raise
        raise GanzooError(
            f"regularizer {name!r} failed before train.d_start and train.adversarial_start, where the discriminator is "
            f"not used and step.fake_output is None: {describe_error(error)}"
        ) from error
    return to_float32(require_scalar(f"regularizer {name!r}", found))
