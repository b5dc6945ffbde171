"""Every pair of an architecture, a loss and a term trains together, or is refused by name.

A run has one architecture, one loss and several terms. Runs are chosen so that each architecture meets each loss and
each term, and each loss is tried with each term, with far fewer runs than there are combinations.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from ganzoo.compute.streams import Streams
from ganzoo.data.source import open_source
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, Dataset, hookimpl, option
from ganzoo.plugin.options import list_options
from ganzoo.recipe.check import check_data
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import register, registry

BATCH = 2
NETWORKS = ("discriminator", "generator")
SMALL: dict[str, dict[str, Any]] = {  # options of architectures whose defaults take long
    "biggan": {"init": "normal", "spectral_g": False},
    "biggan-deep": {"init": "normal", "width_d": 8, "spectral_g": False, "norm_d": "none"},
    "dcgan": {"width": 8},
    "dcgan-tutorial": {"width": 8},
    "fastgan": {"width": 2, "spectral_g": False},
    "gat": {"width": 8, "depth": 2, "heads": 1},
    "mlp": {"width": 16, "depth": 2},
    "progan": {"channel_max": 8, "z_dim": 8},
    "r3gan": {"blocks": 1, "group_width": 4, "widths": (8,)},
    "r3gan-mp": {"blocks": 1, "group_width": 4, "widths": (8,)},
    "sngan": {"width_d": 8},
    "stylegan2": {"channel_max": 8, "z_dim": 8, "w_dim": 8, "group": 2},
    "stylegan3": {"channel_max": 8, "z_dim": 8, "w_dim": 8, "group": 2, "layers": 4},
}
NO_LABELS = ("dcgan-tutorial", "fastgan", "progan")
CLASS_HEADS = ("acgan", "adc", "contra", "d2d-ce", "multi-hinge", "tac")
OUTPUTS = (
    "embedding-matching",
    "feature-matching",
    "infogan",
    "kd",
    "reconstruction",
    "ssgan",
)  # read D's features or embedding
TAKEN_BY = {  # by terms that few architectures take
    "intermediate-consistency": {"gat"}, "path-length": {"gat", "stylegan2", "stylegan3"}, "unit-weights": {"r3gan-mp"},
    "ucd": set(),  # with `CLASSES`; without, PROJECTING takes it
}  # fmt: skip
PROJECTING = ("biggan", "biggan-deep", "r3gan", "sngan")  # their D returns its logits with all labels
CLASSES = {"train.conditional": True, "arch.projection": False}  # the head of a term gives them to D


def list_ours(kind: str) -> list[str]:
    """Return the names of the components of this distribution, without those that need a package of their own."""
    return [
        entry.spec.name
        for entry in registry().components(kind)
        if entry.plugin.distribution == "ganzoo" and not entry.spec.requires
    ]


ARCHITECTURES, LOSSES, TERMS = (list_ours(kind) for kind in ("architecture", "loss", "regularizer"))


def list_runs(arch: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the loss and the terms of each run of an architecture.

    Terms form as many groups as there are architectures or losses, whichever are fewer. The group of a run is the sum
    of the two numbers of its architecture and its loss, modulo the number of groups.
    """
    num, first = min(len(ARCHITECTURES), len(LOSSES)), ARCHITECTURES.index(arch)
    for number, loss in enumerate(LOSSES, first):
        yield loss, TERMS[number % num :: num]


@dataclass(frozen=True, kw_only=True)
class TinyOptions:
    shape: tuple[int, ...] = option((1, 8, 8), help="Shape of an image.")


