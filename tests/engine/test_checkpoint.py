"""Checkpoints that are damaged, cut off by a crash at every byte, and refused by a full disk."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
from pathlib import Path
from typing import BinaryIO

import pytest
import torch
from torch import Tensor

from crashing import Dying, in_child, run_until_killed
from ganzoo.engine import checkpoint
from ganzoo.errors import Corrupt, GanzooError
from ganzoo.package.tensors import snapshot
from ganzoo.plugin import files

OLD, NEW = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([3.0, 4.0])}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of an existing checkpoint."""
    path = tmp_path / "000000064.ckpt"
    checkpoint.save(path, OLD, {"images": 64})
    return path


def holds(path: Path) -> str:
    """Return which of the two checkpoints the file is; it must be whole."""
    tensors, meta = checkpoint.load(path)
    for name, wanted, images in (("old", OLD, 64), ("new", NEW, 128)):
        if torch.equal(tensors["w"], wanted["w"]):
            assert meta["images"] == images
            return name
    raise AssertionError(tensors)


# ----------------------------------------------------------------------------
# Round trip.

DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64, torch.bool,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4, 5)])
def test_every_dtype_and_shape_is_restored(tmp_path, dtype, shape):
    tensor = torch.linspace(0, 9, torch.Size(shape).numel()).view(shape).to(dtype)
    checkpoint.save(tmp_path / "x", {"a/b": tensor}, {})
    loaded, _ = checkpoint.load(tmp_path / "x")
    assert loaded.keys() == {"a/b"}
    assert loaded["a/b"].dtype == dtype
    assert loaded["a/b"].shape == shape
    assert loaded["a/b"].view(-1).view(torch.uint8).equal(tensor.view(-1).view(torch.uint8))


def test_layouts_views_and_shared_memory_are_restored_by_value(tmp_path):
    base = torch.arange(48.0).view(2, 4, 3, 2)
    tensors: dict[str, Tensor] = {
        "channels-last": base.contiguous(memory_format=torch.channels_last),
        "transposed": base.permute(3, 0, 1, 2),
        "strided": base[:, ::2],
        "expanded": torch.tensor(7.0).expand(3, 2),
        "shared": base,
        "tied": base,
        "with-graph": torch.nn.Parameter(base.clone()) * 2,
    }
    checkpoint.save(tmp_path / "x", snapshot(tensors), {})
    loaded, _ = checkpoint.load(tmp_path / "x")
    assert loaded.keys() == tensors.keys()
    assert [name for name in tensors if not torch.equal(loaded[name], tensors[name])] == []


def test_special_numbers_are_restored_bit_for_bit(tmp_path):
    bits = torch.tensor([0x7FC00001, 0x7F800000, -0x80000000, 1, 0x00800000], dtype=torch.int32)
    checkpoint.save(tmp_path / "x", {"odd": bits.view(torch.float32)}, {})
    assert torch.equal(checkpoint.load(tmp_path / "x")[0]["odd"].view(torch.int32), bits)


def test_meta_is_restored(path):
    meta = {"images": 10**12, "seconds": 0.1, "numbers": {"Ä/1": None, "B": [1, 2.5, True]}}
    checkpoint.save(path, {}, meta)
    tensors, loaded = checkpoint.load(path)
    assert tensors == {}
    assert loaded == {"format": checkpoint.FORMAT, **meta}


# ----------------------------------------------------------------------------
# Damage.


