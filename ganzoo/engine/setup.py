"""Set-up: checks a recipe for this machine, and replaces every ``auto`` in it.

All is decided from the recipe, the device, the data and networks on the meta device. So nothing of the recipe changes
after a GAN is built. (There is one exception: an execution that turns out to be impossible is replaced by ``eager``.)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from ganzoo.compute.device import choose_device, choose_precision, cudnn_flags, precision
from ganzoo.compute.processor import estimate_slowdown
from ganzoo.compute.streams import seeded
from ganzoo.compute.threads import choose_threads, threads
from ganzoo.data.load import load_parts
from ganzoo.data.order import widen_share
from ganzoo.data.shards import WHOLE, Machine
from ganzoo.data.source import Source
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.forms import FORMS
from ganzoo.errors import GanzooError, UsageError
from ganzoo.layers import Frozen
from ganzoo.package.tensors import meta_device
from ganzoo.plugin import Architecture, DataInfo, Dataset, Loss, Networks
from ganzoo.plugin.options import evaluate_schedules
from ganzoo.recipe.check import check_data, check_samples, hide_unused_labels
from ganzoo.recipe.check_training import check_ranks
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.registry.calling import import_object
from ganzoo.runs.launch import read_launch

WORTH_COMPILING = 50_000  # updates; about half as many repay the cost of compiling (10 to 30 s on a CPU)
TINY = 2_000_000  # parameters, in linear layers alone; Python, not arithmetic, takes most of the time of such an update


@dataclass(frozen=True)
class Setup:
    """Everything that a GAN is assembled from.

    Args:
        recipe: The final recipe, checked and without ``auto``.
        source: The opened data of the recipe, without those that are held out.
        held_out: The held-out data; None where the recipe holds none out.
        device: The device of the training.
        world: The processes that train the GAN together.
        threads: The number of CPU threads of this process.
    """

    recipe: ResolvedRecipe
    source: Source
    held_out: Source | None
    device: torch.device
    world: World
    threads: int


def set_up(
    recipe: ResolvedRecipe,
    device: str,
    world: World,
    notify: Callable[[str], None],
    resume: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Setup:
    """Check a recipe for this device, these data and these processes, open the data, and settle every ``auto``.

    Args:
        recipe: The recipe. Of a run that goes on it has no ``auto``.
        device: The device, as ``--device`` takes it.
        world: The processes that train together.
        notify: A function that is called with lines about the dataset and about settings that had to change.
        resume: Whether the run is resumed. An execution that is not possible here is then replaced, because the run may
            come from another machine.
        progress: A function that shows how far the data are prepared (`ganzoo.data.load.load_parts`).

    Raises:
        UsageError: The recipe cannot be trained here; the message says what to change.
        GanzooError: The dataset cannot be opened, or the architecture cannot be built.
    """
    chosen = choose_device(device)
    check_ranks(recipe, world.size, chosen.type)
    arch, dataset = (
        replace(choice, options=world.on_rank0(partial(settle_options, choice)))
        for choice in (recipe.arch, recipe.dataset)
    )
    recipe = replace(recipe, arch=arch, dataset=dataset)
    machine = describe_machine(recipe, world)
    source, held_out = load_parts(recipe.dataset, chosen, notify, partial(check_data, recipe), progress, machine)
    check_samples(recipe, source.info)  # arrays may be float32, whatever the dataset says of itself
    check_shared(source.info, world)
    networks = draft(recipe, source.info)
    if resume:
        recipe = replace_impossible_execution(recipe, networks, chosen, world, notify)
    recipe = settle(recipe, networks, chosen, world)
    tiny = chosen.type == "cpu" and is_tiny(networks)
    if chosen.type == "cpu" and (line := warn_of_emulation(recipe.train.precision)):
        notify(line)
    return Setup(recipe, source, held_out, chosen, world, choose_threads(recipe.train.threads, tiny, read_launch()))


def settle_options(choice: Choice) -> Any:
    """Return the options of a component without what may change later: a branch of the Hub becomes its commit."""
    path = choice.spec.settle if isinstance(choice.spec, Architecture | Dataset) else ""
    if not path:
        return choice.options
    choice.component.check_requirements()
    return import_object(path)(choice.options)


def describe_machine(recipe: ResolvedRecipe, world: World) -> Machine:
    """Return which part of each batch the processes on this machine read: torchrun numbers them one after the other."""
    launch = read_launch()
    if launch is None or launch.size != world.size or world.size == 1:
        return WHOLE
    first = launch.rank - launch.local_rank
    share = widen_share(first, first + launch.local_size, launch.size, recipe.train.batch)
    return Machine(share, world.gather_objects)


@contextmanager
def training_modes(setup: Setup) -> Iterator[None]:
    """The modes in which a training computes: seeds, precision, algorithms and threads; the former ones come back."""
    train = setup.recipe.train
    with (
        seeded(0, setup.device),
        precision(train.precision),
        cudnn_flags(**({"benchmark": False, "deterministic": True} if train.deterministic else {})),
        threads(setup.threads),
    ):
        yield


def warn_of_emulation(precision: str) -> str:
    """Return a line about a precision that this machine's processor emulates; empty for one that it computes in."""
    slowdown = estimate_slowdown(precision)
    if slowdown == 1:
        return ""
    return (
        f"train.precision={precision} is emulated on this processor, where convolutions and products take about "
        f"{slowdown:.0f} times as long as in float32: a new run with train.precision=fp32 is faster"
    )


