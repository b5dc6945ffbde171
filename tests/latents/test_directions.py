"""Directions: planted ones are found, and each of them is what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from tiny_generators import Linear, Styled, make_generator
from torch import nn

from ganzoo.errors import UsageError
from ganzoo.latents.directions import find_directions
from ganzoo.latents.reading import read_first_layers
from ganzoo.latents.space import Space
from ganzoo.layers import EqualisedLinear


def plant(layer: nn.Linear) -> torch.Tensor:
    """Give a layer known singular values, and return its right singular vectors as rows."""
    generator = torch.Generator().manual_seed(1)
    left, _ = torch.linalg.qr(torch.randn(layer.out_features, layer.in_features, generator=generator).double())
    right, _ = torch.linalg.qr(torch.randn(layer.in_features, layer.in_features, generator=generator).double())
    values = torch.arange(layer.in_features, 0, -1)
    with torch.no_grad():
        layer.weight.copy_(left @ torch.diag(values.double()) @ right.T)
    return right.T


def test_sefa_finds_the_singular_vectors_of_the_first_layer():
    network = Linear()
    planted = plant(network.first)
    found = find_directions(make_generator(network), "sefa", 6, None, None)
    assert np.abs(found.vectors @ planted.numpy().T) == pytest.approx(np.eye(6), abs=1e-5)
    assert found.values == pytest.approx([36, 25, 16, 9, 4, 1], rel=1e-4)
    assert found.scales == pytest.approx(np.ones(6), abs=0.05)  # of normal latents


class Reader(nn.Module):
    """Networks that read z in other ways than by a linear layer alone."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.first: nn.Module = nn.Linear(6, 16)
        if kind == "transposed":
            self.first = nn.ConvTranspose2d(6, 1, 4)
        elif kind == "equalised":
            self.first = EqualisedLinear(6, 16)
        elif kind.startswith("labelled"):
            self.first = nn.Linear(9, 16)
        elif kind == "part":
            self.first, self.second = nn.Linear(4, 16), nn.Linear(2, 16)
        self.last = nn.Linear(16, 16)

    def forward(self, z, labels=None):
        if self.kind == "hidden":
            return nn.functional.linear(z, self.first.weight).view(-1, 1, 4, 4)
        if self.kind == "transposed":
            return self.first(z[:, :, None, None])
        if self.kind == "part":
            return (self.first(z[:, :4]) * self.second(z[:, 4:])).view(-1, 1, 4, 4)
        if self.kind == "normalised":
            z = z / z.square().mean(1, keepdim=True).sqrt()
        if self.kind == "labelled-before":
            z = torch.cat([torch.ones(len(z), 3), z / z.norm(dim=1, keepdim=True)], 1)
        if self.kind == "labelled":
            z = torch.cat([z, torch.ones(len(z), 3)], 1)
        return self.last(self.first(z)).view(-1, 1, 4, 4)


@pytest.mark.parametrize(
    "kind", ["linear", "transposed", "equalised", "normalised", "labelled", "labelled-before", "part", "hidden"]
)
def test_first_layers_are_found_by_what_they_do(kind):
    torch.manual_seed(0)
    network = Reader(kind)
    found = read_first_layers(Space(make_generator(network)), None)
    weight = network.first.weight.detach().double()
    expected = {
        "transposed": lambda: weight.reshape(6, 16).T,
        "equalised": lambda: weight * network.first.scale,
        "labelled": lambda: weight[:, :6],
        "labelled-before": lambda: weight[:, 3:],
        "part": lambda: torch.block_diag(weight, network.second.weight.detach().double()),
        "hidden": lambda: weight[:0],
    }.get(kind, lambda: weight)()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_in_w_all_layers_that_read_styles_count():
    network = Styled()
    generator = make_generator(network)
    found = read_first_layers(Space(generator, "w"), None)
    expected = torch.cat([network.left.weight, network.right.weight]).double()
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-6)
    assert find_directions(generator, "sefa", 2, None, None).space == "w"


def test_pca_finds_the_axes_in_which_styles_vary_most():
    network = Styled()
    planted = plant(network.map)
    left = (network.map.weight.detach().double() @ planted.T) / torch.arange(6, 0, -1)  # left singular vectors
    found = find_directions(make_generator(network), "pca", 3, None, None)
    assert np.abs(found.vectors @ left.numpy()) == pytest.approx(np.eye(3, 6), abs=0.1)
    assert found.scales == pytest.approx([6, 5, 4], rel=0.1)


def test_latents_are_moved_by_deviations_and_stay_where_latents_can_be():
    normal = find_directions(make_generator(Linear()), "sefa", 2, None, None)
    z = normal.draw_points(seed=5)
    moved = normal.move(z, 1, -2.0)
    torch.testing.assert_close((moved - z)[0].numpy(), -2 * normal.vectors[1] * normal.scales[1], rtol=1e-4, atol=1e-6)
    uniform = find_directions(make_generator(Linear(), latent="uniform"), "sefa", 2, None, None)
    assert uniform.move(z, 0, 100.0).abs().max() <= 1
    coded = find_directions(make_generator(Linear(), latent="normal+onehot2"), "sefa", 4, None, None)
    assert not coded.vectors[:, 4:].any()


def test_the_picture_and_the_files_have_the_directions(tmp_path):
    found = find_directions(make_generator(Linear()), "sefa", 2, None, None)
    picture = found.draw(seed=7, steps=3)
    with Image.open(picture.save(tmp_path / "a.png")) as image:
        assert image.text["Description"] == "2 directions of tiny on squares by sefa in z, seed 7, up to 3 sigma"
    for path in (found.save(tmp_path / "a.npz"), found.save(tmp_path / "a.safetensors")):
        arrays = np.load(path) if path.suffix == ".npz" else load_file(path)
        np.testing.assert_array_equal(arrays["vectors"], found.vectors)
    with pytest.raises(UsageError, match=r"end it in .npz or .safetensors"):
        found.save(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("network", "method", "num", "words"),
    [
        (Reader("hidden"), "sefa", 2, "no layer of this generator reads the latents"),
        (Linear(), "pca", 2, "principal components need styles"),
        (Linear(), "ica", 2, "method 'ica': use sefa or pca"),
        (Linear(), "sefa", 7, "ask for 1 to 6"),
    ],
)
def test_directions_that_cannot_be_found_are_an_error(network, method, num, words):
    with pytest.raises(UsageError, match=words):
        find_directions(make_generator(network), method, num, None, None)
