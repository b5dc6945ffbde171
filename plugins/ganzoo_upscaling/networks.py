"""The two generators, from a small image to a large one. Both are convolutions alone and take images of any size.

Their parameters have the names of the files that their authors published, and images go in and out of their layers in
[0, 1] as there. So a file is read without a table of names, and the state dict of a model is such a file.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import double_and_convolve, draw_weights
from ganzoo.plugin import DataInfo, Networks, UsageError
from ganzoo_upscaling import CompactOptions, DiscriminatorOptions, RRDBOptions
from ganzoo_upscaling.discriminators import VGG, UNet

SLOPE = 0.2  # of rectifiers below zero
RESIDUAL = 0.2  # the share of a block's output that is added to its input
SMALLER = 0.1  # factor of the first weights in dense blocks
ENLARGED = 4  # times that rrdb enlarges what its first layer gets


def build_rrdb(options: RRDBOptions, data: DataInfo) -> Networks:
    """Return the networks of `rrdb`.

    Raises:
        UsageError: The labels are not smaller images, or the samples are not 1, 2 or 4 times as large.
    """
    scale = read_scale(data, "rrdb")
    if scale not in (1, 2, 4):
        raise UsageError(f"rrdb enlarges images 1, 2 or 4 times, not {scale}: set dataset.scale=4, or --arch compact")
    return _make_networks(RRDBNet(data.shape[0], scale, options), options, data)


def build_compact(options: CompactOptions, data: DataInfo) -> Networks:
    """Return the networks of `compact`.

    Raises:
        UsageError: The labels are not smaller images, or the samples are not a multiple of their size.
    """
    return _make_networks(Compact(data.shape[0], read_scale(data, "compact"), options), options, data)


def read_scale(data: DataInfo, name: str) -> int:
    """Return how many times larger samples are than their labels.

    Raises:
        UsageError: The labels are not images of the same channels, or no whole number enlarges them to the samples.
    """
    if not data.labels_are_images or data.label_shape[0] != data.shape[0]:
        raise UsageError(
            f"arch {name!r} enlarges images, and labels are not images with the channels of the samples: use "
            "--dataset upscaling"
        )
    (_, height, width), (_, low, narrow) = data.shape, data.label_shape
    scale = height // low
    if not scale or (low * scale, narrow * scale) != (height, width):
        raise UsageError(
            f"arch {name!r} enlarges images by a whole number, and labels of {low}x{narrow} do not become samples of "
            f"{height}x{width} so: use --dataset upscaling"
        )
    return scale


def _make_networks(generator: nn.Module, options: DiscriminatorOptions, data: DataInfo) -> Networks:
    make = {"unet": UNet, "vgg": VGG}[options.d]
    return Networks(generator, make(data.shape, options.width_d), latent_dim=0)


class RRDBNet(nn.Module):
    """Small images ``[N, C, h, w]`` in [-1, 1] to ``[N, C, scale h, scale w]`` (Wang et al. 2018, section 3.1).

    For a scale of 1 or 2 the blocks see a fourth or a half of the size, with more channels (Wang et al. 2021, figure
    4). Images whose sides are not a multiple of that are continued by their last pixels, and cut afterwards.

    Args:
        channels: The number of channels of the images.
        scale: How many times images are enlarged: 1, 2 or 4.
        options: The options of `rrdb`.
    """

    def __init__(self, channels: int, scale: int, options: RRDBOptions) -> None:
        super().__init__()
        self.scale, self.fold, width = scale, ENLARGED // scale, options.width
        self.conv_first = nn.Conv2d(channels * self.fold**2, width, 3, padding=1)
        self.body = nn.Sequential(*(RRDB(width, options.growth) for _ in range(options.blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the large images of small ones, `labels`. `z` is ``[N, 0]`` and not read."""
        small = _require_images(labels)
        height, width = (self.scale * side for side in small.shape[2:])
        x = self.conv_first(F.pixel_unshuffle(pad_to_multiple((small + 1) / 2, self.fold), self.fold))
        x = x + self.conv_body(self.body(x))
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(double_and_convolve(x, conv), SLOPE)  # pixels are repeated first
        large: Tensor = self.conv_last(F.leaky_relu(self.conv_hr(x), SLOPE))
        return 2 * large[:, :, :height, :width] - 1


class RRDB(nn.Module):
    """A residual block of three dense blocks (figure 4): x + 0.2 d3(d2(d1(x))), ``[N, width, h, w]``."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(width, growth)
        self.rdb2 = DenseBlock(width, growth)
        self.rdb3 = DenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        y: Tensor = self.rdb3(self.rdb2(self.rdb1(x)))
        return x + RESIDUAL * y


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the input and all outputs before it; the last one is added to the input.

    The first weights are He's (arXiv:1502.01852) times 0.1 (Wang et al. 2018, section 3.1).
    """

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.conv4, self.conv5 = (
            nn.Conv2d(width + number * growth, growth if number < 4 else width, 3, padding=1) for number in range(5)
        )
        draw_weights(self, _draw_small_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps ``[N, width, h, w]`` of such maps."""
        seen = [x]
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen.append(F.leaky_relu(conv(torch.cat(seen, 1)), SLOPE))
        y: Tensor = self.conv5(torch.cat(seen, 1))
        return x + RESIDUAL * y


class Compact(nn.Module):
    """Small images ``[N, C, h, w]`` in [-1, 1] to ``[N, C, scale h, scale w]``: Real-ESRGAN's SRVGGNetCompact.

    Convolutions with learned rectifiers at the size of the small image; the last one makes all pixels of a square at
    once, which are added to the small image with its pixels repeated.

    Args:
        channels: The number of channels of the images.
        scale: How many times images are enlarged.
        options: The options of `compact`.
    """

    def __init__(self, channels: int, scale: int, options: CompactOptions) -> None:
        super().__init__()
        self.scale, width = scale, options.width
        self.body = nn.ModuleList([nn.Conv2d(channels, width, 3, padding=1), nn.PReLU(width)])
        for _ in range(options.convs):
            self.body += [nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)]
        self.body.append(nn.Conv2d(width, channels * scale**2, 3, padding=1))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the large images of small ones, `labels`. `z` is ``[N, 0]`` and not read."""
        small = _require_images(labels)
        x = (small + 1) / 2
        for layer in self.body:
            x = layer(x)
        repeated = F.interpolate(small, scale_factor=float(self.scale), mode="nearest")
        return 2 * F.pixel_shuffle(x, self.scale) + repeated


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Return images ``[N, C, h, w]`` that are continued at the bottom and on the right to multiples of a number."""
    down, right = (-side % multiple for side in images.shape[2:])
    return F.pad(images, (0, right, 0, down), mode="replicate") if down or right else images


@torch.no_grad()
def _draw_small_weights(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, SLOPE).mul_(SMALLER)


def _require_images(labels: Tensor | None) -> Tensor:
    if labels is None or labels.dim() != 4:
        raise ValueError("this generator enlarges images, which are its labels: give labels [N, C, h, w]")
    return labels
