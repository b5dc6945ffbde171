from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource, EndlessSource, describe_skipped_items, label_batch, scale, scale_batch
from ganzoo.errors import GanzooError
from ganzoo.plugin import DataInfo, Item

IMAGES = np.arange(5 * 3 * 2 * 2, dtype=np.uint8).reshape(5, 3, 2, 2)


def open_dataset(dataset: object, cache: Path | None = None) -> Any:
    return open_source(dataset, name="mine", key="key", notify=lambda line: None, cache=cache)


def make_array_dataset(data: object, labels: object = None, **info: Any) -> SimpleNamespace:
    return SimpleNamespace(info=DataInfo(**{"shape": (3, 2, 2), **info}), data=data, labels=labels)


def test_uint8_images_share_their_memory() -> None:
    source = open_dataset(make_array_dataset(IMAGES, [0, 1, 2, 1, 0], num_classes=3, meta={"a": 1}))
    assert isinstance(source, ArraySource)
    assert source.info == DataInfo(shape=(3, 2, 2), num_classes=3, num_items=5, meta={"a": 1})
    assert source.data.data_ptr() == IMAGES.ctypes.data
    assert source.data.dtype == torch.uint8
    assert source.labels is not None
    assert source.labels.dtype == torch.int64
    assert source.labels.tolist() == [0, 1, 2, 1, 0]


@pytest.mark.parametrize("dtype", ["u1", "?", ">i2", "u2", "i4"])
def test_class_labels_of_any_whole_type(dtype: str) -> None:
    source = open_dataset(make_array_dataset(IMAGES, np.array([0, 1, 1, 0, 1], dtype), num_classes=2))
    assert source.labels.dtype == torch.int64
    assert source.labels.tolist() == [0, 1, 1, 0, 1]


def test_read_only_memory_map_gives_no_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    source = open_dataset(make_array_dataset(np.load(tmp_path / "a.npy", mmap_mode="r")))
    np.testing.assert_array_equal(source.data.numpy(), IMAGES)


@pytest.mark.parametrize(
    "data",
    [
        np.linspace(-1, 1, 60).reshape(5, 3, 2, 2),
        np.linspace(-1, 1, 60).reshape(5, 3, 2, 2).astype(">f4"),
        np.linspace(-1, 1, 60).reshape(5, 3, 2, 2).astype(np.float16),
        torch.linspace(-1, 1, 60, dtype=torch.float64).reshape(5, 3, 2, 2).requires_grad_(),
        np.linspace(-1, 1, 60).reshape(5, 3, 2, 2).tolist(),
    ],
    ids=["float64", "big-endian", "float16", "tensor", "list"],
)
def test_floats_become_float32(data: object) -> None:
    source = open_dataset(make_array_dataset(data))
    assert source.data.dtype == torch.float32
    assert not source.data.requires_grad
    torch.testing.assert_close(source.data.flatten(), torch.linspace(-1, 1, 60), atol=1e-3, rtol=0)


def test_int16_is_accepted_where_the_info_says_so() -> None:
    words = np.array([[[-32768, 0, 16384]]], np.int16)
    source = open_dataset(make_array_dataset(words, shape=(1, 3), modality="audio", dtype="int16"))
    assert source.data.dtype == torch.int16
    assert scale(source.data).tolist() == [[[-1.0, 0.0, 0.5]]]
    with pytest.raises(GanzooError, match="has int16 data: it must be uint8 or float, or its info must say dtype="):
        open_dataset(make_array_dataset(words, shape=(1, 3), modality="audio"))


def test_label_images_of_bytes_stay_bytes_and_are_scaled_like_images() -> None:
    labels = np.array([[[[0, 255]]]] * 5, np.uint8)
    source = open_dataset(make_array_dataset(IMAGES, labels, label_shape=(1, 1, 2), label_dtype="uint8"))
    assert source.labels.dtype == torch.uint8
    data, made = scale_batch(source, (source.data, source.labels), torch.device("cpu"))
    assert (data.dtype, made.tolist()) == (torch.float32, [[[[-1.0, 1.0]]]] * 5)
    with pytest.raises(GanzooError, match="has int64 labels, but its info says label_dtype='uint8'"):
        open_dataset(make_array_dataset(IMAGES, labels.astype(np.int64), label_shape=(1, 1, 2), label_dtype="uint8"))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (lambda real, generator: real.mean((2, 3)), ""),
        (lambda real, generator: real, r"made labels float32 \[2, 3, 2, 2\] of 2 samples"),
        (lambda real, generator: real.mean((2, 3)).double(), r"must make float32 \[2, 3\]"),
        (lambda real, generator: None, "made labels None"),
    ],
)
def test_labels_that_a_dataset_makes_match_its_info(condition: Any, words: str) -> None:
    dataset = make_array_dataset(IMAGES, label_shape=(3,))
    dataset.condition = condition
    if words:
        with pytest.raises(GanzooError, match=words):
            open_dataset(dataset)
        return
    source = open_dataset(dataset)
    assert (source.labels, source.info.label_shape, source.info.num_items) == (None, (3,), 5)
    batch = scale_batch(source, (source.data, None), torch.device("cpu"))
    assert torch.equal(label_batch(source, batch, torch.Generator())[1], batch[0].mean((2, 3)))


