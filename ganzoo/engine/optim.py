"""Optimizers: torch.optim's, by name, with numbers that may change as training goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo import recipe as recipes
from ganzoo.errors import UsageError
from ganzoo.options import Schedule, options_of, value_at

CLASSES = {
    "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adamax": torch.optim.Adamax, "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
    "adafactor": torch.optim.Adafactor, "adadelta": torch.optim.Adadelta, "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}  # fmt: skip


class Optimizer:
    """The optimizer of one network.

    Args:
        parameters: Of the network.
        choice: Name and options, as the recipe has them.
        interval: Of the network's regularizers. Above 1, each interval makes one step more than there are updates, so
            lr and betas take the correction c = k / (k + 1) of Karras et al. 2020 (StyleGAN2, appendix B): lr * c,
            beta ** c.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], choice: recipes.Optimizer, interval: int = 1) -> None:
        self.parameters = list(parameters)
        self._options = {name: getattr(choice.options, name) for name in options_of(type(choice.options))}
        self._correction = interval / (interval + 1) if interval > 1 else 1.0
        try:
            self.torch: torch.optim.Optimizer = CLASSES[choice.name](self.parameters, **self.hyperparameters(0))
        except ValueError as error:
            raise UsageError(f"optimizer {choice.name!r}: {str(error).lower()}; change its optim.* options") from error

    def hyperparameters(self, images: int) -> dict[str, Any]:
        """Return the keywords of the torch optimizer after `images` images, as floats, which torch insists on."""
        values: dict[str, Any] = {}
        for name, value in self._options.items():
            if isinstance(value, tuple):
                values[name] = tuple(float(value_at(part, images)) for part in value)
            else:
                values[name] = value_at(value, images) if isinstance(value, (float, Schedule)) else value
        values["lr"] = values["lr"] * self._correction
        if "betas" in values:
            values["betas"] = tuple(beta**self._correction for beta in values["betas"])
        return values

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.torch.zero_grad(set_to_none=True)

    def step(self, images: int) -> None:
        """Make one step with the numbers that hold after `images` images.

        Every gradient is laid out like its parameter first: fused and foreach kernels may take the memory as it lies.
        """
        for group in self.torch.param_groups:
            group.update(self.hyperparameters(images))
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad = _laid_out(parameter.grad, parameter)
        self.torch.step()

    def load(self, state: Mapping[int, Mapping[str, Any]]) -> None:
        """Take the ``state`` of the torch optimizer's ``state_dict``, its tensors laid out like the parameters."""
        laid_out = {
            index: {slot: _laid_out(value, self.parameters[index]) for slot, value in slots.items()}
            for index, slots in state.items()
        }
        self.torch.load_state_dict({"state": laid_out, "param_groups": self.torch.state_dict()["param_groups"]})


def _laid_out(value: Any, parameter: nn.Parameter) -> Any:
    """Return a tensor of a parameter's shape with the parameter's strides, and anything else as it is."""
    if not isinstance(value, Tensor) or value.shape != parameter.shape or value.stride() == parameter.stride():
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device=value.device).copy_(value)
