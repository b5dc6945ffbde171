"""Models whose samples are read: trained, sampled and told apart from those that are looked at."""

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
def trained(ganzoo: Ganzoo, own_place: Path) -> Ganzoo:
    """Return a function that trains on a dataset of the plugin, and samples that with a command's further words."""
    (own_place / "readable.py").write_text(PLUGIN)

    def call(dataset: str, *args: str) -> Answer:
        if not (own_place / "runs").exists():
            done = ganzoo("train", "--arch", "mlp", "--dataset", dataset, *TINY)
            assert done.code == 0, done.err
        return ganzoo("sample", "0", *args, "--plugin", "readable.py")

    return call


def test_what_is_read_comes_as_text(trained: Ganzoo, own_place: Path) -> None:
    done = trained("read", "--seed", "3")
    assert done.__dict__ == {"code": 0, "out": "0000-mlp-bce-read-seed3.txt\n", "err": ""}
    header, *rows = (own_place / "0000-mlp-bce-read-seed3.txt").read_text().splitlines()
    assert header == "x,y"
    wanted = load(own_place / "runs" / "0000-mlp-bce-read", device="cpu").sample(64, seed=3)
    assert np.array([row.split(",") for row in rows], float) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.TSV"])
def test_every_suffix_of_text_holds_what_the_dataset_writes(trained: Ganzoo, own_place: Path, name: str) -> None:
    assert trained("read", "-n", "3", "--out", name).out == f"{name}\n"
    assert (own_place / name).read_text().startswith("x,y\n")
    assert len((own_place / name).read_text().splitlines()) == 4


def test_what_is_read_is_an_array_as_well(trained: Ganzoo) -> None:
    assert trained("read", "-n", "5", "--out", "a.npz").code == 0
    assert np.load("a.npz")["samples"].shape == (5, 2)


def test_what_is_looked_at_and_read_is_drawn_unless_text_is_asked_for(trained: Ganzoo, own_place: Path) -> None:
    assert trained("both").out == "0000-mlp-bce-both-seed0.png\n"
    assert trained("both", "--out", "a.csv").code == 0
    assert len((own_place / "a.csv").read_text().splitlines()) == 2501
    names = os.listdir(own_place / "runs" / "0000-mlp-bce-both")
    assert {"reals.png", "fakes-000000064.png"} <= set(names)
    assert {"reals.txt", "fakes-000000064.txt"} <= set(names)
    assert trained("both", "--out", "all/").code == 0
    assert sorted(os.listdir(own_place / "all")) == ["cloud.png", "rows.txt"]


@pytest.mark.parametrize(
    ("dataset", "out", "words"),
    [
        ("read", "a.png", "this model's samples cannot be written as .png: write them with --out samples.txt or"),
        ("both", "a.wav", "write them with --out samples.png or --out samples.txt or --out samples.npz"),
        ("neither", "a.txt", "this model's samples cannot be shown: write them as arrays with --out samples.npz"),
        ("neither", "", "this model's samples cannot be shown: write them as arrays with --out samples.npz"),
    ],
)
def test_a_form_that_a_model_has_not_is_told_with_one_that_it_has(
    trained: Ganzoo, own_place: Path, dataset: str, out: str, words: str
) -> None:
    done = trained(dataset, *(["--out", out] if out else []))
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert words in done.err
    assert {"readable.py", "runs"} <= set(os.listdir(own_place)) <= {"readable.py", "runs", "__pycache__"}
