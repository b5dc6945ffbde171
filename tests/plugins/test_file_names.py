"""Who knows a method's name finds its file: a component is in the file of its name, or of the family that has it."""

from __future__ import annotations

import pytest

from ganzoo.registry import registry

FAMILIES = {  # by component, where one file has several
    "cr": "consistency", "bcr": "consistency", "zcr": "consistency", "embedding-matching": "feature_matching",
    "r2": "r1", "unit-weights": "unit",
    **dict.fromkeys(("bce", "minimax", "lsgan", "hinge", "wasserstein"), "losses"),
    **dict.fromkeys(("rpgan", "rphinge", "ragan", "ralsgan", "rahinge", "dual-contrast"), "relativistic"),
    "dcgan-tutorial": "tutorial", "l1": "targets", "perceptual": "targets",
    **dict.fromkeys(("pix2pix", "cyclegan", "cut"), "networks"),  # of generators and a D that have files of their own
    **dict.fromkeys(("rrdb", "compact"), "networks"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["architecture", "loss", "regularizer", "augmentation"])
def test_a_component_is_in_the_file_of_its_name(kind: str) -> None:
    for entry in registry().components(kind):
        if entry.plugin.distribution != "ganzoo":
            continue
        name = entry.spec.name
        module, _, _ = entry.spec.factory.partition(":")  # type: ignore[union-attr]
        package, _, file = module.partition(".")
        alone = kind == "architecture" and file == "networks" and package == f"ganzoo_{name}"
        assert alone or file == FAMILIES.get(name, name.replace("-", "_")), f"{kind} {name} is in {module}"
