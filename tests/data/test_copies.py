"""Copies are found: equal samples, and images that look alike; other images are not."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from ganzoo.data import copies
from ganzoo.data.copies import find_lookalikes, group_copies
from ganzoo.data.holdout import hash_each
from ganzoo_datasets.digits import Digits
from ganzoo_datasets.specs.included import DigitsOptions


def make_pictures(num: int, side: int = 64) -> list[Image.Image]:
    """Return smooth pictures of random colours."""
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (num, 6, 6, 3), np.uint8)
    return [Image.fromarray(each).resize((side, side), Image.Resampling.BICUBIC) for each in small]


def stack(pictures: list[Image.Image]) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(each.convert("RGB")).transpose(2, 0, 1) for each in pictures]))


def compress(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=60)
    return Image.open(buffer)


def test_equal_samples_are_grouped() -> None:
    digests = hash_each(torch.tensor([[1], [2], [1], [3], [1], [2]], dtype=torch.uint8))
    assert sorted(group.tolist() for group in group_copies(digests)) == [[0, 2, 4], [1, 5]]
    assert group_copies(digests[:2]) == []


@pytest.mark.parametrize(
    "change",
    [
        compress,
        lambda picture: picture.resize((40, 40), Image.Resampling.LANCZOS).resize(picture.size),
        lambda picture: ImageEnhance.Brightness(picture).enhance(0.9),
    ],
    ids=["compressed", "resized", "darker"],
)
def test_changed_copies_are_found_among_other_pictures(change: object) -> None:
    pictures = make_pictures(300)
    data = stack([*pictures, *map(change, pictures[:100])])  # type: ignore[call-overload]
    expected = {(number, 300 + number) for number in range(100)}
    found = set(find_lookalikes([data[:123], data[123:]]))
    assert len(found & expected) >= 98
    assert found <= expected


def test_different_digits_do_not_look_alike() -> None:
    data = torch.from_numpy(np.asarray(Digits(DigitsOptions()).data))
    assert len(find_lookalikes([data])) <= 1  # of 1,600,000 pairs


def test_every_pair_of_near_hashes_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "CHUNK", 7)
    hashes = np.random.default_rng(0).integers(0, 2**64, 60, np.uint64)
    near = hashes.repeat(5)
    for number in range(len(near)):  # up to seven bits of each are changed
        for bit in np.random.default_rng(number).integers(0, 64, number % 8):
            near[number] ^= np.uint64(1) << np.uint64(bit)
    expected = {
        (one, other)
        for one in range(len(near))
        for other in range(one + 1, len(near))
        if (near[one] ^ near[other]).bit_count() <= 6
    }
    found = {(one, other) for ones, others in copies._find_near(near) for one, other in zip(ones, others, strict=True)}
    assert len(expected) > 200
    assert found == expected


def test_pictures_of_one_colour_resemble_nothing() -> None:
    flat = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1, 1).expand(10, 3, 32, 32)
    assert find_lookalikes([flat]) == []
