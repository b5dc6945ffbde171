"""The execution of a piece of an update: eager, compiled, or as a CUDA graph.

All three run the same code (`ganzoo.engine.update`). The last two record a piece's tensor operations when a kind of
piece comes for the first time, and replay the recording from then on. So a piece may not depend on a Python number that
changes. Numbers that change are in tensors, which are refilled before the piece (`Gan.refresh`,
`NetworkOptimizer.refill`).
"""

from __future__ import annotations

import gc
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from threading import Thread
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ganzoo.compute.device import CAPTURE_LOCK, cudnn_flags, is_out_of_memory
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan, eager
from ganzoo.engine.state import Before
from ganzoo.engine.thin_products import list_thin_products
from ganzoo.errors import GanzooError

Replay = Callable[[list[Tensor]], Any]  # from the tensors of a piece's input to its result
WARM_UP = 2  # eager runs of each kind of piece before it is captured; libraries set themselves up in them


def install(gan: Gan, notify: Callable[[str], None]) -> None:
    """Give the GAN the execution that its recipe names.

    Args:
        gan: The GAN; ``train.execution`` of its recipe is not ``auto``.
        notify: A function that is called with a line where a piece cannot be recorded and is run eagerly.
    """
    name = gan.recipe.train.execution
    if name == "eager":
        return
    _import_compiler()
    for optimizer in gan.optimizers.values():
        optimizer.make_recordable(captured=name == "cuda-graph")
    gan.ema.make_recordable(gan.device)
    gan.last_logits.make_recordable(gan.device)
    gan.execute = (Compiled if name == "compile" else CudaGraphs)(gan, notify)


def _import_compiler() -> None:
    """Import torch's compiler, which a recording needs.

    Otherwise torch imports it while it records, and the import keeps all frames of the run, and so its memory, alive. A
    thread has frames of its own.
    """
    thread = Thread(target=import_module, args=("torch._dynamo",))
    thread.start()
    thread.join()


def restart(gan: Gan) -> None:
    """Record all pieces anew, because the GAN's state was replaced."""
    if isinstance(gan.execute, RecordedExecution):
        gan.execute.restart()


class RecordedExecution(ABC):
    """Runs pieces of an update from recordings. Where one cannot be recorded, all run eagerly, and a line says why.

    Args:
        gan: The GAN whose updates are recorded.
        notify: A function that is called with the line.
    """

    def __init__(self, gan: Gan, notify: Callable[[str], None]) -> None:
        self.gan, self.notify = gan, notify
        self.records: dict[Hashable, Replay] = {}

    def __call__(self, kind: Hashable, piece: Callable[[Any], Any], given: Any) -> Any:
        """Run a piece on its input. A piece of one kind, with tensors of the same layout, is recorded once."""
        leaves = given if isinstance(given, Part) else tree_flatten(given)[0]
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        key = (kind, *((leaf.shape, leaf.stride()) if isinstance(leaf, Tensor) else leaf for leaf in leaves))
        self.drop_old_records()
        if key in self.records:
            return self.records[key](tensors)
        result = self.first(key, lambda tensors: piece(_fill(given, tensors)), tensors)
        self.drop_old_records(new=key)
        return result

    def restart(self) -> None:
        """Forget all recordings."""
        self.records.clear()

    def drop_old_records(self, new: Hashable = None) -> None:
        """Drop all recordings where steps of an optimizer changed, except the new one, with which they changed."""
        changes = [optimizer.forget_changes() for optimizer in self.gan.optimizers.values()]
        if any(changes):
            self.records = {key: record for key, record in self.records.items() if key == new}

    def fall_back(self, key: tuple[Hashable, ...], error: Exception) -> None:
        """Run everything eagerly from now on, starting with the piece of this key, and say why."""
        gan, kind = self.gan, key[0]
        assert isinstance(kind, tuple)
        for network, optimizer in gan.optimizers.items():
            optimizer.make_eager(refilled=network in kind)
        gan.ema.make_eager()
        gan.last_logits.make_eager()
        gan.execute = eager
        recipe = gan.recipe
        gan.recipe = replace(recipe, train=replace(recipe.train, execution="eager"))
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        self.notify(f"train.execution={recipe.train.execution} is not possible here, going on with eager: {reason}")

    @abstractmethod
    def first(self, key: tuple[Hashable, ...], piece: Replay, tensors: list[Tensor]) -> Any:
        """Run a piece for the first time, and record it. Where that fails, undo it and run it eagerly."""


