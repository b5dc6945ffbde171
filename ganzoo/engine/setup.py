"""From a recipe as it was meant to one that can be trained here: every check and every ``auto`` ends in this file.

What is left to decide is decided from the recipe, the device, the data and networks without memory, so that nothing of
the recipe changes once a GAN exists. (Only an execution that proves impossible is replaced later, by the plain one.)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from ganzoo.compute.device import choose_device, choose_precision
from ganzoo.compute.threads import choose_threads
from ganzoo.data.load import load_source
from ganzoo.data.source import Source
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.forms import FORMS
from ganzoo.engine.terms import differentiates_inputs
from ganzoo.errors import GanzooError, UsageError
from ganzoo.layers import Frozen
from ganzoo.package.tensors import meta_device
from ganzoo.plugin import DataInfo, Loss, Networks
from ganzoo.plugin.options import evaluate_schedules
from ganzoo.recipe.check import check_data, check_ranks, hide_unused_labels
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.runs.launch import read_launch

WORTH_COMPILING = 50_000  # updates: what compiling costs (10 to 30 s on a CPU) is repaid by about half as many
TINY = 2_000_000  # parameters, in linear layers alone: Python and not arithmetic bounds such an update


@dataclass(frozen=True)
class Setup:
    """All that a GAN is assembled from.

    Args:
        recipe: Final and checked.
        source: The data, open.
        device: Where it trains.
        world: The processes that train it together.
        threads: On how many threads this process computes.
    """

    recipe: ResolvedRecipe
    source: Source
    device: torch.device
    world: World
    threads: int


def set_up(recipe: ResolvedRecipe, device: str, world: World, notify: Callable[[str], None]) -> Setup:
    """Settle a recipe for the device, the data and the processes that are here.

    Args:
        recipe: As it was meant; what goes on has no ``auto`` in it any more.
        device: As ``--device`` takes it.
        world: The processes that train it together.
        notify: Gets the lines of a dataset that is opened.

    Raises:
        UsageError: The recipe cannot be trained here; the text says what to change.
        GanzooError: The dataset cannot be opened, or the architecture fails to build.
    """
    chosen = choose_device(device)
    check_ranks(recipe, world.size, chosen.type)
    source = load_source(recipe.dataset, chosen, notify)
    check_data(recipe, source.info)
    check_shared(source.info, world)
    networks = draft(recipe, source.info)
    recipe = settle(recipe, networks, chosen, world)
    tiny = chosen.type == "cpu" and is_tiny(networks)
    return Setup(recipe, source, chosen, world, choose_threads(recipe.train.threads, tiny, read_launch()))


def check_shared(data: DataInfo, world: World) -> None:
    """Raise UsageError where this process found other data than the first: a slice is cut by counting items."""
    first = world.first(data.to_json)
    for key, value in data.to_json().items():
        if value != first[key]:
            raise UsageError(
                f"the data are others on process {world.rank} than on the first: {key} is {value}, not {first[key]}: "
                "give every machine the same"
            )


def draft(recipe: ResolvedRecipe, data: DataInfo) -> Networks:
    """Build the networks without memory and random numbers: their modules and the forms of their parameters.

    Raises:
        GanzooError: The architecture fails, or builds something else.
    """
    arch = replace(recipe.arch, options=evaluate_schedules(recipe.arch.options, 0))
    with meta_device():
        networks = arch.build(hide_unused_labels(data, recipe.train))
    if not isinstance(networks, Networks):
        raise GanzooError(f"arch {arch.name!r} built {type(networks).__name__}, not ganzoo.plugin.Networks")
    return networks


# ----------------------------------------------------------------------------
# What auto means.


def settle(recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World = ALONE) -> ResolvedRecipe:
    """Return the recipe with every ``auto`` replaced by what it means here.

    Raises:
        UsageError: It asks for an execution that this device or its optimizers do not have.
    """
    recipe = settle_precision(recipe, device)
    if recipe.train.execution == "auto":
        return _resolved(recipe, "execution", world.first(partial(choose_execution, recipe, networks, device, world)))
    check_execution(recipe, networks, device, world)
    return recipe


def settle_precision(recipe: ResolvedRecipe, device: torch.device) -> ResolvedRecipe:
    """Return the recipe with ``train.precision=auto`` replaced by what it means on a device."""
    return recipe if recipe.train.precision != "auto" else _resolved(recipe, "precision", choose_precision(device))


def _resolved(recipe: ResolvedRecipe, key: str, value: str) -> ResolvedRecipe:
    """Return the recipe with a setting that was ``auto`` resolved, and noted as that."""
    changed: dict[str, Any] = {key: value}
    return replace(recipe, train=replace(recipe.train, **changed), auto=(*recipe.auto, key))


def check_execution(recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World) -> None:
    """Raise UsageError where a recipe asks for an execution that this device or its optimizers do not have."""
    asked = recipe.train.execution
    if asked == "cuda-graph" and device.type != "cuda":
        raise UsageError("train.execution=cuda-graph needs a CUDA device: use compile or eager here")
    if asked != "eager" and not is_recordable(recipe, networks, world):
        raise UsageError(
            f"train.execution={asked} takes the optimizers {', '.join(FORMS)}, no fp16 and, over "
            "several processes, train.update=alternating without train.sync_batchnorm or a loss that couples the "
            "batch: change that, or use train.execution=eager"
        )


def choose_execution(recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World = ALONE) -> str:
    """Return what ``train.execution=auto`` means: a fixed rule of device, networks and length of the run.

    On CUDA a graph. On the CPU `compile` where the networks are tiny and the run long enough to repay it, nothing
    differentiates twice (compiled double backward is left to those who ask for it) and there is a C++ compiler; else
    plain.
    """
    train = recipe.train
    if not is_recordable(recipe, networks, world):
        return "eager"
    if device.type == "cuda":
        return "cuda-graph"
    compiler = any(map(shutil.which, ("g++", "clang++")))
    worth = is_tiny(networks) and train.images // train.batch >= WORTH_COMPILING
    return "compile" if worth and compiler and not any(map(differentiates_inputs, recipe.reg)) else "eager"


def is_recordable(recipe: ResolvedRecipe, networks: Networks, world: World = ALONE) -> bool:
    """Whether the recipe's update can be recorded: its optimizers have a form for it, and nothing waits for numbers."""
    train, loss = recipe.train, recipe.loss.spec
    couples = isinstance(loss, Loss) and loss.batch_coupled
    meets = train.update != "alternating" or couples or train.sync_batchnorm  # others in the midst of a piece
    named = {recipe.optim_g.name, recipe.optim_d.name} <= FORMS.keys()
    learn = all(any(p.requires_grad for p in network.parameters()) for network in _both(networks))
    return named and learn and train.precision != "fp16" and not (meets and world.size > 1)


def is_tiny(networks: Networks) -> bool:
    """Whether both networks are small and without convolutions, so that more threads cost more than they bring."""
    modules = [module for network in _both(networks) for module in network.modules()]
    modules += [part for held in modules if isinstance(held, Frozen) for part in held.network.modules()]
    convolutions = any(isinstance(module, nn.modules.conv._ConvNd) for module in modules)
    return not convolutions and sum(p.numel() for m in modules for p in m.parameters(recurse=False)) < TINY


def _both(networks: Networks) -> tuple[nn.Module, nn.Module]:
    return networks.generator, networks.discriminator
