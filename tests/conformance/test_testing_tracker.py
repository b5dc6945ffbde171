"""A tracker that hangs is reported; a tracker whose service cannot be reached is skipped."""

from __future__ import annotations

import threading
from types import ModuleType

import pytest

from ganzoo.plugin import GanzooError, Tracker, hookimpl
from ganzoo.registry import register, registry
from ganzoo.testing import check_tracker, tracker


class SilentTracker:
    """A tracker that does nothing; tests replace its methods."""

    def __init__(self, options: object) -> None:
        pass

    def start(self, run: object) -> None:
        pass

    log = grid = lambda self, images, what: None

    def finish(self, status: str) -> None:
        pass


@pytest.fixture(autouse=True)
def registered():
    module = ModuleType("trackers_under_test")
    spec = Tracker(name="mine", summary="Mine.", factory=f"{__name__}:SilentTracker")
    module.ganzoo_trackers = hookimpl(lambda: [spec], specname="ganzoo_trackers")
    registry.cache_clear()
    register(module)
    yield
    registry.cache_clear()


def results() -> dict[str, tuple[str, str]]:
    return {result.check.rpartition("/")[2]: (result.status, result.message) for result in check_tracker("mine")}


def test_one_that_does_nothing_passes() -> None:
    assert {status for name, (status, _) in results().items() if name != "migrates"} == {"PASS"}


def test_one_that_hangs_without_its_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(SilentTracker, "finish", lambda self, status: status == "failed" and free.wait(20))
    monkeypatch.setattr(tracker, "MAX_SECONDS", 0.2)
    monkeypatch.setattr(tracker, "follows_a_run", None)
    status, words = results()["backend-failure-is-harmless"]
    free.set()
    assert status == "FAIL"
    assert "`finish`, with a full disk and no network, did not return" in words


def test_one_whose_service_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: object, run: object) -> None:
        raise GanzooError("no key is set: export MINE_KEY")

    monkeypatch.setattr(SilentTracker, "start", start)
    status, words = results()["follows-a-run"]
    assert status == "SKIP"
    assert "MINE_KEY" in words
