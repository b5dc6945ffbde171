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


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"loss": "rpgan"}, True),
        ({"loss": "lsgan"}, True),
        ({"loss": "lsgan", "loss.a": -1}, False),
        ({"loss": "rpgan", "aug.ada.p": 0.2}, False),
        ({"loss": "rpgan", "reg": "logit-centring"}, False),
        ({"loss": "bce"}, False),
    ],
)
def test_what_a_component_wants_depends_on_its_options(settings: dict[str, object], warned: bool) -> None:
    pairs = {"arch": "dcgan", "aug": "ada", "reg": "none", **settings}
    found = find_unmet_wants(resolve(registry(), pairs=pairs), registry())
    assert bool(found) == warned
    for verdict in found:
        assert verdict.words.startswith("augmentation 'ada': p adapts to the sign of D's logits of real samples")
        assert verdict.advice == ("--reg logit-centring", "--loss bce")
