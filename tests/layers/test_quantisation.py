"""Codebooks against brute force, by hand, and by finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganzoo.layers import VectorQuantiser


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def make_quantiser(codes=7, width=3, **more):
    quantiser = VectorQuantiser(codes, width, **more).double()
    with torch.no_grad():
        quantiser.codebook.copy_(draw(codes, width))
    return quantiser


@pytest.mark.parametrize(("normalise", "keep_lengths"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("places", [(), (4,), (4, 5)])
def test_each_latent_becomes_the_nearest_code(normalise, keep_lengths, places):
    quantiser = make_quantiser(normalise=normalise, keep_lengths=keep_lengths)
    z = draw(2, 3, *places, seed=2)
    found, codes = quantiser(z).latents, quantiser.codebook.detach()
    book = [row / row.norm() if normalise else row for row in codes]
    for n, *place in np.ndindex(2, *places):
        vector = z[(n, slice(None), *place)]
        vector = vector / (vector.norm() if normalise else 1)
        nearest = min(range(7), key=lambda k: (book[k] - vector).square().sum())
        wanted = codes[nearest] if keep_lengths else book[nearest]
        torch.testing.assert_close(found[(n, slice(None), *place)], wanted)


def test_samples_count_in_the_losses_by_their_weights():
    quantiser, z = make_quantiser(beta=0.5), draw(3, 3, 4, seed=2)
    alone = [quantiser(z[n : n + 1]).losses for n in range(3)]
    found = quantiser(z, torch.tensor([1.0, 0.0, 0.5])).losses
    for key, value in found.items():
        torch.testing.assert_close(value, (alone[0][key] + 0.5 * alone[2][key]) / 3)
    whole = quantiser(z).losses
    torch.testing.assert_close(whole, quantiser(z, torch.ones(3)).losses)
    assert float(whole["commitment"]) == pytest.approx(0.5 * float(whole["codebook"].detach()), rel=1e-9)


def test_gradients_are_those_of_the_surrogate_loss():
    """Where f is the loss of the decoder and k the fixed choice: f(z) moved to the codes, and two squared distances."""
    quantiser, z = make_quantiser(beta=0.3), draw(1, 3, 2, 2, seed=3).requires_grad_()
    vectors, nearest, codes, _ = quantiser.quantise(z)
    start, fixed = vectors.detach(), codes.detach()

    def f(latents):
        return (latents.sin() * draw(*latents.shape, seed=4)).sum()

    def surrogate(z, book):
        flat = z.movedim(1, 3).reshape(-1, 3)
        moved = (flat + fixed - start).view(1, 2, 2, 3).movedim(3, 1)
        return f(moved) + 0.3 * (flat - fixed).square().mean() + (book[nearest] - start).square().mean()

    found = quantiser(z)
    slopes = torch.autograd.grad(f(found.latents) + sum(found.losses.values()), (z, quantiser.codebook))
    for number, (slope, given) in enumerate(zip(slopes, (z, quantiser.codebook), strict=True)):
        way, sides = draw(*given.shape, seed=5), []
        for h in (1e-6, -1e-6):
            both = [z.detach(), quantiser.codebook.detach()]
            both[number] = both[number] + h * way
            sides.append(surrogate(*both).item())
        assert (sides[0] - sides[1]) / 2e-6 == pytest.approx((slope * way).sum().item(), rel=1e-6)


def test_running_means_are_those_computed_by_hand():
    quantiser = VectorQuantiser(3, 1, average=True, decay=0.75)
    quantiser.codebook.copy_(torch.tensor([[0.0], [10.0], [20.0]]))
    quantiser.sums.copy_(quantiser.codebook)
    z = torch.tensor([1.0, 2.0, 12.0]).view(1, 1, 1, 3)
    with torch.no_grad():
        quantiser(z)  # not an update of G
    assert quantiser.codebook.flatten().tolist() == [0, 10, 20]
    found = quantiser(z.requires_grad_())
    # N = .75 + .25 n for n = 2, 1, 0, and m = .75 m + .25 (sum of the latents): 3, 12, 0
    assert quantiser.counts.tolist() == [1.25, 1.0, 0.75]
    assert quantiser.sums.flatten().tolist() == [0.75, 10.5, 15.0]
    assert quantiser.codebook.flatten().tolist() == pytest.approx([0.6, 10.5, 20.0])
    assert found.losses.keys() == {"commitment"}
    assert found.losses["commitment"].item() == pytest.approx(0.25 * (1 + 4 + 4) / 3)
    assert float(found.report["usage"]) == pytest.approx(2 / 3)
    assert math.log(found.report["perplexity"].item()) == pytest.approx(math.log(3) - 2 / 3 * math.log(2))
    for _ in range(200):  # the third code is never used
        quantiser(z)
    assert quantiser.codebook.flatten().tolist() == pytest.approx([1.5, 12.0, 20.0], rel=1e-4)
    before = quantiser.counts.clone()
    quantiser.track_running_stats = False
    quantiser(z)
    assert torch.equal(before, quantiser.counts)