class Compiled(RecordedExecution):
    """Traces a piece when it runs for the first time, and compiles the trace.

    The trace is one graph of tensor operations, with gradients, double backward and the optimizer. It contains no
    Python, so there is nothing to guard.
    """

    def first(self, key: tuple[Hashable, ...], piece: Replay, tensors: list[Tensor]) -> Any:
        """Run a piece under a tracer. Where it cannot be traced or compiled, undo it and run it eagerly."""
        state = list({id(tensor): tensor for tensor in self.gan.tensors()}.values())
        before = Before(state, self.gan.device)
        try:
            with recording(self.gan):
                self.records[key], result = compile_piece(piece, state, tensors)
        except GanzooError:
            raise
        except Exception as error:
            before.restore()
            self.fall_back(key, error)
            return piece(tensors)
        return result


@contextmanager
def recording(gan: Gan) -> Iterator[None]:
    """Set the GAN's flag `recording` inside the block."""
    gan.recording = True
    try:
        yield
    finally:
        gan.recording = False


def compile_piece(piece: Replay, state: list[Tensor], tensors: list[Tensor]) -> tuple[Replay, Any]:
    """Run a piece once; return its compiled form and its result.

    Args:
        piece: A function of its argument and of the tensors of `state`, which it may change in place.
        state: All tensors that live longer than the piece.
        tensors: The argument of the piece in this run.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    results: list[Any] = []

    def traced(*flat: Tensor) -> list[Tensor]:
        results.append(piece(list(flat[len(state) :])))
        return [leaf for leaf in tree_flatten(results[0])[0] if isinstance(leaf, Tensor)]

    graph = make_fx(traced, decomposition_table=list_thin_products())(*state, *tensors)
    (result,) = results
    held = [*_lift_constants(graph), *(tensor.detach() for tensor in state)]
    run = compile_graph(graph, [*held, *(tensor.detach() for tensor in tensors)])

    def replay(tensors: list[Tensor]) -> Any:
        with torch.no_grad():
            return _fill(result, run(*held, *tensors))

    return replay, result


def _fill(structure: Any, tensors: Sequence[Tensor]) -> Any:
    """Return a structure like this one, with its tensors replaced by these."""
    if isinstance(structure, dict):  # an update's statistics: the usual case, and pytree is slow
        return dict(zip(structure, tensors, strict=True))
    leaves, spec = tree_flatten(structure)
    rest = iter(tensors)
    return tree_unflatten([next(rest) if isinstance(leaf, Tensor) else leaf for leaf in leaves], spec)


def compile_graph(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
    """Compile a graph of tensor operations, which may change its inputs, with torch's own random numbers.

    It is called with tensors of the same shapes and strides alone, so that the compiled code need not check them. Where
    the compiler lays out the result of a convolution in another order than the trace saw, a view of it becomes a copy.
    """
    for node in graph.graph.find_nodes(op="call_function", target=torch.ops.aten.view.default):
        node.target = torch.ops.aten.reshape.default
    graph.recompile()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's compiler warns about its own code
        from torch._inductor import config
        from torch._inductor.compile_fx import compile_fx

        with torch.no_grad(), config.patch(fallback_random=True, size_asserts=False):
            run: Any = compile_fx(graph, inputs)
    return run  # type: ignore[no-any-return]


def _lift_constants(graph: torch.fx.GraphModule) -> list[Tensor]:
    """Turn the constant tensors of a trace into its first inputs; return them."""
    constants = []
    first = next(iter(graph.graph.nodes))
    for node in list(graph.graph.nodes):
        if node.op == "get_attr":
            constants.append(getattr(graph, node.target))
            with graph.graph.inserting_before(first):
                node.replace_all_uses_with(graph.graph.placeholder(f"constant{len(constants)}"))
            graph.graph.erase_node(node)
    graph.recompile()
    return constants


class CudaGraphs(RecordedExecution):
    """Captures a piece after it ran a few times, and replays the capture. All captures share one memory pool."""

    def __init__(self, gan: Gan, notify: Callable[[str], None]) -> None:
        super().__init__(gan, notify)
        self.pool = torch.cuda.graph_pool_handle()
        self.stream = torch.cuda.Stream(gan.device)  # type: ignore[no-untyped-call]
        self.runs: dict[Hashable, int] = {}

    def first(self, key: tuple[Hashable, ...], piece: Replay, tensors: list[Tensor]) -> Any:
        """Run a piece eagerly on the side stream, as captures require; after `WARM_UP` such runs, capture it.

        Where the capture fails, or memory runs out beside the captures that there are, they are given up, and the piece
        is run eagerly.
        """
        self.runs[key] = self.runs.get(key, 0) + 1
        warm = self.runs[key] <= WARM_UP
        before, changes = Before(self.gan.buffers, self.gan.device), self.count_changes()
        try:  # cuDNN times its algorithms in the runs before the capture, which takes the fastest
            with cudnn_flags(benchmark=not self.gan.recipe.train.deterministic):
                if warm:
                    return self.warm_up(piece, tensors)
                self.records[key] = self.capture(piece, tensors)
        except Exception as error:
            stepped = self.count_changes() != changes  # as far as an optimizer's step, which cannot be undone
            if warm and (stepped or not self.records or not is_out_of_memory(error)):
                raise
            before.restore()
            self.fall_back(key, error)
        if key in self.records:
            return self.records[key](tensors)
        self.records.clear()  # the error is gone, and with it the tensors of the calls that it came through
        gc.collect()
        torch.cuda.empty_cache()
        return piece(tensors)

    def restart(self) -> None:
        """Forget all recordings, and warm up again: optimizers may have to make their state in the next step."""
        super().restart()
        self.runs.clear()

    def warm_up(self, piece: Replay, tensors: list[Tensor]) -> Any:
        """Run a piece eagerly, on the stream of the captures."""
        current = torch.cuda.current_stream(self.gan.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            result = piece(tensors)
        current.wait_stream(self.stream)
        return result

    def capture(self, piece: Replay, tensors: list[Tensor]) -> Replay:
        """Record the kernels of a piece without running it. Each replay draws random numbers from the present seed."""
        inputs = [tensor.detach().clone() for tensor in tensors]
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream(self.gan.device)
        try:
            with (
                CAPTURE_LOCK,
                recording(self.gan),
                torch.cuda.stream(current),  # makes it current again, which torch does not where a capture cannot end
                torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"),
            ):
                result = piece(inputs)
        except Exception:
            self.release_pool()
            raise
        numbers = [leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor)]

        def replay(tensors: list[Tensor]) -> Any:
            torch._foreach_copy_(inputs, tensors)
            graph.replay()
            # another graph may reuse the memory of 0-dim statistics before they are read
            return _fill(result, [leaf.clone() if leaf.dim() == 0 else leaf for leaf in numbers])

        return replay

    def release_pool(self) -> None:
        """Let the memory of a capture that could not end be freed, as torch does where it ends (`CUDAGraph.reset`)."""
        with suppress(RuntimeError):  # the capture has ended, so the graph itself does it
            torch._C._cuda_endAllocateToPool(self.gan.device.index, self.pool)
            torch._C._cuda_releasePool(self.gan.device.index, self.pool)

    def count_changes(self) -> list[tuple[int, int]]:
        """Return how often each weight and each tensor of the optimizers was changed in place."""
        states = [state.values() for each in self.gan.optimizers.values() for state in each.torch.state.values()]
        slots = [value for values in states for value in values if isinstance(value, Tensor)]
        return [(id(tensor), tensor._version) for tensor in (*self.gan.parameters, *slots)]
