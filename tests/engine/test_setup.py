"""Set-up: a recipe becomes final before a GAN is built, without memory and without random numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

import ganzoo
from devices import CPU
from ganzoo.engine import trainer
from ganzoo.engine.distributed import ALONE
from ganzoo.engine.setup import draft, is_recordable, is_tiny, set_up
from ganzoo.layers import Frozen
from ganzoo.plugin import Networks
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.resolve import resolve
from ganzoo.recipe.settings import OPTIMIZERS
from ganzoo.registry import registry


def resolve_recipe(**settings: object) -> ResolvedRecipe:
    pairs = {"arch": "toy", "dataset": "toy-array", **settings}
    return resolve(registry(), pairs=pairs)


def test_the_recipe_that_a_gan_is_built_from_is_the_one_that_is_written(toys: object, monkeypatch: Any) -> None:
    seen: list[ResolvedRecipe] = []
    assemble = trainer.assemble

    def noting(recipe: ResolvedRecipe, *args: Any) -> Any:
        seen.append(recipe)
        return assemble(recipe, *args)

    monkeypatch.setattr(trainer, "assemble", noting)
    run = ganzoo.train(arch="toy", dataset="toy-array", images=16)
    (recipe,) = seen
    assert "auto" not in (recipe.train.precision, recipe.train.execution)
    assert recipe.auto == ("precision", "execution")
    assembled = replace(recipe, changes_d=())  # known once the networks are prepared
    stored = json.loads(json.dumps(assembled.to_json()))
    origins = {key: origin for key, origin in recipe.origins.items() if origin != "default"}
    assert run.recipe() == stored | {"origins": origins}
    assert origins["train.images"] == "flag"


def test_a_settled_recipe_does_not_change(toys: object) -> None:
    once = set_up(resolve_recipe(), "cpu", ALONE, pytest.fail)
    assert once.device == CPU
    assert set_up(once.recipe, "cpu", ALONE, pytest.fail).recipe == once.recipe


def test_an_update_is_recorded_where_both_optimizers_have_a_form_for_it(toys: object) -> None:
    networks = draft(resolve_recipe(), set_up(resolve_recipe(), "cpu", ALONE, pytest.fail).source.info)
    for name in OPTIMIZERS:
        expected = name in ("adam", "adamw", "sgd", "rmsprop")
        for network in "gd":
            assert is_recordable(resolve_recipe(**{f"optim.{network}.name": name}), networks) == expected
    assert not is_recordable(resolve_recipe(**{"train.precision": "fp16"}), networks)
    networks.generator.requires_grad_(False)
    assert not is_recordable(resolve_recipe(), networks)


def test_frozen_networks_count_for_the_size_of_a_network() -> None:
    plain, held = nn.Linear(4, 4), Frozen(nn.Conv2d(1, 1, 3))
    assert is_tiny(Networks(plain, nn.Sequential(plain), latent_dim=4))
    assert not is_tiny(Networks(plain, nn.Sequential(held, plain), latent_dim=4))
    assert not is_tiny(Networks(plain, Frozen(nn.Linear(2000, 2000)), latent_dim=4))


@pytest.mark.parametrize(
    ("known", "line"), [("avx512_bf16", None), ("avx2", "train.precision=bf16 is emulated on this processor")]
)
def test_a_precision_that_the_processor_emulates_costs_a_line(
    toys: object, monkeypatch: Any, known: str, line: str | None
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {known: True})
    lines: list[str] = []
    set_up(resolve_recipe(**{"train.precision": "bf16"}), "cpu", ALONE, lines.append)
    assert [text.partition(",")[0] for text in lines] == ([line] if line else [])
    assert all("train.precision=fp32" in text for text in lines)


def test_a_draft_has_the_networks_shapes_and_uses_no_memory_and_no_random_number(toys: object) -> None:
    recipe = resolve_recipe(**{"arch.norm": True, "train.threads": 2})
    setup = set_up(recipe, "cpu", ALONE, pytest.fail)
    gan = trainer.assemble(setup.recipe, setup.source.info, CPU)
    before = torch.get_rng_state()
    networks = draft(recipe, setup.source.info)
    assert torch.equal(torch.get_rng_state(), before)
    for drafted, built in ((networks.generator, gan.generator), (networks.discriminator, gan.discriminator)):
        assert {tensor.device.type for tensor in drafted.state_dict().values()} == {"meta"}
        assert [(name, t.shape) for name, t in drafted.state_dict().items()] == [
            (name, t.shape) for name, t in built.state_dict().items()
        ]
    assert is_tiny(networks) == is_tiny(gan.networks)
