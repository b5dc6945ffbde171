"""Networks with further outputs, and terms that learn or change D: published, loaded and fine-tuned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import ganzoo
import toy_terms
from ganzoo.registry import register

MODELS: dict[str, dict[str, Any]] = {
    "answers and terms": {
        "arch": "toy-saying", "arch.answer": "list", "reg": "toy-code,toy-spectral,toy-perceptual,toy-lecam",
    },
    "packed": {"arch": "toy-packed"},
    "features of a network that nobody trains": {"arch": "toy-projected"},
    "no latents": {"arch": "toy-labels", "train.conditional": True},
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_it_is_published_loaded_and_fine_tuned_with_its_discriminator(
    hub: Any, toys: object, repo: str, name: str
) -> None:
    register(toy_terms)
    settings = {"dataset": "toy-array", "train.images": 32, **MODELS[name]}
    run = ganzoo.train(options=settings, device="cpu")
    ganzoo.publish(run, repo)
    generator = ganzoo.load(repo)
    assert torch.equal(generator.sample_raw(4), ganzoo.load(run).sample_raw(4))
    held = {"toy-saying": {"reg.toy-perceptual.look"}, "toy-projected": {"discriminator.look"}}
    assert generator.config["recipe"].get("frozen", {}).keys() == held.get(settings["arch"], set())
    lines: list[str] = []
    listener = SimpleNamespace(note=lambda event: lines.append(event.line))
    tuned = ganzoo.train(init=repo, images=16, device="cpu", listener=listener)
    assert tuned.finished
    assert any(line.startswith(f"starting from the generator of {repo}") for line in lines)
    assert any("and its discriminator" in line for line in lines)
