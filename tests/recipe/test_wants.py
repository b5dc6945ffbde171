"""Words that a component wants: a warning if no other component provides them."""

from __future__ import annotations

import pytest

from ganzoo.recipe.resolve import resolve
from ganzoo.recipe.wants import find_unmet_wants
from ganzoo.registry import registry


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"loss": "wasserstein", "reg": "none"}, True),
        ({"loss": "wasserstein", "reg": "wgan-gp", "reg.wgan-gp.weight": 0}, True),
        ({"loss": "wasserstein"}, False),
        ({"loss": "wasserstein", "reg": "r1", "reg.r1.gamma": "linear(1, 2, images=1000)"}, False),
        ({"loss": "wasserstein", "reg": "none", "arch.norm_d": "spectral"}, False),
        ({"loss": "bce", "reg": "none", "arch.norm_d": "none"}, False),
    ],
)
def test_a_loss_without_the_limit_that_it_wants_is_reported(settings: dict[str, object], warned: bool) -> None:
    found = find_unmet_wants(resolve(registry(), pairs={"arch": "dcgan", **settings}), registry())
    assert bool(found) == warned
    for verdict in found:
        words = "loss 'wasserstein': nothing limits the slope of D, so its logits grow without end"
        assert (verdict.words, verdict.advice) == (words, ("--reg wgan-gp", "--reg r1"))
