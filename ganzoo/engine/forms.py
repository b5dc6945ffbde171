"""The steps of four optimizers with tensors alone, so that they can be recorded. They equal torch's own steps.

Each operation is one of `torch._foreach_*`, over all parameters of a group: on CUDA one kernel, or a few. It reads the
numbers that change from 0-dim tensors. They have the parameters' dtype; for another one torch would need a kernel for
each parameter.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Numbers = Mapping[str, Any]  # the values of `NetworkOptimizer.hyperparameters`
Tensors = list[Tensor] | tuple[Tensor, ...]
Slots = Mapping[str, Tensors]  # the state of all parameters of a group, by name


class Form(ABC):
    """The step of one optimizer for a group of parameters, in place.

    Args:
        fixed: The optimizer's hyperparameters, for the options that cannot be scheduled.
    """

    counts = True  # whether torch's optimizer counts the steps of each parameter

    def __init__(self, fixed: Numbers) -> None:
        self.fixed = fixed
        self.slots = self.name_slots(fixed)

    @abstractmethod
    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        """Return the names of a parameter's state tensors, without the count of steps."""

    @abstractmethod
    def numbers(self, values: Numbers, count: int) -> list[float]:
        """Compute the numbers that the `count`-th step reads, in float64."""

    @abstractmethod
    def step(self, weights: Tensors, gradients: Tensors, slots: Slots, numbers: Tensors) -> None:
        """Make the step of parameters along their gradients, with numbers from `numbers` as 0-dim tensors."""

    def add_decay(self, weights: Tensors, gradients: Tensors) -> Tensors:
        """Return the gradients with the weight decay."""
        decay: float = self.fixed["weight_decay"]
        return torch._foreach_add(gradients, weights, alpha=decay) if decay else gradients


class _Adam(Form):
    """Kingma & Ba 2015, algorithm 1, with the present betas in the bias corrections; decay is added to the gradient.

    With epsilon-hat it is the order of their section 2: the second moment's correction is a factor of the step's size.
    """

    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def numbers(self, values: Numbers, count: int) -> list[float]:
        (b1, b2), lr = values["betas"], values["lr"]
        root, size = math.sqrt(1 - b2**count), -lr / (1 - b1**count)
        if self.fixed.get("eps_hat"):
            root, size = 1.0, size * root
        return [b1, 1 - b1, b2, 1 - b2, root, size]

    def step(self, weights: Tensors, gradients: Tensors, slots: Slots, numbers: Tensors) -> None:
        b1, new1, b2, new2, root, size = numbers[:6]
        m, v = slots["exp_avg"], slots["exp_avg_sq"]
        gradients = self.add_decay(weights, gradients)
        _average(m, b1, torch._foreach_mul(gradients, new1))
        _average_products(v, b2, torch._foreach_mul(gradients, new2), gradients)
        bottom = torch._foreach_sqrt(v)
        torch._foreach_div_(bottom, root)
        torch._foreach_add_(bottom, self.fixed["eps"])
        torch._foreach_addcdiv_(weights, torch._foreach_mul(m, size), bottom)


class _AdamW(_Adam):
    """Loshchilov & Hutter 2019, algorithm 2: decay multiplies the weights."""

    def numbers(self, values: Numbers, count: int) -> list[float]:
        return [*super().numbers(values, count), 1 - values["lr"] * values["weight_decay"]]

    def step(self, weights: Tensors, gradients: Tensors, slots: Slots, numbers: Tensors) -> None:
        torch._foreach_mul_(weights, numbers[-1])
        super().step(weights, gradients, slots, numbers)

    def add_decay(self, weights: Tensors, gradients: Tensors) -> Tensors:
        return gradients


class _SGD(Form):
    """Gradient descent with momentum in the form of Sutskever et al. 2013, as in torch."""

    counts = False

    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        return ("momentum_buffer",) if fixed["momentum"] else ()

    def numbers(self, values: Numbers, count: int) -> list[float]:
        return [-values["lr"]]

    def step(self, weights: Tensors, gradients: Tensors, slots: Slots, numbers: Tensors) -> None:
        gradients = self.add_decay(weights, gradients)
        if self.slots:
            buffer, momentum = slots["momentum_buffer"], self.fixed["momentum"]
            torch._foreach_mul_(buffer, momentum)
            torch._foreach_add_(buffer, gradients)
            gradients = torch._foreach_add(gradients, buffer, alpha=momentum) if self.fixed["nesterov"] else buffer
        torch._foreach_add_(weights, torch._foreach_mul(gradients, numbers[0]))


class _RMSprop(Form):
    """Hinton 2012, lecture 6e, with torch's options."""

    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        extra = {"grad_avg": fixed["centered"], "momentum_buffer": fixed["momentum"]}
        return "square_avg", *(name for name, wanted in extra.items() if wanted)

    def numbers(self, values: Numbers, count: int) -> list[float]:
        return [-values["lr"]]

    def step(self, weights: Tensors, gradients: Tensors, slots: Slots, numbers: Tensors) -> None:
        alpha: float = self.fixed["alpha"]
        gradients = self.add_decay(weights, gradients)
        new, v = torch._foreach_mul(gradients, 1 - alpha), slots["square_avg"]
        _average_products(v, alpha, new, gradients)
        if "grad_avg" in self.slots:
            mean = slots["grad_avg"]
            _average(mean, alpha, new)
            v = torch._foreach_addcmul(v, mean, mean, value=-1)
        bottom = torch._foreach_sqrt(v)
        torch._foreach_add_(bottom, self.fixed["eps"])
        steps: Tensors = torch._foreach_div(gradients, bottom)
        if "momentum_buffer" in self.slots:
            buffer = slots["momentum_buffer"]
            torch._foreach_mul_(buffer, self.fixed["momentum"])
            torch._foreach_add_(buffer, steps)
            steps = buffer
        torch._foreach_add_(weights, torch._foreach_mul(steps, numbers[0]))


def _average(averages: Tensors, old: Tensor | float, new: Tensors) -> None:
    """Multiply running averages by the weight of the past, and add weighted values."""
    torch._foreach_mul_(averages, old)
    torch._foreach_add_(averages, new)


def _average_products(averages: Tensors, old: Tensor | float, new: Tensors, values: Tensors) -> None:
    """Multiply running averages of squares by the weight of the past, and add values times weighted values."""
    torch._foreach_mul_(averages, old)
    torch._foreach_addcmul_(averages, new, values)


FORMS: dict[str, type[Form]] = {"adam": _Adam, "adamw": _AdamW, "sgd": _SGD, "rmsprop": _RMSprop}
