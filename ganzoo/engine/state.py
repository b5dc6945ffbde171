"""The state of a GAN: every tensor that training changes, for checkpoints, other processes and recordings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.streams import default_generator
from ganzoo.engine.ema import EMA
from ganzoo.engine.optim import NetworkOptimizer
from ganzoo.errors import Corrupt
from ganzoo.health.signals import LastLogits
from ganzoo.plugin.schedule import Schedule


class State:
    """The state of a GAN, the base class of `ganzoo.engine.gan.Gan`."""

    generator: nn.Module
    discriminator: nn.Module
    ema: EMA
    loss: Any
    regularizers: Mapping[str, Any]
    augmentations: Mapping[str, Any]
    optimizers: dict[str, NetworkOptimizer]
    strength: nn.Module | None
    schedules: list[tuple[Tensor, Schedule]]
    images: Tensor
    last_logits: LastLogits

    @property
    def modules(self) -> dict[str, nn.Module]:
        """All parts with parameters or buffers, by their names in a checkpoint."""
        parts: dict[str, Any] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "ema": self.ema.network,
            **{f"profile.{width:g}": average for width, average in self.ema.profiles.items()},
            "loss": self.loss,
            "strength": self.strength,
            **{f"reg.{name}": regularizer for name, regularizer in self.regularizers.items()},
            **{f"aug.{name}": augmentation for name, augmentation in self.augmentations.items()},
        }
        return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}

    @property
    def parameters(self) -> list[Tensor]:
        """All parameters, with those of the average."""
        return [parameter for module in self.modules.values() for parameter in module.parameters()]

    @property
    def buffers(self) -> list[Tensor]:
        """All buffers. They may differ between processes, as BatchNorm's statistics do."""
        return [buffer for module in self.modules.values() for buffer in module.buffers()]

    def tensors(self) -> list[Tensor]:
        """Return every tensor that an update may read or change, without its batch."""
        slots = [tensor for optimizer in self.optimizers.values() for tensor in optimizer.tensors()]
        scheduled = [tensor for tensor, _ in self.schedules]
        seen = [] if self.last_logits.buffer is None else [self.last_logits.buffer]
        return [*self.parameters, *self.buffers, *slots, *self.ema.numbers, *seen, self.images, *scheduled]

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the whole state: tensors by name, and the optimizers' numbers by name."""
        tensors = {
            f"{part}/{name}": tensor
            for part, module in self.modules.items()
            for name, tensor in module.state_dict().items()
        }
        numbers: dict[str, Any] = {}
        for network, optimizer in self.optimizers.items():
            for index, slots in optimizer.state().items():
                for slot, value in slots.items():
                    key = f"optim_{network[0]}/{index}/{slot}"
                    (tensors if isinstance(value, Tensor) else numbers)[key] = value
        return tensors, numbers

    def load_state(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Load the state that `state` returned.

        Raises:
            Corrupt: It does not fit this recipe's networks.
        """
        try:
            for part, module in self.modules.items():
                module.load_state_dict(_strip_prefix(f"{part}/", tensors), strict=True)
            for network, optimizer in self.optimizers.items():
                slots: dict[str, dict[str, Any]] = {}
                for key, value in _strip_prefix(f"optim_{network[0]}/", {**tensors, **numbers}).items():
                    index, _, slot = key.partition("/")
                    slots.setdefault(index, {})[slot] = value
                optimizer.load(slots)
        except (RuntimeError, ValueError, LookupError) as error:
            raise Corrupt(
                f"the checkpoint does not fit the recipe's networks: {' '.join(str(error).split())}"
            ) from error


def _strip_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


class Before:
    """The values of tensors before something that may fail, and the state of the device's default random generator.

    Args:
        tensors: The tensors whose values are kept.
        device: The device whose generator is restored too.
    """

    def __init__(self, tensors: Iterable[Tensor], device: torch.device) -> None:
        self.values = [(tensor, tensor.detach().clone()) for tensor in tensors]
        self.generator = default_generator(device)
        self.random = self.generator.get_state()

    @torch.no_grad()
    def restore(self) -> None:
        """Give the tensors their values back, and the generator its state."""
        for tensor, value in self.values:
            tensor.copy_(value)
        self.generator.set_state(self.random)
