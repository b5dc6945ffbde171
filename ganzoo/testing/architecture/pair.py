"""A pair of networks that the engine trains on a few made-up samples with a simple loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, optim
from torch.nn.functional import softplus

from ganzoo.compute.streams import Streams
from ganzoo.data.source import ArraySource
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches, Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.gradients import Stats
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.plugin import DataInfo, Dataset, Loss, NoOptions
from ganzoo.recipe.recipe import Choice, OptimizerChoice, ResolvedRecipe
from ganzoo.recipe.settings import SGD, Adam, TrainOptions
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.testing.architecture.networks import Snapshot, make_labels, make_samples
from ganzoo.testing.checks import Trial, require

CPU = torch.device("cpu")
BATCH, ITEMS, ROUNDS = (
    4,
    16,
    2,
)  # two rounds, so that gradients also pass a layer that starts at 0 behind another such layer
TOLERANCE = 1e-4  # relative to a number above 1
KIT = Plugin("kit", __name__)
OPTIMIZERS = {"adam": Adam(lr=1e-3, betas=(0.0, 0.99)), "sgd": SGD(lr=1e-2)}


class Softplus:
    """The original GAN's loss (Goodfellow et al. 2014, arXiv:1406.2661, section 3), for which no plugin is needed."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return D's loss."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Return G's loss."""
        return softplus(-fake).mean()


class OneBatch(Batches):
    """Batches that give every update the first batch."""

    def discriminator(self, images: int) -> Iterator[Part]:
        """Yield the parts of D's first update."""
        return super().discriminator(0)

    def generator(self, images: int, step: int) -> Iterator[Part]:
        """Yield the parts of G's first update."""
        return super().generator(0, 0)


def make_plain_loss() -> RegisteredComponent:
    """Return the kit's loss as a component."""
    return RegisteredComponent(KIT, Loss(name="kit", summary="Softplus.", factory=f"{__name__}:Softplus"))


def make_dataset(data: DataInfo) -> RegisteredComponent:
    """Return a dataset component with samples of this data."""
    spec = Dataset(name="kit", summary="Made-up samples.", factory=f"{__name__}:make_source", info=data, default=True)
    return RegisteredComponent(KIT, spec)


def make_source(data: DataInfo) -> ArraySource:
    """Return a few made-up samples."""
    return ArraySource(replace(data, num_items=ITEMS), make_samples(data, ITEMS), make_labels(data, ITEMS))


def make_recipe(
    trial: Trial, data: DataInfo, loss: RegisteredComponent | None = None, optimizer: str = "adam", **train: Any
) -> ResolvedRecipe:
    """Return a simple recipe for the architecture.

    Args:
        trial: The architecture and its options.
        data: The data that the networks are built for.
        loss: The loss; None for the kit's.
        optimizer: The optimizer of both networks, ``adam`` or ``sgd``.
        train: Further settings of ``train.``.
    """
    loss = make_plain_loss() if loss is None else loss
    settings = {"batch": BATCH, "precision": "fp32", "execution": "eager", "conditional": data.labelled, **train}
    spec: Any = loss.spec
    chosen = OptimizerChoice(optimizer, OPTIMIZERS[optimizer])
    return ResolvedRecipe(
        arch=Choice(trial.entry, trial.make_options()),
        loss=Choice(loss, spec.options()),
        dataset=Choice(make_dataset(data), NoOptions()),
        reg=(),
        aug=(),
        metric=(),
        tracker=(),
        optim_g=chosen,
        optim_d=chosen,
        train=TrainOptions(**settings),
    )


def assemble_gan(recipe: ResolvedRecipe, data: DataInfo, feed: type[Batches] = Batches) -> tuple[Gan, Batches]:
    """Return a recipe's GAN on the CPU, and its batches."""
    gan = assemble(recipe, data, CPU)
    return gan, feed(make_source(data), Streams(recipe.train.seed, CPU), gan)


def train_rounds(gan: Gan, batches: Batches, num: int = ROUNDS, start: int = 0) -> list[Stats]:
    """Train for `num` rounds, of which the first has the number `start`; return the numbers of each update."""
    stats: list[Stats] = []
    for images in (batches.batch * index for index in range(start, start + num)):
        if gan.recipe.train.update != "alternating":
            stats.append(update_together(gan, batches, images))
            continue
        stats.append(update_discriminator(gan, batches, images))
        stats.append(update_generator(gan, batches, images + batches.batch, 0))
    return stats


def share_trained(trial: Trial, data: DataInfo) -> tuple[Gan, Batches]:
    """Return networks that were trained for a few rounds, which checks share, restored to their state at that time.

    After these rounds gradients pass layers that start at 0, and BatchNorm has statistics. The seed differs from that
    of other builds, so that a tensor that a package lacks cannot be equal by chance.
    """

    def make() -> tuple[Gan, Batches, Snapshot]:
        gan, batches = assemble_gan(make_recipe(trial, data, seed=7, ema_half_life=0.0), data)
        train_rounds(gan, batches)
        gan.enable_gradients("generator", "discriminator")
        slots = [
            slot
            for optimizer in gan.optimizers.values()
            for each in optimizer.state().values()
            for slot in each.values()
        ]
        return gan, batches, Snapshot(*gan.modules.values(), loose=[slot for slot in slots if isinstance(slot, Tensor)])

    gan, batches, snapshot = trial.keep(("trained", repr(data)), make)
    snapshot.restore()
    return gan, batches


def share_next_round(trial: Trial, data: DataInfo) -> tuple[dict[str, Tensor | None], list[Stats]]:
    """Train one round more than `share_trained`; return each parameter's gradient by name, and the round's numbers."""
    return trial.keep(("next round", repr(data)), lambda: _next_round(*share_trained(trial, data)))  # type: ignore[no-any-return]


def _next_round(gan: Gan, batches: Batches) -> tuple[dict[str, Tensor | None], list[Stats]]:
    found: dict[str, Tensor | None] = {}
    hooks = []
    for network, optimizer in gan.optimizers.items():
        module = {"generator": gan.generator, "discriminator": gan.discriminator}[network]
        trainable = set(map(id, optimizer.parameters))
        named = {f"{network}.{name}": p for name, p in module.named_parameters() if id(p) in trainable}
        hooks.append(optimizer.torch.register_step_pre_hook(partial(_note_gradients, found, named)))
    stats = train_rounds(gan, batches, 1, ROUNDS)
    for hook in hooks:
        hook.remove()
    return found, stats


def require_alike(one: Stats, two: Stats, where: str) -> None:
    """Raise `Failure` unless two updates have the same numbers."""
    for name, value in one.items():
        off = float((value - two[name]).abs())
        close = off <= TOLERANCE * max(1.0, float(value.abs()))
        require(close, f"{where} {name} is {float(two[name]):.6g}, not {float(value):.6g}.")


def _note_gradients(
    found: dict[str, Tensor | None], named: Mapping[str, Tensor], optimizer: optim.Optimizer, *given: object
) -> None:
    found.update({name: p.grad if p.grad is None else p.grad.clone() for name, p in named.items()})
