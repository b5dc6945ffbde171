"""Activations that are computed again for gradients instead of being kept: ``train.checkpoint_activations``.

A network is cut into blocks. Of a block only its input is kept; everything inside is computed again for its gradient
(Chen, Xu, Zhang & Guestrin 2016, arXiv:1604.06174). That gradient is again a function of which only the arguments are
kept: the block's input and the gradient of its output. So an exact penalty, which differentiates gradients, keeps
nothing inside a block either. (`torch.utils.checkpoint` would keep everything then: what it computes again becomes part
of the gradient's graph.)

The second computation equals the first. It has the same random numbers, buffers, modes and autocast. Its changes of
buffers, such as BatchNorm's statistics, are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ganzoo.compute.streams import default_generator
from ganzoo.engine.structures import Values, differentiate_needed, join_tensors, split_tensors
from ganzoo.errors import GanzooError

Forwards = Mapping[nn.Module, Callable[..., Any]]
PLAIN = (type(None), bool, int, float, str)  # what a block may return besides tensors
ADVICE = (
    "pass tensors as arguments and return them in tuples, lists or dictionaries, or remove train.checkpoint_activations"
)

# ----------------------------------------------------------------------------
# Blocks.


def find_blocks(network: nn.Module) -> Forwards:
    """Cut a network into blocks; return the forwards, by module, that compute their activations again.

    A block has at most sqrt(n) of the network's n convolutions (linear layers, if it has no convolutions). It is the
    largest such module, or the largest such run of modules in an `nn.Sequential`. A layer alone is not a block, because
    it keeps little more than its input.
    """
    dimensions = 3 if any(parameter.dim() > 2 for parameter in network.parameters()) else 2

    def count(*modules: nn.Module) -> int:
        return sum(parameter.dim() >= dimensions for module in modules for parameter in module.parameters())

    def cut(module: nn.Module) -> None:
        if not isinstance(module, nn.Sequential) or type(module).forward is not nn.Sequential.forward:
            for child in module.children():
                visit(child)
            return
        runs: list[list[nn.Module]] = []
        for child in module:
            if runs and count(*runs[-1], child) <= limit:
                runs[-1].append(child)
            else:
                runs.append([child])
        forwards[module] = _chain(
            [Block(_chain(run), run) if len(run) > 1 and count(*run) else _chain(run) for run in runs]
        )
        for run in runs:
            if len(run) == 1:
                visit(run[0])

    def visit(module: nn.Module) -> None:
        composed = any(name != "parametrizations" for name, _ in module.named_children())
        if composed and 0 < count(module) <= limit:
            forwards[module] = Block(module.forward, [module])
        elif composed:
            cut(module)

    forwards: dict[nn.Module, Callable[..., Any]] = {}
    limit = math.sqrt(count(network))
    cut(network)
    return forwards


def _chain(calls: Sequence[Callable[..., Any]]) -> Callable[[Any], Any]:
    """Return a function that calls these one after the other, each with the last one's result."""

    def chained(x: Any) -> Any:
        for call in calls:
            x = call(x)
        return x

    return chained


@contextmanager
def recomputed(forwards: Forwards) -> Iterator[None]:
    """A context in which modules have these forwards."""
    before = {module: module.__dict__.get("forward") for module in forwards}
    try:
        for module, forward in forwards.items():
            module.forward = forward
        yield
    finally:
        for module, own in before.items():
            if own is None:
                del module.forward
            else:
                module.forward = own


class Block:
    """A part of a network whose activations are computed again.

    Args:
        forward: The function of the block.
        modules: The modules that the function calls; they have all parameters and buffers that it reads.
    """

    def __init__(self, forward: Callable[..., Any], modules: Sequence[nn.Module]) -> None:
        self.forward, self.modules = forward, modules
        self.closed = False  # whether a gradient has shown that it reads no tensors but its own and its arguments

    def __str__(self) -> str:
        """Return the classes of the modules, for messages."""
        return " and ".join(type(module).__name__ for module in self.modules)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the block's output. The graph keeps only the arguments."""
        kept, form, tensors = split_tensors((args, kwargs))
        parameters = [p for module in self.modules for p in module.parameters() if p.requires_grad]
        if not torch.is_grad_enabled() or not any(each.requires_grad for each in (*tensors, *parameters)):
            return self.forward(*args, **kwargs)
        call = _Call(self, (kept, form), parameters, (*tensors, *parameters)[0].device)
        outputs = _Output.apply(call, *tensors, *parameters)  # type: ignore[no-untyped-call]
        return join_tensors(*call.output, outputs)


# ----------------------------------------------------------------------------
# A call of a block, its output and its gradient.


