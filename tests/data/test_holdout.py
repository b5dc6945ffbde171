"""The held-out part of a dataset is a function of the samples' content; nothing of it is trained on."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.compute.streams import Streams
from ganzoo.data import holdout
from ganzoo.data.content import describe_content
from ganzoo.data.holdout import find_digests, hash_each, remove_copies, split_by_content
from ganzoo.data.load import load_parts, make_key
from ganzoo.data.source import ArraySource, EndlessSource, pick
from ganzoo.engine.reals import Reals
from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.evaluate.reals import RealSamples, TrainingSet
from ganzoo.plugin import DataInfo
from ganzoo.recipe.holdout import choose_holdout
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

CPU = torch.device("cpu")
PICTURES = torch.randint(0, 256, (2000, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))


def make_source(data: torch.Tensor = PICTURES) -> ArraySource:
    info = DataInfo(shape=tuple(data.shape[1:]), num_classes=7, num_items=len(data))
    return ArraySource(info, data, torch.arange(len(data)) % 7)


def list_samples(source: ArraySource) -> list[bytes]:
    return [bytes(sample.numpy()) for sample in pick(source.data, source.locate(torch.arange(len(source))))]


def choose_dataset(name: str, **options: Any) -> Choice:
    keys = {f"dataset.{key}": str(value) if isinstance(value, Path) else value for key, value in options.items()}
    return resolve(registry(), pairs={"arch": "mlp", "dataset": name, **keys}).dataset


def write_folder(folder: Path, numbers: range, classes: tuple[str, ...] = ("a", "b")) -> Path:
    for number in numbers:
        place = folder / classes[number % len(classes)]
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return folder


def load(dataset: Choice) -> tuple[ArraySource, ArraySource, list[str]]:
    lines: list[str] = []
    training, held_out = load_parts(dataset, CPU, lines.append)
    assert isinstance(training, ArraySource)
    assert isinstance(held_out, ArraySource)
    return training, held_out, lines


# ----------------------------------------------------------------------------
# By content.


def test_the_digest_is_the_beginning_of_the_sha256_of_a_sample() -> None:
    expected = [int.from_bytes(hashlib.sha256(bytes(s.numpy())).digest()[:8], "big") for s in PICTURES]
    assert hash_each(PICTURES).tolist() == expected
    floats = torch.linspace(-1, 1, 6).reshape(3, 2)
    assert hash_each(floats)[1] == hash_each(floats[1:2])[0]


def test_the_parts_share_memory_and_have_each_sample_once() -> None:
    source = make_source()
    training, held_out = split_by_content(source, 0.1)
    assert abs(len(held_out) - 200) < 4 * (2000 * 0.1 * 0.9) ** 0.5  # binomial
    assert sorted(training.index.tolist() + held_out.index.tolist()) == list(range(2000))  # type: ignore[union-attr]
    for part in (training, held_out):
        assert part.data.data_ptr() == source.data.data_ptr()
        assert part.info == replace(source.info, num_items=len(part))


def test_added_and_moved_samples_move_no_other_and_copies_stay_together() -> None:
    few = PICTURES[:1500]
    _, before = split_by_content(make_source(few), 0.1)
    order = torch.randperm(2500, generator=torch.Generator().manual_seed(1))
    _, after = split_by_content(make_source(torch.cat([PICTURES, PICTURES[:500]])[order]), 0.1)
    known = set(list_samples(make_source(few)))
    assert set(list_samples(after)) & known == set(list_samples(before))
    copied = [sample for sample in list_samples(after) if sample in set(list_samples(make_source(PICTURES[:500])))]
    assert len(copied) == 2 * len(set(copied)) > 0


def test_a_larger_share_holds_out_the_same_and_more() -> None:
    few, many = (set(list_samples(split_by_content(make_source(), share)[1])) for share in (0.05, 0.2))
    assert few < many


@pytest.mark.parametrize(("share", "words"), [(1e-9, "holds out no sample of the 3"), (0.9, "every sample of the 3")])
def test_an_empty_part_is_an_error(share: float, words: str) -> None:
    held = PICTURES[torch.from_numpy(hash_each(PICTURES) < np.uint64(2**63))][:3]
    with pytest.raises(UsageError, match=words):
        split_by_content(make_source(held), share)


def test_the_content_of_a_part_is_that_of_a_source_with_its_samples_alone() -> None:
    training, _ = split_by_content(make_source(), 0.3)
    assert training.labels is not None
    alone = replace(training, data=training.data[training.index], labels=training.labels[training.index], index=None)
    assert describe_content(training) == describe_content(alone)
    packed = [replace(make_source(), content=digest) for digest in ("a" * 64, "b" * 64)]
    digests = [part.content for source in packed for share in (0.1, 0.3) for part in split_by_content(source, share)]
    assert len(set(digests)) == 8


# ----------------------------------------------------------------------------
# What reads them.


def test_updates_read_every_sample_of_the_training_part_and_no_other() -> None:
    training, held_out = split_by_content(make_source(), 0.3)
    reals, num = Reals(training, Streams(3, CPU), labelled=True), len(training)
    assert sorted(reals.follow_order(0, num).tolist()) == training.index.tolist()  # type: ignore[union-attr]
    held = set(held_out.index.tolist())  # type: ignore[union-attr]
    assert not held & set(reals.draw_positions("g0", 0, 5000).tolist())
    positions = reals.follow_order(num, 5)
    data, labels = reals.read(positions)
    assert torch.equal(data, PICTURES[positions])  # type: ignore[arg-type]
    assert labels.tolist() == (positions % 7).tolist()  # type: ignore[union-attr]


def test_metrics_read_the_samples_of_a_part_alone() -> None:
    training, held_out = split_by_content(make_source(), 0.3)
    batches = RealSamples(held_out, len(held_out), 0, CPU).iterate_batches()
    seen = torch.cat([real for real, _ in batches]).add(1).mul(127.5).round().to(torch.uint8)
    assert sorted(bytes(sample.numpy()) for sample in seen) == sorted(list_samples(held_out))
    known = TrainingSet(training, CPU)
    real, labels = known[torch.tensor([0, len(known) - 1])]
    ends = training.index[[0, -1]]  # type: ignore[index]
    assert torch.equal(real, PICTURES[ends].float() / 127.5 - 1)
    assert labels.tolist() == (ends % 7).tolist()  # type: ignore[union-attr]
    assert known.compute_digest() != TrainingSet(held_out, CPU).compute_digest()


# ----------------------------------------------------------------------------
# Opened from a recipe.


def test_a_share_of_a_folder_is_held_out_and_its_digests_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "all", range(60))
    dataset = choose_dataset("folder", path=tmp_path / "all", holdout="0.2")
    training, held_out, lines = load(dataset)
    assert lines == [f"held out {len(held_out)} of the 60 samples, which are not trained on"]
    assert make_key(dataset) == make_key(choose_dataset("folder", path=tmp_path / "all"))
    monkeypatch.setattr(holdout, "hash_each", None)  # not called again
    assert load(dataset)[1].index.tolist() == held_out.index.tolist()  # type: ignore[union-attr]
    assert training.store is not None
    (path,) = training.store.directory.glob("digests-*.npy")
    path.write_bytes(b"half")
    monkeypatch.undo()
    assert np.array_equal(find_digests(training), hash_each(training.data)[training.index])


def test_digests_that_were_computed_of_a_replaced_store_are_not_those_of_the_new_one(tmp_path: Path) -> None:
    write_folder(tmp_path / "all", range(60))
    old = load(choose_dataset("folder", path=tmp_path / "all", holdout="0.2"))[0]
    (tmp_path / "all" / "a" / "0.png").write_bytes((tmp_path / "all" / "b" / "1.png").read_bytes())
    new = load(choose_dataset("folder", path=tmp_path / "all", holdout="0.2"))[0]
    assert old.store is not None
    for path in old.store.directory.glob("digests-*.npy"):
        path.unlink()
    find_digests(old)  # a slow process, whose store was replaced
    assert np.array_equal(find_digests(new), hash_each(new.data)[new.index])


def test_crops_of_one_image_are_not_on_both_sides(tmp_path: Path) -> None:
    write_folder(tmp_path / "all", range(20))
    crops = {"path": tmp_path / "all", "crop": "random", "crops": 2}
    with pytest.raises(UsageError, match="random crops of one image would be on both sides"):
        load(choose_dataset("folder", **crops, holdout="0.2"))
    write_folder(tmp_path / "held", range(30, 40))
    assert len(load(choose_dataset("folder", **crops, holdout=str(tmp_path / "held")))[1]) == 20


def test_another_folder_is_held_out_and_copies_of_its_samples_are_not_trained_on(tmp_path: Path) -> None:
    write_folder(tmp_path / "all", range(20))
    write_folder(tmp_path / "held", range(14, 30))
    training, held_out, lines = load(choose_dataset("folder", path=tmp_path / "all", holdout=str(tmp_path / "held")))
    assert (len(training), len(held_out)) == (14, 16)
    assert not set(list_samples(training)) & set(list_samples(held_out))
    assert lines == ["held-out samples: 16; copies of them, which are not trained on either: 6"]
    write_folder(tmp_path / "others", range(4), ("a", "c"))
    with pytest.raises(UsageError, match=r"its class_names is \('a', 'c'\), the dataset's is \('a', 'b'\)"):
        load(choose_dataset("folder", path=tmp_path / "all", holdout=str(tmp_path / "others")))
    write_folder(tmp_path / "flat", range(4), (".",))
    unlabelled, held_out, _ = load(choose_dataset("folder", path=tmp_path / "flat", holdout=str(tmp_path / "held")))
    assert (len(unlabelled), len(held_out), held_out.labels) == (4, 16, None)
    with pytest.raises(UsageError, match="none is left to train on"):
        remove_copies(held_out, held_out)


def test_another_split_is_held_out(tmp_path: Path) -> None:
    from ganzoo_datasets.mnist import examples

    opened = {key: value for key, value in examples(tmp_path).items() if key != "split"}
    dataset = choose_dataset("mnist", **opened, split="train", holdout="test")
    held_out = choose_holdout(dataset)
    assert isinstance(held_out, Choice)
    assert held_out.options == replace(dataset.options, split="test", holdout=0.0)


def test_an_endless_dataset_may_have_a_split_that_is_held_out() -> None:
    training, held_out = load_parts(choose_dataset("text", holdout="held-out"), CPU, pytest.fail)
    assert isinstance(held_out, EndlessSource)
    draws = [each.sample(torch.Generator().manual_seed(0), 8)[0] for each in (training, held_out)]  # type: ignore[union-attr]
    assert not torch.equal(*draws)


def test_nothing_is_held_out_by_default() -> None:
    digits = choose_dataset("digits")
    training, held_out = load_parts(digits, CPU, pytest.fail)
    assert (len(training), training.index, held_out) == (1797, None, None)  # type: ignore[arg-type, union-attr]
    assert digits.to_json()["options"]["holdout"] == 0.0


def test_a_path_is_stored_as_an_absolute_one_and_a_split_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert choose_dataset("folder", path="all", holdout="test").options.holdout == str(tmp_path / "test")
    assert choose_dataset("mnist", holdout="test").options.holdout == "test"
    assert choose_dataset("mnist", holdout="./test").options.holdout == str(tmp_path / "test")


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("digits", 1.5, UsageError, "dataset.holdout=1.5: expected a share from 0 to 0.9, a path or a split"),
        ("digits", -0.1, UsageError, "dataset.holdout=-0.1: expected a share"),
        ("digits", "test", UsageError, "'digits' has neither a path nor such a split: give a share such as 0.05"),
        ("points", 0.1, UsageError, "draws new samples without end, so that nothing needs to be held out"),
        ("folder", "nowhere", NotFound, "nowhere' does not exist: give a share such as 0.05, or another path$"),
        ("mnist", "tset", NotFound, "does not exist: .* or a split .one of train, test, all"),
        ("mnist", "train", UsageError, "dataset.holdout=train is what is trained on"),
    ],
)
def test_a_wrong_holdout_is_refused(name: str, value: object, error: type[GanzooError], words: str) -> None:
    with pytest.raises(error, match=words):
        choose_holdout(choose_dataset(name, holdout=value))


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()
