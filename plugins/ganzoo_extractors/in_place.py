"""A small classifier that learns the data's own classes, so that its features see what tells them apart."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, GanzooError, UsageError
from ganzoo_extractors.images import make_rgb, shrink
from ganzoo_extractors.options import InPlaceOptions

WIDTHS = (32, 64, 128)  # channels of the convolutions; the last number is that of the features
SIZE = 32  # pixels of the longer side, above which images are shrunk
BATCH = 64
HELD_OUT, MOST = 0.2, 10_000  # the share of the samples on which the classifier is tested, and their largest number
EPOCHS, IMAGES = 40, 1_000_000  # the passes over the samples, if they are not more images than this
RATE = 2e-3  # Adam's, which falls to 0 as a cosine


class InPlace(nn.Module):
    """A classifier of three convolutions, whose 128 features are the means of its last maps.

    Args:
        options: The accuracy without which the features are refused.
        data: The images and their classes.

    Raises:
        UsageError: The data have no classes.
    """

    def __init__(self, options: InPlaceOptions, data: DataInfo) -> None:
        super().__init__()
        if data.num_classes < 2:
            raise UsageError(
                "extractor 'in-place' learns the classes of the data, which has none: choose extractor 'random'"
            )
        self.accuracy, self.data = options.accuracy, data
        channels, layers = 3 if data.shape[0] == 1 else data.shape[0], list[nn.Module]()
        for width in WIDTHS:
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.convs = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, data.num_classes)

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, 128]`` and the probabilities of the classes of images ``[N, C, H, W]``."""
        features = self.convs(shrink(make_rgb(samples, self.data), SIZE)).mean((2, 3))
        return {"features": features, "probabilities": self.classifier(features).softmax(1)}

    def prepare(self, real: Any) -> None:
        """Learn the classes of real samples from 80 % of them.

        Raises:
            GanzooError: The accuracy on the others, a mean over the classes, is too low.
        """
        order = torch.randperm(len(real))
        num = min(math.ceil(HELD_OUT * len(order)), MOST)
        self._learn(real, order[num:])
        found = self.eval().measure_accuracy(real, order[:num])
        if found < self.accuracy:
            words = f"{100 * found:.4g} % of held-out samples correctly, not {100 * self.accuracy:.4g} %"
            raise GanzooError(
                f"extractor 'in-place' classifies {words}, so its features cannot be believed: choose extractor "
                "'random' or 'squeezenet'"
            )

    def _learn(self, real: Any, index: Tensor) -> None:
        total = min(EPOCHS * len(index), IMAGES)
        num_updates = math.ceil(total / BATCH)
        optimizer = torch.optim.Adam(self.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_updates)
        epochs = math.ceil(total / len(index))
        orders = torch.cat([index[torch.randperm(len(index))] for _ in range(epochs)])
        for chosen in torch.split(orders[:total], BATCH):
            samples, labels = real[chosen]
            features = self.convs(shrink(make_rgb(samples, self.data), SIZE)).mean((2, 3))
            loss = F.cross_entropy(self.classifier(features), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()

    @torch.no_grad()
    def measure_accuracy(self, real: Any, index: Tensor) -> float:
        """Return the share of samples whose class the network knows, a mean over the classes that they have."""
        right, seen = torch.zeros(2, self.data.num_classes, dtype=torch.float64)
        for chosen in torch.split(index, BATCH):
            samples, labels = real[chosen]
            known = self(samples)["probabilities"].argmax(1) == labels
            seen += torch.bincount(labels, minlength=len(seen)).cpu()
            right += torch.bincount(labels[known], minlength=len(seen)).cpu()
        return float((right / seen)[seen > 0].mean())
