"""What an update works on: the networks, the loss and all that trains them, and what each of them does in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.engine import forward, terms
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.ema import EMA
from ganzoo.engine.forward import scalar
from ganzoo.engine.gradients import Stats
from ganzoo.engine.optim import NetworkOptimizer
from ganzoo.engine.state import State
from ganzoo.errors import GanzooError
from ganzoo.layers import logits
from ganzoo.plugin import (
    DataInfo,
    DiscriminatorOutput,
    GeneratorOutput,
    Loss,
    LossFunction,
    Networks,
    Step,
)
from ganzoo.plugin.schedule import Schedule
from ganzoo.recipe.check import moves_pixels
from ganzoo.recipe.recipe import ResolvedRecipe

Execute = Callable[[Any, Callable[[Any], Any], Any], Any]  # see `eager`, and `ganzoo.engine.execution`


@dataclass
class Gan(State):
    """What an update works on.

    Args:
        recipe: What all this was built from.
        data: As the networks see it: without labels unless the run is conditional.
        networks: Generator and discriminator, on the device.
        loss: The adversarial loss.
        regularizers, augmentations: In the recipe's order, by name.
        schedules: The tensors that stand for scheduled options, refilled before each update.
        device: Where it lives.
        world: The processes that train it together.
        adversarial_weight: Of G's adversarial term, a number or one of the tensors in `schedules`.

    Attributes:
        images: Images seen, a 0-dim tensor that is refilled before each update.
        intervals: Updates between two terms, by network and regularizer.
        interval: Of each network, the one above 1 of its terms; 1 where there is none.
        recording: Whether an update is being recorded.
    """

    recipe: ResolvedRecipe
    data: DataInfo
    networks: Networks
    loss: LossFunction
    regularizers: Mapping[str, Any]
    augmentations: Mapping[str, Any]
    schedules: list[tuple[Tensor, Schedule]]
    device: torch.device
    world: World = ALONE
    adversarial_weight: float | Tensor = 1.0

    def __post_init__(self) -> None:
        recipe, train, loss = self.recipe, self.recipe.train, self.recipe.loss.spec
        self.generator, self.discriminator = self.networks.generator, self.networks.discriminator
        self.trainable = {
            network: [
                parameter
                for module in (getattr(self, network), *terms.find_learners(recipe, self.regularizers, network))
                for parameter in module.parameters()
                if parameter.requires_grad  # what its author froze stays frozen
            ]
            for network in ("generator", "discriminator")
        }
        self.pairs = isinstance(loss, Loss) and loss.pairs
        self.couples = isinstance(loss, Loss) and loss.batch_coupled
        self.reals = {choice.name for choice in recipe.reg if terms.reads_reals(choice)}
        self.reading = {choice.name for choice in recipe.reg if terms.ANSWERS & set(choice.spec.needs)}
        self.adaptive = [part for part in self.augmentations.values() if hasattr(part, "update")]
        self.moves_labels = {
            choice.name for choice in recipe.aug if self.data.labels_are_images and moves_pixels(choice)
        }
        self.input_gradients = any(map(terms.differentiates_inputs, recipe.reg))
        self.intervals = {network: terms.intervals(recipe, self.regularizers, network) for network in self.trainable}
        self.interval = {network: terms.interval_above_1(network, each) for network, each in self.intervals.items()}
        self.optimizers = {
            network: NetworkOptimizer(
                self.trainable[network], chosen, self.interval[network], train.precision == "fp16"
            )
            for network, chosen in (("generator", recipe.optim_g), ("discriminator", recipe.optim_d))
        }
        self.execute: Execute = eager
        self.recording = False
        scheduled = [tensor for tensor, _ in self.schedules]
        self.ema = EMA(self.generator, train.ema_half_life, train.ema_ramp, scheduled)
        self.images = torch.zeros((), dtype=torch.float64, device=self.device)
        self.images_per_round = train.batch * train.d_steps
        self.images_per_generator_update = self.images_per_round / train.g_steps

    @property
    def averaged_networks(self) -> Networks:
        """The networks with the averaged generator in the place of the trained one."""
        return replace(self.networks, generator=self.ema.network)

    def refresh(self, images: int) -> None:
        """Refill the tensors that stand for what changes: images seen, and scheduled options."""
        self.images.fill_(images)
        for tensor, schedule in self.schedules:
            tensor.fill_(schedule.at(images))

    def is_adversarial(self, images: int) -> bool:
        """Whether G is trained against D in the round of which D has seen `images` images at its end.

        D has learned in that very round already where both begin at once.
        """
        start = max(self.recipe.train.d_start, self.recipe.train.adversarial_start)
        return start == 0 or images - self.images_per_round >= start

    def generator_updates(self, images: int) -> int:
        """Return how many updates G has made once `images` images were seen and before its round after them."""
        return (images // self.images_per_round - 1) * self.recipe.train.g_steps

    # ------------------------------------------------------------------------
    # Gradients.

    def enable_gradients(self, *networks: str) -> None:
        """Let the networks named take gradients, and no other."""
        for name, parameters in self.trainable.items():
            for parameter in parameters:
                parameter.requires_grad_(name in networks)

    def gradients(self, network: str, loss: Tensor, keep_graph: bool = False) -> list[Tensor | None]:
        """Return the loss's gradients by the network's trainable parameters, as its optimizer takes them."""
        parameters = self.trainable[network]
        if not loss.requires_grad:  # before its terms begin
            return [None] * len(parameters)
        scaled = self.optimizers[network].scaled(loss)
        return list(torch.autograd.grad(scaled, parameters, retain_graph=keep_graph or None, allow_unused=True))

    # ------------------------------------------------------------------------
    # What the networks make and answer.

    def generate(self, z: Tensor, labels: Tensor | None) -> GeneratorOutput:
        """Return samples ``[n, *shape]`` in float32; with a graph where the generator's parameters require grad."""
        return forward.generate(self.generator, z, labels, self.recipe.train.precision)

    def augment(self, samples: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return samples and labels as D shall see them; labels change only where they are images that move along."""
        for name, augmentation in self.augmentations.items():
            if name in self.moves_labels:
                samples, labels = augmentation(samples, labels)
            else:
                samples = augmentation(samples)
        return samples, labels

    def discriminate(self, samples: Tensor, labels: Tensor | None, penalised: bool = False) -> DiscriminatorOutput:
        """Return D's answer to samples ``[n, *shape]``, in float32 whatever the networks compute in.

        Under fp16 the passes that a penalty differentiates twice are in float32: inner gradients have no scaling.
        """
        precision = self.recipe.train.precision
        precision = "fp32" if penalised and precision == "fp16" else precision
        return forward.discriminate(self.discriminator, samples, labels, precision)

    # ------------------------------------------------------------------------
    # Losses and terms.

    def adversarial_loss(self, network: str, first: DiscriminatorOutput, second: DiscriminatorOutput | None) -> Tensor:
        """Return the loss of ``discriminator`` or ``generator``, a scalar: the sum over D's scales or members.

        Args:
            network: Whose.
            first: D's answer to real samples; in G's loss, to generated ones.
            second: Its answer to the others; in G's loss None unless it pairs.
        """
        ones = logits(first)
        others: list[Any] = [None] * len(ones) if second is None else logits(second)
        weights = [None] * len(ones) if first.weights is None else first.weights
        total = torch.zeros((), device=ones[0].device)
        for one, other, weight in zip(ones, others, weights, strict=True):
            found = self.member_loss(network, one, other)
            total = total + (found if weight is None else weight * found)
        return total

    def member_loss(self, network: str, *logits: Tensor | None) -> Tensor:
        """Return the loss of ``discriminator`` or ``generator`` at logits ``[n, P]``, in the order that it takes them.

        A loss that couples the batch is given the total batch's.

        Raises:
            GanzooError: Real and fake logits are of unequal shapes, which a loss would broadcast.
        """
        shapes = [list(one.shape) for one in logits if one is not None]
        if shapes[0] != shapes[-1]:
            raise GanzooError(
                f"D answered {shapes[0]} and {shapes[-1]} logits to equal batches of real and fake samples"
            )
        if self.couples:
            logits = tuple(one if one is None else self.world.whole(one) for one in logits)
        return scalar(f"loss {self.recipe.loss.name!r}", getattr(self.loss, network)(*logits))

    def weight_loss(self, loss: Tensor) -> Tensor:
        """Return G's adversarial loss with its weight."""
        weight = self.adversarial_weight
        return loss if isinstance(weight, float) and weight == 1 else weight * loss

    def reads_reals(self, interval: int) -> bool:
        """Whether G's update reads real samples: its loss, or one of its terms of this interval."""
        named = {name for name, own in self.intervals["generator"].items() if own == interval}
        return (self.pairs and interval == 1) or bool(named & self.reals)

    def regularize(
        self, network: str, step: Step, interval: int, adversarial: bool = True
    ) -> tuple[Tensor | None, Stats]:
        """Return the sum of the terms of a network that have this interval, and each by name.

        Args:
            network: ``discriminator`` or ``generator``.
            step: What they see.
            interval: Of the terms.
            adversarial: Whether those that read what D answers are among them.

        Returns:
            The sum, a scalar, None where there are none; and each term.
        """
        due = [name for name, own in self.intervals[network].items() if own == interval]
        each = {
            f"reg.{name}/{network[0]}": terms.value(name, getattr(self.regularizers[name], network), step)
            for name in due
            if adversarial or name not in self.reading
        }
        return torch.stack(list(each.values())).sum() if each else None, each

    def differentiates_inputs(self, interval: int) -> bool:
        """Whether one of D's terms of this interval differentiates its answers by its input."""
        return self.input_gradients and any(
            terms.differentiates_inputs(choice)
            for choice in self.recipe.reg
            if self.intervals["discriminator"].get(choice.name) == interval
        )

    def finish_discriminator_step(self, real_logits: Tensor | None) -> None:
        """Tell components that ask for it that D made a step, and adaptive ones what it said of real samples."""
        for regularizer in self.regularizers.values():
            if hasattr(regularizer, "after_step"):
                regularizer.after_step(self.networks)
        if real_logits is not None:
            for augmentation in self.adaptive:
                augmentation.update(real_logits)


def eager(kind: object, piece: Callable[[Any], Any], given: Any) -> Any:
    """Run a piece of an update plainly, on what it is given; what every other execution must equal."""
    return piece(given)
