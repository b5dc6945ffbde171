"""Labels: what a conditional network asks of them, and how they stand beside other numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganzoo.plugin import DataInfo


def require_labels(labels: Tensor | None, labelled: bool) -> None:
    """Hold a network's caller to the contract: labels where it was built for them, None where it was not.

    Args:
        labels: As the network's forward was given them.
        labelled: Whether it was built for labels (`DataInfo.labelled`).

    Raises:
        ValueError: They are missing, or not wanted.
    """
    if labelled and labels is None:
        raise ValueError("this network was built for labels: pass labels")
    if not labelled and labels is not None:
        raise ValueError("this network was built without labels: pass labels=None")


def one_hot(labels: Tensor, num_classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return ``[..., num_classes]`` of zeros with a one at each label of ``int64 [...]``.

    `torch.nn.functional.one_hot` reads the labels to check them, so that an update with it cannot be recorded.
    """
    zeros = torch.zeros(*labels.shape, num_classes, dtype=dtype, device=labels.device)
    return zeros.scatter(-1, labels[..., None], 1.0)


def label_size(data: DataInfo) -> int:
    """Return how many numbers `with_labels` appends for a label of `data`; 0 where there are none."""
    return math.prod(data.label_shape) if data.label_shape else data.num_classes


def with_labels(x: Tensor, labels: Tensor | None, num_classes: int = 0, label_shape: tuple[int, ...] = ()) -> Tensor:
    """Return ``[N, D + label_size]``: rows ``x [N, D]``, each with its label behind it.

    Concatenation is how Mirza & Osindero 2014 (arXiv:1411.1784) condition both networks.

    Args:
        x: The rows.
        labels: ``int64 [N]``, appended as one-hot codes; or float ``[N, *label_shape]``, appended as they are.
        num_classes: Of the network's `DataInfo`.
        label_shape: Of it too. Without classes and shape, `x` is returned as it is.

    Raises:
        ValueError: Labels are missing, or not wanted.
    """
    require_labels(labels, bool(num_classes or label_shape))
    if labels is None:
        return x
    values = labels.flatten(1) if label_shape else one_hot(labels, num_classes)  # [N, label_size]
    return torch.cat([x, values.to(x.dtype)], dim=1)
