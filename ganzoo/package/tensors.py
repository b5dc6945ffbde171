"""Weights from a stranger: looked at before they are read, and read only where they are what the network asks for.

What the safetensors library refuses by itself (offsets that overlap or leave gaps, a false length) is left to it; it
accepts duplicate keys, absurd shapes, other dtypes and numbers that are not finite.
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
from ganzoo.errors import Corrupt
from ganzoo.package.config import LARGEST_HEADER

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip

DRAWING = (
    "normal_", "uniform_", "trunc_normal_", "random_", "bernoulli_", "kaiming_normal_", "kaiming_uniform_",
    "xavier_normal_", "xavier_uniform_",
)  # fmt: skip


class TensorInfo(NamedTuple):
    """What a tensor is, without its numbers."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} {list(self.shape)}"


class SkippedInit(TorchFunctionMode):
    """Leaves tensors of the meta device, which have no numbers, undrawn while networks are built there.

    Drawing them imports torch's compiler, which takes longer than all the rest of loading a small model.
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
    """Build networks in the block on the meta device, undrawn: their modules and forms, and nothing else."""
    with seeded(0), torch.device("meta"), SkippedInit():
        yield


def describe_tensors(network: nn.Module) -> dict[str, TensorInfo]:
    """Return the form of each tensor that a network keeps, by name; it may be on the meta device."""
    return {name: TensorInfo(tensor.dtype, tuple(tensor.shape)) for name, tensor in network.state_dict().items()}


def read_header(content: bytes, source: str) -> dict[str, TensorInfo]:
    """Return the forms that the header of a safetensors file states; `source` names the file in errors.

    Args:
        content: The file, or as much of it as the header takes.
        source: The file's name.

    Raises:
        Corrupt: It is no header, or too large a one.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(LARGEST_HEADER, len(content) - 8):
        raise Corrupt(f"{source} is no safetensors file: its header has no length that fits")
    try:
        stated = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_refuse_duplicates)
        return {
            name: parse_info(entry["dtype"], entry["shape"]) for name, entry in stated.items() if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{source} is no safetensors file: its header is damaged") from error


def read_metadata(content: bytes) -> dict[str, str]:
    """Return what the header of a safetensors file says beside its tensors; `read_header` took it already."""
    stated = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
    return dict(stated) if isinstance(stated, dict) else {}


def pack(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return tensors as the bytes of a safetensors file that says `read_metadata` in its header.

    The library writes metadata in whatever order its hash table has; here the same contents are the same bytes.
    """
    plain = safetensors.torch.save(dict(tensors))
    length = int.from_bytes(plain[:8], "little")
    stated = {"__metadata__": dict(metadata), **json.loads(plain[8 : 8 + length])}
    text = json.dumps(stated, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    return len(text).to_bytes(8, "little") + text + plain[8 + length :]


def parse_info(dtype: str, shape: Any) -> TensorInfo:
    """Return a tensor's form as a header states it; ValueError or KeyError where that is none."""
    if not isinstance(shape, list) or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"shape {shape!r}")
    return TensorInfo(DTYPES[dtype], tuple(shape))


def check_fit(stated: Mapping[str, TensorInfo], wanted: Mapping[str, TensorInfo], source: str) -> None:
    """Raise Corrupt where the tensors of a file are not, name by name, those that a network asks for."""
    if missing := sorted(wanted.keys() - stated.keys()):
        raise Corrupt(f"{source} does not fit the architecture: tensor {missing[0]!r} is missing")
    for name in sorted(stated):
        if name not in wanted:
            raise Corrupt(f"{source} does not fit the architecture: tensor {_escape_name(name)} is extra")
        if stated[name] != wanted[name]:
            raise Corrupt(
                f"{source} does not fit the architecture: tensor {name!r} is {stated[name]}, not {wanted[name]}"
            )


def unpack(content: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, on the CPU, every number of them finite.

    Raises:
        Corrupt: It is no such file, or holds numbers that are not finite.
    """
    try:
        tensors = safetensors.torch.load(content)
    except SafetensorError as error:
        raise Corrupt(f"{source} is no safetensors file: {error}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise Corrupt(f"{source} holds numbers that are not finite, in tensor {_escape_name(name)}")
    return tensors


def count_bytes(forms: Mapping[str, TensorInfo]) -> int:
    """Return how many bytes the tensors of these forms take."""
    return sum(form.dtype.itemsize * math.prod(form.shape) for form in forms.values())


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a tensor is named twice")
    return made


def _escape_name(name: str) -> str:
    return ascii(name[:80])


def snapshot(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous copies on the CPU, each in memory of its own: what training does next does not reach them.

    Whoever writes them in another thread has no tensor operation left to do: one that runs in parallel there starts
    a second team of OpenMP threads, and with more of them than cores every operation of the training is slower from
    then on (by a quarter, in the default run on two cores).
    """
    return {
        name: torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach()) for name, tensor in tensors.items()
    }
