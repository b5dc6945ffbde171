"""Data that vanish or change while they are packed or trained on: one sentence, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from forks import start_python
from ganzoo.data.packing import Packing
from ganzoo.data.store import open_store
from ganzoo.errors import NotFound
from ganzoo.plugin import DataInfo
from ganzoo.runs.run import Run
from ganzoo_datasets.folder import Folder
from ganzoo_datasets.specs.folder import FolderOptions

TESTS = Path(__file__).parents[1]
IMAGES = 24 * 20
CHILD = """
import glob, json, os, shutil, sys, torch
torch.set_num_threads(1)
import ganzoo, toys
from ganzoo.data import shards
ganzoo.register(toys)
shards.MOST_MAPPED = 2

class Listener:
    def tick(self, event):
        if event.images == 192:
            exec(sys.argv[2])

try:
    ganzoo.train(listener=Listener(), progress=False, **json.loads(sys.argv[1]))
except ganzoo.GanzooError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def write_images(folder: Path, num: int = 60, side: int = 8) -> Path:
    folder.mkdir()
    for number in range(num):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture
def images(toys: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return write_images(tmp_path / "images")


def train(folder: Path, action: str, **options: Any) -> tuple[int, str, Run]:
    """Train in another process, which does something at 192 images; return its exit code, its output and the run."""
    given = {
        "arch": "toy", "dataset": "folder", "dataset.path": str(folder), "dataset.size": 8, "loss": "toy-bce",
        "train.batch": 24, "train.images": IMAGES, "train.checkpoint_every": 96, "train.execution": "eager",
    }  # fmt: skip
    settings = {"options": given | options, "device": "cpu"}
    with start_python("-c", CHILD, json.dumps(settings), action, folder=Path.cwd(), path=[TESTS]) as process:
        done = process.finish(60)
    (path,) = Path("runs").iterdir()
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, Run(path)


@pytest.mark.parametrize("what", ["folder", "cache"])
def test_a_removed_folder_or_store_stops_no_training(images: Path, what: str) -> None:
    action = f"shutil.rmtree({str(images if what == 'folder' else images.parent / 'cache')!r})"
    code, said, run = train(images, action)
    assert (code, said, run.finished) == (0, "", True)
    assert not (images if what == "folder" else images.parent / "cache").exists()
    shutil.rmtree(images, ignore_errors=True)
    with pytest.raises(NotFound, match="images' does not exist"):
        ganzoo.train(resume=run, images=2 * IMAGES, progress=False)
    assert run.images == IMAGES


@pytest.mark.parametrize(
    ("shard", "action", "words"),
    [
        (0, "os.truncate(glob.glob('cache/datasets/*/data.npy')[0], 200)", "was changed by another program while it"),
        (4, "shutil.rmtree('cache')", "was removed or changed while it was read"),
        (
            4,
            "[os.truncate(f, 200) for f in glob.glob('cache/datasets/*/*/data.npy')]",
            "while it was read: start again",
        ),
    ],
)
def test_a_store_that_is_damaged_while_training_is_one_sentence(
    images: Path, tmp_path: Path, shard: int, action: str, words: str
) -> None:
    code, said, run = train(images, f"os.chdir({str(tmp_path)!r}); {action}", **{"dataset.shard": shard})
    assert code == 1, said
    assert said.count("\n") == 1
    assert words in said
    assert said.endswith(f"; the last good checkpoint is {run.checkpoints[-1]}\n")
    assert run.images == 192
    assert ganzoo.train(resume=run, device="cpu", progress=False).finished  # packed again


def test_a_folder_that_vanishes_while_it_is_packed_is_not_trained_on_by_half(images: Path, tmp_path: Path) -> None:
    items = Folder(FolderOptions(path=str(images), size=8)).items()
    first = items[20].load

    def vanish() -> Any:
        shutil.rmtree(images)
        return np.zeros((3, 8, 8), np.uint8)

    object.__setattr__(items[20], "load", vanish)
    packing = Packing("folder", items, DataInfo(shape=(3, 8, 8)), False, tmp_path / "cache" / "key", print)
    with pytest.raises(
        NotFound, match=r"of its 60 files vanished while it was packed, .* \(No such file or directory\)"
    ):
        open_store(packing)
    assert list((tmp_path / "cache").iterdir()) == []
    write_images(images)
    object.__setattr__(items[20], "load", first)
    (images / "003.png").unlink()
    assert len(open_store(packing).data) == 59  # a single file is skipped and named


def test_a_disk_that_is_full_while_packing(toys: object, tmp_path: Path) -> None:
    """A disk of 256 KB of its own, in a namespace of its own."""
    disk, folder = tmp_path / "disk", write_images(tmp_path / "images", 40, 64)
    disk.mkdir()
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=256k none {disk}"
    if shutil.which("unshare") is None or subprocess.run([*unshare, mount], capture_output=True).returncode:
        pytest.skip("this machine does not let a user mount a disk")
    train = f"{sys.executable} -m ganzoo train --arch dcgan --dataset {folder} --size 64"
    command = f"{mount} && {train}; echo $?; ls -A {disk}/*"
    environment = {**os.environ, "GANZOO_CACHE": str(disk), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*unshare, command], capture_output=True, text=True, env=environment, timeout=120)
    assert done.stdout == "1\n"  # the exit code, and nothing left on the disk
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ganzoo: ")]
    assert line == (
        f"ganzoo: cannot write the packed dataset 'folder' to {disk}/datasets (No space left on device): set "
        "GANZOO_CACHE to a folder that you can write to and that has room"
    )
    assert not Path("runs").exists()
