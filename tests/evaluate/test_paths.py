"""Steps on paths between latents: their geometry, the networks that they call, and metrics that read them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ganzoo.evaluate.paths import STEP, generate_step, move_latents
from ganzoo.plugin import Networks

CPU = torch.device("cpu")


def test_normal_latents_move_along_great_circles():
    z, others = torch.tensor([[2.0, 0.0], [2.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [4.0, 0.0], [1.0, 1.0]])
    angle = 0.25 * math.pi / 2
    expected = torch.tensor([[2 * math.cos(angle), 2 * math.sin(angle)], [2.5, 0.0], [1.0, 1.0]])
    torch.testing.assert_close(move_latents("normal", z, others, 0.25), expected)
    torch.testing.assert_close(move_latents("normal", z, others, 1.0), others)


def test_uniform_latents_move_straight_and_codes_stay():
    z, others = torch.tensor([[-1.0, 0.5]]), torch.tensor([[1.0, 0.5]])
    assert move_latents("uniform", z, others, 0.25).tolist() == [[-0.5, 0.5]]
    z, others = torch.tensor([[1.0, 0.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0, 1.0]])
    assert move_latents("normal+onehot2", z, others, 0.5)[0, 2:].tolist() == [1.0, 0.0]


class Plain(nn.Module):
    """A linear generator that adds noise."""

    def forward(self, z, labels=None):
        return 3 * z + torch.randn(len(z), 4)


class Styled(Plain):
    """A generator whose styles are the cubes of its latents."""

    def mapping(self, z, labels=None):
        return z**3

    def synthesis(self, w):
        return super().forward(w)

    def forward(self, z, labels=None):
        return self.synthesis(self.mapping(z, labels))


@pytest.mark.parametrize("kind", [Plain, Styled])
def test_both_samples_of_a_step_have_the_same_noise_and_differ_by_a_share_of_the_way(kind):
    torch.manual_seed(0)
    z, others = torch.rand(2, 5, 4).mul(2).sub(1)
    start, end = generate_step(Networks(kind(), nn.Identity(), 4, latent="uniform"), z, others, None, 7, CPU)
    whole = others**3 - z**3 if kind is Styled else others - z
    torch.testing.assert_close((end - start) / STEP, 3 * whole, atol=0.02, rtol=0)
    torch.manual_seed(7)
    torch.testing.assert_close(start, 3 * (z**3 if kind is Styled else z) + torch.randn(5, 4))
