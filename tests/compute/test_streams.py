"""Randomness as a function of (seed, stream, images), and the distributions of the latents."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganzoo.compute.streams import Streams, default_generator, derive_seed, draw_latents, restrict_latents, seeded

CPU = torch.device("cpu")


def draw(kind: str, num: int = 20_000, dim: int = 8, seed: int = 0) -> Tensor:
    return draw_latents(kind, torch.Generator().manual_seed(seed), num, dim)


def test_a_seed_depends_on_every_part_and_on_their_order():
    seeds = {
        derive_seed(*parts)
        for parts in ((0, "d", 16), (1, "d", 16), (0, "g", 16), (0, "d", 17), ("d", 0, 16), (0, "d", 1, 6), (0, "d16"))
    }
    assert len(seeds) == 7
    assert all(0 <= seed < 2**63 for seed in seeds)
    # another number would break every stored run
    assert derive_seed(0, "d", 16) == derive_seed(0, "d", 16) == 524503217504661015


def test_a_stream_draws_the_same_numbers_whatever_was_drawn_before():
    one, two = Streams(3, CPU), Streams(3, CPU)
    two.generator("g", 5)
    torch.randn(7, generator=two.generator("d", 0))
    assert torch.equal(
        torch.randn(9, generator=one.generator("d", 64)), torch.randn(9, generator=two.generator("d", 64))
    )


@pytest.mark.parametrize("other", [(4, "d", 64), (3, "g", 64), (3, "d", 80)])
def test_another_seed_stream_or_number_of_images_draws_other_numbers(other):
    seed, stream, images = other
    one = torch.randn(9, generator=Streams(3, CPU).generator("d", 64))
    assert not torch.equal(one, torch.randn(9, generator=Streams(seed, CPU).generator(stream, images)))


def test_components_draw_from_the_default_generator_and_other_numbers_than_the_engine():
    streams = Streams(0, CPU)
    drawn = []
    for more in ((0, 0), (0, 0), (0, 1), (1, 0)):
        streams.reseed_default("d", 64, *more)
        drawn.append(torch.randn(9))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[3])
    streams.reseed_default("d", 64)
    assert not torch.equal(torch.randn(9), torch.randn(9, generator=streams.generator("d", 64)))
    assert default_generator(CPU) is torch.default_generator


def test_seeded_restores_the_default_generator():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        one = torch.rand(3)
    assert torch.equal(torch.rand(3), wanted)
    with seeded(1, CPU):
        assert torch.equal(torch.rand(3), one)


# ----------------------------------------------------------------------------
# Latents. Bounds are five standard errors of 20,000 x 8 draws.


def test_normal_latents():
    z = draw("normal")
    assert z.shape == (20_000, 8)
    assert z.dtype == torch.float32
    assert abs(z.mean()) < 0.0125
    assert abs(z.var() - 1) < 0.018
    assert z.abs().max() > 3.5
    assert (z < 1).float().mean() == pytest.approx(0.8413, abs=0.0046)


def test_uniform_latents():
    z = draw("uniform")
    assert -1 <= z.min() < -0.999
    assert 0.999 < z.max() < 1
    assert abs(z.mean()) < 0.0073
    assert z.var() == pytest.approx(1 / 3, abs=0.004)
    assert (z < 0.5).float().mean() == pytest.approx(0.75, abs=0.0055)


def test_normal_latents_with_a_one_hot_code():
    z = draw("normal+onehot3")
    code, rest = z[:, 5:], z[:, :5]
    assert torch.equal(code.sort(1).values, torch.tensor([0.0, 0.0, 1.0]).expand(20_000, 3))
    assert code.mean(0) == pytest.approx(torch.full((3,), 1 / 3), abs=0.017)
    assert rest.var() == pytest.approx(1, abs=0.023)


@pytest.mark.parametrize("kind", ["normal", "uniform", "normal+onehot3"])
def test_latents_depend_on_the_generator_alone(kind):
    assert torch.equal(draw(kind, 40), draw(kind, 40))
    assert not torch.equal(draw(kind, 40), draw(kind, 40, seed=1))


def test_moved_latents_stay_where_latents_can_be_drawn():
    drawn, moved = torch.tensor([[0.5, 0.0, 1.0]]), torch.tensor([[3.0, -2.0, 0.25]])
    kept = {kind: restrict_latents(kind, moved, drawn).tolist() for kind in ("normal", "uniform", "normal+onehot2")}
    assert kept == {"normal": moved.tolist(), "uniform": [[1, -1, 0.25]], "normal+onehot2": [[3, 0, 1]]}
