"""SqueezeNet 1.1, trained on ImageNet; its weights come with the package ``ndf``."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.plugin import DataInfo
from ganzoo_extractors.images import make_rgb, require_rgb, resize
from ganzoo_extractors.options import SqueezeNetOptions
from ganzoo_extractors.packages import read_arrays, read_package_file

PACKAGE = ("ndf", "0.1.4", "ndf/example_models/weights/squeezenet_weights.pkl")
SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
MEAN = (104.0, 117.0, 123.0)  # of blue, green and red, which Caffe's networks see in this order, from 0 to 255
SQUEEZE = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}  # channels of each fire module's first convolution
POOLED = (2, 4, 6)  # fire modules whose input is pooled


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360, and its later version 1.1): 512 features.

    The features are the means of the last maps before the classifier, the probabilities of ImageNet's 1,000 classes.

    Args:
        options: The size that images are resized to.
        data: The images, of one or three channels.

    Raises:
        UsageError: The images have neither one channel nor three.
        GanzooError: The weights are not installed, or are not those of the known file.
    """

    mean: Tensor

    def __init__(self, options: SqueezeNetOptions, data: DataInfo) -> None:
        super().__init__()
        require_rgb(data, "squeezenet")
        self.size, self.data = options.size, data
        self.convs, channels = nn.ModuleDict({"conv1": nn.Conv2d(3, 64, 3, stride=2)}), 64
        for number, width in SQUEEZE.items():
            self.convs[f"fire{number}/squeeze1x1"] = nn.Conv2d(channels, width, 1)
            self.convs[f"fire{number}/expand1x1"] = nn.Conv2d(width, 4 * width, 1)
            self.convs[f"fire{number}/expand3x3"] = nn.Conv2d(width, 4 * width, 3, padding=1)
            channels = 8 * width
        self.convs["conv10"] = nn.Conv2d(channels, 1000, 1)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        for name, (weight, bias) in read_arrays(read_package_file(*PACKAGE, SHA256)).items():
            self.convs[name].weight.data = torch.from_numpy(weight.transpose(3, 2, 0, 1).copy())  # [h, w, in, out]
            self.convs[name].bias.data = torch.from_numpy(bias.copy())

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, 512]`` and probabilities ``[N, 1000]`` of images ``[N, C, H, W]`` in [-1, 1]."""
        last = self.maps(samples)[-1]
        logits = self.convs["conv10"](last).relu().mean((2, 3))
        return {"features": last.mean((2, 3)), "probabilities": logits.softmax(1)}

    def maps(self, samples: Tensor) -> list[Tensor]:
        """Return the maps ``[N, C, h, w]`` before each pooling and the last ones, the finest first."""
        images = resize(make_rgb(samples, self.data), self.size, self.size)
        x = self.convs["conv1"](127.5 * (images.flip(1) + 1) - self.mean).relu()
        found = []
        for number in SQUEEZE:
            if number in POOLED:
                found.append(x)
                x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
            squeezed = self.convs[f"fire{number}/squeeze1x1"](x).relu()
            x = torch.cat([self.convs[f"fire{number}/expand{k}x{k}"](squeezed) for k in (1, 3)], 1).relu()
        return [*found, x]
