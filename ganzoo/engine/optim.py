"""Optimizers: torch.optim's, by name, with hyperparameters that may change during training.

A step is made in one of two ways that give the same result. In eager execution, torch's own optimizer makes it, fused
where torch can. In a recorded piece of an update, one of `ganzoo.engine.forms` makes it: it reads its numbers from a
tensor that is refilled before each step, so that the recording contains none of them. Adam with epsilon-hat, which
torch does not have, is always made in the second way.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.engine.forms import FORMS
from ganzoo.engine.steps import RecordedSteps
from ganzoo.errors import UsageError
from ganzoo.plugin.options import list_options
from ganzoo.plugin.schedule import Schedule, evaluate_number
from ganzoo.recipe import recipe as recipes

WITH_COMPILER = ("add_param_group", "state_dict", "load_state_dict", "step", "zero_grad")


def remove_compiler(cls: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return a class of torch's optimizers whose methods do not import torch's compiler.

    torch wraps these methods so that `torch.compile` treats them in another way. A wrapper imports the compiler at its
    first call, which takes over a second of each process that trains, even if nothing is compiled. The wrapper of
    ``step`` also switches gradients off: the caller does that.
    """
    return type(cls.__name__, (cls,), {name: inspect.unwrap(getattr(cls, name)) for name in WITH_COMPILER})