def test_points_may_be_any_finite_number() -> None:
    source = open_dataset(make_array_dataset([[1e6, -5.0]], shape=(2,), modality="points"))
    assert source.data.tolist() == [[1e6, -5.0]]
    with pytest.raises(GanzooError, match="float data from nan to nan: it must be finite"):
        open_dataset(make_array_dataset([[1.0, float("nan")]], shape=(2,), modality="points"))


def test_float_labels() -> None:
    source = open_dataset(make_array_dataset(IMAGES, np.ones((5, 4)), label_shape=(4,)))
    assert source.labels.dtype == torch.float32
    assert source.labels.shape == (5, 4)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            make_array_dataset(IMAGES[:, :, :1]),
            r"data of shape \[5, 3, 1, 2\].*shape=\(3, 2, 2\): it must be \[N, 3, 2, 2\]",
        ),
        (make_array_dataset(IMAGES[0]), r"data of shape \[3, 2, 2\]"),
        (make_array_dataset(np.uint8(3)), r"data of shape \[\]"),
        (make_array_dataset(IMAGES[:0]), "is empty"),
        (make_array_dataset(IMAGES.astype(np.int32)), "int32 data: it must be uint8 or float"),
        (make_array_dataset(IMAGES.astype(str)), "array of <U"),
        (make_array_dataset(IMAGES.astype(np.float32)), r"from 0 to 59: it must be images within \[-1, 1\]"),
        (make_array_dataset(IMAGES / -59.0 * 1.5), r"from -1.5 to -?0: it must be images"),
        (make_array_dataset(np.full((5, 3, 2, 2), np.nan)), "from nan to nan"),
        (make_array_dataset(IMAGES, num_items=7), "holds 5 samples, but its info says num_items=7"),
        (make_array_dataset(IMAGES, num_classes=2), "no labels, but its info says num_classes=2"),
        (make_array_dataset(IMAGES, [0] * 5), "labels, but its info says num_classes=0"),
        (
            make_array_dataset(IMAGES, [0] * 4, num_classes=2),
            r"labels of shape \[4\]: 5 samples with num_classes=2 need \[5\]",
        ),
        (make_array_dataset(IMAGES, [0, 1, 2, 0, 0], num_classes=2), "labels from 0 to 2: num_classes=2 allows 0 to 1"),
        (make_array_dataset(IMAGES, [0, 1, -1, 0, 0], num_classes=2), "labels from -1 to 1"),
        (make_array_dataset(IMAGES, [0.0] * 5, num_classes=2), "float32 labels: classes must be whole numbers"),
        (
            make_array_dataset(IMAGES, np.ones((5, 3)), label_shape=(4,)),
            r"5 samples with label_shape=\(4,\) need \[5, 4\]",
        ),
        (SimpleNamespace(data=IMAGES), "has info None"),
        (SimpleNamespace(info=DataInfo(shape=(3, 2, 2))), "has none of them: it must have exactly one of"),
        (
            SimpleNamespace(info=DataInfo(shape=(1, 1, 1)), data=1, items=list),
            "has data and items: it must have exactly one",
        ),
    ],
)
def test_a_dataset_that_does_not_match_its_info_is_refused(dataset: object, message: str) -> None:
    with pytest.raises(GanzooError, match="^dataset 'mine' .*" + message):
        open_dataset(dataset)


# ----------------------------------------------------------------------------
# Endless sources.


def make_endless_dataset(sample: object, **info: Any) -> SimpleNamespace:
    return SimpleNamespace(info=DataInfo(shape=(2,), modality="points", **info), sample=sample)


def test_an_endless_source_draws_from_the_given_generator() -> None:
    source = open_dataset(
        make_endless_dataset(lambda generator, n: (torch.randn(n, 2, generator=generator), None), num_items=3)
    )
    assert isinstance(source, EndlessSource)
    assert source.info.num_items is None
    draws = [source.sample(torch.Generator().manual_seed(1), 7)[0] for _ in range(2)]
    assert torch.equal(*draws)
    assert draws[0].shape == (7, 2)


