"""R3GAN with layers that preserve magnitudes (Karras et al. 2024, arXiv:2312.02696, sections 2.3 and 2.4, appendix B).

The networks are those of R3GAN (`ganzoo_r3gan.networks`), with the changes that made EDM2 of a diffusion model: weights
that are normalised, sums that keep the variance, a constant channel in place of biases, and a learnt gain at the end.
If the features of a layer have mean square 1 and are not correlated, its outputs have mean square 1. The regularizer
`unit-weights` also keeps the stored weights at that size, so that the steps of Adam do not shrink in relation to them.
As in R3GAN, features are never normalised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import downsample, one_hot, require_labels, upsample
from ganzoo.plugin import DataInfo, Networks, NoOptions, UsageError
from ganzoo_r3gan import R3GANMPOptions
from ganzoo_r3gan.networks import SLOPE, list_widths

GAIN = math.sqrt(2 / (1 + SLOPE**2))  # after a leaky ReLU of N(0, 1), whose mean square is half of 1 + slope^2
EPSILON = 1e-4  # added to the root mean square of a weight


def build(options: R3GANMPOptions, data: DataInfo) -> Networks:
    """Return the networks for images of `data`, with labels if it has classes.

    Raises:
        UsageError: As for `r3gan`.
    """
    widths = list_widths(options, check_shape("r3gan-mp", data))
    return Networks(
        generator=Generator(data.shape[0], widths, options, data.num_classes),
        discriminator=Discriminator(data.shape[0], widths, options, data.num_classes),
        latent_dim=options.z_dim,
        latent="normal",
    )
