"""Fixtures of all tests: few threads, folders of their own, and the toy plugin on request."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo.runs.heavy import wait_passively

os.environ.setdefault("OMP_NUM_THREADS", "1")  # set before torch is imported; the suite's networks are tiny
wait_passively()  # and its processes share their cores

for number in (signal.SIGINT, signal.SIGHUP):  # a shell may have started the suite with them ignored (`nohup`, `&`)
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first, so that no process has a long one left when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Let torch's loggers pass records on: pytest adds its handlers to each of forty that do not, in every test."""
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and logger.name.startswith("torch"):
            logger.propagate = True


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests from the user's cache, runs and plugin settings, and from the log level of another test's -v."""
    logging.getLogger("ganzoo").setLevel(logging.NOTSET)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
    for name in ("GANZOO_RUNS", "GANZOO_DISABLE_PLUGINS", "GANZOO_STRICT_PLUGINS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Register the toy plugin, and work in a folder of its own."""
    import toys as module
    from ganzoo.registry import register, registry

    monkeypatch.chdir(tmp_path)
    registry.cache_clear()
    register(module)
    module.EVENTS.clear()
    yield module
    registry.cache_clear()


@pytest.fixture
def pairs(toys: object) -> object:
    """Register the plugin of translators as well as the toys."""
    import toy_pairs as module
    from ganzoo.registry import register

    register(module)
    return module
