"""A small convolutional network with random weights, which needs no training and no download."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo
from ganzoo_extractors.images import make_rgb, shrink
from ganzoo_extractors.options import RandomOptions

WIDTH = 64  # channels of a convolution
STRIDES = (1, 2, 2, 2)  # of the convolutions; the first sees every pixel, without which blur and noise pass unseen
TINY = 1e-12  # least variance, so that the root of a flat channel has a gradient


class RandomNetwork(nn.Module):
    """Mean and standard deviation of each channel after each of four convolutions and ReLUs, 512 features in all.

    The weights are drawn as He, Zhang, Ren & Sun 2015 (arXiv:1502.01852, eq. 10) initialise a network, from a generator
    of their own, so that they are the same in every version and on every device. Biases are 0.

    Args:
        options: The size of the images, and the seed of the weights.
        data: The images. Those of one channel are seen as three equal ones.
    """

    def __init__(self, options: RandomOptions, data: DataInfo) -> None:
        super().__init__()
        self.size, self.data = options.size, data
        generator = torch.Generator().manual_seed(options.seed)
        channels = 3 if data.shape[0] == 1 else data.shape[0]
        self.convs = nn.ModuleList()
        for stride in STRIDES:
            conv = nn.Conv2d(channels, WIDTH, 3, stride=stride, padding=1, bias=False)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu", generator=generator)
            self.convs.append(conv)
            channels = WIDTH
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, 512]`` of images ``[N, C, H, W]``."""
        x, found = shrink(make_rgb(samples, self.data), self.size).contiguous(memory_format=torch.channels_last), []
        for conv in self.convs:
            x = conv(x).relu()
            mean = x.mean((2, 3), keepdim=True)
            found += [mean.flatten(1), (x - mean).square().mean((2, 3)).clamp(min=TINY).sqrt()]
        return {"features": torch.cat(found, 1)}