class _Call:
    """A call of a block: all that decides its output, except for the tensors of its arguments and its parameters.

    Args:
        block: The block that is called.
        arguments: The arguments without their tensors, as `split_tensors` gives them.
        parameters: The block's parameters that require grad.
        device: The device of the block.
    """

    def __init__(
        self, block: Block, arguments: tuple[list[Any], Any], parameters: list[nn.Parameter], device: torch.device
    ) -> None:
        self.block, self.arguments, self.parameters, self.device = block, arguments, parameters, device
        self.output: tuple[list[Any], Any] = ([], None)  # the output without its tensors
        self.autocast = torch.is_autocast_enabled(device.type), torch.get_autocast_dtype(device.type)
        self.generator = default_generator(device)
        self.random = self.generator.get_state()
        parts = [part for module in block.modules for part in module.modules()]
        self.modes = [(part, part.training) for part in parts]
        self.buffers = [
            (part._buffers, name, value.clone())
            for part in parts
            for name, value in part._buffers.items()
            if value is not None
        ]

    def run(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the tensors of the block's output for the tensors of its arguments."""
        enabled, dtype = self.autocast
        args, kwargs = join_tensors(*self.arguments, tensors)
        # without autocast's cache: a weight that was cast without a graph must not be used where a graph is needed
        with torch.autocast(self.device.type, dtype, enabled, cache_enabled=False):
            kept, form, outputs = split_tensors(self.block.forward(*args, **kwargs))
        strange = [type(leaf).__name__ for leaf in kept if leaf is not Tensor and not isinstance(leaf, PLAIN)]
        if strange:
            raise GanzooError(f"{self.block} returned {strange[0]}, whose tensors are not found: {ADVICE}")
        self.output = kept, form
        return tuple(outputs)

    def run_again(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what the first run returned, with a graph; whatever the run changes is restored."""
        random, modes = self.generator.get_state(), [(part, part.training) for part, _ in self.modes]
        present = [(owner, name, owner[name]) for owner, name, _ in self.buffers]
        try:
            self.generator.set_state(self.random)
            for part, training in self.modes:
                part.training = training
            for owner, name, value in self.buffers:
                owner[name] = value.clone()
            with torch.enable_grad():
                return self.run(tensors)
        finally:
            self.generator.set_state(random)
            for part, training in modes:
                part.training = training
            for owner, name, now in present:
                owner[name] = now

    def differentiate(
        self, given: Sequence[Tensor], needed: Sequence[bool], slopes: Values, twice: bool = False
    ) -> tuple[list[Tensor], list[Tensor | None]]:
        """Run the block again; return what it reads, with its graph, and the gradients by that.

        Args:
            given: The tensors of its arguments, and its parameters.
            needed: Whether the gradient by each of them is needed.
            slopes: The gradients of the output's tensors; None for 0.
            twice: Whether the gradients are differentiated.
        """
        num = len(given) - len(self.parameters)
        tensors = [one.detach().requires_grad_(one.requires_grad) for one in given[:num]]
        read, outputs = [*tensors, *self.parameters], self.run_again(tensors)
        if not self.block.closed:
            _require_closed(self.block, outputs, read)
        return read, differentiate_needed(outputs, slopes, read, needed, twice)


class _Output(Function):
    """A call's output, from the tensors of its arguments and from its parameters."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *given: Tensor) -> tuple[Tensor, ...]:
        ctx.call = call
        ctx.save_for_backward(*given)
        ctx.set_materialize_grads(False)
        return call.run(given[: len(given) - len(call.parameters)])

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[1:]
        found = _Gradient.apply(ctx.call, needed, len(slopes), *slopes, *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return None, *found


class _Gradient(Function):
    """The gradient of a call's output, from the gradients of the output's tensors and all that the output reads."""

    @staticmethod
    def forward(ctx: Any, call: _Call, needed: Sequence[bool], num: int, *values: Tensor) -> tuple[Tensor | None, ...]:
        ctx.call, ctx.needed, ctx.num = call, needed, num
        ctx.save_for_backward(*values)
        ctx.set_materialize_grads(False)
        return tuple(call.differentiate(values[num:], needed, values[:num])[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *seconds: Tensor | None) -> tuple[Tensor | None, ...]:
        asked = ctx.needs_input_grad[3:]
        slopes = [
            None if slope is None else slope.detach().requires_grad_(need)
            for slope, need in zip(ctx.saved_tensors[: ctx.num], asked, strict=False)
        ]
        needed = [need and second is not None for need, second in zip(ctx.needed, seconds, strict=True)]
        with torch.enable_grad():
            read, firsts = ctx.call.differentiate(ctx.saved_tensors[ctx.num :], needed, slopes, twice=True)
        return None, None, None, *differentiate_needed(firsts, seconds, [*slopes, *read], asked)


def _require_closed(block: Block, outputs: Sequence[Tensor], read: Sequence[Tensor]) -> None:
    """Raise GanzooError where a block's output depends on other tensors: their gradients would be missing."""
    known = {id(tensor) for tensor in read}
    nodes, seen = [output.grad_fn for output in outputs], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if id(getattr(node, "variable", read[0])) not in known:
            raise GanzooError(f"{block} reads a tensor that it is not given and that is not its own: {ADVICE}")
        nodes += [following for following, _ in node.next_functions]
    block.closed = True
