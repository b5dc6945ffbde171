"""Metrics of pairs: how near each generated image is to the real one that belongs to its label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_metrics.options import FidelityOptions

RANGE = 2.0  # of images in [-1, 1]
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)
SPAN, SHIFT = 219 / 255, -4 / 255  # the luma of BT.601 is from 16 to 235, which are -223 / 255 and 215 / 255 here
LEAST = 1e-10  # of the squared range: an error that is smaller counts as this one, which is 100 dB
SIGMA, RADIUS = 1.5, 5  # of the window of SSIM, in pixels
K1, K2 = 0.01, 0.03


class PSNR:
    """The peak signal-to-noise ratio, 10 log10(range^2 / mean squared error) in decibels, averaged over images.

    The mean is over pixels and channels. Equal images count as 100 dB, so that the value is finite.
    """

    def __init__(self, options: FidelityOptions, data: DataInfo) -> None:
        _check(options, data, 1, "psnr")
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self.values: list[Tensor] = []

    def pair(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> None:
        """Add real images ``[n, C, H, W]`` and the generated ones that belong to them."""
        real, fake = (prepare(images, self.options) for images in (real, fake))
        error = (real - fake).square().mean((1, 2, 3)) / RANGE**2
        self.values.append(-10 * error.clamp(min=LEAST).log10())

    def compute(self) -> dict[str, float]:
        """Return the mean of the images' values, ``psnr``; raise ValueError without images."""
        return {"psnr": _average(self.values)}


class SSIM:
    """Structural similarity, averaged over places, channels and images; 1 for equal images.

    Wang, Bovik, Sheikh & Simoncelli 2004 (doi:10.1109/TIP.2003.819861), eq. 13, with the window of section III-B: a
    Gaussian of 11x11 pixels with a standard deviation of 1.5, at all places where it lies inside of the image.
    """

    def __init__(self, options: FidelityOptions, data: DataInfo) -> None:
        _check(options, data, 2 * RADIUS + 1, "ssim")
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self.values: list[Tensor] = []

    def pair(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> None:
        """Add real images ``[n, C, H, W]`` and the generated ones that belong to them."""
        real, fake = (prepare(images, self.options) for images in (real, fake))
        self.values.append(compute_similarity(real, fake).mean((1, 2, 3)))

    def compute(self) -> dict[str, float]:
        """Return the mean of the images' values, ``ssim``; raise ValueError without images."""
        return {"ssim": _average(self.values)}


def prepare(images: Tensor, options: FidelityOptions) -> Tensor:
    """Return images in float64, ``[n, C, h, w]`` or as luma ``[n, 1, h, w]``, without their border."""
    images, border = images.detach().double(), options.border
    images = images[:, :, border : images.shape[2] - border, border : images.shape[3] - border]
    if options.channels == "colour" or images.shape[1] == 1:
        return images
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device).view(3, 1, 1)
    return SPAN * (weights * images).sum(1, keepdim=True) + SHIFT


def compute_similarity(one: Tensor, other: Tensor) -> Tensor:
    """Return SSIM at each place, ``[n, C, h - 10, w - 10]``, of images ``[n, C, h, w]`` in [-1, 1]."""
    one, other = one + RANGE / 2, other + RANGE / 2  # black is 0 in the formula
    mean_1, mean_2 = _blur(one), _blur(other)
    variance_1, variance_2 = _blur(one * one) - mean_1**2, _blur(other * other) - mean_2**2
    covariance = _blur(one * other) - mean_1 * mean_2
    c1, c2 = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    luminance = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1)
    return luminance * (2 * covariance + c2) / (variance_1 + variance_2 + c2)


def _blur(images: Tensor) -> Tensor:
    """Blur images by the window, at the places where it lies inside."""
    places = torch.arange(-RADIUS, RADIUS + 1, dtype=images.dtype, device=images.device)
    taps = (-places.square() / (2 * SIGMA**2)).exp()
    taps = (taps / taps.sum()).expand(images.shape[1], 1, 1, -1)
    return F.conv2d(F.conv2d(images, taps, groups=len(taps)), taps.transpose(2, 3), groups=len(taps))


def _average(values: list[Tensor]) -> float:
    if not values:
        raise ValueError("it needs pairs of images")
    return float(torch.cat(values).mean())


def _check(options: FidelityOptions, data: DataInfo, smallest: int, name: str) -> None:
    """Raise UsageError if the images are too small, or have no luma."""
    if min(data.shape[1:]) - 2 * options.border < smallest:
        raise UsageError(
            f"metric {name!r} needs images of {smallest} pixels inside of metric.{name}.border={options.border}, and "
            f"these are {data.shape[1]}x{data.shape[2]}: choose larger images or a smaller border"
        )
    if options.channels == "luma" and data.shape[0] not in (1, 3):
        raise UsageError(f"metric.{name}.channels=luma is for 1 or 3 channels: images of {data.shape[0]} need colour")
