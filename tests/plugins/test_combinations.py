"""Every pair of an architecture, a loss and a term trains together, or is refused by name.

A run has one architecture, one loss and several terms. Runs are chosen so that each architecture meets each loss and
each term, and each loss is tried with each term, with far fewer runs than there are combinations. The command
``python benchmarks/combinations.py`` trains all combinations, for 20 updates each; what it makes is tried here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import torch

from ganzoo.registry import registry

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import combinations  # noqa: E402, RUF100 (the path comes first)

sys.path.pop(0)

NUM_UPDATES = {"dcgan": 20, "mlp": 20}  # the quickest two; others make one here, and 20 in the command
RECORDED = ("dcgan", "dcgan-tutorial", "mlp")  # of the others the kit records updates without terms
NO_LABELS = ("dcgan-tutorial", "fastgan", "lightweight-gan", "progan", "stylegan2-lucidrains")
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
    "intermediate-consistency": {"gat"}, "unit-weights": {"r3gan-mp"},
    "path-length": {"gat", "stylegan2", "stylegan2-lucidrains", "stylegan3"},
    "adaptive-weight": set(),  # an autoencoder's
    "cycle": set(), "patchnce": set(),  # their architectures take labels that are images
    "distillation": set(), "denoising": {"one-step"},  # the first needs a trained denoiser
    "mel": set(),  # of sounds alone
    "ucd": set(),  # with the head's classes; without, PROJECTING takes it
}  # fmt: skip
NO_FEATURES = ("dcgan-tutorial", "one-step")
PROJECTING = ("biggan", "biggan-deep", "r3gan", "sngan")  # their D returns its logits with all labels
ARCHITECTURES, LOSSES, TERMS = map(combinations.list_ours, ("architecture", "loss", "regularizer"))


def list_runs(arch: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the loss and the terms of each run of an architecture.

    Terms form as many groups as there are architectures or losses, whichever are fewer. The group of a run is the sum
    of the two numbers of its architecture and its loss, modulo the number of groups.
    """
    num, first = min(len(ARCHITECTURES), len(LOSSES)), ARCHITECTURES.index(arch)
    for number, loss in enumerate(LOSSES, first):
        yield loss, TERMS[number % num :: num]


@pytest.fixture(autouse=True)
def _on_one_thread():
    """One thread, and a registry that forgets the dataset of the combinations afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    registry.cache_clear()


def test_each_pair_occurs():
    runs = [(arch, loss, term) for arch in ARCHITECTURES for loss, terms in list_runs(arch) for term in terms]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        kinds = ARCHITECTURES, LOSSES, TERMS
        assert {(run[one], run[other]) for run in runs} == set(product(kinds[one], kinds[other]))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_an_architecture_trains_with_all_losses_and_terms(arch):
    """A term may need classes. One that is refused with them too does not fit, if the words name it and a way out."""
    takes_classes = registry().resolve("architecture", arch).spec.conditional != "never"
    updates, dropped = NUM_UPDATES.get(arch, 1), set()
    for loss, terms in list_runs(arch):
        settings, words = {}, combinations.train(arch, loss, terms, updates)
        while words:
            refused = next((term for term in terms if f"regularizer {term!r}" in words), None)
            assert refused, f"{loss}, {terms}: {words}"
            assert ": " in words.partition(refused)[2]
            if takes_classes and not settings:
                settings = combinations.HEAD
            else:
                dropped.add(refused)
                terms = [term for term in terms if term != refused]
            words = combinations.train(arch, loss, terms, updates, settings)
    refusing = {term for term in TERMS if arch not in TAKEN_BY.get(term, {arch})}
    refusing |= {*CLASS_HEADS} if arch in (*NO_LABELS, *NO_FEATURES) else set()
    assert dropped == refusing | ({*OUTPUTS} if arch in NO_FEATURES else set())


@pytest.mark.parametrize("arch", PROJECTING)
def test_a_projection_classifies_too(arch):
    assert combinations.train(arch, "hinge", ["ucd"], 1, combinations.PROJECTION) == ""
    assert "needs 'class-logits'" in combinations.train(arch, "hinge", ["ucd"], 1, combinations.HEAD)


@pytest.mark.parametrize("arch", RECORDED)
def test_what_an_architecture_recommends_can_be_recorded(arch):
    """The first update is traced as ``train.execution=compile`` does, and replayed; the command compiles it too."""
    combinations.try_compiled(row := combinations.make_row(arch, "recommended", "trace", 2))
    assert (row["trained"], row["failed"]) == (["recommended"], {})


# ----------------------------------------------------------------------------
# The command.


def test_a_combination_that_fails_is_found(monkeypatch):
    loss = registry().resolve("loss", "bce").spec
    from ganzoo_losses.losses import BCE

    assert loss.factory.endswith(":BCE")
    monkeypatch.setattr(BCE, "generator", lambda self, fake, real: fake.mean() / 0.0)
    combinations.try_terms(row := combinations.make_row("mlp", "bce", "eager", 1), ["none"])
    assert not row["trained"]
    assert "not finite" in row["failed"]["none"]


def test_a_row_gets_the_terms_that_came_later():
    row = combinations.make_row("mlp", "bce", "eager", 1)
    assert combinations.list_missing_terms(row) == ["none", *TERMS]
    combinations.try_terms(row, [term for term in combinations.list_missing_terms(row) if term not in ("r1", "cycle")])
    assert combinations.list_missing_terms(row) == ["r1", "cycle"]
    combinations.try_terms(row, ["r1", "cycle"])
    assert combinations.list_missing_terms(row) == []
    assert "r1" in row["trained"]
    assert "cycle" in row["refused"]


def test_a_term_that_is_not_measured_is_found(monkeypatch):
    monkeypatch.setattr(combinations, "NETWORKS", ("discriminator", "generator", "__init__"))
    with pytest.raises(LookupError, match=r"reg\.r1/_"):
        combinations.train("mlp", "bce", ["r1"], 1)


def test_a_piece_that_cannot_be_recorded_is_found(monkeypatch):
    from ganzoo_mlp import networks

    forward = networks.Generator.forward
    monkeypatch.setattr(networks.Generator, "forward", lambda self, z, *more: forward(self, z * float(z.sum()), *more))
    combinations.try_compiled(row := combinations.make_row("mlp", "recommended", "trace", 2))
    assert "train.execution=compile is not possible here" in row["failed"]["recommended"]
