"""One command publishes the included models and others under one name, and `ganzoo search` finds them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from onhub import commits

import ganzoo
from ganzoo.errors import NotFound

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "publish_zoo.py"


@pytest.fixture
def publish_zoo(monkeypatch, capsys):
    """Return a function that calls the command with words, and returns exit code, output and error."""
    spec = importlib.util.spec_from_file_location("publish_zoo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["publish_zoo.py", *map(str, words)])
        return (module.main(), *capsys.readouterr())

    return call


def test_all_models_are_published_once(hub, repo, package, publish_zoo):
    larger = package.rename(package.with_name(f"larger-{repo.rpartition('/')[2]}"))
    words = ("alice", "--models", "ring", "--packages", larger, "--license", "mit")
    code, out, _ = publish_zoo(*words, "--dry-run")
    assert code == 0
    assert "alice/ring: new model.safetensors" in out
    assert ganzoo.search("ring", author="alice") == []

    code, out, _ = publish_zoo(*words)
    assert code == 0
    assert f"{hub.url}/alice/ring" in out.splitlines()
    assert [model.repo for model in ganzoo.search("ring", author="alice")] == ["alice/ring"]
    assert ganzoo.search(larger.name)[0].license == "mit"
    sent = [commit["message"] for commit in commits(hub, "alice/ring")]
    assert publish_zoo(*words)[0] == 0
    assert [commit["message"] for commit in commits(hub, "alice/ring")] == sent


def test_one_that_fails_is_a_line_and_no_access_ends_it(hub, repo, publish_zoo):
    code, out, err = publish_zoo("alice", "--models", "rign,ring")
    assert code == 1
    assert err.startswith("alice/rign is not published: ")
    assert "ganzoo:ring" in err
    assert f"{hub.url}/alice/ring" in out
    with pytest.raises(NotFound):
        publish_zoo("somebody-else", "--models", "ring")
