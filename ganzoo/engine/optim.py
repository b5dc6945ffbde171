"""Optimizers: torch.optim's, by name, with numbers that may change as training goes on.

A step is made in one of two ways that give the same: by torch's own optimizer, fused where it can be; or, inside a
recorded piece of an update, by the functions at the end of this file, whose numbers stand in a tensor that is refilled
before each step, so that the record holds none of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.plugin.options import options_of
from ganzoo.plugin.schedule import Schedule, value_at
from ganzoo.recipe import recipe as recipes

CLASSES = {
    "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adamax": torch.optim.Adamax, "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
    "adafactor": torch.optim.Adafactor, "adadelta": torch.optim.Adadelta, "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}  # fmt: skip
FUSED = ("adam", "adamw", "sgd")  # that torch has one kernel for, on CPU and CUDA


class Optimizer:
    """The optimizer of one network.

    Args:
        parameters: Of the network.
        choice: Name and options, as the recipe has them.
        interval: Of the network's regularizers. Above 1, each interval makes one step more than there are updates, so
            lr and betas take the correction c = k / (k + 1) of Karras et al. 2020 (StyleGAN2, appendix B): lr * c,
            beta ** c.
        scaled: Whether losses are scaled so that half-precision gradients do not vanish, and steps with a gradient
            that is not finite are left out (Micikevicius et al. 2018, arXiv:1710.03740, section 3.2).
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        choice: recipes.OptimizerChoice,
        interval: int = 1,
        scaled: bool = False,
    ) -> None:
        self.parameters = list(parameters)
        self.name = choice.name
        self._options = {name: getattr(choice.options, name) for name in options_of(type(choice.options))}
        self._correction = interval / (interval + 1) if interval > 1 else 1.0
        fused = {"fused": True} if choice.name in FUSED and self.parameters else {}
        try:
            self.torch: torch.optim.Optimizer = CLASSES[choice.name](
                self.parameters, **self.hyperparameters(0), **fused
            )
        except ValueError as error:
            raise UsageError(f"optimizer {choice.name!r}: {str(error).lower()}; change its optim.* options") from error
        device = self.parameters[0].device.type if self.parameters else "cpu"
        self.scaler = torch.amp.GradScaler(device, enabled=scaled)
        self._recorded: _Recorded | None = None
        self._lr: Tensor | None = None  # on the device, where torch's own optimizer reads it in a CUDA graph

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

    def scaled(self, loss: Tensor) -> Tensor:
        """Return a loss as its gradients are to be taken of it."""
        scaled: Tensor = self.scaler.scale(loss)
        return scaled

    def refill(self, images: int) -> None:
        """Set the numbers that hold for the next step, after `images` images."""
        values = self.hyperparameters(images)
        if self._recorded:
            self._recorded.refill(values)
        if self._lr is not None:
            values["lr"] = self._lr.fill_(values["lr"])
        for group in self.torch.param_groups:
            group.update(values)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> None:
        """Make one step along gradients, in the order of the parameters; one without a gradient stays as it is.

        Every gradient is laid out like its parameter first: torch's fused kernels take the memory as it lies.
        """
        if self._recorded:
            self._recorded.step(gradients)
            return
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = _laid_out(gradient, parameter)
        self.scaler.step(self.torch)
        self.scaler.update()
        self.torch.zero_grad(set_to_none=True)

    # ------------------------------------------------------------------------
    # Recording.

    @property
    def recordable(self) -> bool:
        """Whether `record` is possible: for the optimizers of `FORMS`, without loss scaling."""
        return self.name in FORMS and not self.scaler.is_enabled() and bool(self.parameters)

    def record(self) -> None:
        """Make every step from now on with tensors alone, in place, as a recording can hold it.

        Only a `recordable` one can.
        """
        betas = self._options.get("betas", ())
        if betas and self.parameters[0].is_cuda and not any(isinstance(beta, Schedule) for beta in betas):
            self._lr = torch.zeros((), device=self.parameters[0].device)
            self.torch.param_groups[0]["capturable"] = True
        else:
            self._recorded = _Recorded(self.torch, self.parameters, FORMS[self.name])

    def unrecord(self, refilled: bool) -> None:
        """Let torch's own optimizer make the steps again; `refilled` where the next one's numbers are set already."""
        if self._recorded:
            self._recorded.count -= int(refilled)
            self._recorded.write_steps()
            self._recorded = None
        if self._lr is not None:
            self.torch.param_groups[0].update(capturable=False, lr=float(self._lr))
            self._lr = None

    def tensors(self) -> list[Tensor]:
        """Return what a recorded step reads and changes besides the parameters."""
        return self._recorded.tensors() if self._recorded else []

    # ------------------------------------------------------------------------
    # State.

    def state(self) -> dict[str, dict[str, Any]]:
        """Return tensors and numbers by name, of each parameter by its index, and of the scaling under ``scaler``."""
        if self._recorded:
            self._recorded.write_steps()
        slots = {str(index): dict(slots) for index, slots in self.torch.state_dict()["state"].items()}
        return slots | ({"scaler": self.scaler.state_dict()} if self.scaler.is_enabled() else {})

    def load(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take what `state` returned, its tensors laid out like the parameters."""
        laid_out = {
            int(index): {slot: _laid_out(value, self.parameters[int(index)]) for slot, value in slots.items()}
            for index, slots in state.items()
            if index != "scaler"
        }
        if "scaler" in state:
            self.scaler.load_state_dict(dict(state["scaler"]))
        held = self.tensors()
        self.torch.load_state_dict({"state": laid_out, "param_groups": self.torch.state_dict()["param_groups"]})
        if self._recorded:
            self._recorded.take(held)


def _laid_out(value: Any, parameter: nn.Parameter) -> Any:
    """Return a tensor of a parameter's shape with the parameter's strides, and anything else as it is."""
    if not isinstance(value, Tensor) or value.shape != parameter.shape or value.stride() == parameter.stride():
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device=value.device).copy_(value)


# ----------------------------------------------------------------------------
# The same steps with tensors alone.

Numbers = Mapping[str, Any]  # of `Optimizer.hyperparameters`
Slots = dict[str, Tensor]


class _Recorded:
    """A torch optimizer's state, on which one of `FORMS` makes the steps.

    Args:
        optimizer: Whose state it is.
        parameters: All that it trains.
        form: What makes the step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], form: type[_Form]) -> None:
        self.optimizer, self.parameters = optimizer, parameters
        self.values: Numbers = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
        self.form = form(self.values)
        self.count = 0  # steps made
        for parameter in parameters:
            slots = optimizer.state[parameter]
            for name in self.form.slots:
                if slots.get(name) is None:
                    slots[name] = torch.zeros_like(parameter)
            if self.form.counts:
                self.count = int(slots.setdefault("step", torch.zeros(())))
        width = len(self.form.numbers(self.values, 1))
        device = parameters[0].device if parameters else None
        self.numbers = torch.zeros(width, dtype=torch.float64, device=device)

    def refill(self, values: Numbers) -> None:
        self.count += 1
        self.numbers.copy_(torch.tensor(self.form.numbers(values, self.count), dtype=torch.float64))

    def step(self, gradients: Sequence[Tensor | None]) -> None:
        numbers = self.numbers.unbind()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            if gradient is not None:
                self.form.step(parameter, gradient, self.optimizer.state[parameter], numbers)

    def tensors(self) -> list[Tensor]:
        slots = [self.optimizer.state[p][name] for p in self.parameters for name in self.form.slots]
        return [*slots, self.numbers]

    def take(self, held: list[Tensor]) -> None:
        """Keep the tensors `held`, which recordings know, with the values that were loaded in their places."""
        for mine, loaded in zip(held, self.tensors(), strict=True):
            mine.copy_(loaded)
        names = [(parameter, name) for parameter in self.parameters for name in self.form.slots]
        for (parameter, name), mine in zip(names, held[:-1], strict=True):
            self.optimizer.state[parameter][name] = mine
        for parameter in self.parameters if self.form.counts else ():
            self.count = int(self.optimizer.state[parameter]["step"])

    def write_steps(self) -> None:
        for parameter in self.parameters if self.form.counts else ():
            self.optimizer.state[parameter]["step"].fill_(float(self.count))


