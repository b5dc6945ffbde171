"""A Hub on loopback for the real client. The environment is set before `huggingface_hub` is imported, which reads it
once, at import.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hubserver import HubServer

from cli_calls import Answer, Ganzoo

MEMORY = "/dev/shm"  # thousands of small files: a disk takes longer to delete them than the tests take
ROOMY = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 28
ROOT = Path(tempfile.mkdtemp(prefix="ganzoo-hub-tests-", dir=MEMORY if ROOMY else None))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)  # also where tests were only collected
SERVER = HubServer(ROOT / "hub")
SETTINGS = {
    "HF_ENDPOINT": SERVER.url, "HF_HOME": str(ROOT / "home"), "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "2",
    "HF_HUB_ETAG_TIMEOUT": "2", "NO_PROXY": "127.0.0.1,localhost",
}  # fmt: skip
COUNT = itertools.count()

if "huggingface_hub" in sys.modules:
    raise RuntimeError(
        "a test module imports huggingface_hub at its top: import it inside, the environment comes first"
    )
for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
    del os.environ[name]  # no developer's token, cache or endpoint may reach a test
os.environ.update(SETTINGS)


@pytest.fixture(scope="package", autouse=True)
def server() -> Iterator[HubServer]:
    yield SERVER.start()
    SERVER.stop()


@pytest.fixture
def hub(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """The Hub without faults, for the user alice with an empty cache."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(ROOT / f"cache{next(COUNT)}"))
    server.clear_faults()
    server.log.clear()
    yield server
    server.clear_faults()


@pytest.fixture
def new_cache(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that changes to an empty cache, as on another machine."""
    from huggingface_hub import constants

    return lambda: monkeypatch.setattr(constants, "HF_HUB_CACHE", str(ROOT / f"cache{next(COUNT)}"))


@pytest.fixture
def repo() -> str:
    """A new name of a repository."""
    return f"alice/model{next(COUNT)}"


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that ganzoo's own retry asks for. No test really waits, neither for them nor for the client's."""
    from huggingface_hub import file_download
    from huggingface_hub.utils import _http

    from ganzoo.hub import client

    waits: list[float] = []
    monkeypatch.setattr(client, "sleep", waits.append)
    monkeypatch.setattr(_http, "time", Hasty())
    monkeypatch.setattr(file_download, "time", Hasty())
    return waits


class Hasty:
    """A stand-in for the module `time` whose `sleep` returns at once."""

    def __getattr__(self, name: str) -> Any:
        import time

        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        import time

        time.sleep(min(seconds, 0.01))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a run that is trained once; tests never change it."""
    import ganzoo
    import toys
    from ganzoo.registry import register, registry

    folder = tmp_path_factory.mktemp("trained")
    registry.cache_clear()
    register(toys)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = ganzoo.train(
            arch="toy", dataset="toy-array", metric="toy-mean", images=64, options={"arch.norm": True}, device="cpu"
        )
    registry.cache_clear()
    return (folder / run.package).resolve()


@pytest.fixture
def package(trained: Path, tmp_path: Path, toys: object) -> Path:
    """A copy of the trained package that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "package"))


@pytest.fixture
def call(toys: object, capsys: pytest.CaptureFixture[str]) -> Ganzoo:
    """Return a function that runs a command in this process."""
    from ganzoo.cli import main

    def called(*args: str | Path) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        return Answer(stop.value.code, *capsys.readouterr())

    return called