def test_endless_source_with_labels() -> None:
    labelled = make_endless_dataset(
        lambda generator, n: (torch.zeros(n, 2), torch.zeros(n, dtype=torch.int64)), num_classes=2
    )
    source = open_dataset(labelled)
    assert source.info.num_classes == 2
    assert source.sample(torch.Generator(), 5)[1].shape == (5,)


@pytest.mark.parametrize(
    ("sample", "info", "message"),
    [
        (lambda g, n: (torch.zeros(n, 2, dtype=torch.float64), None), {}, r"float64 \[2, 2\] .* tensors \[2, 2\]"),
        (lambda g, n: (np.zeros((n, 2)), None), {}, "drew ndarray"),
        (lambda g, n: (torch.zeros(5, 2), None), {}, r"drew float32 \[5, 2\] for 2 samples"),
        (lambda g, n: (torch.zeros(n, 3), None), {}, r"data of shape \[2, 3\]"),
        (lambda g, n: (torch.zeros(n, 2), None), {"num_classes": 2}, "no labels"),
        (lambda g, n: (torch.zeros(n, 2), torch.tensor([0, 5])), {"num_classes": 2}, "labels from 0 to 5"),
        (lambda g, n: (torch.zeros(n, 2), [0, 1]), {"num_classes": 2}, "must draw its labels as int64 tensors"),
    ],
)
def test_invalid_draws_of_an_endless_source_are_refused(sample: object, info: dict[str, Any], message: str) -> None:
    with pytest.raises(GanzooError, match="^dataset 'mine' .*" + message):
        open_dataset(make_endless_dataset(sample, **info))


# ----------------------------------------------------------------------------
# Items.


class Decoded:
    """Three items, of which the second is broken."""

    def __init__(self, labels: tuple[int | None, ...] = (0, 1, 1), strict: bool = False, **info: Any) -> None:
        self.info = DataInfo(**{"shape": (3, 2, 2), "num_classes": 2, "num_items": 3, **info})
        self.labels, self.strict = labels, strict

    def items(self) -> list[Item]:
        def broken() -> Any:
            raise ValueError("bad")

        loads = (lambda: IMAGES[0], broken, lambda: IMAGES[2])
        return [Item(name=str(i), load=load, label=self.labels[i]) for i, load in enumerate(loads)]


def test_items_are_packed_and_broken_ones_not_counted(tmp_path: Path) -> None:
    lines: list[str] = []
    for _ in range(2):
        source = open_source(Decoded(), name="mine", key="key", notify=lines.append, cache=tmp_path)
        assert isinstance(source, ArraySource)
        np.testing.assert_array_equal(source.data.numpy(), IMAGES[[0, 2]])
        assert source.info.num_items == 2
        assert source.labels is not None
        assert source.labels.tolist() == [0, 1]
        assert describe_skipped_items(source) == "skipped 1 of 3 files that could not be read: 1 (bad)"
        assert describe_skipped_items(source, "a.txt").endswith(": 1 (bad); a.txt lists them all")
    assert lines == []
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_an_info_that_does_not_suit_is_refused_before_the_first_item_is_decoded(tmp_path: Path) -> None:
    def refuse(info: DataInfo) -> None:
        raise GanzooError(f"{info.shape} does not suit")

    with pytest.raises(GanzooError, match=r"\(3, 2, 2\) does not suit"):
        open_source(Decoded(), name="mine", key="key", notify=print, cache=tmp_path, check=refuse)
    assert not list(tmp_path.iterdir())


def test_items_go_to_the_cache_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    open_dataset(Decoded())
    assert (tmp_path / "datasets" / "key" / "store.json").exists()


def test_unlabelled_items(tmp_path: Path) -> None:
    assert open_dataset(Decoded(labels=(None,) * 3, num_classes=0), tmp_path).labels is None


def test_strict_items(tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match=r"^dataset 'mine' cannot read 1 \(bad\)"):
        open_dataset(Decoded(strict=True), tmp_path)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Decoded(labels=(0, 1, 2)), "gives '2' the label 2: its info says num_classes=2.*a label from 0 to 1"),
        (Decoded(labels=(0, None, 1)), "gives '1' the label None"),
        (Decoded(num_classes=0), "gives '0' the label 0: its info says num_classes=0, so it must be no label"),
        (Decoded(label_shape=(2,)), "gives '0' no target: its info says label_shape=\\(2,\\)"),
    ],
)
def test_labels_of_items_are_checked_before_decoding(dataset: Decoded, message: str, tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match="^dataset 'mine' .*" + message):
        open_dataset(dataset, tmp_path)
    assert list(tmp_path.iterdir()) == []
