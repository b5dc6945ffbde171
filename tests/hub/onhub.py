"""Reading the tests' Hub, and making packages to upload."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import safetensors.torch

FILES = [
    "README.md",
    "config.json",
    "discriminator.safetensors",
    "model.safetensors",
    "reference.safetensors",
    "samples.png",
]


def commits(hub, repo: str, branch: str = "main") -> list[dict]:
    """Return the commits of a branch, newest first."""
    stored = hub.store.load("model", repo)
    found, oid = [], stored["branches"][branch]
    while oid:
        found.append(hub.store.commit(stored, oid))
        oid = found[-1]["parent"]
    return found


def content(hub, repo: str, name: str, branch: str = "main") -> bytes:
    """Return a file's bytes as the Hub stores them."""
    return hub.store.content_path(commits(hub, repo, branch)[0]["files"][name]).read_bytes()


def refs(hub, repo: str) -> dict:
    return hub.store.load("model", repo)


def other(package: Path, images: int) -> Path:
    """Give a package another number of images in its config."""
    path = package / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "images": images}))
    return package


def edit(package: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change a package's config."""
    path = package / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    return package


def rewrite(package: Path, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change a package's tensors, and put their new hash into its config."""
    tensors = safetensors.torch.load_file(package / name)
    change(tensors)
    return replace(package, name, safetensors.torch.save(tensors))


def replace(package: Path, name: str, data: bytes) -> Path:
    """Replace a file of a package, and put its new hash into the config."""
    (package / name).write_bytes(data)
    stated = {"sha256": sha256(data).hexdigest(), "size": len(data)}
    return edit(package, lambda config: config["files"].update({name: stated}))


def upload(hub, repo: str, package: Path, names: tuple[str, ...] = ()) -> str:
    """Upload a package unchecked, unlike `publish`; return the commit."""
    from huggingface_hub import HfApi

    HfApi(token="hf_alice").create_repo(repo, exist_ok=True)
    for path in sorted(package.iterdir()):
        if not names or path.name in names:
            large = path.suffix in (".safetensors", ".png")
            hub.inject_file("model", repo, path.name, path.read_bytes(), lfs=large)
    return commits(hub, repo)[0]["oid"]


def forked(work: Callable[[], object]) -> int:
    """Do the work in a forked child process; return the child's process id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child
