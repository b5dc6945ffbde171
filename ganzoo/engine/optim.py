"""Optimizers: torch.optim's, by name, with numbers that may change as training goes on.

A step is made in one of two ways that give the same: by torch's own optimizer, fused where it can be; or, inside a
recorded piece of an update, by one of `ganzoo.engine.forms`, whose numbers stand in a tensor that is refilled before
each step, so that the record holds none of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.engine.forms import FORMS, Form, Numbers
from ganzoo.errors import UsageError
from ganzoo.plugin.options import list_options
from ganzoo.plugin.schedule import Schedule, evaluate_number
from ganzoo.recipe import recipe as recipes

CLASSES = {
    "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adamax": torch.optim.Adamax, "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
    "adafactor": torch.optim.Adafactor, "adadelta": torch.optim.Adadelta, "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}  # fmt: skip
FUSED = ("adam", "adamw", "sgd")  # that torch has one kernel for, on CPU and CUDA


class NetworkOptimizer:
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
        self._options = {name: getattr(choice.options, name) for name in list_options(type(choice.options))}
        self.clip: float | None = self._options.pop("clip", None)
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
                values[name] = tuple(float(evaluate_number(part, images)) for part in value)
            else:
                values[name] = evaluate_number(value, images) if isinstance(value, (float, Schedule)) else value
        values["lr"] = values["lr"] * self._correction
        if "betas" in values:
            values["betas"] = tuple(beta**self._correction for beta in values["betas"])
        return values

    def scaled(self, loss: Tensor) -> Tensor:
        """Return a loss as its gradients are to be taken of it."""
        scaled: Tensor = self.scaler.scale(loss)
        return scaled

    def refill(self, images: int, kind: Hashable = None) -> None:
        """Set the numbers that hold for the next step, after `images` images.

        Steps of one `kind` reach the same parameters.
        """
        values = self.hyperparameters(images)
        if self._recorded:
            self._recorded.refill(values, kind)
        if self._lr is not None:
            values["lr"] = self._lr.fill_(values["lr"])
        for group in self.torch.param_groups:
            group.update(values)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> Tensor | None:
        """Make one step along gradients, in the order of the parameters; one without a gradient stays as it is.

        Every gradient is laid out like its parameter first: torch's fused kernels take the memory as it lies.

        Returns:
            The norm of all gradients before they were clipped, a 0-dim tensor; None where ``clip`` is none. Of a step
            that is left out for its infinities, which scaled losses are allowed, it is 0.
        """
        norm = None
        if self.clip is not None and self.parameters:
            norm = compute_norm(gradients, self.parameters[0].device)
            norm = norm / self.scaled(torch.ones_like(norm))
            shorter = (self.clip / (norm + 1e-6)).clamp(max=1.0)  # as torch.nn.utils.clip_grad_norm_ has it
            gradients = [None if gradient is None else gradient * shorter for gradient in gradients]
            if self.scaler.is_enabled():
                norm = torch.where(norm.isfinite(), norm, torch.zeros_like(norm))
        if self._recorded:
            self._recorded.step(gradients)
            return norm
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = _lay_out(gradient, parameter)
        if any(gradient is not None for gradient in gradients):  # else the scaler, which was asked nothing, refuses
            self.scaler.step(self.torch)
            self.scaler.update()
        self.torch.zero_grad(set_to_none=True)
        return norm

    # ------------------------------------------------------------------------
    # Recording.

    def make_recordable(self) -> None:
        """Make every step from now on with tensors alone, in place, as a recording can hold it.

        Only the optimizers of `FORMS` can, with parameters and without loss scaling (`ganzoo.engine.setup`).
        """
        betas = self._options.get("betas", ())
        if betas and self.parameters[0].is_cuda and not any(isinstance(beta, Schedule) for beta in betas):
            self._lr = torch.zeros((), device=self.parameters[0].device)
            self.torch.param_groups[0]["capturable"] = True
        else:
            self._recorded = _Recorded(self.torch, self.parameters, FORMS[self.name])

    def make_eager(self, refilled: bool) -> None:
        """Let torch's own optimizer make the steps again; `refilled` where the next one's numbers are set already."""
        if self._recorded:
            if refilled:
                self._recorded.undo_refill()
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
            int(index): {slot: _lay_out(value, self.parameters[int(index)]) for slot, value in slots.items()}
            for index, slots in state.items()
            if index != "scaler"
        }
        if "scaler" in state:
            self.scaler.load_state_dict(dict(state["scaler"]))
        held = self.tensors()
        self.torch.load_state_dict({"state": laid_out, "param_groups": self.torch.state_dict()["param_groups"]})
        if self._recorded:
            self._recorded.take(held)


class _Recorded:
    """A torch optimizer's state, on which one of `FORMS` makes the steps.

    As in torch's optimizers each parameter has a count of its own: one that a step's loss does not reach makes no step.
    Which those are depends on the kind of step alone, and is seen when one is made for the first time.

    Args:
        optimizer: Whose state it is.
        parameters: All that it trains.
        form: What makes the step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], form: type[Form]) -> None:
        self.optimizer, self.parameters = optimizer, parameters
        self.values: Numbers = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
        self.form = form(self.values)
        self.counts = [0] * len(parameters)  # steps made
        self.reached: dict[Hashable, list[bool]] = {}  # by the kind of step
        self.kind: Hashable = None  # of the next step
        for index, parameter in enumerate(parameters):
            slots = optimizer.state[parameter]
            for name in self.form.slots:
                if slots.get(name) is None:
                    slots[name] = torch.zeros_like(parameter)
            if self.form.counts:  # where torch's own step, to which a run may fall back, looks for it
                step_device = parameter.device if optimizer.param_groups[0].get("fused") else None
                self.counts[index] = int(slots.setdefault("step", torch.zeros((), device=step_device)))
        width = len(self.form.numbers(self.values, 1))
        device = parameters[0].device if parameters else None
        self.numbers = torch.zeros(len(parameters), width, dtype=torch.float64, device=device)

    def refill(self, values: Numbers, kind: Hashable) -> None:
        self.kind = kind
        self._count(1)
        rows = {count: self.form.numbers(values, max(count, 1)) for count in set(self.counts)}
        self.numbers.copy_(torch.tensor([rows[count] for count in self.counts], dtype=torch.float64))

    def undo_refill(self) -> None:
        self._count(-1)

    def _count(self, sign: int) -> None:
        reached = self.reached.get(self.kind, [True] * len(self.counts))
        self.counts = [count + sign * one for count, one in zip(self.counts, reached, strict=True)]

    def step(self, gradients: Sequence[Tensor | None]) -> None:
        if self.kind not in self.reached:
            self._count(-1)
            self.reached[self.kind] = [gradient is not None for gradient in gradients]
            self._count(1)
        for parameter, gradient, row in zip(self.parameters, gradients, self.numbers.unbind(), strict=True):
            if gradient is not None:
                self.form.step(parameter, gradient, self.optimizer.state[parameter], row.unbind())

    def tensors(self) -> list[Tensor]:
        slots = [self.optimizer.state[p][name] for p in self.parameters for name in self.form.slots]
        return [*slots, self.numbers]

    def take(self, held: list[Tensor]) -> None:
        """Keep the tensors `held`, which recordings know, with the values that were loaded in their stead."""
        for mine, loaded in zip(held, self.tensors(), strict=True):
            mine.copy_(loaded)
        names = [(parameter, name) for parameter in self.parameters for name in self.form.slots]
        for (parameter, name), mine in zip(names, held[:-1], strict=True):
            self.optimizer.state[parameter][name] = mine
        if self.form.counts:
            self.counts = [int(self.optimizer.state[parameter]["step"]) for parameter in self.parameters]

    def write_steps(self) -> None:
        for parameter, count in zip(self.parameters, self.counts, strict=True) if self.form.counts else ():
            self.optimizer.state[parameter]["step"].fill_(float(count))


def _lay_out(value: Any, parameter: nn.Parameter) -> Any:
    """Return a tensor of a parameter's shape with the parameter's strides, and anything else as it is."""
    if not isinstance(value, Tensor) or value.shape != parameter.shape or value.stride() == parameter.stride():
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device=value.device).copy_(value)


def compute_norm(gradients: Iterable[Tensor | None], device: torch.device) -> Tensor:
    """Return the Euclidean norm of all gradients together, a 0-dim tensor; those that are None count as zero."""
    found = [gradient for gradient in gradients if gradient is not None]
    if not found:
        return torch.zeros((), device=device)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(found)))
    return norm
