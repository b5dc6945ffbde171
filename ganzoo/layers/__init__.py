"""Layers and functions that several architectures share: for the heavy modules of any plugin.

All of them compute in any floating dtype, under autocast, on any device (meta included) and in any memory layout. All
of them can be recorded and differentiated twice.
"""

from ganzoo.layers.answers import input_gradients, logits, sum_of_logits
from ganzoo.layers.architectures import build_networks
from ganzoo.layers.attention import SelfAttention2d
from ganzoo.layers.conditional import ConditionalBatchNorm2d, ConditionalInstanceNorm2d
from ganzoo.layers.deviation import minibatch_deviation
from ganzoo.layers.embedding import measure_embedding, require_embedding
from ganzoo.layers.equalised import EqualisedConv2d, EqualisedLinear
from ganzoo.layers.frozen import Frozen, extractor, perceptual_distance
from ganzoo.layers.heads import MultiScale, join_answers
from ganzoo.layers.initial import draw_weights
from ganzoo.layers.labels import label_size, one_hot, require_labels, with_labels
from ganzoo.layers.packing import pack_samples
from ganzoo.layers.patches import PatchGAN, draw_normal_weights, has_bias, make_norm
from ganzoo.layers.pixel import pixel_norm
from ganzoo.layers.products import ProductConv2d, ProductConvTranspose2d
from ganzoo.layers.projection import ProjectionHead
from ganzoo.layers.quantisation import Bottleneck, VectorQuantiser, find_nearest
from ganzoo.layers.resampling import decimate, downsample, interpolate, low_pass, upsample
from ganzoo.layers.scaling import convolve_and_pool, double_and_convolve
from ganzoo.layers.spectra import MelSpectrogram, invert_spectra, measure_magnitudes, measure_spectra
from ganzoo.layers.spectral import SpectralNorm, spectral_norm, spectral_norm_all

__all__ = [
    "Bottleneck",
    "ConditionalBatchNorm2d",
    "ConditionalInstanceNorm2d",
    "EqualisedConv2d",
    "EqualisedLinear",
    "Frozen",
    "MelSpectrogram",
    "MultiScale",
    "PatchGAN",
    "ProductConv2d",
    "ProductConvTranspose2d",
    "ProjectionHead",
    "SelfAttention2d",
    "SpectralNorm",
    "VectorQuantiser",
    "build_networks",
    "convolve_and_pool",
    "decimate",
    "double_and_convolve",
    "downsample",
    "draw_normal_weights",
    "draw_weights",
    "extractor",
    "find_nearest",
    "has_bias",
    "input_gradients",
    "interpolate",
    "invert_spectra",
    "join_answers",
    "label_size",
    "logits",
    "low_pass",
    "make_norm",
    "measure_embedding",
    "measure_magnitudes",
    "measure_spectra",
    "minibatch_deviation",
    "one_hot",
    "pack_samples",
    "perceptual_distance",
    "pixel_norm",
    "require_embedding",
    "require_labels",
    "spectral_norm",
    "spectral_norm_all",
    "sum_of_logits",
    "upsample",
    "with_labels",
]
