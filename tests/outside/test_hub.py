"""Models of outside plugins are published and loaded as others are; without the plugin, an error names it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strangers import Outside

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
from hubserver import HubServer

TRAINED = {
    "acme-textgan": ("--arch", "gru-gan", "--dataset", "text", "dataset.length=12", "arch.width=8"),
    "acme-tabular": ("--arch", "tabgan", "--dataset", "rides", "arch.width=8"),
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment variables for a Hub on this machine."""
    folder = tmp_path_factory.mktemp("hub")
    with HubServer(folder / "hub") as server:
        yield {
            "HF_ENDPOINT": server.url, "HF_HOME": str(folder / "home"), "HF_TOKEN": "hf_alice",
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TRAINED))
def test_it_is_published_and_sampled_from_the_hub(
    name: str, outside: Callable[[str], Outside], hub: dict[str, str]
) -> None:
    stranger = outside(name)
    run = stranger.ganzoo("train", *TRAINED[name], "--images", "160", "--batch", "16").strip()
    published = stranger.ganzoo("publish", run, f"alice/{name}", "--tag", "v1", **hub)
    assert f"alice/{name}" in published
    before = stranger.ganzoo("sample", run, "-n", "5", "--out", "here.txt")
    shutil.rmtree(stranger.folder / "runs")
    stranger.ganzoo("sample", f"alice/{name}@v1", "-n", "5", "--out", "there.txt", **hub)
    assert before == "here.txt\n"
    assert (stranger.folder / "there.txt").read_text() == (stranger.folder / "here.txt").read_text()
    assert "reproduced" in stranger.ganzoo("verify", f"alice/{name}", **hub)

    nobody = Outside(stranger.folder / "empty", stranger.folder)
    missed = nobody.python("-m", "ganzoo", "sample", f"alice/{name}", **hub)
    assert missed.returncode == 3, missed.stderr
    assert f"if you trust that package, python -m pip install -U {name}" in missed.stderr
