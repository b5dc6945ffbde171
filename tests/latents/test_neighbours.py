"""The training samples that are nearest to samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_generators import Linear, make_generator

import ganzoo
from ganzoo.data.load import load_source
from ganzoo.errors import UsageError
from ganzoo.evaluate.extract import Extraction
from ganzoo.evaluate.reals import RealSamples
from ganzoo.latents.neighbours import collect_samples, find_nearest, find_neighbours
from ganzoo.recipe.dataset import choose_dataset
from ganzoo.recipe.nested import choose_nested
from ganzoo.registry import registry

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits():
    dataset = choose_dataset(registry(), {"dataset": "digits", "dataset.size": 8})
    return RealSamples(load_source(dataset, CPU, pytest.fail), 150, 0, CPU)


@pytest.mark.parametrize("extractor", ["", "random"])
def test_training_images_are_their_own_neighbours(digits, extractor):
    choice = choose_nested(registry(), "extractor", extractor) if extractor else None
    extraction = Extraction(choice, digits, pytest.fail) if choice else None
    images = torch.cat([samples for samples, _ in digits.iterate_batches()])
    chosen = torch.tensor([3, 70, 149])
    distances, indices = find_nearest(images[chosen], digits, 4, extraction)
    assert indices[:, 0].tolist() == chosen.tolist()
    assert distances[:, 0] == pytest.approx(torch.zeros(3), abs=1e-5)
    assert (distances.diff(dim=1) >= 0).all()
    torch.testing.assert_close(collect_samples(digits, indices)[:, 0], images[chosen])


def test_distances_are_those_of_all_pairs(digits):
    images = torch.cat([samples for samples, _ in digits.iterate_batches()])
    queries = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    distances, indices = find_nearest(queries, digits, 3)
    whole = (queries[:, None] - images[None]).square().flatten(2).mean(2).sqrt()
    expected = whole.sort(1)
    torch.testing.assert_close(distances, expected.values[:, :3])
    assert torch.equal(indices, expected.indices[:, :3])


def test_the_picture_names_the_seed_and_has_what_it_shows(digits):
    generator = make_generator(Linear(), shape=(1, 8, 8))
    generator.network.forward = lambda z, labels=None: z[:, :1, None, None].expand(-1, 1, 8, 8)
    found = find_neighbours(generator, digits, 2, 3, 9, name="digits")
    assert found.words == (
        "tiny on squares: 2 samples of seed 9, each with the 3 nearest of 150 samples of digits, by pixels"
    )
    assert found.arrays["neighbours"].shape == (2, 3, 1, 8, 8)
    errors = found.arrays["samples"][:, None] - found.arrays["neighbours"]
    np.testing.assert_allclose(found.arrays["distances"], np.sqrt(np.square(errors).mean((2, 3, 4))), rtol=1e-5)
    assert repr(found).startswith("<Neighbours ")
    with pytest.raises(UsageError, match="151 neighbours: ask for 1 to 150"):
        find_neighbours(generator, digits, 2, 151, 9)


def test_a_loaded_model_finds_its_own_training_data():
    found = ganzoo.find_neighbours(ganzoo.load("ganzoo:digits"), num=1, k=1, extractor="random")
    assert "1 nearest of 1,797 samples of digits, by features of random" in found.words
