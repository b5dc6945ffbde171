"""A conditional run in which nothing ties samples to their classes is reported before it starts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.engine.assemble import assemble
from ganzoo.engine.conditioning import describe_ignored_labels
from ganzoo.plugin import DataInfo
from ganzoo.plugin.options import list_options
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

SMALL = {
    "biggan": {"arch.init": "normal"}, "biggan-deep": {"arch.init": "normal"}, "stylegan3": {"arch.layers": 4},
    "r3gan": {"arch.widths": "16"}, "r3gan-mp": {"arch.widths": "16"},
}  # fmt: skip
CONDITIONAL = [
    entry.spec.name
    for entry in registry().components("architecture")
    if entry.plugin.distribution == "ganzoo"
    and entry.spec.conditional == "optional"  # type: ignore[union-attr]
    and "image" in entry.spec.modalities  # type: ignore[union-attr]
    and "projection" in list_options(entry.spec.options)  # type: ignore[union-attr]
]


def say(arch: str, **more: Any) -> str:
    pairs = {
        "arch": arch,
        "dataset": "digits",
        "loss": "hinge",
        "reg": "none",
        "train.batch": 4,
        "train.conditional": True,
    }
    recipe = resolve(registry(), pairs=pairs | SMALL.get(arch, {}) | more)
    return describe_ignored_labels(assemble(recipe, DataInfo(shape=(1, 32, 32), num_classes=10), torch.device("cpu")))


@pytest.mark.parametrize("arch", CONDITIONAL)
def test_a_discriminator_without_labels_is_reported(arch: str) -> None:
    assert say(arch) == ""
    line = say(arch, **{"arch.projection": False})
    assert line.startswith(f"warning: arch {arch!r} does not show D the classes")
    assert line.endswith("; try arch.projection=true, or a head (--reg NAME) that classifies")


def test_a_head_or_no_labels_is_fine() -> None:
    assert say("dcgan", **{"arch.projection": False, "reg": "acgan"}) == ""
    assert say("dcgan", **{"arch.projection": False, "train.conditional": False}) == ""


def test_the_run_says_it(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    options = {"arch.projection": False, "arch.width": 8, "train.batch": 4}
    run = ganzoo.train(arch="dcgan", dataset="digits", conditional=True, images=8, options=options, device="cpu")
    assert "does not show D the classes" in (run.path / "log.txt").read_text()
