"""Ways between latents, and their animations."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_generators import Linear, Styled, make_generator

from ganzoo.compute.streams import interpolate_latents
from ganzoo.errors import MissingPlugin, UsageError
from ganzoo.latents.animation import Animation
from ganzoo.latents.interpolate import divide_way, interpolate
from ganzoo.latents.space import Space
from ganzoo.samples.grid import to_uint8

FRAMES = [Image.fromarray(np.full((6, 6), 40 * number, np.uint8)) for number in range(5)]


def test_normal_latents_move_on_a_sphere_from_end_to_end():
    generator = torch.Generator().manual_seed(0)
    start, end = (torch.randn(3, 20, generator=generator, dtype=torch.float64) for _ in range(2))
    end *= start.norm(dim=1, keepdim=True) / end.norm(dim=1, keepdim=True)
    way = [interpolate_latents("normal", start, end, step / 10) for step in range(11)]
    torch.testing.assert_close(way[0], start, rtol=0, atol=1e-13)
    torch.testing.assert_close(way[-1], end, rtol=0, atol=1e-13)
    norms = torch.stack([each.norm(dim=1) for each in way])
    torch.testing.assert_close(norms, norms[:1].expand_as(norms), rtol=1e-13, atol=0)
    steps = torch.stack([(after - before).norm(dim=1) for before, after in pairwise(way)])
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), rtol=1e-12, atol=0)  # at an even speed


def test_the_norm_of_normal_latents_changes_evenly_and_codes_are_blended():
    start, end = torch.tensor([[2.0, 0.0, 1.0, 0.0]]), torch.tensor([[0.0, 4.0, 0.0, 1.0]])
    middle = interpolate_latents("normal+onehot2", start, end, 0.5)
    torch.testing.assert_close(middle, torch.tensor([[3 * 0.5**0.5, 3 * 0.5**0.5, 0.5, 0.5]]))
    assert interpolate_latents("uniform", start, end, 0.5).tolist() == [[1.0, 2.0, 0.5, 0.5]]


def test_a_loop_has_each_end_once_and_another_way_has_both():
    assert divide_way(2, 4, loop=True) == [(0, 0, 0.0), (0, 1, 0.5), (1, 1, 0.0), (1, 0, 0.5)]
    assert divide_way(2, 3, loop=False) == [(0, 0, 0.0), (0, 1, 0.5), (1, 1, 0.0)]


@pytest.mark.parametrize("space", ["z", "w"])
def test_the_frames_of_seeds_are_the_samples_of_these_seeds(space):
    generator = make_generator(Styled())
    made = interpolate(generator, (3, 8), 4, 1.0, True, space, None, None, None)
    for frame, seed in ((0, 3), (2, 8)):
        expected = np.kron(generator.sample(1, seed=seed)[0, :, :, 0], np.ones((64, 64), np.uint8))
        np.testing.assert_array_equal(np.asarray(made.frames[frame]), expected)
    assert made.words == f"tiny on squares: from seed to seed 3,8 in {space}"
    again = to_uint8(Space(generator, space).generate(torch.from_numpy(made.arrays[space][1])))
    np.testing.assert_array_equal(np.asarray(made.frames[1])[::64, ::64], again[0, :, :, 0])


@pytest.mark.parametrize("suffix", [".gif", ".png", ".apng"])
@pytest.mark.parametrize("loop", [True, False])
def test_pillow_reads_as_many_frames_as_were_written(suffix, loop, tmp_path):
    path = Animation(FRAMES, "seeds 0,1", 0.5, loop).save(tmp_path / f"x{suffix}")
    with Image.open(path) as image:
        assert image.n_frames == 5
        assert sum(_seek(image, number).info["duration"] for number in range(5)) == 500
        assert image.info.get("loop", 1) == (0 if loop else 1)
        if suffix == ".gif":
            assert image.info["comment"] == b"seeds 0,1"
        else:
            assert image.text["Description"] == "seeds 0,1"


def _seek(image: Image.Image, number: int) -> Image.Image:
    image.seek(number)
    return image


def test_a_gif_that_programs_would_show_slower_is_refused():
    with pytest.raises(UsageError, match=r"5 frames in 0.05 s are too fast for a GIF"):
        Animation(FRAMES, "", 0.05).encode(".gif")


def test_a_video_without_ffmpeg_is_an_error_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPlugin, match=r"needs ffmpeg, which is not installed"):
        Animation(FRAMES, "", 1.0).save(tmp_path / "x.mp4")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(("suffix", "start"), [(".mp4", b"ftyp"), (".webm", b"webm")])
def test_ffmpeg_writes_videos(suffix: str, start: bytes, tmp_path: Path) -> None:
    path = Animation(FRAMES, "seeds 0,1", 1.0).save(tmp_path / f"x{suffix}")
    assert start in path.read_bytes()[:64]
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": (1,)}, "at least two seeds"),
        ({"seeds": (0, 1, 2, 3, 4)}, "4 frames are too few for 5 seeds"),
        ({"frames": 1}, "1 frames: ask for 2 to 3,600"),
        ({"seconds": 0.0}, "0 seconds"),
        ({"seconds": float("nan")}, "nan seconds"),
        ({"num": 0}, "0 samples in a frame"),
        ({"space": "w"}, "this model has no styles w"),
        ({"labels": 1}, "trained without labels"),
        ({"truncation": 0.5}, "does not support truncation"),
    ],
)
def test_arguments_that_cannot_be_are_refused(changes, words):
    given = {
        "seeds": (0, 1), "frames": 4, "seconds": 1.0, "loop": True, "space": "z", "num": None, "labels": None,
        "truncation": None,
    }  # fmt: skip
    with pytest.raises(UsageError, match=words):
        interpolate(make_generator(Linear()), **given | changes)
    with pytest.raises(UsageError, match="samples are text, which no picture shows"):
        interpolate(make_generator(Linear(), shape=(3, 4), modality="text"), **given)
