"""Classes that a user asks for: by number or name, one or several."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.errors import UsageError
from ganzoo.package.labels import choose_columns, choose_labels, name_classes, split_labels
from ganzoo.plugin import DataInfo

NAMED = DataInfo(shape=(1, 4, 4), num_classes=3, meta={"classes": ["cat", "dog", "1"]})
UNNAMED = DataInfo(shape=(1, 4, 4), num_classes=10)


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        (None, [0, 1, 2, 0]), (1, [1, 1, 1, 1]), ("dog", [1, 1, 1, 1]), ("0", [0, 0, 0, 0]), ("1", [2, 2, 2, 2]),
        (["cat", 1], [0, 1, 0, 1]), (("dog", "cat", "2"), [1, 0, 2, 1]), ([2, 1, 0], [2, 1, 0, 2]),
        (torch.tensor([2, 1], dtype=torch.uint8), [2, 1, 2, 1]), (np.array([2, 1]), [2, 1, 2, 1]),
        (np.array(["dog", "2"]), [1, 2, 1, 2]),
    ],
)  # fmt: skip
def test_classes_are_numbers_or_names_and_take_turns(labels, chosen):
    assert choose_labels(4, labels, NAMED).tolist() == chosen
    assert choose_labels(4, labels, NAMED).dtype == torch.int64


@pytest.mark.parametrize(
    ("data", "labels", "says"),
    [
        (NAMED, "cta", "this model has no class 'cta': did you mean 'cat'?"),
        (NAMED, "zebra", "this model has no class 'zebra': its classes are 0 to 2 or cat, dog, 1"),
        (NAMED, ["cat", 3], "this model has no class 3: its classes are 0 to 2 or cat, dog, 1"),
        (UNNAMED, "cat", "this model has no class 'cat': its classes are 0 to 9"),
        (UNNAMED, -1, "this model has no class -1: its classes are 0 to 9"),
        (UNNAMED, [0, 1, 2], "3 labels were given for 2 samples: ask for at least as many samples as labels"),
        (UNNAMED, 0.5, "give one for all samples, or a list whose classes take turns"),
        (UNNAMED, [], "give one for all samples, or a list whose classes take turns"),
        (UNNAMED, [[0, 1]], "give one for all samples, or a list whose classes take turns"),
        (DataInfo(shape=(1, 4, 4)), "cat", "this model was trained without labels: remove the label"),
        (DataInfo(shape=(1, 4, 4), label_shape=(2,)), "cat", r"labels of this model are arrays [2, 2]"),
        (DataInfo(shape=(1, 4, 4), label_shape=(2,)), ["cat", "dog"], "labels are str96: this model takes floats"),
    ],
)
def test_a_class_that_the_model_does_not_have_is_an_error(data, labels, says):
    with pytest.raises(UsageError) as error:
        choose_labels(2, labels, data)
    assert says in str(error.value)


def test_many_names_are_not_all_listed():
    data = DataInfo(shape=(1, 4, 4), num_classes=1000, meta={"classes": [f"kind{n}" for n in range(1000)]})
    with pytest.raises(UsageError, match=r"its classes are 0 to 999 or kind0, .*, kind9 and 990 more$"):
        choose_labels(1, "zebra", data)


def test_commas_separate_classes_unless_they_belong_to_a_name():
    data = DataInfo(shape=(1, 4, 4), num_classes=2, meta={"classes": ["cat, small", "dog"]})
    assert split_labels(["dog, 0", "cat, small", "1"], data) == ["dog", "0", "cat, small", "1"]


def test_classes_in_the_names_of_files_stay_in_their_folder():
    data = DataInfo(shape=(1, 4, 4), num_classes=4, meta={"classes": ["a cat", "../up", "..", "x" * 300]})
    assert name_classes(torch.arange(4), data) == ["a_cat", "up", "2", "x" * 50]
    assert name_classes(torch.tensor([7]), UNNAMED) == ["7"]


@pytest.mark.parametrize("classes", [["cat"], "cat", [0, 1, 2], None])
def test_names_that_do_not_fit_the_classes_are_ignored(classes):
    assert DataInfo(shape=(1, 4, 4), num_classes=3, meta={"classes": classes}).class_names == ()


def test_a_column_of_a_grid_shows_one_class():
    assert choose_columns(64, None, UNNAMED) == 10
    assert choose_columns(64, ["1", 2], UNNAMED) == 8
    assert choose_columns(64, [0, 1, 2], UNNAMED) == 6
    assert choose_columns(4, None, UNNAMED) == 4
    assert choose_columns(64, 3, UNNAMED) is choose_columns(64, None, DataInfo(shape=(1, 4, 4))) is None
