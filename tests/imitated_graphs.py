"""An imitation of CUDA graphs on the CPU, under torch's own names: `torch.cuda.graph`, `torch.cuda.CUDAGraph`, streams.

A capture runs nothing: what it changed is undone, and what it computed is spoiled. A replay computes into the same
tensors again, from the present values of the tensors that it reads. Before it does, it spoils all that the shared pool
may overwrite: the results and the temporaries of every recording in it. A float whose bytes are spoiled is NaN.

As on CUDA, a capture fails where the host reads a tensor, and fails once more where it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

aten = torch.ops.aten
READS = {  # packets of operations after which the host waits for the device
    aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten.equal, aten._unique2, aten.unique_dim,
    aten.unique_consecutive, aten.repeat_interleave, aten.bincount,
}  # fmt: skip
PICKS = {aten.index, aten.index_put, aten.index_put_}  # they read where a mask is true
EMPTY = {aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided}  # they write nothing
REFUSED = "CUDA error: operation not permitted when stream is capturing"
BROKEN = "CUDA error: operation failed due to a previous error during capture"
SPOILED = 255  # as every byte of a float: NaN; of a signed integer: -1


class Stream:
    """A stream, in which everything is done at once."""

    def __init__(self, device: Any = None) -> None:
        self.device = device

    def wait_stream(self, other: Stream) -> None:
        pass


class Pool:
    """The memory that several graphs share. It can be freed when its number of users is 0."""

    def __init__(self) -> None:
        self.graphs: WeakSet[Graph] = WeakSet()
        self.users, self.in_use = 0, False  # whether a capture takes memory from it

    def end_allocation(self) -> None:
        if not self.in_use:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.in_use = False

    def release(self) -> None:
        assert self.users > 0
        self.users -= 1


class Device:
    """What the process has of the device: the current stream of each thread, and the capture under way."""

    def __init__(self) -> None:
        self.default, self.local = Stream(), threading.local()
        self.capture: Graph | None = None
        self.graphs: WeakSet[Graph] = WeakSet()  # all with which a capture began

    def current_stream(self, device: Any = None) -> Stream:
        return getattr(self.local, "stream", self.default)

    def stream(self, stream: Stream) -> StreamContext:
        return StreamContext(stream)

    def pin_memory(self, tensor: Tensor) -> Tensor:
        """Return a copy. In another thread than the capturing one it breaks a capture in the mode ``global``."""
        capture = self.capture
        if capture is not None and (capture.mode == "global" or capture.thread == threading.get_ident()):
            capture.broken = True
            raise RuntimeError(REFUSED)
        return tensor.clone()


class StreamContext:
    """Makes a stream current. As torch's, it does not end where it is only forgotten."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        self.before, DEVICE.local.stream = DEVICE.current_stream(), self.stream

    def __exit__(self, *error: object) -> None:
        DEVICE.local.stream = self.before


DEVICE = Device()


class Graph:
    """A recording of tensor operations and of the memory that they were given, as `torch.cuda.CUDAGraph`."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self.broken = self.ended = False

    def __del__(self) -> None:
        self.reset()

    def capture_begin(self, pool: Pool | None = None, capture_error_mode: str = "global", **_: Any) -> None:
        assert DEVICE.capture is None
        self.shared = Pool() if pool is None else pool
        self.shared.users, self.shared.in_use = self.shared.users + 1, True
        self.mode, self.thread, DEVICE.capture = capture_error_mode, threading.get_ident(), self
        self.random = torch.default_generator.get_state()
        self.recorder = Recorder(self)
        DEVICE.graphs.add(self)
        self.recorder.__enter__()

    def capture_end(self) -> None:
        assert self.recorder is not None
        self.recorder.__exit__(None, None, None)
        DEVICE.capture = None
        self.recorder.undo()
        self.recorder.graph = None
        torch.default_generator.set_state(self.random)
        if self.broken:
            raise RuntimeError(BROKEN)
        self.shared.end_allocation()
        self.ended = True
        self.shared.graphs.add(self)

    def replay(self) -> None:
        assert self.recorder is not None
        for graph in self.shared.graphs:
            assert graph.recorder is not None
            graph.recorder.spoil()
        self.recorder.replay()

    def reset(self) -> None:
        self.recorder = None
        if self.ended:
            self.shared.release()
            self.ended = False


class Recorder(TorchDispatchMode):
    """Notes every operation below autograd, with the tensors that it read and made."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph: Graph | None = graph  # until the capture ends
        self.operations: list[tuple[Any, Any, Any, list[Any]]] = []
        self.own: dict[int, torch.UntypedStorage] = {}  # made in the capture
        self.others: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}  # with their bytes before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, packet = kwargs or {}, func._overloadpacket
        given = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, Tensor)]
        masks = packet in PICKS and any(each.dtype in (torch.bool, torch.uint8) for each in given[1:])
        if packet in READS or masks or kwargs.get("generator") is not None:
            assert self.graph is not None
            self.graph.broken = True
            raise RuntimeError(REFUSED)
        read = {storage._cdata: storage for storage in (each.untyped_storage() for each in given)}
        for key, storage in read.items():
            if key not in self.own and key not in self.others:
                self.others[key] = (storage, storage.clone())
        result = func(*args, **kwargs)
        made: list[Any] = []  # the tensors with memory of their own; None in place of all others
        for leaf in tree_flatten(result)[0]:
            storage = leaf.untyped_storage() if isinstance(leaf, Tensor) else None
            fresh = storage is not None and storage._cdata not in read
            made.append(leaf if fresh else None)
            if storage is not None and fresh:
                self.own[storage._cdata] = storage
        writes = any(one.alias_info is not None and one.alias_info.is_write for one in func._schema.arguments)
        if packet not in EMPTY and (writes or any(leaf is not None for leaf in made)):
            self.operations.append((func, args, kwargs, made))
        return result

    def undo(self) -> None:
        """Give all other memory its bytes back, and spoil the own."""
        for storage, before in self.others.values():
            storage.copy_(before)
        self.others.clear()
        self.spoil()

    def spoil(self) -> None:
        for storage in self.own.values():
            storage.fill_(SPOILED)

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, made in self.operations:
            for old, new in zip(made, tree_flatten(func(*args, **kwargs))[0], strict=True):
                if old is not None:
                    old.copy_(new)


def imitate(patch: Callable[[Any, str, Any], None]) -> Device:
    """Put the imitation in the place of torch's own names, by `patch(owner, name, value)`; return the device.

    A `patch` of `setattr` does it for the rest of the process.
    """
    DEVICE.__init__()  # type: ignore[misc]
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    names = {
        "Stream": Stream, "current_stream": DEVICE.current_stream, "stream": DEVICE.stream, "CUDAGraph": Graph,
        "graph_pool_handle": Pool, "synchronize": nothing, "empty_cache": nothing,
    }  # fmt: skip
    for name, value in names.items():
        patch(torch.cuda, name, value)
    patch(torch._C, "_host_emptyCache", nothing)
    patch(torch._C, "_cuda_endAllocateToPool", lambda index, pool: pool.end_allocation())
    patch(torch._C, "_cuda_releasePool", lambda index, pool: pool.release())
    patch(Tensor, "pin_memory", lambda tensor: DEVICE.pin_memory(tensor))
    return DEVICE
