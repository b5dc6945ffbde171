"""Labels are required where a network was built for them, appended unchanged, and never read back from the device."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from ganzoo.layers import label_size, one_hot, require_labels, with_labels
from ganzoo.plugin import DataInfo


def test_labels_are_required_where_a_network_was_built_for_them_and_refused_elsewhere() -> None:
    labels = torch.zeros(2, dtype=torch.int64)
    require_labels(labels, True)
    require_labels(None, False)
    with pytest.raises(ValueError, match="built for labels: pass labels"):
        require_labels(None, True)
    with pytest.raises(ValueError, match="built without labels: pass labels=None"):
        require_labels(labels, False)


@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_one_hot_is_torchs_and_can_be_recorded(shape: tuple[int, ...]) -> None:
    labels = torch.randint(4, shape)
    assert torch.equal(one_hot(labels, 4), F.one_hot(labels, 4).float())
    assert one_hot(labels, 4, torch.float64).dtype == torch.float64
    other = torch.randint(4, shape)
    assert torch.equal(make_fx(lambda given: one_hot(given, 4))(labels)(other), one_hot(other, 4))
    with pytest.raises(RuntimeError):
        one_hot(labels, int(labels.max()))


def test_a_label_is_appended_to_its_row() -> None:
    x, labels = torch.randn(3, 2, dtype=torch.float64), torch.tensor([1, 0, 2])
    found = with_labels(x, labels, num_classes=3)
    assert found.dtype == torch.float64
    assert torch.equal(found, torch.cat([x, torch.eye(3, dtype=torch.float64)[labels]], 1))
    values = torch.randn(3, 2, 2)
    found = with_labels(x.float(), values, label_shape=(2, 2))
    assert torch.equal(found, torch.cat([x.float(), values.view(3, 4)], 1))
    assert with_labels(x, None) is x
    with pytest.raises(ValueError, match="pass labels"):
        with_labels(x, None, num_classes=3)


def test_the_size_of_a_label_is_the_number_of_values_that_are_appended() -> None:
    assert label_size(DataInfo(shape=(2,), modality="points")) == 0
    assert label_size(DataInfo(shape=(2,), modality="points", num_classes=5)) == 5
    assert label_size(DataInfo(shape=(2,), modality="points", label_shape=(2, 2))) == 4
