"""The kit's contexts change the process only inside their block."""

from __future__ import annotations

import os
import random
import socket
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.errors import UsageError
from ganzoo.testing.guards import (
    copy_generator_states,
    empty_caches,
    find_message_defect,
    full_disk,
    list_moved_generators,
    offline,
    temporary_working_folder,
)


def test_offline_nothing_can_be_reached() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = server.getsockname()
        with offline():
            with pytest.raises(OSError, match="unreachable"), socket.socket() as client:
                client.connect(address)
            with pytest.raises(OSError, match="unreachable"):
                socket.getaddrinfo("localhost", address[1])
            with pytest.raises(OSError, match="unreachable"):
                urllib.request.urlopen(f"http://localhost:{address[1]}")
        with socket.create_connection(address):
            pass


def test_a_full_disk_takes_nothing_even_from_files_that_are_open(tmp_path: Path) -> None:
    with (tmp_path / "open").open("ab", buffering=0) as file:
        file.write(b"before")
        with full_disk():
            with pytest.raises(OSError, match="File too large"):
                file.write(b"x")
            with pytest.raises(OSError, match="File too large"):
                (tmp_path / "new").write_bytes(b"x")
        file.write(b" and after")
    assert (tmp_path / "open").read_bytes() == b"before and after"


def test_the_users_caches_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "mine")
    with empty_caches():
        assert not os.listdir(os.environ["HF_HOME"])
    assert os.environ["HF_HOME"] == "mine"


def test_a_temporary_working_folder_is_left_and_removed() -> None:
    before = Path.cwd()
    with temporary_working_folder() as folder:
        assert Path.cwd() == folder.resolve()
        Path("litter").touch()
    assert Path.cwd() == before
    assert not folder.exists()


@pytest.mark.parametrize(
    ("draw", "name"),
    [(random.random, "Python"), (np.random.random, "NumPy"), (lambda: torch.rand(()), "torch")],
    ids=["python", "numpy", "torch"],
)
def test_a_draw_from_each_generator_is_noticed(draw, name: str) -> None:
    before = copy_generator_states()
    assert list_moved_generators(before) == []
    draw()
    assert [word.partition("'")[0] for word in list_moved_generators(before)] == [name]


def test_an_error_must_be_one_sentence() -> None:
    assert find_message_defect(UsageError("dataset.path: name a folder")) == ""
    assert "empty" in find_message_defect(UsageError(""))
    assert "not one sentence" in find_message_defect(UsageError("Traceback:\n  line 1"))
