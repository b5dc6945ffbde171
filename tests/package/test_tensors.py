"""Weights from a stranger: errors that the safetensors library accepts are refused before loading."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch
from torch import nn

from ganzoo.errors import Corrupt
from ganzoo.package import tensors
from ganzoo.package.config import LARGEST_HEADER
from ganzoo.package.tensors import TensorInfo

F32 = torch.float32


def frame(header: str, body: bytes = b"") -> bytes:
    return len(header.encode()).to_bytes(8, "little") + header.encode() + body


def make_entry(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_a_header_gives_dtypes_and_shapes_without_the_body() -> None:
    content = safetensors.torch.save({"a": torch.zeros(2, 3), "b": torch.zeros((), dtype=torch.int64)}, {"x": "y"})
    wanted = {"a": TensorInfo(F32, (2, 3)), "b": TensorInfo(torch.int64, ())}
    assert tensors.read_header(content, "f") == wanted
    length = int.from_bytes(content[:8], "little")
    assert tensors.read_header(content[: 8 + length], "f") == wanted
    assert tensors.count_bytes(wanted) == 2 * 3 * 4 + 8
    assert str(wanted["a"]) == "float32 [2, 3]"


@pytest.mark.parametrize("dtype", sorted(tensors.DTYPES))
def test_every_type_of_number_comes_back(dtype: str) -> None:
    content = safetensors.torch.save({"a": torch.zeros(3).to(tensors.DTYPES[dtype])})
    assert tensors.read_header(content, "f") == {"a": TensorInfo(tensors.DTYPES[dtype], (3,))}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0" * 7, b"\0" * 8, (10**12).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"{",
        frame("[]"), frame("{"), frame('{"a": 1}'), frame('{"a": {}}'), frame("null"), frame("[" * 100_000),
        frame(json.dumps({"a": make_entry("F31")})), frame(json.dumps({"a": make_entry(shape=[-1])})),
        frame(json.dumps({"a": make_entry(shape=[1.5])})), frame(json.dumps({"a": make_entry(shape=[True])})),
        frame(json.dumps({"a": make_entry(shape="2")})), frame(json.dumps({"a": make_entry(shape=None)})),
        frame('{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, '
               '"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'),
        b"\x02\0\0\0\0\0\0\0\xff\xff", b"PK\x03\x04" + b"\0" * 100,
    ],
)  # fmt: skip
def test_an_invalid_header_is_corrupt(content: bytes) -> None:
    with pytest.raises(Corrupt, match=r"^f is not a safetensors file: its header"):
        tensors.read_header(content, "f")


def test_a_header_is_not_read_beyond_a_limit() -> None:
    bomb = {f"t{i}": make_entry(shape=[0], offsets=[0, 0]) for i in range(200_000)}
    content = frame(json.dumps(bomb))
    assert len(content) > LARGEST_HEADER
    with pytest.raises(Corrupt, match="its header has a wrong length"):
        tensors.read_header(content, "f")


WANTED = {"a": TensorInfo(F32, (2,)), "b": TensorInfo(F32, (3, 1))}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"a": WANTED["a"]}, "tensor 'b' is missing"),
        ({}, "tensor 'a' is missing"),
        ({**WANTED, "c": WANTED["a"]}, "tensor 'c' is extra"),
        ({**WANTED, "\x1b[2Jx" * 50: WANTED["a"]}, r"tensor '\\x1b\[2Jx[^']{1,120}' is extra"),
        ({**WANTED, "a": TensorInfo(F32, (10**12,))}, r"tensor 'a' is float32 \[1000000000000\], not float32 \[2\]"),
        ({**WANTED, "b": TensorInfo(F32, (1, 3))}, r"tensor 'b' is float32 \[1, 3\], not float32 \[3, 1\]"),
        ({**WANTED, "a": TensorInfo(torch.float64, (2,))}, r"tensor 'a' is float64 \[2\], not float32 \[2\]"),
        ({**WANTED, "a": TensorInfo(torch.int32, (2,))}, r"tensor 'a' is int32 \[2\], not float32 \[2\]"),
    ],
)
def test_tensors_that_differ_from_the_networks_are_named(found: dict[str, TensorInfo], words: str) -> None:
    tensors.check_fit(WANTED, WANTED, "f")
    with pytest.raises(Corrupt, match=f"^f does not fit the architecture: {words}"):
        tensors.check_fit(found, WANTED, "f")


def test_describing_a_networks_tensors_needs_no_memory() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(10**6, 10**6), nn.BatchNorm1d(3))
    infos = tensors.describe_tensors(network)
    assert infos["0.weight"] == TensorInfo(F32, (10**6, 10**6))
    assert infos["1.num_batches_tracked"] == TensorInfo(torch.int64, ())
    assert tensors.count_bytes({"0.weight": infos["0.weight"]}) == 4 * 10**12


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_numbers_that_are_not_finite_are_refused(value: float, dtype: torch.dtype) -> None:
    good = {"a": torch.ones(3, dtype=dtype), "n": torch.ones(2, dtype=torch.int64)}
    assert tensors.unpack(safetensors.torch.save(good), "f").keys() == {"a", "n"}
    good["a"][1] = value
    with pytest.raises(Corrupt, match="f contains numbers that are not finite, in tensor 'a'"):
        tensors.unpack(safetensors.torch.save(good), "f")


@pytest.mark.parametrize(
    "content",
    [
        b"PK", frame(json.dumps({"a": make_entry()}), b"\0" * 7), frame(json.dumps({"a": make_entry()}), b"\0" * 9),
        frame(json.dumps({"a": make_entry(), "b": make_entry(offsets=[4, 12])}), b"\0" * 12),
        frame(json.dumps({"a": make_entry(shape=[3])}), b"\0" * 8),
    ],
)  # fmt: skip
def test_a_body_that_its_header_does_not_describe_is_refused(content: bytes) -> None:
    with pytest.raises(Corrupt, match=r"^f is not a safetensors file"):
        tensors.unpack(content, "f")
