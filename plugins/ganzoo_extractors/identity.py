"""Samples as their own features."""

from __future__ import annotations

from torch import Tensor

from ganzoo.plugin import DataInfo, NoOptions


class Identity:
    """The numbers of each sample as its features. They are not scaled: a wide column outweighs the others."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def __call__(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, D]`` of points or rows ``[N, D]``."""
        return {"features": samples.float().flatten(1)}