def test_a_file_that_is_truncated_anywhere_is_corrupt(path):
    content = path.read_bytes()
    for end in [*range(0, len(content), 17), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(Corrupt, match=r"000000064.ckpt is damaged: its bytes differ from what was saved"):
            checkpoint.load(path)


def test_a_file_with_one_byte_changed_anywhere_is_corrupt(path):
    content = path.read_bytes()
    for index in [*range(0, len(content), 13), len(content) - 1]:
        for change in (1, 0x80, 0xFF):
            damaged = bytearray(content)
            damaged[index] ^= change
            path.write_bytes(damaged)
            with pytest.raises(Corrupt, match="is damaged"):
                checkpoint.load(path)
    path.write_bytes(content)
    assert holds(path) == "old"


@pytest.mark.parametrize("extra", [b"\0", b"x" * 64])
def test_a_file_with_appended_bytes_is_corrupt(path, extra):
    path.write_bytes(path.read_bytes() + extra)
    with pytest.raises(Corrupt, match="is damaged"):
        checkpoint.load(path)


def write_signed(path: Path, body: bytes) -> None:
    files.write_atomic(path, [body, checkpoint.hashlib.sha256(body).digest()])


def header(**meta: str) -> bytes:
    text = json.dumps({"__metadata__": meta}).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize("body", [b"", b"\0" * 7, b"\xff" * 40, header(), header(other="{}"), header(ganzoo="{")])
def test_a_whole_file_of_something_else_is_corrupt(path, body):
    write_signed(path, body)
    with pytest.raises(Corrupt, match="is not a checkpoint of ganzoo"):
        checkpoint.load(path)


def test_a_newer_format_says_upgrade(path):
    write_signed(path, header(ganzoo=json.dumps({"format": checkpoint.FORMAT + 1})))
    with pytest.raises(GanzooError, match="was written by a newer ganzoo: python -m pip install -U ganzoo") as caught:
        checkpoint.load(path)
    assert not isinstance(caught.value, Corrupt)


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(GanzooError, match=r"cannot read .*/none: no such file or directory"):
        checkpoint.load(tmp_path / "none")


# ----------------------------------------------------------------------------
# Crashes: a child that dies of SIGKILL at a chosen moment of its write.


def killed_write(path: Path, disk: files.Disk) -> bool:
    return run_until_killed(disk, lambda: checkpoint.save(path, NEW, {"images": 128}))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_crash_after_any_byte_leaves_the_old_checkpoint(path):
    k = 0
    while killed_write(path, Dying(after_bytes=k)):
        assert holds(path) == "old"
        k += 1
    assert holds(path) == "new"
    assert k == path.stat().st_size + 1  # there was a crash after every byte, then the write succeeded


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_crash_before_any_sync_or_rename_leaves_a_whole_checkpoint(path):
    left = []
    while killed_write(path, Dying(before_operation=len(left))):
        left.append(holds(path))
    assert left == ["old", "old", "new"]  # before the sync, the rename, the directory's sync


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_the_bytes_are_synced_before_the_rename_and_the_name_after_it(path, monkeypatch):
    """The order of the operations, which matters at a power cut and which a kill cannot test."""
    calls = []

    class Noting(files.Disk):
        def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
            calls.append("write")
            super().write(file, data)

        def sync(self, file: BinaryIO) -> None:
            calls.append("sync")
            super().sync(file)

        def rename(self, source: Path, target: Path) -> None:
            assert source.parent == target.parent == path.parent
            calls.append("rename")
            super().rename(source, target)

        def sync_directory(self, directory: Path) -> None:
            assert directory == path.parent
            calls.append("sync_directory")
            super().sync_directory(directory)

    monkeypatch.setattr(files, "DISK", Noting())
    checkpoint.save(path, NEW, {"images": 128})
    assert calls == ["write", "write", "sync", "rename", "sync_directory"]


# ----------------------------------------------------------------------------
# A disk that is full.


class Full(files.Disk):
    """A disk with room for `writes` writes; the kernel refuses the next one."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        self.left -= 1
        if self.left < 0:
            with open("/dev/full", "wb", buffering=0) as full:
                full.write(data)
        super().write(file, data)


def litter(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir() if entry != path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("writes", [0, 1])
def test_a_full_disk_is_reported_in_one_sentence_and_loses_nothing(path, monkeypatch, writes):
    monkeypatch.setattr(files, "DISK", Full(writes))
    with pytest.raises(GanzooError) as caught:
        checkpoint.save(path, NEW, {"images": 128})
    assert str(caught.value) == f"cannot write {path}: the disk is full; free some space and try again"
    assert holds(path) == "old"
    assert litter(path) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("room", [0, 1, 100, 140])
def test_a_limit_on_file_sizes_loses_nothing(path, room):
    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        checkpoint.save(path, NEW, {"images": 128})

    assert path.stat().st_size > 140
    assert in_child(work) == 1  # a GanzooError
    assert holds(path) == "old"
    assert litter(path) == []


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EDQUOT, "the disk is full; free some space and try again"),
        (errno.EFBIG, "the file would be larger than this system allows; raise the limit (ulimit -f) and try again"),
        (errno.EROFS, "no permission to write there; choose a folder that you can write to"),
        (errno.EIO, "input/output error"),
    ],
)
@pytest.mark.parametrize("operation", ["write", "sync", "rename"])
def test_any_refusal_of_the_disk_is_reported_in_one_sentence(path, monkeypatch, number, reason, operation):
    def refuse(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.DISK, operation, refuse)
    with pytest.raises(GanzooError) as caught:
        checkpoint.save(path, NEW, {"images": 128})
    assert str(caught.value) == f"cannot write {path}: {reason}"
    assert holds(path) == "old"
    assert litter(path) == []


def test_a_missing_folder_is_reported_in_one_sentence(tmp_path):
    with pytest.raises(GanzooError, match=r"cannot write .*/none/x: no such file or directory"):
        checkpoint.save(tmp_path / "none" / "x", NEW, {})


def test_the_writer_of_a_snapshot_makes_no_tensor_operation():
    weight = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    (copy,) = snapshot({"weight": weight}).values()
    assert copy.is_contiguous()
    assert torch.equal(copy, weight)
    assert copy.data_ptr() != weight.data_ptr()
