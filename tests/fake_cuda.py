"""A CUDA device that is imitated on the CPU, and counts what would make the host wait for it.

Tensors of the device are CPU tensors whose storages are marked. So all numbers are real, and no GPU is needed. A wait
is an operation that reads a number back, an operation whose result's shape depends on values, and a copy between the
host and the device that is not both from (or to) pinned memory and `non_blocking`. Operations on tensors of both
devices, which CUDA refuses, raise RuntimeError. So do operations on a tensor of another stream, unless the present
stream waited for it and the tensor is recorded for the present stream. Reading ahead needs the lock that captures hold.
Waits inside torch's kernels are not seen.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._foreach_utils import _group_tensors_by_device_and_dtype
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganzoo.compute.device import CAPTURE_LOCK
from ganzoo.data.source import ArraySource, Source

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
HOST, PINNED, DEVICE = "host memory", "pinned memory", "the device"

aten = torch.ops.aten
READS = {aten._local_scalar_dense, aten.equal, aten.is_nonzero}
SHAPES = {aten.nonzero, aten.masked_select, aten._unique2, aten.unique_dim, aten.bincount, aten.repeat_interleave}
COPIES = {aten.copy_, aten._foreach_copy_}
INDEXED = {aten.index, aten.index_put, aten.index_put_}


class Stream:
    """A stream, with the storages that it has made and those of other streams that it has waited for."""

    def __init__(self, device: object = None) -> None:
        self.made: set[int] = set()
        self.waited: set[int] = set()
        self.recorded: set[int] = set()

    def record_event(self) -> frozenset[int]:
        """Return an event: what the stream has made so far."""
        return frozenset(self.made)

    def wait_event(self, event: frozenset[int]) -> None:
        """Wait for what another stream had made at an event."""
        self.waited |= event


def require_lock() -> None:
    """Raise RuntimeError where a fetching thread uses CUDA, and the main thread may capture an update."""
    if not CAPTURE_LOCK.locked():
        raise RuntimeError("another thread uses CUDA without CAPTURE_LOCK")


class FakeCuda:
    """Where each storage lies, and the waits so far.

    Attributes:
        waits: How often each line of the program waited, by a sentence with the reason.
    """

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.places: dict[int, str] = {}
        self.kept: list[torch.UntypedStorage] = []  # so that no address comes again
        self.making = HOST
        self.stream = self.usual = Stream()
        self.makers: dict[int, Stream] = {}  # of the storages that other streams have made

    def find(self, tensor: Tensor) -> str:
        """Return where a tensor lies."""
        return HOST if tensor.is_meta else self.places.get(tensor.untyped_storage()._cdata, HOST)

    def put(self, tensor: Tensor, place: str) -> Tensor:
        """Mark the storage of a tensor."""
        if not tensor.is_meta:
            storage = tensor.untyped_storage()
            self.places[storage._cdata] = place
            self.kept.append(storage)
            self.makers.pop(storage._cdata, None)
            if self.stream is not self.usual and place == DEVICE:
                require_lock()
                self.makers[storage._cdata] = self.stream
                self.stream.made.add(storage._cdata)
        return tensor

    def check_stream(self, tensor: Tensor) -> None:
        """Raise RuntimeError if a tensor is another stream's, and may be read too early or overwritten too early."""
        number = tensor.untyped_storage()._cdata
        if self.makers.get(number, self.stream) is not self.stream:
            if number not in self.stream.waited:
                raise RuntimeError("a stream reads a tensor of another stream without waiting for it")
            if number not in self.stream.recorded:
                raise RuntimeError("a stream reads a tensor of another stream that may be overwritten: record_stream")

    @contextmanager
    def use(self, stream: Stream) -> Iterator[None]:
        """Use a stream inside the block, as `torch.cuda.stream` does."""
        before, self.stream = self.stream, stream
        try:
            yield
        finally:
            self.stream = before

    def note(self, reason: str) -> None:
        """Count a wait, under the line of ganzoo or of a plugin that caused it."""
        frames = [f for f in traceback.extract_stack() if "ganzoo" in f.filename and "/tests/" not in f.filename]
        line = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "a test"
        self.waits[f"{line} {reason}"] += 1

    def copy(self, source: str, target: str, non_blocking: bool) -> None:
        """Count a copy between two places if the host waits for it."""
        if (source == DEVICE) == (target == DEVICE):
            return
        host = target if source == DEVICE else source
        if host != PINNED or not non_blocking:
            self.note(f"copies from {source} to {target}, {'' if non_blocking else 'not '}non_blocking")


