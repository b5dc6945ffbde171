"""`autoencoding`: the samples of another dataset, each of which is its own label."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.data.nested import open_samples
from ganzoo_autoencoders.options import AutoencodingOptions


class Autoencoding:
    """The samples of another dataset as samples and as labels; crops at random places, if those of the other are.

    Args:
        options: The other dataset and its options.

    Raises:
        UsageError: There is no such dataset or option, or it is an endless source.
        GanzooError: The dataset cannot be opened.
    """

    def __init__(self, options: AutoencodingOptions) -> None:
        self.data, _, info = open_samples(options.of, options.settings, margin=True)
        self.margin = self.data.shape[-1] - info.shape[-1]
        self.info = replace(info, num_classes=0, num_items=None, label_shape=info.shape, label_dtype=info.dtype)

    def condition(self, real: Tensor, generator: torch.Generator) -> Tensor:
        """Return the samples themselves; nothing is drawn."""
        return real
