"""What is known of a dataset before a recipe chooses its settings."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from ganzoo.data.look import look_at, tell_mirrored
from ganzoo.recipe.dataset import choose_dataset
from ganzoo.registry import registry

CPU = torch.device("cpu")


def look(**settings):
    return look_at(
        choose_dataset(
            registry(), {f"dataset.{key}" if key != "dataset" else key: value for key, value in settings.items()}
        ),
        CPU,
    )


def test_digits_are_told_from_their_mirror_images_and_shapes_are_not():
    digits = look(dataset="digits")
    assert digits.mirrored > 0.85
    assert (digits.looked, digits.grey, digits.copies) == (512, 1.0, 0.0)
    assert (digits.smallest, digits.largest) == (174, 183)
    assert digits.resizable
    assert digits.cores >= 1
    assert not look(dataset="digits", size=16).resizable  # its size was chosen
    shapes = look(dataset="shapes")
    assert 0.4 < shapes.mirrored < 0.6
    assert shapes.grey < 0.1


def test_a_few_characters_in_many_places_are_told_from_their_mirror_images():
    images, generator = [], np.random.default_rng(0)
    for number in range(200):
        picture = Image.new("L", (32, 32))
        place = tuple(generator.integers(6, 12, 2).tolist())
        ImageDraw.Draw(picture).text(place, "GANZOO"[number % 6], fill=255)
        images.append(np.asarray(picture))
    assert tell_mirrored(torch.tensor(np.stack(images))[:, None] / 127.5 - 1) > 0.65


def test_noise_and_symmetrical_and_too_few_images_are_not_told():
    noise = torch.rand(200, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert 0.35 < tell_mirrored(noise) < 0.65
    assert tell_mirrored(noise + noise.flip(3)) == 0.5
    assert tell_mirrored(noise[:39].triu()) == 0.5
    assert tell_mirrored(torch.zeros(50, 1, 1, 1)) == 0.5


@pytest.fixture
def photos(tmp_path):
    """A folder of 12 grey photos of 300x100 pixels in two classes, two of them equal, and a broken file."""
    for number in range(12):
        path = tmp_path / "photos" / ("cats" if number < 9 else "dogs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((300, 100), 20 + max(1, number)).save(path)
    (tmp_path / "photos/cats/1.png").write_bytes((tmp_path / "photos/cats/0.png").read_bytes())
    (tmp_path / "photos/cats/x.png").write_bytes(b"not a picture")
    return tmp_path / "photos"


def test_a_folder_is_looked_at_without_packing_it(photos, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    facts = look(dataset="folder", path=str(photos))
    assert (facts.looked, facts.grey, facts.smallest, facts.largest) == (12, 1.0, 3, 10)
    assert facts.copies == pytest.approx(1 / 12)
    assert (facts.shorter, facts.ratio, facts.resizable) == (100, 3.0, True)
    assert not (tmp_path / "cache").exists()


def test_points_have_no_facts_of_images():
    facts = look(dataset="points")
    assert (facts.looked, facts.grey, facts.mirrored, facts.resizable, facts.shorter) == (512, 0.0, 0.5, False, 0)