class Tiny:
    """Eight random images of two classes."""

    def __init__(self, options: TinyOptions) -> None:
        self.info = DataInfo(shape=options.shape, num_classes=2)
        draw = torch.Generator().manual_seed(0)
        self.data = torch.randint(256, (2 * BATCH, *options.shape), generator=draw).to(torch.uint8).numpy()
        self.labels = (torch.arange(2 * BATCH) % 2).numpy()


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Return ``train(arch, loss, terms, settings) -> words``: an update of each network, or why they are refused."""
    module = ModuleType("tiny")
    module.Tiny = Tiny
    spec = Dataset(name="tiny", summary="Tiny.", factory="tiny:Tiny", options=TinyOptions)
    module.datasets = hookimpl(lambda: [spec], specname="ganzoo_datasets")
    monkeypatch.setitem(sys.modules, "tiny", module)
    registry.cache_clear()
    assert register(module).error == ""

    def run(arch, loss, terms, settings):
        spec = registry().resolve("architecture", arch).spec
        size = min(spec.sizes, default=8)
        shape = (1 if 1 in (spec.channels or (1,)) else spec.channels[0], size, size)
        options, known = SMALL.get(arch, {}), list_options(spec.options)
        if "ot" in terms and "z_dim" in known:
            options = options | {"z_dim": torch.Size(shape).numel()}
        if "spectral-norm" in terms and "norm_d" in known:
            options = options | {"norm_d": "none"}
        pairs = {
            **{
                "arch": arch,
                "loss": loss,
                "dataset": "tiny",
                "dataset.shape": shape,
                "reg": terms or "none",
                "aug": "none",
            },
            **{f"arch.{name}": value for name, value in options.items()},
            **{f"reg.{term}.interval": 1 for term in terms},
            **{"train.batch": BATCH, "train.execution": "eager", "train.precision": "fp32", "train.ema_half_life": 8},
            **{key: value for key, value in settings.items() if key.removeprefix("arch.") in (*known, key)},
        }
        try:
            recipe = resolve(registry(), pairs=pairs)
            source = open_source(recipe.dataset.build(), name="tiny", key="tiny", notify=print, cache=tmp_path)
            check_data(recipe, source.info)
            gan = assemble(recipe, source.info, torch.device("cpu"))
        except UsageError as error:
            return str(error)
        batches = Batches(source, Streams(0, gan.device), gan)
        networks = (
            gan.generator,
            gan.discriminator,
            *(term for term in gan.regularizers.values() if isinstance(term, nn.Module)),
        )
        stats = update_discriminator(gan, batches, 0) | update_generator(gan, batches, BATCH, 0)
        assert all(value.isfinite() for value in stats.values()), stats
        assert all(parameter.isfinite().all() for network in networks for parameter in network.parameters())
        measured = {
            f"reg.{name}/{key[0]}" for name, term in gan.regularizers.items() for key in NETWORKS if hasattr(term, key)
        }
        assert {"loss_d", "loss_g"} | measured <= stats.keys()
        return ""

    yield run
    registry.cache_clear()


def test_each_pair_occurs():
    runs = [(arch, loss, term) for arch in ARCHITECTURES for loss, terms in list_runs(arch) for term in terms]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        kinds = ARCHITECTURES, LOSSES, TERMS
        assert {(run[one], run[other]) for run in runs} == set(product(kinds[one], kinds[other]))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_an_architecture_trains_with_all_losses_and_terms(train, arch):
    """A term may need classes. One that is refused with them too does not fit, if the words name it and a way out."""
    takes_classes = registry().resolve("architecture", arch).spec.conditional != "never"
    dropped = set()
    for loss, terms in list_runs(arch):
        settings, words = {}, train(arch, loss, terms, {})
        while words:
            refused = next((term for term in terms if f"regularizer {term!r}" in words), None)
            assert refused, f"{loss}, {terms}: {words}"
            assert ": " in words.partition(refused)[2]
            if takes_classes and not settings:
                settings = CLASSES
            else:
                dropped.add(refused)
                terms = [term for term in terms if term != refused]
            words = train(arch, loss, terms, settings)
    refusing = {term for term in TERMS if arch not in TAKEN_BY.get(term, {arch})}
    refusing |= {*CLASS_HEADS} if arch in NO_LABELS else set()
    assert dropped == refusing | ({*OUTPUTS} if arch == "dcgan-tutorial" else set())


@pytest.mark.parametrize("arch", PROJECTING)
def test_a_projection_classifies_too(train, arch):
    assert train(arch, "hinge", ["ucd"], {"train.conditional": True}) == ""
    assert "needs 'class-logits'" in train(arch, "hinge", ["ucd"], CLASSES)
