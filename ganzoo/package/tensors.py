"""Reading weights that a stranger may have written: the header is checked first, then the tensors against the network.

The safetensors library itself refuses offsets that overlap or leave gaps, and a false length. It accepts duplicate
keys, absurd shapes, other dtypes and numbers that are not finite: these are checked here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganzoo.compute.streams import seeded
from ganzoo.errors import Corrupt, UsageError
from ganzoo.package.config import LARGEST_HEADER

DTYPES = {  # float16 is read as float32: it is a form of storing weights alone
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float32, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip

DRAWING = (
    "normal_", "uniform_", "trunc_normal_", "random_", "bernoulli_", "kaiming_normal_", "kaiming_uniform_",
    "xavier_normal_", "xavier_uniform_",
)  # fmt: skip


class TensorInfo(NamedTuple):
    """The dtype and shape of a tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} {list(self.shape)}"


class SkippedInit(TorchFunctionMode):
    """Skips random initialisation while networks are built on the meta device, where tensors have no numbers.

    Initialising them there imports torch's compiler, which takes longer than the rest of loading a small model.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch, or return the tensor that it would fill with random numbers."""
        kwargs = kwargs or {}
        tensor = args[0] if args else kwargs.get("tensor")
        if getattr(func, "__name__", "") in DRAWING and isinstance(tensor, Tensor) and tensor.is_meta:
            return tensor
        return func(*args, **kwargs)


@contextmanager
def meta_device() -> Iterator[None]:
    """Build networks in the block on the meta device, without memory and random numbers."""
    with seeded(0), torch.device("meta"), SkippedInit():
        yield


def describe_tensors(network: nn.Module) -> dict[str, TensorInfo]:
    """Return dtype and shape of each tensor in a network's state dict, by name."""
    return {name: TensorInfo(tensor.dtype, tuple(tensor.shape)) for name, tensor in network.state_dict().items()}


def read_header(content: bytes, source: str) -> dict[str, TensorInfo]:
    """Return dtype and shape of each tensor of a safetensors file as `unpack` returns it, by name.

    Args:
        content: The bytes of the file, or at least those of its header.
        source: The file's name, for errors.

    Raises:
        Corrupt: The header is damaged or too large.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(LARGEST_HEADER, len(content) - 8):
        raise Corrupt(f"{source} is not a safetensors file: its header has a wrong length")
    try:
        entries = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_refuse_duplicates)
        return {
            name: parse_info(entry["dtype"], entry["shape"])
            for name, entry in entries.items()
            if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{source} is not a safetensors file: its header is damaged") from error


def read_metadata(content: bytes) -> dict[str, str]:
    """Return the metadata in the header of a safetensors file that `read_header` accepted."""
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
    return dict(metadata) if isinstance(metadata, dict) else {}


def pack(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return tensors as the bytes of a safetensors file with `metadata` in its header.

    The library writes metadata in the random order of its hash table; here the same contents give the same bytes.
    """
    plain = safetensors.torch.save(dict(tensors))
    length = int.from_bytes(plain[:8], "little")
    entries = {"__metadata__": dict(metadata), **json.loads(plain[8 : 8 + length])}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # keeps the tensors aligned
    return len(text).to_bytes(8, "little") + text + plain[8 + length :]


def parse_info(dtype: str, shape: Any) -> TensorInfo:
    """Return dtype and shape of a tensor in a header; raise ValueError or KeyError where they are invalid."""
    if not isinstance(shape, list) or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"shape {shape!r}")
    return TensorInfo(DTYPES[dtype], tuple(shape))


def check_fit(found: Mapping[str, TensorInfo], expected: Mapping[str, TensorInfo], source: str) -> None:
    """Raise Corrupt where the tensors of a file differ from a network's in name, dtype or shape."""
    if missing := sorted(expected.keys() - found.keys()):
        raise Corrupt(f"{source} does not fit the architecture: tensor {missing[0]!r} is missing")
    for name in sorted(found):
        if name not in expected:
            raise Corrupt(f"{source} does not fit the architecture: tensor {_escape_name(name)} is extra")
        if found[name] != expected[name]:
            raise Corrupt(
                f"{source} does not fit the architecture: tensor {name!r} is {found[name]}, not {expected[name]}"
            )


def halve(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights with float16 in place of float32: a number changes by a two-thousandth, or by 3e-8, at most.

    Raises:
        UsageError: A number is larger than float16 has.
    """
    halves = {name: tensor.half() if tensor.dtype == torch.float32 else tensor for name, tensor in tensors.items()}
    for name, tensor in halves.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise UsageError(f"tensor {name!r} has numbers above 65,504, which 16 bits cannot store: leave out --half")
    return halves


def unpack(content: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, on the CPU; all their numbers are finite. Float16 becomes float32.

    Raises:
        Corrupt: The file is not a safetensors file, or contains numbers that are not finite.
    """
    try:
        tensors = safetensors.torch.load(content)
    except SafetensorError as error:
        raise Corrupt(f"{source} is not a safetensors file: {error}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise Corrupt(f"{source} contains numbers that are not finite, in tensor {_escape_name(name)}")
    return {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in tensors.items()}


def count_bytes(tensors: Mapping[str, TensorInfo]) -> int:
    """Return how many bytes tensors of these dtypes and shapes take."""
    return sum(info.dtype.itemsize * math.prod(info.shape) for info in tensors.values())


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a tensor is named twice")
    return result


def _escape_name(name: str) -> str:
    return ascii(name[:80])


def snapshot(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous copies of tensors on the CPU, each in memory of its own, so that training does not change them.

    Another thread can then write them without any tensor operation. A parallel operation in that thread would start a
    second team of OpenMP threads. With more threads than cores, each operation of the training is slower from then on
    (by a quarter, in the default run on two cores).
    """
    return {
        name: torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach()) for name, tensor in tensors.items()
    }
