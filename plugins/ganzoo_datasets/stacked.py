"""`stacked`: three random images of a labelled set as the channels of one (StackedMNIST's protocol)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.nested import open_samples
from ganzoo.plugin import DataInfo, UsageError
from ganzoo_datasets.specs.made import StackedOptions


class Stacked:
    """An endless source of images ``[n, 3, H, W]`` whose channels are independent images of another dataset.

    Metz et al. 2016 (arXiv:1611.02163), section 3.3.1: of ten classes, there are 1,000 equally likely modes if the
    classes are equally frequent. The class of an image is (a K + b) K + c for the classes a, b, c of its channels.

    Args:
        options: The stacked dataset and its options.

    Raises:
        UsageError: The stacked dataset has no classes, or its images are not grey.
        GanzooError: The stacked dataset cannot be opened.
    """

    def __init__(self, options: StackedOptions) -> None:
        self._images, labels, info = open_samples(options.of, options.settings)
        if labels is None or not info.num_classes or info.modality != "image" or info.shape[0] != 1:
            raise UsageError(
                f"dataset.of={options.of}: stacked needs grey images with classes: name another dataset, such as mnist "
                "or fashion-mnist, or add channels=1 to dataset.settings"
            )
        self._labels, self._classes = labels, info.num_classes
        self.info = DataInfo(
            shape=(3, *info.shape[1:]), dtype=info.dtype, num_classes=self._classes**3, meta={"stacked": options.of}
        )

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
        """Return images ``[n, 3, H, W]`` and classes ``[n]``. All random numbers come from `generator`."""
        index = torch.randint(len(self._images), (n, 3), generator=generator)
        images = self._images.index_select(0, index.flatten()).reshape(n, 3, *self._images.shape[2:])
        first, second, third = self._labels[index].unbind(1)
        return images, (first * self._classes + second) * self._classes + third


def examples(folder: Path) -> dict[str, Any]:
    """Return the options that stack the included digits, which need no files."""
    return {"of": "digits"}
