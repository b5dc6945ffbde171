"""The discriminators of Real-ESRGAN and of ESRGAN. They see large images alone; labels are not read."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.layers import spectral_norm
from ganzoo.plugin import UsageError

SLOPE = 0.2  # of rectifiers below zero
SMALLEST = 8  # pixels of a side, from which a network halves maps at least once
LAST = 8  # maps of D are halved until a side is below this number of pixels
HIDDEN = 100  # numbers before the logit of `VGG`


class UNet(nn.Module):
    """Images ``[N, C, H, W]`` in [-1, 1] to a logit for each pixel ``[N, 1, H, W]`` (Wang et al. 2021, section 3.3).

    Three convolutions halve the size and double the channels. Three others go back, each on maps that are enlarged
    linearly, and add the maps of their size. All convolutions but the first and the last have spectral norm and no
    bias.

    Args:
        shape: The shape of the images.
        width: The number of channels at full resolution, 64 in the paper.
    """

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        _check_size(shape)
        widths = [width << level for level in range(4)]
        self.first = nn.Conv2d(shape[0], width, 3, padding=1)
        self.down = nn.ModuleList(spectral_norm(nn.Conv2d(wide // 2, wide, 4, 2, 1, bias=False)) for wide in widths[1:])
        self.up = nn.ModuleList(
            spectral_norm(nn.Conv2d(2 * wide, wide, 3, padding=1, bias=False)) for wide in reversed(widths[:-1])
        )
        self.hidden = nn.ModuleList(spectral_norm(nn.Conv2d(width, width, 3, padding=1, bias=False)) for _ in range(2))
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of images `x`."""
        maps = [F.leaky_relu(self.first((x + 1) / 2), SLOPE)]
        for conv in self.down:
            maps.append(F.leaky_relu(conv(maps[-1]), SLOPE))
        y = maps.pop()
        for conv in self.up:
            beside = maps.pop()
            y = F.interpolate(y, size=beside.shape[2:], mode="bilinear", align_corners=False)
            y = F.leaky_relu(conv(y), SLOPE) + beside
        for conv in self.hidden:
            y = F.leaky_relu(conv(y), SLOPE)
        logits: Tensor = self.last(y)
        return logits


class VGG(nn.Module):
    """Images ``[N, C, H, W]`` in [-1, 1] to logits ``[N, 1]``: the discriminator of ESRGAN, after Ledig et al. 2017.

    Pairs of convolutions, the second of which halves the size, until it is below 8 pixels; the channels double up to 8
    times the width. Batch normalisation follows all convolutions but the first. Two linear layers make the logit.

    Args:
        shape: The shape of the images. In the papers, they have 128x128 pixels.
        width: The number of channels at full resolution, 64 in the papers.
    """

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        _check_size(shape)
        channels, height, wide = shape
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(SLOPE)]
        inputs, level = width, 0
        while min(height, wide) >= LAST:
            outputs = width << min(level, 3)
            if level:
                layers += _make_layer(inputs, outputs, 3, 1)
            layers += _make_layer(outputs, outputs, 4, 2)
            inputs, level, height, wide = outputs, level + 1, height // 2, wide // 2
        self.maps = nn.Sequential(*layers)
        self.hidden = nn.Linear(inputs * height * wide, HIDDEN)
        self.last = nn.Linear(HIDDEN, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of images `x`."""
        y = self.maps((x + 1) / 2)
        logits: Tensor = self.last(F.leaky_relu(self.hidden(torch.flatten(y, 1)), SLOPE))
        return logits


def _make_layer(inputs: int, outputs: int, size: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, size, stride, 1, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE)]


def _check_size(shape: tuple[int, ...]) -> None:
    """Raise UsageError if images are too small for a discriminator."""
    if min(shape[1:]) < SMALLEST:
        raise UsageError(f"images of {shape[1]}x{shape[2]} are too small for D: use {SMALLEST} pixels or more")