CLASSES = {
    "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adamax": torch.optim.Adamax, "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
    "adafactor": torch.optim.Adafactor, "adadelta": torch.optim.Adadelta, "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}  # fmt: skip
CLASSES = {name: remove_compiler(cls) for name, cls in CLASSES.items()}
FUSED = ("adam", "adamw", "sgd")  # torch has one kernel for all parameters, on CPU and CUDA


class NetworkOptimizer:
    """The optimizer of one network.

    Args:
        parameters: The network's trainable parameters.
        choice: The optimizer's name and options, from the recipe.
        interval: The interval k of the network's regularizers. Above 1, k updates make k + 1 steps; lr and betas are
            corrected with c = k / (k + 1) as in Karras et al. 2020 (StyleGAN2, appendix B): lr * c, beta ** c.
        scaled: Whether losses are scaled so that half-precision gradients do not vanish, and steps with gradients that
            are not finite are skipped (Micikevicius et al. 2018, arXiv:1710.03740, section 3.2).

    Attributes:
        factor: The factor of the learning rate, which a rollback lowers.
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
        self.factor = 1.0
        self._eps_hat: bool = self._options.pop("eps_hat", False)
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
        if self._eps_hat:
            self.torch.param_groups[0]["eps_hat"] = True
        self._recorded: RecordedSteps | None = None
        self._lr: Tensor | None = None  # on the device, where torch's own optimizer reads it in a CUDA graph
        self._loaded = False  # whether the state was replaced since `forget_changes` was called

    def hyperparameters(self, images: int) -> dict[str, Any]:
        """Return the keyword arguments of the torch optimizer after `images` images seen; torch requires floats."""
        values: dict[str, Any] = {}
        for name, value in self._options.items():
            if isinstance(value, tuple):
                values[name] = tuple(float(evaluate_number(part, images)) for part in value)
            else:
                values[name] = evaluate_number(value, images) if isinstance(value, (float, Schedule)) else value
        values["lr"] = values["lr"] * self._correction * self.factor
        if "betas" in values:
            values["betas"] = tuple(beta**self._correction for beta in values["betas"])
        return values

    def scale(self, loss: Tensor) -> Tensor:
        """Multiply a loss by the scale of half-precision gradients; without scaling, return it unchanged."""
        scaled: Tensor = self.scaler.scale(loss)
        return scaled

    def refill(self, images: int, kind: Hashable = None) -> None:
        """Set the hyperparameters of the next step.

        Args:
            images: Images seen so far.
            kind: The kind of the next step; steps of one kind have gradients for the same parameters.
        """
        values = self.hyperparameters(images)
        if self._eps_hat and self._recorded is None:
            self._recorded = self._make_own_steps()
        if self._recorded:
            self._recorded.refill(values, kind)
        for group in self.torch.param_groups:
            group.update(values)
            if self._lr is not None:
                group["lr"] = self._lr.fill_(values["lr"])
        self._lr_number = values["lr"]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> Tensor | None:
        """Make one step along gradients, given in the order of the parameters; None leaves a parameter unchanged.

        Every gradient is first stored in its parameter's memory layout, since torch's fused kernels ignore strides.

        Returns:
            The norm of all gradients before they were clipped, a 0-dim tensor; None where ``clip`` is None. It is 0 for
            a step that is skipped because scaled gradients are not finite.
        """
        norm = None
        if self.clip is not None and self.parameters:
            norm = compute_norm(gradients, self.parameters[0].device)
            norm = norm / self.scale(torch.ones_like(norm))
            factor = (self.clip / (norm + 1e-6)).clamp(max=1.0)  # as in torch.nn.utils.clip_grad_norm_
            found = [each for each in gradients if each is not None]
            clipped = iter(torch._foreach_mul(found, factor) if found else ())
            gradients = [None if each is None else next(clipped) for each in gradients]
            if self.scaler.is_enabled():
                norm = torch.where(norm.isfinite(), norm, torch.zeros_like(norm))
        gradients = [_lay_out(each, parameter) for each, parameter in zip(gradients, self.parameters, strict=True)]
        if self._recorded:
            self._recorded.step(gradients)
            return norm
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        if any(gradient is not None for gradient in gradients):  # the scaler refuses a step without gradients
            self.scaler.step(self.torch)
            self.scaler.update()
        self.torch.zero_grad(set_to_none=True)
        return norm

    # ------------------------------------------------------------------------
    # Recording.

    def make_recordable(self, captured: bool) -> None:
        """Make every step from now on with tensors alone and in place, so that it can be recorded.

        Only the optimizers of `FORMS` can, where there are parameters and losses are not scaled (`is_recordable` in
        `ganzoo.engine.setup`). Torch's own Adam can be captured too, with one kernel for all parameters, unless betas
        are scheduled: the kernel gets them as numbers. It makes its state in its first step; a trace would repeat that.

        Args:
            captured: Whether steps are captured as a CUDA graph, after a few steps that are not; otherwise they are
                traced from the first one on.
        """
        betas = self._options.get("betas", ())
        fixed = betas and not any(isinstance(beta, Schedule) for beta in betas)
        if captured and fixed and not self._eps_hat:
            self._lr = torch.zeros((), device=self.parameters[0].device)
            self.torch.param_groups[0]["capturable"] = True
        elif self._recorded is None:
            self._recorded = self._make_own_steps()

    def _make_own_steps(self) -> RecordedSteps:
        return RecordedSteps(self.torch, self.parameters, FORMS[self.name])

    def make_eager(self, refilled: bool) -> None:
        """Let torch's own optimizer make the steps again, unless it has none of this kind.

        Args:
            refilled: Whether `refill` was already called for the next step.
        """
        if self._recorded and not self._eps_hat:
            if refilled:
                self._recorded.undo_refill()
            self._recorded.write_counts()
            self._recorded = None
        if self._lr is not None:
            self.torch.param_groups[0].update(capturable=False, lr=self._lr_number)
            self._lr = None

    def forget_changes(self) -> bool:
        """Return whether recordings of steps became out of date since the last call."""
        changed = self._loaded or (self._recorded is not None and self._recorded.divided)
        if changed:
            self._loaded = False
            if self._recorded:
                self._recorded.divided = False
        return changed

    def tensors(self) -> list[Tensor]:
        """Return the tensors that a recorded step reads or changes, without the parameters."""
        return self._recorded.tensors() if self._recorded else []

    # ------------------------------------------------------------------------
    # State.

    def state(self) -> dict[str, dict[str, Any]]:
        """Return tensors and numbers by name, under each parameter's index; those of loss scaling under ``scaler``."""
        if self._recorded:
            self._recorded.write_counts()
        slots = {str(index): dict(slots) for index, slots in self.torch.state_dict()["state"].items()}
        return slots | ({"scaler": self.scaler.state_dict()} if self.scaler.is_enabled() else {})

    def load(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Load what `state` returned, with its tensors in the memory layout of the parameters."""
        loaded = {
            int(index): {slot: _lay_out(value, self.parameters[int(index)]) for slot, value in slots.items()}
            for index, slots in state.items()
            if index != "scaler"
        }
        if "scaler" in state:
            self.scaler.load_state_dict(dict(state["scaler"]))
        self.torch.load_state_dict({"state": loaded, "param_groups": self.torch.state_dict()["param_groups"]})
        self._loaded = True
        if self._recorded:
            self._recorded = self._make_own_steps()


def _lay_out(value: Any, parameter: nn.Parameter) -> Any:
    """Return a tensor of a parameter's shape in the parameter's memory layout; return anything else unchanged."""
    if not isinstance(value, Tensor) or value.shape != parameter.shape or value.stride() == parameter.stride():
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device=value.device).copy_(value)


def compute_norm(gradients: Iterable[Tensor | None], device: torch.device) -> Tensor:
    """Return the Euclidean norm of all gradients together, a 0-dim tensor; None counts as zero."""
    found = [gradient for gradient in gradients if gradient is not None]
    if not found:
        return torch.zeros((), device=device)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(found)))
    return norm
