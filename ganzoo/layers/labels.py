"""Labels: how a conditional network checks them, and how they are appended to other numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo


def require_labels(labels: Tensor | None, labelled: bool) -> None:
    """Check that a network got labels if it was built for them, and None if it was not.

    Args:
        labels: The labels that were passed to the network's forward.
        labelled: Whether the network was built for labels (`DataInfo.labelled`).

    Raises:
        ValueError: Labels are missing, or were passed to a network without labels.
    """
    if labelled and labels is None:
        raise ValueError("this network was built for labels: pass labels")
    if not labelled and labels is not None:
        raise ValueError("this network was built without labels: pass labels=None")


def one_hot(labels: Tensor, num_classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return ``[..., num_classes]`` of zeros with a one at each label of ``int64 [...]``.

    An update that uses `torch.nn.functional.one_hot` cannot be recorded: it reads the labels back from the device to
    check them.
    """
    zeros = torch.zeros(*labels.shape, num_classes, dtype=dtype, device=labels.device)
    return zeros.scatter(-1, labels[..., None], 1.0)


def label_size(data: DataInfo) -> int:
    """Return the number of values that `with_labels` appends for a label of `data`; 0 where data have no labels."""
    return math.prod(data.label_shape) if data.label_shape else data.num_classes


def with_labels(x: Tensor, labels: Tensor | None, num_classes: int = 0, label_shape: tuple[int, ...] = ()) -> Tensor:
    """Return ``[N, D + label_size]``: rows ``x [N, D]``, each with its label appended.

    Mirza & Osindero 2014 (arXiv:1411.1784) condition both networks in this way.

    Args:
        x: The rows that labels are appended to, ``[N, D]``.
        labels: Classes ``int64 [N]``, which are appended as one-hot codes; or float ``[N, *label_shape]``, which are
            flattened and appended.
        num_classes: Number of classes, from the network's `DataInfo`.
        label_shape: Shape of a label that is an array, from the network's `DataInfo`. Where there are neither classes
            nor a shape, `x` is returned unchanged.

    Raises:
        ValueError: Labels are missing, or were passed where there are neither classes nor a shape.
    """
    require_labels(labels, bool(num_classes or label_shape))
    if labels is None:
        return x
    values = labels.flatten(1) if label_shape else one_hot(labels, num_classes)  # [N, label_size]
    return torch.cat([x, values.to(x.dtype)], dim=1)
