"""Models whose samples are text: training, sampling, and models with pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cli_calls import Answer, Ganzoo
from ganzoo import load

PLUGIN = """
from ganzoo.plugin import DataInfo, Dataset, hookimpl

INFO = DataInfo(shape=(2,), modality="points")

@hookimpl
def ganzoo_datasets():
    for name, shown in {
        "read": {"show": "readable:write"},
        "both": {"show": "readable:both", "num_shown": 2500},
        "neither": {},
    }.items():
        yield Dataset(name=name, summary="Points.", factory="readable:Points", info=INFO, **shown)

class Points:
    info = INFO

    def __init__(self, options):
        pass

    def sample(self, generator, n):
        import torch
        return torch.rand(n, 2, generator=generator), None

def write(samples, info):
    return {"rows.txt": ("x,y\\n" + "\\n".join(f"{x:.6f},{y:.6f}" for x, y in samples)).encode()}

def both(samples, info):
    import io
    from PIL import Image
    buffer = io.BytesIO()
    Image.new("RGB", (4, 5)).save(buffer, "PNG")
    return {"cloud.png": buffer.getvalue(), **write(samples, info)}
"""
TINY = ("--plugin", "readable.py", "--images", "64", "--batch", "16", "--loss", "bce", "--reg", "none", "arch.width=8")


@pytest.fixture
def trained(ganzoo: Ganzoo, own_folder: Path) -> Ganzoo:
    """Return a function that trains on a dataset of the plugin, and samples that with a command's further words."""
    (own_folder / "readable.py").write_text(PLUGIN)

    def call(dataset: str, *args: str) -> Answer:
        if not (own_folder / "runs").exists():
            done = ganzoo("train", "--arch", "mlp", "--dataset", dataset, *TINY)
            assert done.code == 0, done.err
        return ganzoo("sample", "0", *args, "--plugin", "readable.py")

    return call


def test_text_samples_are_written_as_text(trained: Ganzoo, own_folder: Path) -> None:
    done = trained("read", "--seed", "3")
    assert done.__dict__ == {"code": 0, "out": "0000-mlp-bce-read-seed3.txt\n", "err": ""}
    header, *rows = (own_folder / "0000-mlp-bce-read-seed3.txt").read_text().splitlines()
    assert header == "x,y"
    wanted = load(own_folder / "runs" / "0000-mlp-bce-read", device="cpu").sample(64, seed=3)
    assert np.array([row.split(",") for row in rows], float) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.TSV"])
def test_every_text_suffix_has_the_datasets_text(trained: Ganzoo, own_folder: Path, name: str) -> None:
    assert trained("read", "-n", "3", "--out", name).out == f"{name}\n"
    assert (own_folder / name).read_text().startswith("x,y\n")
    assert len((own_folder / name).read_text().splitlines()) == 4


def test_text_samples_can_be_written_as_an_array(trained: Ganzoo) -> None:
    assert trained("read", "-n", "5", "--out", "a.npz").code == 0
    assert np.load("a.npz")["samples"].shape == (5, 2)


def test_samples_with_picture_and_text_are_drawn_by_default(trained: Ganzoo, own_folder: Path) -> None:
    assert trained("both").out == "0000-mlp-bce-both-seed0.png\n"
    assert trained("both", "--out", "a.csv").code == 0
    assert len((own_folder / "a.csv").read_text().splitlines()) == 2501
    names = os.listdir(own_folder / "runs" / "0000-mlp-bce-both")
    assert {"reals.png", "fakes-000000064.png"} <= set(names)
    assert {"reals.txt", "fakes-000000064.txt"} <= set(names)
    assert trained("both", "--out", "all/").code == 0
    assert sorted(os.listdir(own_folder / "all")) == ["cloud.png", "rows.txt"]


@pytest.mark.parametrize(
    ("dataset", "out", "words"),
    [
        ("read", "a.png", "this model's samples cannot be written as .png: write them with --out samples.txt or"),
        ("both", "a.wav", "write them with --out samples.png or --out samples.txt or --out samples.npz"),
        ("neither", "a.txt", "this model's samples cannot be shown: write them as arrays with --out samples.npz"),
        ("neither", "", "this model's samples cannot be shown: write them as arrays with --out samples.npz"),
    ],
)
def test_a_missing_form_is_reported_with_an_available_form(
    trained: Ganzoo, own_folder: Path, dataset: str, out: str, words: str
) -> None:
    done = trained(dataset, *(["--out", out] if out else []))
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert words in done.err
    assert {"readable.py", "runs"} <= set(os.listdir(own_folder)) <= {"readable.py", "runs", "__pycache__"}