class _Form(ABC):
    """One optimizer's step of one parameter, in place; `numbers` are computed in float64 outside of it."""

    counts = True  # whether torch's optimizer keeps a count of steps

    def __init__(self, fixed: Numbers) -> None:
        self.fixed = fixed  # of which the options that no schedule changes are read
        self.slots = self.slots_of(fixed)

    @abstractmethod
    def slots_of(self, fixed: Numbers) -> tuple[str, ...]:
        """Return the names of a parameter's state, besides the count of steps."""

    @abstractmethod
    def numbers(self, values: Numbers, count: int) -> list[float]:
        """Return what the `count`-th step reads."""

    @abstractmethod
    def step(self, p: Tensor, g: Tensor, slots: Slots, numbers: Sequence[Tensor]) -> None:
        """Make the step of parameter `p` along gradient `g`."""


class _Adam(_Form):
    """Kingma & Ba 2015, algorithm 1, the bias corrections of the present betas; weight decay joins the gradient."""

    def slots_of(self, fixed: Numbers) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def numbers(self, values: Numbers, count: int) -> list[float]:
        (b1, b2), lr = values["betas"], values["lr"]
        size, root = lr / (1 - b1**count), math.sqrt(1 - b2**count)
        return [1 - b1, b2, 1 - b2, size, root, values["eps"], self.decay(values)]

    def decay(self, values: Numbers) -> float:
        return float(values["weight_decay"])

    def step(self, p: Tensor, g: Tensor, slots: Slots, numbers: Sequence[Tensor]) -> None:
        new1, b2, new2, size, root, eps, decay = numbers
        m, v = slots["exp_avg"], slots["exp_avg_sq"]
        g = self.decayed(p, g, decay)
        m.lerp_(g, new1.to(m.dtype))
        v.mul_(b2).add_(g * g * new2)
        p.sub_(size * m / (v.sqrt() / root + eps))

    def decayed(self, p: Tensor, g: Tensor, decay: Tensor) -> Tensor:
        return g + decay * p


class _AdamW(_Adam):
    """Loshchilov & Hutter 2019, algorithm 2: the decay acts on the weights themselves."""

    def decay(self, values: Numbers) -> float:
        return 1 - float(values["lr"] * values["weight_decay"])

    def decayed(self, p: Tensor, g: Tensor, decay: Tensor) -> Tensor:
        p.mul_(decay)
        return g


class _SGD(_Form):
    """With momentum in the form of Sutskever et al. 2013, as torch has it."""

    counts = False

    def slots_of(self, fixed: Numbers) -> tuple[str, ...]:
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


class _RMSprop(_Form):
    """Hinton 2012, lecture 6e, with torch's options."""

    def slots_of(self, fixed: Numbers) -> tuple[str, ...]:
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


FORMS: dict[str, type[_Form]] = {"adam": _Adam, "adamw": _AdamW, "sgd": _SGD, "rmsprop": _RMSprop}
