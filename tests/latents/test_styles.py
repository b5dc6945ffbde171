"""Mixed styles, and the ladder of truncation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_generators import Linear, Styled, make_generator
from torch import nn

from ganzoo.errors import UsageError
from ganzoo.latents.picture import CELL, GAP
from ganzoo.latents.styles import mix_styles, show_truncation

STEP = CELL + GAP  # pixels from a cell to the next one: images of 4x4 pixels fill cells exactly


def read_cells(picture, rows: int, columns: int) -> np.ndarray:
    """Return the cells of a table as small images ``[rows, columns, 4, 4]``, from its lower right corner."""
    pixels = np.asarray(picture.image.convert("L"))[: -GAP or None, : -GAP or None]
    cells = pixels[-rows * STEP + GAP :, -columns * STEP + GAP :]
    split = [
        [cells[y * STEP : y * STEP + CELL : CELL // 4, x * STEP : x * STEP + CELL : CELL // 4] for x in range(columns)]
        for y in range(rows)
    ]
    return np.array(split)


def test_a_mixed_sample_has_the_coarse_style_of_its_row_and_the_fine_one_of_its_column():
    generator = make_generator(Styled())
    cells = read_cells(mix_styles(generator, (0, 1), (2, 3, 4), None, None), 3, 4)
    own = {seed: generator.sample(1, seed=seed)[0, :, :, 0] for seed in range(5)}
    assert (cells[0, 0] == 255).all()  # the corner is empty
    for column, seed in enumerate((2, 3, 4), 1):
        np.testing.assert_array_equal(cells[0, column], own[seed])
    for row, first in enumerate((0, 1), 1):
        np.testing.assert_array_equal(cells[row, 0], own[first])
        for column, second in enumerate((2, 3, 4), 1):
            np.testing.assert_array_equal(cells[row, column, :, :2], own[first][:, :2])
            np.testing.assert_array_equal(cells[row, column, :, 2:], own[second][:, 2:])
    whole = read_cells(mix_styles(generator, (0, 1), (2, 3, 4), 2, None), 3, 4)
    np.testing.assert_array_equal(whole[1, 2], own[0])


def test_truncation_0_gives_one_image_and_1_the_samples_themselves():
    generator = make_generator(Styled())
    picture = show_truncation(generator, (0, 1, 2), (0.0, 0.5, 1.0), None)
    cells = read_cells(picture, 3, 3)
    assert (cells[:, 0] == cells[0, 0]).all()
    assert not (cells[:, 1] == cells[0, 1]).all()
    for row in range(3):
        np.testing.assert_array_equal(cells[row, 2], generator.sample(1, seed=row)[0, :, :, 0])
    assert picture.words == "tiny on squares: truncation 0, 0.5, 1 of seeds 0,1,2"


class Bounded(Styled):
    """A generator that takes truncations up to 1."""

    def forward(self, z, labels=None, truncation=1.0):
        if truncation > 1:
            raise ValueError("it is not between 0 and 1")
        return super().forward(z, labels, truncation)


class OneStyle(Styled):
    """A generator whose layers have one style."""

    def mapping(self, z, labels=None):
        return self.map(z)


def test_pictures_that_cannot_be_are_errors():
    linear, styled = make_generator(Linear()), make_generator(Styled())
    for act, words in [
        (lambda: mix_styles(linear, (0,), (1,), None, None), "no styles w"),
        (lambda: mix_styles(make_generator(OneStyle()), (0,), (1,), None, None), "one style for all layers"),
        (lambda: mix_styles(styled, (0,), (1,), 3, None), "this model has 2 layers, so take 0 to 2"),
        (lambda: mix_styles(styled, range(100), range(100), None, None), "are more than 1,024"),
        (lambda: show_truncation(linear, (0,), (0.5,), None), "no truncation"),
        (lambda: show_truncation(make_generator(Bounded()), (0,), (2.0,), None), r"truncation 2: it is not between"),
        (lambda: show_truncation(styled, (0,), (float("nan"),), None), "truncation nan: give a finite number"),
        (lambda: show_truncation(styled, (), (0.5,), None), "at least one row"),
        (lambda: show_truncation(styled, (0,), (0.5,), 3), "trained without labels"),
        (
            lambda: show_truncation(make_generator(Styled(), shape=(3, 4), modality="audio"), (0,), (1.0,), None),
            "needs a model of pictures, and this model's samples are audio",
        ),
        (
            lambda: mix_styles(make_generator(nn.Identity(), dim=0), (0,), (1,), None, None),
            "from labels alone, so it has no latents",
        ),
    ]:
        with pytest.raises(UsageError, match=words):
            act()


def test_no_gradient_is_kept():
    made = mix_styles(make_generator(Styled()), (0,), (1,), None, None)
    assert torch.from_numpy(made.arrays["w"]).shape == (1, 1, 2, 6)