def check_shared(data: DataInfo, world: World) -> None:
    """Raise UsageError where this process found other data than rank 0, since batches are split by item numbers."""
    first = world.on_rank0(data.to_json)
    for key, value in data.to_json().items():
        if value != first[key]:
            raise UsageError(
                f"the data differ between process {world.rank} and process 0: {key} is {value}, not {first[key]}: "
                "give every machine the same data"
            )


def draft(recipe: ResolvedRecipe, data: DataInfo) -> Networks:
    """Build the networks on the meta device: their modules and the shapes of their parameters, without values.

    Raises:
        GanzooError: The architecture cannot be built, or returns something else than `Networks`.
    """
    arch = replace(recipe.arch, options=evaluate_schedules(recipe.arch.options, 0))
    with meta_device():
        networks = arch.build(hide_unused_labels(data, recipe.train))
    if not isinstance(networks, Networks):
        raise GanzooError(f"arch {arch.name!r} built {type(networks).__name__}, not ganzoo.plugin.Networks")
    return networks


# ----------------------------------------------------------------------------
# The meaning of auto.


def settle(recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World = ALONE) -> ResolvedRecipe:
    """Return the recipe with every ``auto`` replaced by its value for this device and these networks.

    Raises:
        UsageError: The recipe names an execution that this device or its optimizers do not support.
    """
    recipe = settle_precision(recipe, device)
    if recipe.train.execution == "auto":
        return _replace_auto(
            recipe, "execution", world.on_rank0(partial(choose_execution, recipe, networks, device, world))
        )
    check_execution(recipe, networks, device, world)
    return recipe


def settle_precision(recipe: ResolvedRecipe, device: torch.device) -> ResolvedRecipe:
    """Return the recipe with ``train.precision=auto`` replaced by its value for a device."""
    return recipe if recipe.train.precision != "auto" else _replace_auto(recipe, "precision", choose_precision(device))


def _replace_auto(recipe: ResolvedRecipe, key: str, value: str) -> ResolvedRecipe:
    """Return the recipe with the value of a setting that was ``auto``, and its name added to `auto`."""
    changed: dict[str, Any] = {key: value}
    return replace(recipe, train=replace(recipe.train, **changed), auto=tuple(dict.fromkeys([*recipe.auto, key])))


def replace_impossible_execution(
    recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World, notify: Callable[[str], None]
) -> ResolvedRecipe:
    """Return a recipe with another execution if its own is not possible here. All executions compute the same."""
    asked = recipe.train.execution
    try:
        if asked != "auto":
            check_execution(recipe, networks, device, world)
        return recipe
    except UsageError:
        chosen = world.on_rank0(partial(choose_execution, recipe, networks, device, world))
    notify(f"train.execution={asked} is not possible on {device} here: the run continues with {chosen}")
    return _replace_auto(recipe, "execution", chosen)


def check_execution(recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World) -> None:
    """Raise UsageError where a recipe names an execution that this device or its optimizers do not support."""
    asked = recipe.train.execution
    if asked == "cuda-graph" and device.type != "cuda":
        raise UsageError("train.execution=cuda-graph needs a CUDA device: use compile or eager here")
    if asked != "eager" and not is_recordable(recipe, networks, world):
        raise UsageError(
            f"train.execution={asked} takes the optimizers {', '.join(FORMS)}, no fp16, no "
            "train.checkpoint_activations and, over several processes, train.update=alternating without "
            "train.sync_batchnorm, train.g_top_k or a loss that couples the batch: change that, or use "
            "train.execution=eager"
        )


def choose_execution(recipe: ResolvedRecipe, networks: Networks, device: torch.device, world: World = ALONE) -> str:
    """Return the value of ``train.execution=auto``, by a fixed rule of the device, the networks and the run's length.

    On CUDA it is ``cuda-graph``. On the CPU it is ``compile`` where the networks are tiny, the run is long enough to
    repay it, no term differentiates twice (compiled double backward has crashed), and there is a C++ compiler. In all
    other cases it is ``eager``.
    """
    train = recipe.train
    if not is_recordable(recipe, networks, world):
        return "eager"
    if device.type == "cuda":
        return "cuda-graph"
    compiler = any(map(shutil.which, ("g++", "clang++")))
    worth = is_tiny(networks) and train.images // train.batch >= WORTH_COMPILING
    penalised = any(choice.differentiates_inputs for choice in recipe.reg)
    return "compile" if worth and compiler and not penalised else "eager"


def is_recordable(recipe: ResolvedRecipe, networks: Networks, world: World = ALONE) -> bool:
    """Return whether the recipe's update can be recorded: its optimizers have a form, and no piece waits for ranks."""
    train, loss = recipe.train, recipe.loss.spec
    couples = isinstance(loss, Loss) and loss.batch_coupled
    couples = couples or train.g_top_k != 1
    waits = train.update != "alternating" or couples or train.sync_batchnorm  # for other ranks inside a piece
    has_forms = {recipe.optim_g.name, recipe.optim_d.name} <= FORMS.keys()
    learn = all(any(p.requires_grad for p in network.parameters()) for network in _both(networks))
    eager = train.precision == "fp16" or train.checkpoint_activations
    return has_forms and learn and not eager and not (waits and world.size > 1)


def is_tiny(networks: Networks) -> bool:
    """Return whether both networks are small and without convolutions, so that more than one thread is slower."""
    modules = [module for network in _both(networks) for module in network.modules()]
    modules += [part for held in modules if isinstance(held, Frozen) for part in held.network.modules()]
    convolutions = any(isinstance(module, nn.modules.conv._ConvNd) for module in modules)
    return not convolutions and sum(p.numel() for m in modules for p in m.parameters(recurse=False)) < TINY


def _both(networks: Networks) -> tuple[nn.Module, nn.Module]:
    return networks.generator, networks.discriminator
