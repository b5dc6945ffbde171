"""The kit's checks of losses and regularizers, beyond what planted bugs show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch

from ganzoo.errors import UsageError
from ganzoo.plugin import Case, DataInfo, Loss, Regularizer, option
from ganzoo.registry import registry
from ganzoo.registry.installed import Plugin, RegisteredComponent
from ganzoo.testing import collect_checks
from ganzoo.testing import loss as losses
from ganzoo.testing.checks import Skip, Trial
from ganzoo.testing.probes import NoReadback, list_refills, list_setups
from ganzoo.testing.regularizer import values as regularizers
from planted_losses import BCE, R1

PLANTED = Path(__file__).parents[1] / "planted"
HERE = Plugin(name="here", module=__name__)
# Reasons why a check of these plugins does not apply. Any other skip would hide a mistake.
REASONS = (
    "its options have version 1", "it has no schedulable option", "it has no term for G", "it has no term for D",
    "it has no prepare", "it has no after_step", "it adds no term to a loss",
    "it couples samples, and patches of one sample are not samples", "it recommends nothing",
    "its spec does not say `learns`", "its spec does not say `classes`", "it does not provide 'signed-logits'",
    "it has no move_latents", "it reports nothing: it has no report",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Options:
    gamma: float = option(1.0, low=0, high=1, schedulable=True, help="Weight.")
    pair: tuple[float, float] = option((0.5, 0.25), schedulable=True, help="Two numbers.")
    fixed: float = option(1.0, help="Another.")
    mode: Literal["a", "b", "refused"] = option("a", help="Choice.")
    flag: bool = option(True, help="Choice.")


class Chooser(BCE):
    def __init__(self, options: Options, data: DataInfo) -> None:
        if options.mode == "refused":
            raise UsageError("not together")


class Needy(R1):
    def discriminator(self, step):
        raise AssertionError("the kit does not provide what it needs, and must not call it")


class Labelled:
    """L1 to the label, an image of the sample's shape."""

    shapes: ClassVar[set[tuple[int, ...]]] = set()

    def __init__(self, options: object, data: DataInfo) -> None:
        pass

    def generator(self, step):
        self.shapes.add(tuple(step.labels.shape[1:]))
        return (step.fake - step.labels).abs().mean()


def trial(spec: type, name: str, data: tuple[DataInfo, ...] = (), **fields: object) -> Trial:
    made = spec(name="here", summary="Here.", factory=f"{__name__}:{name}", **fields)
    return Trial(RegisteredComponent(HERE, made), data=data)


@pytest.fixture
def planted() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("name", ["sound_loss", "sound_losses", "sound_regularizer", "sound_regularizers"])
def test_correct_plugins_pass_and_no_check_that_applies_is_skipped(name: str) -> None:
    registry().add_file(PLANTED / f"{name}.py")
    results = [check.run() for check in collect_checks(name) if not check.name.startswith("plugin/")]
    assert len(results) > 20
    assert [
        r
        for r in results
        if r.status == "FAIL" or (r.status == "SKIP" and not r.not_checked and r.message not in REASONS)
    ] == []


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("loss_each", {"scalar"}),
        ("loss_remembers", {"repeatable"}),
        ("loss_sum", {"batch-size"}),
        ("loss_pairs_undeclared", {"scalar", "pairs-declared"}),
        ("penalty_each", {"scalar"}),
        ("penalty_own_interval", {"repeatable", "intervals"}),
        ("penalty_inputs_undeclared", {"scalar", "input-gradients-declared"}),
    ],
)
def test_one_bug_is_reported_by_one_check(name: str, failed: set[str]) -> None:
    registry().add_file(PLANTED / f"{name}.py")
    results = [check.run() for check in collect_checks(name) if not check.name.startswith("plugin/")]
    assert {r.check.rpartition("/")[2] for r in results if r.status == "FAIL"} == failed
    skipped = [r.message for r in results if r.status == "SKIP" and not r.not_checked and r.message not in REASONS]
    assert all(" see " in words for words in skipped)
    assert skipped


def test_each_choice_is_tried_once_unless_it_is_refused() -> None:
    found = [setup.suffix for setup in list_setups(trial(Loss, "Chooser", options=Options))]
    assert found == ["", " with mode=b", " with flag=false"]


def test_schedulable_numbers_come_as_tensors_with_others_in_their_range() -> None:
    (gamma, given, tensors, wanted), (pair, both, two, other) = list_refills(Options())
    assert (gamma, pair) == ("gamma", "pair")
    assert given.gamma is tensors[0][0]
    assert (given.gamma.dtype, given.gamma.dim(), given.gamma.item()) == (torch.float32, 0, 1.0)
    assert (given.pair, wanted.gamma) == ((0.5, 0.25), tensors[0][1])
    assert 0 <= wanted.gamma < 1
    assert all(held is tensor for held, (tensor, _) in zip(both.pair, two, strict=True))
    assert other.pair == tuple(number for _, number in two)
    assert other.pair[0] != 0.5 != 0.25 != other.pair[1]


@pytest.mark.parametrize("read", [float, torch.Tensor.item, bool, lambda tensor: torch.equal(tensor, tensor)])
def test_reading_a_number_raises(read) -> None:
    with NoReadback(), pytest.raises(RuntimeError, match="a number was read back"):
        read(torch.ones(()))
    with NoReadback():
        assert torch.ones(()).add(1).sum().dim() == 0


def test_a_need_that_the_small_networks_do_not_meet_skips_with_a_way_out() -> None:
    with pytest.raises(Skip, match=r"it needs acme-depth.*add cases to its spec"):
        regularizers.scalar(trial(Regularizer, "Needy", options=Options, needs=("acme-depth",)))


def test_a_regularizer_is_tried_on_the_trials_data() -> None:
    data = DataInfo(shape=(3, 4, 4), label_shape=(3, 4, 4))
    regularizers.gradients(trial(Regularizer, "Labelled", (data,)))
    regularizers.scalar(trial(Regularizer, "Labelled", (DataInfo(shape=(5,), label_shape=(5,), modality="tabular"),)))
    assert Labelled.shapes == {(3, 4, 4), (5,)}


def test_a_case_of_a_loss_is_read_as_the_engine_calls_it() -> None:
    zero = torch.zeros(2, 1, dtype=torch.float64)
    case = Case(name="zero", given={"real": zero, "fake": zero}, expected={"generator": 0.0})
    measured = losses.measure_case(trial(Loss, "Chooser", options=Options), case)
    assert measured == {"generator": pytest.approx(0.6931471805599453, abs=1e-12)}


def test_a_case_of_a_regularizer_may_have_a_network_without_parameters() -> None:
    x = torch.tensor([[3.0, 4.0]], dtype=torch.float64)

    class Squares(torch.nn.Module):
        def forward(self, x):
            return x.square().sum(1) / 2

    case = Case(name="squares", given={"real": x, "fake": x, "network": Squares()}, expected={"discriminator": 0.0})
    fields = {"options": Options, "input_gradients": True}
    assert regularizers.measure_case(trial(Regularizer, "R1", **fields), case) == {"discriminator": 12.5}
