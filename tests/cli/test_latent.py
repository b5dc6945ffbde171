"""``ganzoo latent``: each command writes its picture, which says what it shows."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli_calls import TINY, Ganzoo, process
from ganzoo.latents.picture import DESCRIPTION


def read(path: str) -> tuple[str, int]:
    """Return the text of a PNG and its number of frames."""
    with Image.open(path) as image:
        return image.text[DESCRIPTION], image.n_frames


def test_an_interpolation_says_which_seeds_made_it(ganzoo: Ganzoo) -> None:
    words = "dcgan on digits: from seed to seed 3,7,8 in z, classes 4,1"
    arguments = (
        "--seeds",
        "3,7-8",
        "--frames",
        "6",
        "--label",
        "4,1",
        "-n",
        "2",
        "--out",
        "a.png",
        "--arrays",
        "z.npz",
    )
    answer = ganzoo("latent", "interpolate", "ganzoo:digits", *arguments)
    assert (answer.code, answer.out, answer.err) == (0, "a.png\nz.npz\n", f"{words}\n")
    assert read("a.png") == (words, 6)
    assert np.load("z.npz")["z"].shape[:2] == (6, 2)
    assert ganzoo("latent", "interpolate", "ganzoo:digits", *arguments[:-4], "--out", "b.png").code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_points_are_drawn_as_scatter_plots(ganzoo: Ganzoo) -> None:
    answer = ganzoo("latent", "interpolate", "ganzoo:ring", "--frames", "3", "--once", "--seeds", "0,1")
    assert (answer.code, answer.out) == (0, "ring-interpolate.gif\n")
    with Image.open("ring-interpolate.gif") as image:
        assert (image.n_frames, image.size) == (3, (512, 512))


def test_directions_are_a_picture_and_arrays(ganzoo: Ganzoo) -> None:
    answer = ganzoo("latent", "directions", "ganzoo:digits", "-n", "2", "--steps", "3", "--label", "5", "--seed", "4")
    assert (answer.code, answer.out) == (0, "digits-directions.png\ndigits-directions.npz\n")
    assert read("digits-directions.png")[0] == answer.err.strip()
    assert answer.err == "2 directions of dcgan on digits by sefa in z, seed 4, up to 3 sigma, class 5\n"
    vectors = np.load("digits-directions.npz")["vectors"]
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(2), atol=1e-5)


def test_a_report_shows_the_nearest_training_images(ganzoo: Ganzoo) -> None:
    assert ganzoo("train", *TINY).code == 0
    answer = ganzoo("report", "0", "--neighbours")
    page = Path("runs/0000-dcgan-bce-digits/report.html")
    assert (answer.code, answer.out) == (0, f"{page}\n")
    assert "beside the nearest of its data" in page.read_text()
    assert "--neighbours" not in page.read_text()  # what it suggested before


def test_neighbours_are_from_the_training_data_or_others(ganzoo: Ganzoo) -> None:
    answer = ganzoo("latent", "neighbours", "ganzoo:digits", "-n", "2", "-k", "2", "--label", "3", "--out", "a.webp")
    assert (answer.code, answer.out) == (0, "a.webp\n")
    assert answer.err.endswith("each with the 2 nearest of 1,797 samples of digits, by pixels\n")
    with Image.open("a.webp") as image:
        assert image.getexif()[0x010E] == answer.err.strip()
    Path("photos").mkdir()
    Image.new("L", (40, 30)).save("photos/a.png")
    answer = ganzoo("latent", "neighbours", "ganzoo:digits", "--against", "photos")
    assert (answer.code, "does not fit the model: its num_classes is 0" in answer.err) == (2, True)


def test_an_image_is_projected_and_its_class_is_found(ganzoo: Ganzoo) -> None:
    assert ganzoo("sample", "ganzoo:digits", "-n", "1", "--label", "7", "--seed", "5", "--out", "d/").code == 0
    answer = ganzoo("latent", "project", "ganzoo:digits", "d/00000-7.png", "--steps", "60")
    assert (answer.code, answer.out) == (0, "digits-project.png\ndigits-project.npz\n")
    losses = [float(line.rpartition(" ")[2]) for line in answer.err.splitlines() if line.startswith("step ")]
    assert losses[-1] < losses[0] / 10
    assert answer.err.endswith(", class 7\n")
    assert np.load("digits-project.npz")["labels"].tolist() == [7]


def test_ctrl_c_writes_the_latent_that_was_found_until_then(tmp_path: Path) -> None:
    Image.new("L", (32, 32)).save(tmp_path / "a.png")
    running = process("latent", "project", "ganzoo:digits", "a.png", "--steps", "1000000", cwd=tmp_path)
    assert running.stderr is not None
    assert running.stderr.readline().startswith("step 0 of 1000000: loss ")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "digits-project.png\ndigits-project.npz\n")
    assert err.endswith("ganzoo: interrupted; this is the best latent so far\n")
    assert np.load(tmp_path / "digits-project.npz")["z"].shape[0] == 1


def test_a_video_without_ffmpeg_is_refused_before_the_work(ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.getcwd())
    answer = ganzoo("latent", "interpolate", "ganzoo:digits", "--out", "a.mp4")
    assert answer.code == 3
    assert answer.err == "ganzoo: a.mp4 needs ffmpeg, which is not installed: install it, or write a .gif or a .png\n"
