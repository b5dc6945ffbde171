"""What several architectures share, for the heavy modules of any plugin: layers, labels, and what a D answers.

All of it computes in any floating dtype, under autocast, on any device (meta included) and in any memory layout, can be
recorded, and can be differentiated twice.
"""

from ganzoo.layers.answers import input_gradients, logits, sum_of_logits
from ganzoo.layers.labels import label_size, one_hot, require_labels, with_labels
from ganzoo.layers.spectral import SpectralNorm, spectral_norm, spectral_norm_all

__all__ = [
    "SpectralNorm",
    "input_gradients",
    "label_size",
    "logits",
    "one_hot",
    "require_labels",
    "spectral_norm",
    "spectral_norm_all",
    "sum_of_logits",
    "with_labels",
]
