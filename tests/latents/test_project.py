"""The latent of an image."""

from __future__ import annotations

import signal

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_generators import Linear, Styled, make_generator

import ganzoo
from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.latents.project import Search, project

QUICK = Search(steps=150, starts=32, restarts=2, prior_weight=0.0)


@pytest.mark.parametrize(
    ("network", "latent", "space"),
    [
        (Linear(), "normal", "z"),
        (Linear(), "uniform", "z"),
        (Linear(), "normal+onehot3", "z"),
        (Styled(), "normal", "w"),
    ],
)
def test_a_sample_of_the_model_itself_is_found_again(network, latent, space):
    generator = make_generator(network, latent=latent)
    sample = generator.sample(1, seed=77)[0]
    found = project(generator, sample, QUICK)
    assert found.losses[-1] < found.losses[0] / 10
    assert list(found.losses) == sorted(found.losses, reverse=True)
    point = torch.from_numpy(found.arrays[space])
    made = network.synthesis(point) if space == "w" else network(point)
    target = torch.from_numpy(sample).permute(2, 0, 1)[None] / 127.5 - 1
    assert float((made - target).square().mean()) == pytest.approx(found.losses[-1], rel=1e-4, abs=1e-7)
    if latent == "uniform":
        assert point.abs().max() <= 1
    if "onehot" in latent:
        assert sorted(point[0, 3:].tolist()) == [0, 0, 1]
    assert project(generator, sample, QUICK).losses == found.losses  # the same seed finds the same


def test_features_and_the_prior_enter_the_loss():
    generator, white = make_generator(Linear()), np.full((4, 4), 255, np.uint8)
    plain = project(generator, white, QUICK)
    both = project(generator, white, QUICK, features=lambda samples: samples.flatten(1)[:, :4])
    assert both.losses[0] > plain.losses[0]
    kept = project(generator, white, Search(steps=150, starts=32, prior_weight=10.0))
    assert abs(np.square(kept.arrays["z"]).mean() - 1) < 0.1 < abs(np.square(plain.arrays["z"]).mean() - 1)


def test_ctrl_c_returns_the_best_so_far():
    lines: list[str] = []

    def interrupt(line: str) -> None:
        lines.append(line)
        if line.startswith("step 15 "):
            signal.raise_signal(signal.SIGINT)

    found = project(make_generator(Linear()), np.zeros((4, 4), np.uint8), QUICK, notify=interrupt)
    assert found.interrupted
    assert lines[-1].startswith("step 15 of 150: loss ")
    assert len(found.losses) == 17  # of the starts and steps 1 to 16
    assert not project(make_generator(Linear()), np.zeros((4, 4), np.uint8), Search(steps=1)).interrupted


def test_images_of_other_sizes_and_modes_are_cropped_and_resized(tmp_path):
    generator = make_generator(Linear(), num_classes=3)
    generator.network.forward = lambda z, labels: (
        Linear.forward(generator.network, z) / 9 + labels.view(-1, 1, 1, 1) - 1
    )
    image = Image.new("RGB", (50, 30), "white")
    for each in (image, np.asarray(image), image.convert("P")):
        assert project(generator, each, Search(steps=1)).label == 2  # the bright class
    image.save(tmp_path / "a.png")
    assert project(generator, tmp_path / "a.png", Search(steps=1), labels=1).label == 1


def test_mistakes_are_one_sentence(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "b.png").write_bytes(b"")
    generator, image = make_generator(Linear()), np.zeros((4, 4), np.uint8)
    for source in ("a.png", "b.png"):
        with pytest.raises(GanzooError, match=rf"{source} cannot be read: not an image"):
            project(generator, tmp_path / source, QUICK)
    with pytest.raises(NotFound, match=r"does not exist"):
        project(generator, tmp_path, QUICK)
    with pytest.raises(UsageError, match=r"the image is float64 \[4, 4\]: give uint8"):
        project(generator, image.astype(float), QUICK)
    for wrong in ({"steps": 0}, {"restarts": 300}, {"rate": -1.0}, {"prior_weight": float("nan")}):
        with pytest.raises(UsageError, match=rf"{next(iter(wrong)).partition('_')[0]}"):
            Search(**wrong)
    with pytest.raises(UsageError, match="project_image has no argument step: it takes space, steps"):
        ganzoo.project_image(generator, image, step=5)
    with pytest.raises(UsageError, match="extractor 'in-place' is trained on a dataset first"):
        ganzoo.project_image("ganzoo:digits", image, extractor="in-place")
    with pytest.raises(UsageError, match=r"project(ing an image)? needs a model of pictures"):
        project(make_generator(Linear(), shape=(2,), modality="points"), image, QUICK)
