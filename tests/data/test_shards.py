"""A dataset in shards: the same samples as in one store, a bounded number of open files, and an order by shards."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ganzoo.compute.streams import Streams, derive_seed
from ganzoo.data import shards as shards_module
from ganzoo.data.content import describe_content
from ganzoo.data.holdout import find_digests, split_by_content
from ganzoo.data.opening import open_source
from ganzoo.data.order import ShardOrder, list_part_counts, widen_share
from ganzoo.data.shards import Facts, Machine, Shards
from ganzoo.data.source import ArraySource, describe_skipped_items, pick
from ganzoo.engine.reals import Reals
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import DataInfo, Item
from ganzoo.runs.cache import clear_cache, list_entries

INFO = DataInfo(shape=(3, 8, 8), num_classes=3)
CPU = torch.device("cpu")


class Numbered:
    """Images of which each has its own numbers, and counts of how often each was decoded."""

    def __init__(self, count: int, broken: tuple[int, ...] = (), targets: bool = False) -> None:
        self.info = INFO if not targets else DataInfo(shape=INFO.shape, label_shape=(2,), label_dtype="int16")
        self.count, self.broken, self.loads = count, broken, Counter[int]()

    def load(self, number: int) -> npt.NDArray[np.uint8]:
        self.loads[number] += 1
        if number in self.broken:
            raise ValueError("half a file")
        return np.random.default_rng(number).integers(0, 256, INFO.shape, dtype=np.uint8)

    def items(self) -> list[Item]:
        return [
            Item(
                name=f"{number}.png",
                load=lambda number=number: self.load(number),  # type: ignore[misc]
                label=None if self.info.label_shape else number % 3,
                target=(lambda number=number: np.array([number, 7], np.int16)) if self.info.label_shape else None,  # type: ignore[misc]
                stamp="1",
            )
            for number in range(self.count)
        ]


def open_numbered(data: Numbered, cache: Path, shard: int, machine: Machine | None = None, **more: Any) -> ArraySource:
    machines = {} if machine is None else {"machine": machine}
    source = open_source(
        data,
        name="mine",
        key="key",
        notify=more.pop("notify", pytest.fail),
        cache=cache,
        shard=shard,
        **machines,
        **more,
    )
    assert isinstance(source, ArraySource)
    return source


def stack(source: ArraySource) -> torch.Tensor:
    return pick(source.data, source.locate(torch.arange(len(source))))


def get_order(source: ArraySource, batch: int) -> ShardOrder:
    assert isinstance(source.data, Shards)
    return ShardOrder(
        source.data, source.locate(torch.arange(len(source))), batch, lambda *parts: derive_seed(5, *parts)
    )


def test_shards_have_the_samples_of_one_store_under_the_same_numbers(tmp_path: Path) -> None:
    one = open_numbered(Numbered(50, broken=(4, 33)), tmp_path, 0)
    source = open_numbered(Numbered(50, broken=(4, 33)), tmp_path, 8)
    assert one.info == source.info
    assert [replace(entry) for entry in one.skipped] == list(source.skipped)
    assert describe_skipped_items(source) == describe_skipped_items(one)
    assert torch.equal(stack(one), stack(source))
    assert torch.equal(one.labels, source.labels[source.index])  # type: ignore[arg-type, index]
    assert np.array_equal(find_digests(one), find_digests(source))
    for first, second in zip(split_by_content(one, 0.3), split_by_content(source, 0.3), strict=True):
        assert torch.equal(stack(first), stack(second))
    assert describe_content(one)["means"] == describe_content(source)["means"]  # type: ignore[index]
    assert sorted(path.name for path in (tmp_path / "key-8").iterdir()) == [f"{number:05}" for number in range(7)]


def test_labels_that_are_arrays_are_in_the_shards(tmp_path: Path) -> None:
    source = open_numbered(Numbered(30, targets=True), tmp_path, 8)
    index = torch.tensor([29, 0, 13])
    assert source.labels is not None
    assert pick(source.labels, index).tolist() == [[29, 7], [0, 7], [13, 7]]


def test_a_second_start_decodes_nothing_and_a_changed_item_packs_its_shard_alone(tmp_path: Path) -> None:
    open_numbered(Numbered(50), tmp_path, 8)
    again = Numbered(50)
    content = open_numbered(again, tmp_path, 8).content
    assert not again.loads
    items = again.items()
    items[20] = replace(items[20], stamp="2", load=lambda: np.zeros(INFO.shape, np.uint8))
    again.items = lambda: items  # type: ignore[method-assign]
    assert open_numbered(again, tmp_path, 8).content != content
    assert len(again.loads) == 7  # and item 20 itself


def test_only_the_size_or_an_option_makes_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_numbered(Numbered(50), tmp_path, 0).data, torch.Tensor)
    monkeypatch.setattr(shards_module, "MANY_BYTES", 49 * 192)
    monkeypatch.setattr(shards_module, "SHARD_BYTES", 10 * 192)
    assert isinstance(open_numbered(Numbered(49), tmp_path, 0).data, torch.Tensor)
    large = open_numbered(Numbered(50), tmp_path, 0)
    assert isinstance(large.data, Shards)
    assert large.data.stores.size == 10


def test_a_dataset_that_is_not_packed_has_no_shards() -> None:
    data = type("Data", (), {"info": DataInfo(shape=(1, 2, 2)), "data": np.zeros((3, 1, 2, 2), np.uint8)})()
    with pytest.raises(UsageError, match=r"dataset\.shard=2: dataset 'mine' is not packed into files: remove"):
        open_source(data, name="mine", key="k", notify=pytest.fail, shard=2)


def test_broken_shards(tmp_path: Path) -> None:
    first = open_numbered(Numbered(12), tmp_path / "a", 4)
    assert isinstance(first.data, Shards)
    broken = tuple(first.data.stores.items[4:8].tolist())  # the whole of a shard
    assert len(open_numbered(Numbered(12, broken=broken), tmp_path / "b", 4)) == 8
    with pytest.raises(GanzooError, match=r"'mine': none of its 12 files could be read, 0\.png and 11 more"):
        open_numbered(Numbered(12, broken=tuple(range(12))), tmp_path / "c", 4)


def test_the_progress_is_that_of_all_shards(tmp_path: Path) -> None:
    shown: list[tuple[str, float]] = []
    data = Numbered(12)
    slow = data.load
    data.load = lambda number: (torch.ones(1), __import__("time").sleep(0.06), slow(number))[-1]  # type: ignore[method-assign, misc]
    open_numbered(data, tmp_path, 4, progress=lambda line, share: shown.append((line, share)))
    assert shown[-1] == ("packed 4 of 4 samples of shard 3 of 3", 1.0)
    assert [share for _, share in shown] == sorted(share for _, share in shown)


# ----------------------------------------------------------------------------
# The order.


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> ArraySource:
    return open_numbered(Numbered(1000, broken=(3, 700)), tmp_path_factory.mktemp("cache"), 10, notify=print)


def test_an_epoch_has_every_sample_once_and_epochs_differ(many: ArraySource) -> None:
    training, _ = split_by_content(many, 0.1)
    for source, batch in ((many, 64), (training, 10), (training, 7)):
        order, epoch = get_order(source, batch), len(source)
        steps = 9 * epoch // (4 * batch)
        drawn = torch.stack([order.follow(step * batch, batch) for step in range(steps)])  # [steps, batch]
        assert not set(drawn.flatten().tolist()) - set(source.index.tolist())  # type: ignore[union-attr]
        assert order.num_parts == {64: 16, 10: 5, 7: 7}[batch]
        for part in drawn.reshape(steps, order.num_parts, -1).transpose(0, 1).flatten(1):
            own = len(part.unique())
            counts = Counter(part[:own].tolist())
            assert set(counts.values()) == {1}
            assert part[:own].tolist() != part[own : 2 * own].tolist()
            assert set(part[own : 2 * own].tolist()) <= set(part[:own].tolist())


def test_the_order_is_a_function_of_the_seed_and_the_images(many: ArraySource) -> None:
    far = get_order(many, 32).follow(32 * 999, 32)
    walked = get_order(many, 32)
    for step in range(1000):
        last = walked.follow(32 * step, 32)
    assert torch.equal(far, last)
    reals = Reals(many, Streams(1, CPU), labelled=True, batch=32)
    assert torch.equal(reals.follow_order(320, 32), Reals(many, Streams(1, CPU), True, 32).follow_order(320, 32))
    assert not torch.equal(reals.follow_order(320, 32), Reals(many, Streams(2, CPU), True, 32).follow_order(320, 32))
    assert torch.equal(reals.draw_positions("g0-real", 320, 40), reals.draw_positions("g0-real", 320, 40))


def test_few_samples_in_many_parts(tmp_path: Path) -> None:
    source = open_numbered(Numbered(5), tmp_path, 2)
    drawn = torch.cat([get_order(source, 64).follow(64 * step, 64) for step in range(5)])
    assert Counter(drawn.tolist()) == dict.fromkeys(range(5), 64)


def test_a_batch_is_like_a_sample_of_the_dataset_whatever_the_order_of_the_files(many: ArraySource) -> None:
    order = get_order(many, 64)
    means = torch.stack([order.follow(64 * step, 64).double().mean() for step in range(400)])
    assert abs(float(means.mean()) - 499.5) < 5
    assert 0.85 < float(means.std()) / (1000 / 12**0.5 / 8) < 1.1  # as of 64 independent draws, or a little less


def test_the_number_of_mapped_files_is_bounded(many: ArraySource, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = many.data.stores  # type: ignore[union-attr]
    reals = Reals(many, Streams(1, CPU), labelled=False, batch=8)
    stores.map_store.cache_clear()
    for step in range(300):
        reals.read(reals.follow_order(8 * step, 8))
        reals.read(reals.draw_positions("g0-real", 8 * step, 8))
    assert stores.map_store.cache_info().currsize == 100
    assert stores.map_store.cache_info().misses == 100 < shards_module.MOST_MAPPED
    monkeypatch.setattr(shards_module, "MOST_MAPPED", 70)  # 8 parts, of which each has 4 shards open
    packing = replace(stores.packing, directory=stores.packing.directory)
    small = shards_module.ShardedStore(packing, 10, Machine())
    source = replace(many, data=Shards(small))
    reals = Reals(source, Streams(1, CPU), labelled=False, batch=8)
    for step in range(300):
        reals.read(reals.follow_order(8 * step, 8))
        assert small.map_store.cache_info().currsize <= 70
        maps = Path("/proc/self/maps").read_text().count(str(stores.packing.directory) + "/") if step % 100 == 0 else 0
        assert maps <= 70 + 100  # those of `many` are open too
    assert small.map_store.cache_info().misses < 3 * 100 + 30  # about once in each of the epochs


# ----------------------------------------------------------------------------
# Several machines.


def test_shares_of_machines_are_whole_parts() -> None:
    assert list_part_counts(64) == [16, 8, 4, 2, 1]
    assert list_part_counts(12) == [12, 6, 4, 3, 2, 1]
    assert widen_share(2, 4, 4, 64) == (Fraction(1, 2), Fraction(1))
    assert widen_share(1, 2, 3, 96) == (Fraction(5, 16), Fraction(11, 16))


def open_machines(tmp_path: Path, count: int, cuts: list[Fraction]) -> list[tuple[Numbered, ArraySource]]:
    """Open a dataset on machines with caches of their own, one after the other, as often as they exchange something."""
    said: list[list[Facts]] = [[] for _ in cuts[1:]]

    def open_one(number: int) -> tuple[Numbered, ArraySource]:
        calls: list[None] = []

        def exchange(facts: Facts) -> list[Facts]:
            calls.append(None)
            said[number][len(calls) - 1 :] = [facts]
            return [each[len(calls) - 1] if len(each) >= len(calls) else {} for each in said]

        data = Numbered(count, broken=(7,))
        machine = Machine((cuts[number], cuts[number + 1]), exchange)
        source = open_numbered(data, tmp_path / str(number), 10, machine, notify=print)
        return data, source

    for number in range(len(said)):
        open_one(number)
    return [open_one(number) for number in range(len(said))]


def test_machines_decode_and_hold_what_they_read_and_agree_on_the_rest(tmp_path: Path) -> None:
    whole = open_numbered(Numbered(200, broken=(7,)), tmp_path / "whole", 10)
    machines = open_machines(tmp_path, 200, [Fraction(0), Fraction(1, 2), Fraction(1)])
    for number, (data, source) in enumerate(machines):
        assert (source.info, source.content) == (whole.info, whole.content)
        assert torch.equal(source.index, whole.index)  # type: ignore[arg-type]
        held = [path.name for path in sorted((tmp_path / str(number) / "key-10").iterdir())]
        assert held == [f"{shard:05}" for shard in range(10 * number, 10 * number + 10)]
        data.loads.clear()
        for step in range(60):
            order = get_order(source, 16).follow(16 * step, 16)
            assert torch.equal(order, get_order(whole, 16).follow(16 * step, 16))
            own = order[8 * number : 8 * number + 8]  # the slice of this machine's process
            assert torch.equal(pick(source.data, own), pick(whole.data, own))
        assert not data.loads
        assert torch.equal(stack(source), stack(whole))  # a grid may show samples of the other machine
        assert 80 < len(data.loads) < 120


def test_a_sample_of_another_machine_that_vanished_is_one_sentence(tmp_path: Path) -> None:
    machine = Machine((Fraction(0), Fraction(1, 2)))
    data = Numbered(40)
    source = open_numbered(data, tmp_path, 10, machine)
    data.broken = tuple(range(40))
    with pytest.raises(GanzooError, match=r"'mine': \d+.png cannot be read any more \(half a file\): give it back"):
        stack(source)


# ----------------------------------------------------------------------------
# The cache.


def test_shards_are_one_entry_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    source = open_source(Numbered(30), name="mine", key="key", notify=pytest.fail, shard=8, title="mine size=8")
    (entry,) = list_entries()
    assert (entry.name, entry.title) == ("key-8", "mine size=8")
    assert entry.size > 30 * 192
    assert isinstance(source, ArraySource)
    before = stack(source)
    clear_cache(["key-8"])
    assert list_entries() == []
    assert torch.equal(stack(source), before)  # mapped files stay
    source.data.stores.map_store.cache_clear()  # type: ignore[union-attr]
    with pytest.raises(GanzooError, match=r"the packed dataset 'mine' in .*/key-8 was removed or changed while it was"):
        stack(source)
