"""Steps of an optimizer that can be recorded: one of `ganzoo.engine.forms`, on the state of torch's own optimizer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.engine.forms import Form, Numbers


@dataclass
class _Group:
    """Parameters of one dtype that have made the same steps, so that one row of numbers holds for all of them.

    Args:
        members: The positions of the parameters in the optimizer.
        count: The number of steps of each.
    """

    members: list[int]
    count: int


class RecordedSteps:
    """Makes the steps of a torch optimizer with tensors alone.

    As in torch, each parameter has a count of its own steps: a parameter without a gradient makes no step. Which
    parameters have gradients depends on the kind of step alone, and is noted when a kind comes for the first time. A
    group that a kind reaches in part is divided then. So there are few groups, and few kernels.

    Args:
        optimizer: The torch optimizer that has the state.
        parameters: All parameters of the optimizer.
        form: The class that makes the steps.

    Attributes:
        numbers: What the next step reads, float64: a row for each group.
        divided: Whether recordings of earlier kinds are out of date, since a group that they step was divided.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], form: type[Form]) -> None:
        self.optimizer, self.parameters = optimizer, parameters
        values: Numbers = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
        self.form = form(values)
        self.divided = False
        self.reached: dict[Hashable, list[bool]] = {}  # by the kind of step: whether each parameter has a gradient
        self.kind: Hashable = None  # the kind of the next step
        alike: dict[Any, list[int]] = {}
        for index, parameter in enumerate(parameters):
            alike.setdefault((self._prepare_state(parameter), parameter.dtype), []).append(index)
        self.groups = [_Group(members, count) for (count, _), members in alike.items()]
        self.rows: list[list[float]] = []
        device = parameters[0].device if parameters else None
        width = len(self.form.numbers(values, 1))
        self.numbers = torch.zeros(len(parameters), width, dtype=torch.float64, device=device)

    def _prepare_state(self, parameter: nn.Parameter) -> int:
        """Create what is missing of a parameter's state; return its number of steps."""
        slots = self.optimizer.state[parameter]
        for name in self.form.slots:
            if slots.get(name) is None:
                slots[name] = torch.zeros_like(parameter)
        if not self.form.counts:
            return 0
        if "step" in slots:
            return int(slots["step"])
        fused = self.optimizer.param_groups[0].get("fused")  # its steps read the count on the device
        slots["step"] = torch.zeros((), device=parameter.device if fused else None)
        return 0

    def refill(self, values: Numbers, kind: Hashable) -> None:
        """Set the numbers of the next step, of this kind. The host does not wait for the device."""
        self.kind = kind
        self._count(1)
        rows = [self.form.numbers(values, max(group.count, 1)) for group in self.groups]
        if rows != self.rows:
            self.rows, given = rows, torch.tensor(rows, dtype=torch.float64)
            if self.numbers.is_cuda:
                given = given.pin_memory()  # torch keeps its memory until the copy has ended
            self.numbers[: len(rows)].copy_(given, non_blocking=True)

    def undo_refill(self) -> None:
        """Count the next step as not made."""
        self._count(-1)

    def _count(self, sign: int) -> None:
        reached = self.reached.get(self.kind)
        for group in self.groups:
            if reached is None or reached[group.members[0]]:
                group.count += sign

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> None:
        """Make a step along gradients in the memory layout of their parameters; None makes no step."""
        if self.kind not in self.reached:
            self._divide_groups([gradient is not None for gradient in gradients])
        for position, group in enumerate(self.groups):
            found = [gradients[index] for index in group.members]
            if found[0] is not None:
                weights = [self.parameters[index] for index in group.members]
                states = [self.optimizer.state[weight] for weight in weights]
                slots = {name: [state[name] for state in states] for name in self.form.slots}
                numbers = self.numbers[position].to(weights[0].dtype).unbind()
                self.form.step(weights, found, slots, numbers)  # type: ignore[arg-type]

    def _divide_groups(self, reached: list[bool]) -> None:
        """Note which parameters a new kind of step reaches, and divide the groups that it reaches in part.

        The parameters that it reaches keep the row of numbers, which was filled for this step.
        """
        for group in list(self.groups):
            inside = [index for index in group.members if reached[index]]
            outside = [index for index in group.members if not reached[index]]
            if inside and outside:
                self.divided |= any(earlier[inside[0]] for earlier in self.reached.values())
                group.members = inside
                self.groups.append(_Group(outside, group.count - 1))
            elif outside:
                group.count -= 1
        self.reached[self.kind] = reached

    def tensors(self) -> list[Tensor]:
        """Return the tensors that a step reads or changes, without the parameters."""
        slots = [self.optimizer.state[p][name] for p in self.parameters for name in self.form.slots]
        return [*slots, self.numbers]

    def write_counts(self) -> None:
        """Write the counts of steps to the state of torch's optimizer."""
        for group in self.groups if self.form.counts else ():
            for index in group.members:
                self.optimizer.state[self.parameters[index]]["step"].fill_(float(group.count))
