"""Another process that does not answer any more ends this one, even where it waits for a device for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from torch.distributed import TCPStore

from ganzoo.engine import heartbeat

WAITS_FOR_EVER = """
import time
from torch.distributed import TCPStore
from ganzoo.engine import heartbeat
heartbeat.INTERVAL, heartbeat.PATIENCE = 0.05, 0.3
with heartbeat.heartbeats(TCPStore("localhost", 0, 2, True, wait_for_workers=False), 0, 2):
    time.sleep(60)
"""


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.02)
    monkeypatch.setattr(heartbeat, "PATIENCE", 1.0)
    return TCPStore("localhost", 0, 1, True, timedelta(seconds=10), wait_for_workers=False)


@pytest.fixture
def ends(monkeypatch):
    """The reasons for which the process would have ended."""
    reasons = []
    monkeypatch.setattr(heartbeat, "end_process", reasons.append)
    return reasons


def test_a_process_that_stops_beating_ends_the_others(store, ends):
    with heartbeat.heartbeats(store, 0, 3):
        for _ in range(30):
            store.add("beats 1", 1)
            store.add("beats 2", 1)
            time.sleep(0.05)
        assert ends == []  # though more than PATIENCE has passed
        for _ in range(30):
            store.add("beats 1", 1)
            time.sleep(0.05)
    assert ends == ["process 2 of the run has not answered for 1 s"]


def test_a_process_that_has_finished_is_not_lost(store, ends):
    with heartbeat.heartbeats(store, 1, 2):
        with heartbeat.heartbeats(store, 0, 2):
            time.sleep(0.1)
        time.sleep(1.3)
    assert ends == []


def test_a_process_that_failed_is_lost(store, ends):
    with heartbeat.heartbeats(store, 1, 2):
        with pytest.raises(KeyError), heartbeat.heartbeats(store, 0, 2):
            raise KeyError
        time.sleep(1.3)
    assert ends == ["process 0 of the run has not answered for 1 s"]


def test_nothing_beats_after_the_block(store, ends):
    with heartbeat.heartbeats(store, 0, 2):
        pass
    assert not any(thread.name == "ganzoo-heartbeat" for thread in threading.enumerate())


def test_a_process_that_waits_for_ever_ends_with_one_sentence():
    done = subprocess.run([sys.executable, "-c", WAITS_FOR_EVER], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr == (
        "ganzoo: process 1 of the run has not answered for 0 s; go on with torchrun ... -m ganzoo train --resume\n"
    )
