"""A recipe come to life: the networks, the loss and all that trains them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.device import autocast, exact_products, place
from ganzoo.compute.streams import derive, seeded
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.ema import EMA
from ganzoo.engine.optim import Optimizer
from ganzoo.errors import Corrupt, GanzooError
from ganzoo.layers import SpectralNorm
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Loss, LossFunction, Networks, Regularizer
from ganzoo.plugin.contracts import LATENT
from ganzoo.plugin.options import options_of
from ganzoo.plugin.schedule import Schedule
from ganzoo.recipe.check import as_trained, moves_pixels
from ganzoo.recipe.recipe import Choice, Recipe
from ganzoo.registry.installed import METHODS, require_callable, told

REGULARIZER = [name.rstrip("?") for name in METHODS["regularizer"]]  # what one may have, at least one of them
Execute = Callable[[Any, Callable[[Any], Any], Any], Any]  # see `eager`, and `ganzoo.engine.execution`


@dataclass
class Gan:
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
    """

    recipe: Recipe
    data: DataInfo
    networks: Networks
    loss: LossFunction
    regularizers: Mapping[str, Any]
    augmentations: Mapping[str, Any]
    schedules: list[tuple[Tensor, Schedule]]
    device: torch.device
    world: World = ALONE

    def __post_init__(self) -> None:
        recipe, train, loss = self.recipe, self.recipe.train, self.recipe.loss.spec
        self.generator, self.discriminator = self.networks.generator, self.networks.discriminator
        self.trainable = {  # what an architecture froze stays frozen
            "generator": [p for p in self.generator.parameters() if p.requires_grad],
            "discriminator": [p for p in self.discriminator.parameters() if p.requires_grad],
        }
        self.pairs = isinstance(loss, Loss) and loss.pairs
        self.couples = isinstance(loss, Loss) and loss.batch_coupled
        self.adaptive = [
            augmentation for augmentation in self.augmentations.values() if hasattr(augmentation, "update")
        ]
        self.moving = {choice.name for choice in recipe.aug if self.data.labels_are_images and moves_pixels(choice)}
        self.input_gradients = any(map(differentiates_inputs, recipe.reg))
        self.g_interval = train.g_reg_interval if self._terms("generator") else 1
        self.d_interval = train.d_reg_interval if self._terms("discriminator") else 1
        scaled = train.precision == "fp16"
        self.optim_g = Optimizer(self.trainable["generator"], recipe.optim_g, self.g_interval, scaled)
        self.optim_d = Optimizer(self.trainable["discriminator"], recipe.optim_d, self.d_interval, scaled)
        self.optimizers = {"generator": self.optim_g, "discriminator": self.optim_d}
        self.execute: Execute = eager
        scheduled = [tensor for tensor, _ in self.schedules]
        self.ema = EMA(self.generator, train.ema_half_life, train.ema_ramp, scheduled)
        self.images_per_round = train.batch * train.d_steps
        self.images_per_generator_update = self.images_per_round / train.g_steps

    @property
    def averaged(self) -> Networks:
        """The networks with the averaged generator in the place of the trained one."""
        return replace(self.networks, generator=self.ema.network)

    def let_learn(self, *networks: str) -> None:
        """Let the networks named take gradients, and no other."""
        for name, parameters in self.trainable.items():
            for parameter in parameters:
                parameter.requires_grad_(name in networks)

    def gradients(self, network: str, loss: Tensor, keep_graph: bool = False) -> list[Tensor | None]:
        """Return the loss's gradients by the network's trainable parameters, as its optimizer takes them."""
        scaled = self.optimizers[network].scaled(loss)
        parameters = self.trainable[network]
        return list(torch.autograd.grad(scaled, parameters, retain_graph=keep_graph or None, allow_unused=True))

    def generate(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return samples ``[n, *shape]`` in float32; with a graph where the generator's parameters require grad."""
        with autocast(self.recipe.train.precision, self.device):
            return _full(self.generator(z, labels))

    def judge(self, samples: Tensor, labels: Tensor | None, penalised: bool = False) -> DiscriminatorOutput:
        """Return D's answer to samples ``[n, *shape]``, in float32 whatever the networks compute in.

        Under fp16 the passes that a penalty differentiates twice are in float32: inner gradients have no scaling.
        """
        precision = self.recipe.train.precision
        with autocast("fp32" if penalised and precision == "fp16" else precision, self.device):
            answer = self.discriminator(samples, labels)
        if not isinstance(answer, DiscriminatorOutput):
            answer = DiscriminatorOutput(answer)
        return DiscriminatorOutput(
            logits=_full(answer.logits) if isinstance(answer.logits, Tensor) else [_full(x) for x in answer.logits],
            class_logits=None if answer.class_logits is None else _full(answer.class_logits),
            features=None if answer.features is None else [_full(x) for x in answer.features],
        )

    def judge_again(
        self,
        usual: Tensor | None,
        known: Iterable[tuple[Tensor | None, DiscriminatorOutput | None]],
        samples: Tensor,
        exactly: bool = False,
        labels: Tensor | None = None,
    ) -> DiscriminatorOutput:
        """Return D's answer to further samples of an update, as `Step.judge` promises it.

        Args:
            usual: Labels, where no others are given.
            known: What D saw already, with its answers.
            samples: ``[n, *shape]``.
            exactly: Compute in float32 products, with dropout and the power iteration of spectral normalisation off.
            labels: Other labels.
        """
        labels = usual if labels is None else labels
        if not exactly:
            with still(self.discriminator):
                return self.judge(samples, labels, penalised=True)
        unsteady = any(isinstance(m, UNSTEADY) and m.training for m in self.discriminator.modules())
        if self.recipe.train.precision == "fp32" and not unsteady:
            for seen, answer in known:
                if seen is samples and answer is not None:
                    return answer
        with still(self.discriminator, UNSTEADY), exact_products():
            answer = self.discriminator(samples, labels)
        return answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)

    def lose(self, network: str, *logits: Tensor | None) -> Tensor:
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
        return _scalar(f"loss {self.recipe.loss.name!r}", getattr(self.loss, network)(*logits))

    def augment(self, samples: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return samples and labels as D shall see them; labels change only where they are images that move along."""
        for name, augmentation in self.augmentations.items():
            if name in self.moving:
                samples, labels = augmentation(samples, labels)
            else:
                samples = augmentation(samples)
        return samples, labels

    def regularize(self, network: str, step: Any) -> Tensor:
        """Return the sum of the regularizers' terms for ``discriminator`` or ``generator``."""
        terms = [_full(_scalar(f"regularizer {name!r}", term(step))) for name, term in self._terms(network).items()]
        return torch.stack(terms).sum() if terms else torch.zeros((), device=self.device)

    def after_discriminator(self, real_logits: Tensor | None) -> None:
        """Tell components that ask for it that D made a step, and adaptive ones what it said of real samples."""
        for regularizer in self.regularizers.values():
            if hasattr(regularizer, "after_step"):
                regularizer.after_step(self.discriminator)
        if real_logits is not None:
            for augmentation in self.adaptive:
                augmentation.update(real_logits)

    def generator_updates(self, images: int) -> int:
        """Return how many updates G has made once `images` images were seen and before its round after them."""
        return (images // self.images_per_round - 1) * self.recipe.train.g_steps

    def refresh(self, images: int) -> None:
        """Refill the tensors of scheduled options."""
        for tensor, schedule in self.schedules:
            tensor.fill_(schedule.at(images))

    def _terms(self, network: str) -> dict[str, Callable[[Any], Tensor]]:
        return {name: getattr(reg, network) for name, reg in self.regularizers.items() if hasattr(reg, network)}

    # ------------------------------------------------------------------------
    # State, for checkpoints.

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Everything with parameters or buffers, by the name under which a checkpoint holds it."""
        parts: dict[str, Any] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "ema": self.ema.network,
            "loss": self.loss,
            **{f"reg.{name}": regularizer for name, regularizer in self.regularizers.items()},
            **{f"aug.{name}": augmentation for name, augmentation in self.augmentations.items()},
        }
        return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}

    @property
    def parameters(self) -> list[Tensor]:
        """All parameters, those of the average included."""
        return [parameter for module in self.modules.values() for parameter in module.parameters()]

    @property
    def buffers(self) -> list[Tensor]:
        """All buffers; of several processes each may hold other values, such as BatchNorm's statistics."""
        return [buffer for module in self.modules.values() for buffer in module.buffers()]

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the whole state: tensors by name, and the numbers of the optimizers as JSON."""
        tensors = {
            f"{part}/{name}": tensor
            for part, module in self.modules.items()
            for name, tensor in module.state_dict().items()
        }
        numbers: dict[str, Any] = {}
        for name, optimizer in (("optim_g", self.optim_g), ("optim_d", self.optim_d)):
            for index, slots in optimizer.state().items():
                for slot, value in slots.items():
                    key = f"{name}/{index}/{slot}"
                    (tensors if isinstance(value, Tensor) else numbers)[key] = value
        return tensors, numbers

    def tensors(self) -> list[Tensor]:
        """Return every tensor that an update may read or change besides its batch."""
        slots = [tensor for optimizer in self.optimizers.values() for tensor in optimizer.tensors()]
        return [*self.parameters, *self.buffers, *slots, *self.ema.numbers, *(tensor for tensor, _ in self.schedules)]

    def load_state(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Take the state that `state` returned.

        Raises:
            Corrupt: It is not the state of this recipe's networks.
        """
        try:
            for part, module in self.modules.items():
                module.load_state_dict(_under(f"{part}/", tensors), strict=True)
            for name, optimizer in (("optim_g", self.optim_g), ("optim_d", self.optim_d)):
                slots: dict[str, dict[str, Any]] = {}
                for key, value in _under(f"{name}/", {**tensors, **numbers}).items():
                    index, _, slot = key.partition("/")
                    slots.setdefault(index, {})[slot] = value
                optimizer.load(slots)
        except (RuntimeError, ValueError, LookupError) as error:
            raise Corrupt(
                f"the checkpoint does not fit the recipe's networks: {' '.join(str(error).split())}"
            ) from error


def assemble(recipe: Recipe, data: DataInfo, device: torch.device, world: World = ALONE) -> Gan:
    """Build everything that a recipe names, for data of this kind, on the device.

    Weights follow from ``train.seed`` alone: they are drawn on the CPU, so that every device starts alike.

    Raises:
        GanzooError: A component could not be built; the text names it and its plugin.
    """
    schedules: list[tuple[Tensor, Schedule]] = []
    data = as_trained(data, recipe.train)
    with seeded(derive(recipe.train.seed, "weights")):
        networks = _build(recipe.arch, data, device, schedules)
        if not isinstance(networks, Networks):
            raise GanzooError(f"arch {recipe.arch.name!r} built {type(networks).__name__}, not ganzoo.plugin.Networks")
        loss = _build(recipe.loss, data, device, schedules)
        regularizers = {choice.name: _build(choice, data, device, schedules) for choice in recipe.reg}
        augmentations = {choice.name: _build(choice, data, device, schedules) for choice in recipe.aug}
        for name, regularizer in regularizers.items():
            if not any(hasattr(regularizer, method) for method in REGULARIZER):
                raise GanzooError(f"regularizer {name!r} has none of {', '.join(REGULARIZER)}: it would do nothing")
            if hasattr(regularizer, "prepare"):
                regularizer.prepare(networks.discriminator)
    if recipe.train.sync_batchnorm and world.size > 1:
        convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
        networks = replace(
            networks, generator=convert(networks.generator), discriminator=convert(networks.discriminator)
        )
    networks = replace(
        networks, generator=place(networks.generator, device), discriminator=place(networks.discriminator, device)
    )
    check_networks(recipe.arch, networks, data, device)
    return Gan(recipe, data, networks, loss, regularizers, augmentations, schedules, device, world)


@torch.no_grad()
def check_networks(arch: Choice, networks: Networks, data: DataInfo, device: torch.device) -> None:
    """Hold an architecture to its contract by one forward of two samples; the networks end in train mode.

    Raises:
        GanzooError: A forward failed, samples are not of the data's shape, or logits do not lead with N.
    """
    title = f"arch {arch.name!r} of plugin {arch.component.plugin.name!r}"
    if not re.fullmatch(LATENT, networks.latent):
        raise GanzooError(f"{title}: latent {networks.latent!r} is none of 'normal', 'uniform' and 'normal+onehotK'")
    generator, discriminator = networks.generator.eval(), networks.discriminator.eval()
    if shared := set(generator.parameters()) & set(discriminator.parameters()):
        raise GanzooError(
            f"{title}: its networks share parameters ({len(shared)}): while one learns the other is frozen"
        )
    z, labels = torch.zeros(2, networks.latent_dim, device=device), None
    if data.labelled:
        labels = torch.zeros(
            2, *data.label_shape, dtype=torch.float32 if data.label_shape else torch.int64, device=device
        )
    with seeded(0, device):
        samples = _tried(title, generator, z, labels)
        if not isinstance(samples, Tensor) or tuple(samples.shape) != (2, *data.shape):
            raise GanzooError(f"{title}: its generator made {_form(samples)} of 2 latents, not {[2, *data.shape]}")
        answer = _tried(title, discriminator, samples, labels)
    output = answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)
    members = output.logits if isinstance(output.logits, (list, tuple)) and output.logits else [output.logits]
    for logits in members:
        if not isinstance(logits, Tensor) or logits.dim() == 0 or len(logits) != 2:
            raise GanzooError(f"{title}: its discriminator answered {_form(logits)} to 2 samples, not [2, ...]")
    generator.train()
    discriminator.train()


def _form(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _tried(title: str, network: nn.Module, *args: Tensor | None) -> Any:
    try:
        require_callable(network.forward, "forward", "samples", "labels")
        return network(*args)
    except Exception as error:
        raise GanzooError(f"{title} failed in its first forward: {told(error)}") from error


def differentiates_inputs(choice: Choice) -> bool:
    """Whether a regularizer differentiates D with respect to its input."""
    assert isinstance(choice.spec, Regularizer)
    asked = choice.spec.input_gradients
    return asked(choice.options) if callable(asked) else asked


def _build(choice: Choice, data: DataInfo, device: torch.device, schedules: list[tuple[Tensor, Schedule]]) -> Any:
    """Build a component on the device; its scheduled options reach it as tensors, which are noted in `schedules`."""

    def ready(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(ready, value))
        if not isinstance(value, Schedule):
            return value
        tensor = torch.tensor(value.at(0), dtype=torch.float32, device=device)
        schedules.append((tensor, value))
        return tensor

    values = {name: ready(getattr(choice.options, name)) for name in options_of(type(choice.options))}
    part = choice.component.build(replace(choice.options, **values), data)
    return part.to(device) if isinstance(part, nn.Module) else part


def eager(kind: object, piece: Callable[[Any], Any], given: Any) -> Any:
    """Run a piece of an update plainly, on what it is given; what every other execution must equal."""
    return piece(given)


UNSTEADY = (  # layers whose answer to the same samples changes from one forward in train mode to the next
    nn.modules.dropout._DropoutNd,
    SpectralNorm,
    nn.utils.parametrizations._SpectralNorm,
)


@contextlib.contextmanager
def still(network: nn.Module, off: tuple[type[nn.Module], ...] = ()) -> Iterator[None]:
    """Run the block with BatchNorm's statistics left as they are, and modules of the classes `off` in eval mode."""
    tracking = [m for m in network.modules() if getattr(m, "track_running_stats", False) and m.training]
    switched = [m for m in network.modules() if isinstance(m, off) and m.training] if off else []
    try:
        for module in tracking:
            module.track_running_stats = False  # type: ignore[assignment]
        for module in switched:
            module.training = False
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True  # type: ignore[assignment]
        for module in switched:
            module.training = True


def _full(value: Tensor) -> Tensor:
    """Return a tensor in float32, or in float64 where it is in that."""
    return value if value.dtype == torch.float64 else value.float()


def _scalar(title: str, term: Any) -> Tensor:
    """Return a component's term; raise GanzooError where it is no scalar: of a vector the sum would be taken."""
    if not isinstance(term, Tensor) or term.dim():
        found = list(term.shape) if isinstance(term, Tensor) else type(term).__name__
        raise GanzooError(f"{title} returned {found}, not a scalar tensor: take the mean over the batch")
    return term


def _under(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
