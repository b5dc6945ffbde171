"""Files of plugins are written completely or not at all; a full disk is reported in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo.errors import GanzooError
from ganzoo.plugin import append, write_atomic
from ganzoo.testing.guards import full_disk


def test_bytes_are_appended_completely_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    append(path, b"one\n")
    append(path, b"two\n")
    with full_disk(), pytest.raises(GanzooError, match=r"cannot write .*lines\.txt: the file would be larger"):
        append(path, b"three\n")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_file_is_replaced_completely_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_atomic(path, [b"old"])
    with full_disk(), pytest.raises(GanzooError, match="cannot write"):
        write_atomic(path, [b"n", b"ew"])
    assert path.read_bytes() == b"old"
    write_atomic(path, [b"n", b"ew"])
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]
    with pytest.raises(GanzooError, match="no such file"):
        write_atomic(tmp_path / "nowhere" / "table.csv", [b""])
