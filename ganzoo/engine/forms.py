"""The steps of four optimizers with tensors alone, so that they can be recorded. They equal torch's own steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

Numbers = Mapping[str, Any]  # the values of `NetworkOptimizer.hyperparameters`
Slots = dict[str, Tensor]


class Form(ABC):
    """The step of one optimizer for one parameter, in place.

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
    def step(self, p: Tensor, g: Tensor, slots: Slots, numbers: Sequence[Tensor]) -> None:
        """Make the step of parameter `p` along gradient `g`, with numbers from `numbers` as tensors."""


class _Adam(Form):
    """Kingma & Ba 2015, algorithm 1, with the present betas in the bias corrections; decay is added to the gradient."""

    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def numbers(self, values: Numbers, count: int) -> list[float]:
        (b1, b2), lr = values["betas"], values["lr"]
        size, root = lr / (1 - b1**count), math.sqrt(1 - b2**count)
        return [1 - b1, b2, 1 - b2, size, root, values["eps"], self.compute_decay(values)]

    def compute_decay(self, values: Numbers) -> float:
        return float(values["weight_decay"])

    def step(self, p: Tensor, g: Tensor, slots: Slots, numbers: Sequence[Tensor]) -> None:
        new1, b2, new2, size, root, eps, decay = numbers
        m, v = slots["exp_avg"], slots["exp_avg_sq"]
        g = self.apply_decay(p, g, decay)
        m.lerp_(g, new1.to(m.dtype))
        v.mul_(b2).add_(g * g * new2)
        p.sub_(size * m / (v.sqrt() / root + eps))

    def apply_decay(self, p: Tensor, g: Tensor, decay: Tensor) -> Tensor:
        return g + decay * p


class _AdamW(_Adam):
    """Loshchilov & Hutter 2019, algorithm 2: decay multiplies the weights."""

    def compute_decay(self, values: Numbers) -> float:
        return 1 - float(values["lr"] * values["weight_decay"])

    def apply_decay(self, p: Tensor, g: Tensor, decay: Tensor) -> Tensor:
        p.mul_(decay)
        return g


class _SGD(Form):
    """Gradient descent with momentum in the form of Sutskever et al. 2013, as in torch."""

    counts = False

    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        return ("momentum_buffer",) if fixed["momentum"] else ()

    def numbers(self, values: Numbers, count: int) -> list[float]:
        return [values["lr"], values["momentum"], values["weight_decay"]]

    def step(self, p: Tensor, g: Tensor, slots: Slots, numbers: Sequence[Tensor]) -> None:
        lr, momentum, decay = numbers
        g = g + decay * p
        if self.slots:
            buffer = slots["momentum_buffer"].mul_(momentum).add_(g)
            g = g + momentum * buffer if self.fixed["nesterov"] else buffer
        p.sub_(lr * g)


class _RMSprop(Form):
    """Hinton 2012, lecture 6e, with torch's options."""

    def name_slots(self, fixed: Numbers) -> tuple[str, ...]:
        extra = {"grad_avg": fixed["centered"], "momentum_buffer": fixed["momentum"]}
        return "square_avg", *(name for name, wanted in extra.items() if wanted)

    def numbers(self, values: Numbers, count: int) -> list[float]:
        alpha = values["alpha"]
        return [values["lr"], alpha, 1 - alpha, values["eps"], values["momentum"], values["weight_decay"]]

    def step(self, p: Tensor, g: Tensor, slots: Slots, numbers: Sequence[Tensor]) -> None:
        lr, alpha, new, eps, momentum, decay = numbers
        g = g + decay * p
        v = slots["square_avg"].mul_(alpha).add_(g * g * new)
        if "grad_avg" in self.slots:
            v = v - slots["grad_avg"].lerp_(g, new.to(g.dtype)).square()
        g = g / (v.sqrt() + eps)
        if "momentum_buffer" in self.slots:
            g = slots["momentum_buffer"].mul_(momentum).add_(g)
        p.sub_(lr * g)


FORMS: dict[str, type[Form]] = {"adam": _Adam, "adamw": _AdamW, "sgd": _SGD, "rmsprop": _RMSprop}
