"""Publishing a page as a static Space: one commit, and nothing of other people is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from onhub import commits, content

import ganzoo
from ganzoo.demo.runtime import BINARY, SCRIPT
from ganzoo.errors import Conflict, Denied, NotFound, UsageError


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return a directory with the names of a page's files."""
    folder = tmp_path / "page"
    folder.mkdir()
    for name in ("index.html", "demo.js", "latents.js", "model.js"):
        (folder / name).write_text(f"{name} 1")
    return folder


def read(hub, repo: str) -> dict[str, bytes]:
    """Return the files of a Space by name."""
    stored = hub.store.load("space", repo)
    newest = hub.store.commit(stored, stored["branches"]["main"])
    return {name: hub.store.content_path(entry).read_bytes() for name, entry in newest["files"].items()}


def test_a_page_becomes_a_space_and_is_replaced(hub, repo, page):
    said: list[str] = []
    url = ganzoo.publish_demo(page, repo, model="alice/faces", notify=said.append)
    assert url == f"{hub.url}/spaces/{repo}"
    files = read(hub, repo)
    assert {name: files[name].decode() for name in ("index.html", "model.js")} == {
        "index.html": "index.html 1", "model.js": "model.js 1",
    }  # fmt: skip
    card = files["README.md"].decode()
    assert "sdk: static" in card
    assert 'models: ["alice/faces"]' in card
    ganzoo.publish_demo(page, repo, notify=said.append)
    assert said[-1] == f"{repo} has this page already: nothing to send"
    (page / "model.js").write_text("model.js 2")
    ganzoo.publish_demo(page, repo, notify=said.append)
    assert said[-1].startswith("sending 1 files")
    assert read(hub, repo)["model.js"] == b"model.js 2"
    assert read(hub, repo)["README.md"].decode() == card


def test_what_is_not_a_page_or_not_mine_is_refused(hub, repo, page, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    HfApi().create_repo(repo, repo_type="space", space_sdk="static")
    HfApi().upload_file(
        path_or_fileobj=b"my own", path_in_repo="index.html", repo_id=repo, repo_type="space", token="hf_alice"
    )
    with pytest.raises(Conflict, match=f"the Space {repo} contains another page: choose another name"):
        ganzoo.publish_demo(page, repo)
    assert read(hub, repo)["index.html"] == b"my own"
    with pytest.raises(NotFound, match="has no page that `ganzoo demo` wrote"):
        ganzoo.publish_demo(tmp_path, repo)
    with pytest.raises(UsageError, match="write USER/NAME"):
        ganzoo.publish_demo(page, "alone")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(Denied, match="hf auth login"):
        ganzoo.publish_demo(page, f"{repo}-new")


def test_an_answer_that_is_lost_is_looked_for(hub, repo, page):
    ganzoo.publish_demo(page, repo)
    (page / "model.js").write_text("model.js 2")
    hub.inject(kind="commit", then_drop=True)
    ganzoo.publish_demo(page, repo)
    assert read(hub, repo)["model.js"] == b"model.js 2"


def test_a_model_is_published_with_its_page(hub, repo, call, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = tmp_path / "onnxruntime-web"  # what the page runs; nothing runs it here
    (runtime / "dist").mkdir(parents=True)
    (runtime / "package.json").write_text('{"version": "1"}')
    for name in (SCRIPT, BINARY):
        (runtime / name).write_text("x")
    line = ("publish", "ganzoo:digits", repo, "--demo", "--space", f"{repo}-page", "--device", "cpu")
    done = call(*line, "--dry-run", "--runtime", tmp_path / "nowhere")
    assert (done.code, "so it is not a folder of onnxruntime-web" in done.err) == (4, True)
    assert hub.store.load("model", repo) is None
    done = call(*line, "--runtime", runtime)
    assert done.code == 0, done.err
    files = commits(hub, repo)[0]["files"]
    assert {"model.safetensors", "demo/index.html", "demo/model.js"} <= files.keys()
    assert f"{hub.url}/{repo}/tree/main/demo" in done.err
    assert content(hub, repo, "demo/model.js") == read(hub, f"{repo}-page")["model.js"]
    assert f'models: ["{repo}"]' in read(hub, f"{repo}-page")["README.md"].decode()
    again = call(*line, "--runtime", runtime)
    assert again.err.count("has this p") == 3  # package, page, and page of the Space
    assert len(commits(hub, repo)) == 3
