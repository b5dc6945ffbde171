"""A GAN in training: its networks, loss, terms, augmentations and optimizers, and what an update does with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.convolution import direct_second_derivatives
from ganzoo.engine import forward, terms
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.ema import EMA
from ganzoo.engine.forward import require_scalar
from ganzoo.engine.gradients import Stats
from ganzoo.engine.optim import NetworkOptimizer
from ganzoo.engine.recomputation import find_blocks, recomputed
from ganzoo.engine.state import State
from ganzoo.engine.strength import AdaptiveStrength
from ganzoo.engine.top_k import keep_best_fakes
from ganzoo.errors import GanzooError, UsageError
from ganzoo.health.signals import LastLogits
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
from ganzoo.recipe.check_training import mixes_fakes
from ganzoo.recipe.recipe import ResolvedRecipe

Execute = Callable[[Any, Callable[[Any], Any], Any], Any]  # see `eager`, and `ganzoo.engine.execution`


@dataclass
class Gan(State):
    """A GAN in training.

    Args:
        recipe: The recipe that the GAN was built from.
        data: The data as the networks see them: without labels unless the run is conditional.
        networks: The generator and the discriminator, on the device.
        loss: The adversarial loss, which reads logits alone.
        regularizers: The regularizers by name, in the recipe's order.
        augmentations: The augmentations by name, in the recipe's order.
        schedules: The tensors of scheduled options with their schedules; they are refilled before each update.
        device: The device of the networks.
        world: The processes that train the GAN together; by default this one alone.
        adversarial_weight: The weight of G's adversarial term: a number, or one of the tensors in `schedules`.
        top_k: The share of G's fakes whose adversarial loss trains G: a number, or one of the tensors in `schedules`.
        strength: The factor that adapts the strengths of penalties; None if they are as the recipe says.

    Attributes:
        images: Images seen so far, a 0-dim tensor that is refilled before each update.
        latent_movers: The regularizers that move latents.
        fake_replacers: The regularizers that replace the fakes which D sees.
        weigher: The regularizer that weighs G's adversarial loss, with its name; None if there is none.
        intervals: The number of updates from one term to the next, by network and regularizer.
        interval: The interval above 1 of a network's terms, by network; 1 where all its terms have interval 1.
        blocks: The forwards that compute activations again, by network and module.
        recording: Whether an update is being recorded.
        last_logits: D's logits in its last update, which the signals are computed from.
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
    top_k: float | Tensor = 1.0
    strength: AdaptiveStrength | None = None

    def __post_init__(self) -> None:
        recipe, train, loss = self.recipe, self.recipe.train, self.recipe.loss.spec
        self.generator, self.discriminator = self.networks.generator, self.networks.discriminator
        self.trainable = {
            network: [
                parameter
                for module in (getattr(self, network), *terms.find_learners(recipe, self.regularizers, network))
                for parameter in module.parameters()
                if parameter.requires_grad  # parameters that their author froze stay frozen
            ]
            for network in ("generator", "discriminator")
        }
        self.pairs = isinstance(loss, Loss) and loss.pairs
        self.couples_batch = isinstance(loss, Loss) and loss.batch_coupled
        self.reals = {choice.name for choice in recipe.reg if terms.reads_reals(choice)}
        self.reads_answers = {choice.name for choice in recipe.reg if terms.ANSWERS & set(choice.spec.needs)}
        self.latent_movers = terms.find_latent_movers(recipe, self.regularizers)
        self.fake_replacers = terms.find_fake_replacers(recipe, self.regularizers)
        self.weigher = terms.find_weigher(recipe, self.regularizers)
        self.adaptive = [part for part in self.augmentations.values() if hasattr(part, "update")]
        self.mixing = {choice.name: self.augmentations[choice.name] for choice in recipe.aug if mixes_fakes(choice)}
        self.moves_labels = {
            choice.name for choice in recipe.aug if self.data.labels_are_images and moves_pixels(choice)
        }
        self.input_gradients = any(choice.differentiates_inputs for choice in recipe.reg)
        terms.refuse_idle_intervals(recipe, self.regularizers)
        self.intervals = {network: terms.intervals(recipe, self.regularizers, network) for network in self.trainable}
        self.interval = {network: terms.interval_above_1(network, each) for network, each in self.intervals.items()}
        self.optimizers = {
            network: NetworkOptimizer(
                self.trainable[network], chosen, self.interval[network], train.precision == "fp16"
            )
            for network, chosen in (("generator", recipe.optim_g), ("discriminator", recipe.optim_d))
        }
        again = train.checkpoint_activations
        self.blocks = {network: find_blocks(getattr(self, network)) if again else {} for network in self.trainable}
        if again and not any(self.blocks.values()):
            raise UsageError(
                f"train.checkpoint_activations: the networks of arch {recipe.arch.name!r} have no modules of several "
                "layers, of which only the input could be kept: remove it"
            )
        self.execute: Execute = eager
        self.recording = False
        scheduled = [tensor for tensor, _ in self.schedules]
        self.ema = EMA(self.generator, train.ema_half_life, train.ema_ramp, scheduled, train.ema_profiles or ())
        self.last_logits = LastLogits()
        self.images = torch.zeros((), dtype=torch.float64, device=self.device)
        self.images_per_round = train.batch * train.d_steps
        self.images_per_generator_update = self.images_per_round / train.g_steps

    @property
    def averaged_networks(self) -> Networks:
        """The networks, with the averaged generator instead of the trained one."""
        return replace(self.networks, generator=self.ema.network)

    def refresh(self, images: int) -> None:
        """Refill the tensors of the images seen and of scheduled options."""
        self.images.fill_(images)
        for tensor, schedule in self.schedules:
            tensor.fill_(schedule.at(images))
        if self.strength is not None:
            self.strength.apply_factor()

    def is_adversarial(self, images: int) -> bool:
        """Return whether G is trained against D in the round at whose end D has seen `images` images.

        Where D and the adversarial term both start at 0 images, the first round counts: D learns in it before G.
        """
        start = max(self.recipe.train.d_start, self.recipe.train.adversarial_start)
        return start == 0 or images - self.images_per_round >= start

    def generator_updates(self, images: int) -> int:
        """Return the number of updates of G before its round at `images` images seen."""
        return (images // self.images_per_round - 1) * self.recipe.train.g_steps

    # ------------------------------------------------------------------------
    # Gradients.

    def enable_gradients(self, *networks: str) -> None:
        """Enable gradients of the parameters of these networks, and disable them for all others."""
        for name, parameters in self.trainable.items():
            for parameter in parameters:
                parameter.requires_grad_(name in networks)

    def gradients(self, network: str, loss: Tensor, keep_graph: bool = False) -> list[Tensor | None]:
        """Return the loss's gradients by the network's trainable parameters, in the order of its optimizer."""
        parameters = self.trainable[network]
        if not loss.requires_grad:  # no term has started yet
            return [None] * len(parameters)
        scaled = self.optimizers[network].scale(loss)
        with direct_second_derivatives() if self.regularizers else nullcontext():  # without terms there are none
            return list(torch.autograd.grad(scaled, parameters, retain_graph=keep_graph or None, allow_unused=True))

    # ------------------------------------------------------------------------
    # Forwards.

    def generate(self, z: Tensor, labels: Tensor | None, precision: str = "") -> GeneratorOutput:
        """Return samples ``[n, *shape]`` in float32, with a graph where the generator's parameters require grad.

        G computes in the run's precision if no other one is given.
        """
        with recomputed(self.blocks["generator"]):
            return forward.generate(self.generator, z, labels, precision or self.recipe.train.precision)

    def augment(self, samples: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Augment samples; return them with their labels. Labels change only where they are images that move along."""
        for name, augmentation in self.augmentations.items():
            if name in self.moves_labels:
                samples, labels = augmentation(samples, labels)
            elif name not in self.mixing:
                samples = augmentation(samples)
        return samples, labels

    def discriminate(self, samples: Tensor, labels: Tensor | None, penalised: bool = False) -> DiscriminatorOutput:
        """Return D's output for samples ``[n, *shape]``, in float32 whatever the networks compute in.

        Under fp16, a forward that a penalty differentiates twice is in float32, since inner gradients are not scaled.
        """
        precision = self.recipe.train.precision
        precision = "fp32" if penalised and precision == "fp16" else precision
        with recomputed(self.blocks["discriminator"]):
            return forward.discriminate(self.discriminator, samples, labels, precision)

    # ------------------------------------------------------------------------
    # Losses and terms.

    def adversarial_loss(self, network: str, first: DiscriminatorOutput, second: DiscriminatorOutput | None) -> Tensor:
        """Return the adversarial loss of a network, a scalar: the sum over D's scales or members.

        Args:
            network: The network whose loss it is, ``discriminator`` or ``generator``.
            first: D's output for real samples in D's loss, for fakes in G's loss.
            second: D's output for fakes in D's loss, for real samples in G's loss; None in G's loss unless it pairs.
        """
        if network == "generator":
            first = keep_best_fakes(first, self.top_k, self.world)
        ones = logits(first)
        others: list[Any] = [None] * len(ones) if second is None else logits(second)
        weights = [None] * len(ones) if first.weights is None else first.weights
        total = torch.zeros((), device=ones[0].device)
        for one, other, weight in zip(ones, others, weights, strict=True):
            loss = self.member_loss(network, one, other)
            total = total + (loss if weight is None else weight * loss)
        return total

    def member_loss(self, network: str, *logits: Tensor | None) -> Tensor:
        """Return the adversarial loss of a network for the logits ``[n, P]`` of one of D's scales or members.

        A loss that couples the batch gets the logits of the total batch.

        Args:
            network: The network whose loss it is, ``discriminator`` or ``generator``.
            logits: The arguments of the network's loss, in order.

        Raises:
            GanzooError: Real and fake logits have different shapes, which a loss would broadcast.
        """
        shapes = [list(one.shape) for one in logits if one is not None]
        if shapes[0] != shapes[-1]:
            raise GanzooError(
                f"D returned logits {shapes[0]} and {shapes[-1]} for equal batches of real and fake samples"
            )
        if self.couples_batch:
            logits = tuple(one if one is None else self.world.gather(one) for one in logits)
        return require_scalar(f"loss {self.recipe.loss.name!r}", getattr(self.loss, network)(*logits))

    def weight_loss(self, loss: Tensor) -> Tensor:
        """Multiply G's adversarial loss by its weight."""
        weight = self.adversarial_weight
        return loss if isinstance(weight, float) and weight == 1 else weight * loss

    def reads_reals(self, interval: int) -> bool:
        """Return whether G's update reads real samples: in its loss, or in one of its terms with this interval."""
        named = {name for name, own in self.intervals["generator"].items() if own == interval}
        return (self.pairs and interval == 1) or bool(named & self.reals)

    def regularize(
        self, network: str, step: Step, interval: int, adversarial: bool = True
    ) -> tuple[Tensor | None, Stats]:
        """Compute the terms of a network that have this interval.

        Args:
            network: The network whose terms are computed, ``discriminator`` or ``generator``.
            step: The update, as the terms see it.
            interval: The interval of the terms.
            adversarial: Whether to include the terms that read D's outputs other than logits.

        Returns:
            The sum of the terms, a scalar, or None where there are no terms; and each term, and each value that a
            regularizer reports after it, by name.
        """
        due = [name for name, own in self.intervals[network].items() if own == interval]
        each = {
            f"reg.{name}/{network[0]}": terms.compute_term(name, getattr(self.regularizers[name], network), step)
            for name in due
            if adversarial or name not in self.reads_answers
        }
        total = torch.stack(list(each.values())).sum() if each else None
        reporting = {f"reg.{name}": self.regularizers[name] for name in due if f"reg.{name}/{network[0]}" in each}
        return total, each | terms.collect_reports(reporting)

    def report_augmentations(self) -> Stats:
        """Return the values that augmentations report, 0-dim tensors by name."""
        return terms.collect_reports({f"aug.{name}": made for name, made in self.augmentations.items()})

    def differentiates_inputs(self, interval: int) -> bool:
        """Return whether one of D's terms with this interval differentiates D's output by its input."""
        return self.input_gradients and any(
            choice.differentiates_inputs
            for choice in self.recipe.reg
            if self.intervals["discriminator"].get(choice.name) == interval
        )

    def finish_discriminator_step(self, real_logits: Tensor | None) -> None:
        """Call `after_step` of regularizers, and `update` of adaptive augmentations with D's logits of real samples."""
        for regularizer in self.regularizers.values():
            if hasattr(regularizer, "after_step"):
                regularizer.after_step(self.networks)
        if real_logits is not None:
            for augmentation in self.adaptive:
                augmentation.update(real_logits)


def eager(kind: object, piece: Callable[[Any], Any], given: Any) -> Any:
    """Run a piece of an update eagerly, on its input. Every other execution must give the same."""
    return piece(given)