class _Functions(TorchFunctionMode):
    """Answers calls of torch that name the device, and gives the CPU's functions the CPU."""

    def __init__(self, cuda: FakeCuda) -> None:
        super().__init__()
        self.cuda = cuda

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cuda, kwargs = self.cuda, dict(kwargs or {})
        if func == Tensor.device.__get__ and cuda.find(args[0]) == DEVICE:
            return CUDA
        if func == Tensor.is_cuda.__get__:
            return cuda.find(args[0]) == DEVICE
        if func is Tensor.is_pinned:
            return cuda.find(args[0]) == PINNED
        if func is Tensor.pin_memory:
            return args[0] if cuda.find(args[0]) == PINNED else cuda.put(args[0].clone(), PINNED)
        if func in (Tensor.to, Tensor.cpu, Tensor.cuda):
            return self.move(func, *args, **kwargs)
        if func in (Tensor.tolist, Tensor.numpy) and cuda.find(args[0]) == DEVICE:
            cuda.note("reads tensors back")
        before = cuda.making
        try:
            if kwargs.get("pin_memory"):
                require_lock()
                kwargs["pin_memory"], cuda.making = False, PINNED
            if kwargs.get("device") is not None:
                wanted = torch.device(kwargs["device"])
                cuda.making = DEVICE if wanted.type == "cuda" else cuda.making
                kwargs["device"] = CPU if wanted.type == "cuda" else wanted
                if cuda.making == DEVICE and func in (torch.tensor, torch.as_tensor, torch.asarray):
                    cuda.copy(HOST, DEVICE, non_blocking=False)
                    return cuda.put(func(*args, **kwargs).clone(), DEVICE)
            return func(*args, **kwargs)
        finally:
            cuda.making = before

    def move(self, func: Any, tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Move a tensor, as `Tensor.to`, `Tensor.cpu` and `Tensor.cuda` do."""
        cuda, place = self.cuda, self.cuda.find(tensor)
        if func is not Tensor.to:
            target, args, kwargs = DEVICE if func is Tensor.cuda else HOST, (), {}
            non_blocking = False
        else:
            if kwargs.pop("copy", False):
                tensor = tensor.clone()
            device, _, non_blocking, _ = torch._C._nn._parse_to(
                *(CUDA if isinstance(a, Tensor) and cuda.find(a) == DEVICE else a for a in args), **kwargs
            )
            if device is not None and device.type not in ("cpu", "cuda"):
                return func(tensor, *args, **kwargs)
            target = place if device is None or (device == CPU and place == PINNED) else HOST
            target = DEVICE if device is not None and device.type == "cuda" else target
            args = tuple(CPU if _is_device(a) else a for a in args)
            kwargs = {key: CPU if key == "device" and value is not None else value for key, value in kwargs.items()}
        moved: Tensor = tensor.to(*args, **kwargs) if func is Tensor.to else tensor
        if target == place or tensor.is_meta:
            return moved
        cuda.copy(place, target, non_blocking)
        return cuda.put(
            moved.clone() if moved.untyped_storage()._cdata == tensor.untyped_storage()._cdata else moved, target
        )


def _is_device(value: Any) -> bool:
    return isinstance(value, (torch.device, Tensor)) or (
        isinstance(value, str) and value.partition(":")[0] in ("cuda", "cpu")
    )


class _Operations(TorchDispatchMode):
    """Marks the results of operations, and counts waits."""

    def __init__(self, cuda: FakeCuda) -> None:
        super().__init__()
        self.cuda = cuda

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        cuda = self.cuda
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        known = {tensor.untyped_storage()._cdata for tensor in given if not tensor.is_meta}
        places = [cuda.find(tensor) for tensor in given]
        if DEVICE in places:
            for tensor in given:
                cuda.check_stream(tensor)
            self.inspect(func, args, kwargs, given, places)
        result = func(*args, **kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and not leaf.is_meta and leaf.untyped_storage()._cdata not in known:
                if func.overloadpacket is aten.set_ and DEVICE not in places:
                    continue  # a look at a storage, to copy it
                cuda.put(leaf, DEVICE if DEVICE in places else cuda.making)
        return result

    def inspect(self, func: Any, args: Any, kwargs: Any, given: list[Tensor], places: list[str]) -> None:
        """Count a wait of an operation that has tensors of the device; raise RuntimeError if CUDA would refuse it."""
        cuda, packet = self.cuda, func.overloadpacket
        if packet in READS:
            cuda.note("reads a number back")
        elif packet in SHAPES:
            cuda.note(f"waits for the shape of {packet.__name__}")
        elif packet in COPIES:
            non_blocking = kwargs.get("non_blocking", args[2] if len(args) > 2 else False)
            for target, source in zip(tree_leaves(args[0]), tree_leaves(args[1]), strict=True):
                cuda.copy(cuda.find(source), cuda.find(target), non_blocking)
        elif packet in INDEXED and any(leaf.dtype == torch.bool for leaf in tree_leaves(args[1])):
            cuda.note("waits for the number of elements that a mask selects")
        elif packet in INDEXED and cuda.find(args[0]) == DEVICE:
            for leaf in tree_leaves(args[1]):
                cuda.copy(cuda.find(leaf), DEVICE, non_blocking=False)
        else:
            fused = packet.__name__.startswith("_fused_")
            strays = [
                tensor
                for tensor, place in zip(given, places, strict=True)
                if place != DEVICE and (fused or tensor.dim())
            ]
            if strays:
                raise RuntimeError(f"{packet.__name__} has tensors of the device and of the host: {strays[0].shape}")


class _Generator(torch.Generator):
    """A random generator of the CPU that says that it is the device's, if it was asked to be."""

    def __new__(cls, device: Any = CPU) -> _Generator:
        made = super().__new__(cls)
        made.stands_for = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.stands_for


class _Inline:
    """An executor that runs its calls at once, in the caller's thread, where the imitation is."""

    def __init__(self, *args: Any) -> None: ...

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function; return its result as a future."""
        future: Future[Any] = Future()
        future.set_result(function(*args))
        return future


def _group_tensors(lists: Any, with_indices: bool = False) -> Any:
    """Group tensors as torch's optimizers do, under the device that they stand for."""
    groups = _group_tensors_by_device_and_dtype(lists, with_indices)
    return {(found[0][0][0].device, dtype): found for (_, dtype), found in groups.items()}


@contextmanager
def fake_cuda() -> Iterator[FakeCuda]:
    """Imitate the device ``cuda:0`` inside the block, in this thread."""
    cuda = FakeCuda()
    with ExitStack() as stack:
        for name, value in {
            "torch.Generator": _Generator,
            "torch.cuda.init": lambda: None,
            "torch.cuda.default_generators": (torch.default_generator,),
            "torch.cuda.get_rng_state": lambda device: torch.get_rng_state(),
            "torch.cuda.set_rng_state": lambda state, device: None,
            "torch.cuda.current_device": lambda: 0,
            "torch.cuda.mem_get_info": lambda device: (2**34, 2**34),
            "torch.cuda.max_memory_reserved": lambda device: 2**30,
            "torch.cuda.is_bf16_supported": lambda **options: False,
            "torch.cuda.Stream": Stream,
            "torch.cuda.stream": cuda.use,
            "torch.cuda.current_stream": lambda device: cuda.stream,
            "torch.Tensor.record_stream": lambda tensor, stream: stream.recorded.add(tensor.untyped_storage()._cdata),
            "ganzoo.engine.prefetch.ThreadPoolExecutor": _Inline,
            "torch.optim.Optimizer._group_tensors_by_device_and_dtype": staticmethod(_group_tensors),
        }.items():
            stack.enter_context(patch(name, value))
        stack.enter_context(_Operations(cuda))
        stack.enter_context(_Functions(cuda))
        yield cuda


def move(source: Source, device: torch.device) -> Source:
    """Return a source whose samples lie on the device."""
    if not isinstance(source, ArraySource):
        return source
    labels = None if source.labels is None else source.labels.to(device)
    return replace(source, data=source.data.to(device), labels=labels)
