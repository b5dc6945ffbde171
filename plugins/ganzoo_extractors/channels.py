"""A classifier of each channel of stacked images, which makes StackedMNIST's protocol a matter of counting."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.plugin import DataInfo, GanzooError, UsageError
from ganzoo_extractors.options import ChannelsOptions

WIDTHS, HIDDEN = (32, 64, 64), 128  # channels of the convolutions, and units of the layer after them
BATCH = 64
HELD_OUT = 0.2  # the share of the different images on which the classifier is tested
EPOCHS, IMAGES = 60, 120_000  # the passes over the other images, if they are not more images than this
RATE = 4e-3  # AdamW's highest, which rises from 0 and falls to 0 again
TURN, SCALE, SHIFT = 0.2, 0.1, 0.1  # the largest changes of the images that it learns from: radians, and shares


class Channels(nn.Module):
    """A classifier of one channel: K classes of each of three channels are the ``K**3`` classes of an image.

    It learns from the channels of real samples, each image once, turned, moved and scaled a little. It is tested on
    images that it has not learned from, and `tested` is the share of these that it knows. The features of a sample are
    those of its channels, one after another.

    Args:
        options: The accuracy without which the classes are refused.
        data: The stacked images: three channels and ``K**3`` classes, (a K + b) K + c for channels of classes a, b, c.

    Raises:
        UsageError: The data are not stacked images.
    """

    tested: Tensor

    def __init__(self, options: ChannelsOptions, data: DataInfo) -> None:
        super().__init__()
        self.accuracy, self.num_classes = options.accuracy, round(data.num_classes ** (1 / 3))
        if data.shape[0] != 3 or self.num_classes < 2 or self.num_classes**3 != data.num_classes:
            raise UsageError(
                "extractor 'stacked-channels' learns the classes of images that are stacked as red, green and "
                "blue: use --dataset stacked, or another extractor, such as in-place"
            )
        layers, channels, sides = list[nn.Module](), 1, data.shape[1:]
        for level, width in enumerate(WIDTHS):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
            if level < 2:
                layers.append(nn.MaxPool2d(2))
                sides = tuple(side // 2 for side in sides)
        flat = channels * math.prod(sides)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(flat, HIDDEN), nn.ReLU())
        self.classifier = nn.Linear(HIDDEN, self.num_classes)
        self.register_buffer("tested", torch.zeros(()))

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return features ``[N, 384]`` and probabilities ``[N, K**3]`` of images ``[N, 3, H, W]``."""
        features = self.layers(samples.clamp(-1, 1).flatten(0, 1)[:, None])  # [3 N, HIDDEN]
        one, two, three = self.classifier(features).softmax(1).unflatten(0, (-1, 3)).unbind(1)  # each [N, K]
        joint = torch.einsum("na,nb,nc->nabc", one, two, three).flatten(1)
        return {"features": features.unflatten(0, (-1, 3)).flatten(1), "probabilities": joint}

    def prepare(self, real: Any) -> None:
        """Learn the classes of the channels of real samples.

        Raises:
            GanzooError: The accuracy on held-out images is too low.
        """
        samples, joint = real[torch.arange(len(real))]
        images, labels = split_channels(samples, joint, self.num_classes)
        order = torch.randperm(len(images)).to(images.device)
        num = math.ceil(HELD_OUT * len(order))
        self._learn(images[order[num:]], labels[order[num:]])
        with torch.no_grad():
            self.eval()
            known = [self.classifier(self.layers(images[part])).argmax(1) for part in torch.split(order[:num], 512)]
        self.tested.fill_((torch.cat(known) == labels[order[:num]]).float().mean())
        if self.tested < self.accuracy:
            found = f"{100 * float(self.tested):.4g} % of held-out images correctly, not {100 * self.accuracy:.4g} %"
            raise GanzooError(
                f"extractor 'stacked-channels' classifies {found}, so its classes cannot be believed: stack other "
                "images, or lower extractor.stacked-channels.accuracy"
            )

    def _learn(self, images: Tensor, labels: Tensor) -> None:
        total = min(EPOCHS * len(images), IMAGES)
        optimizer = torch.optim.AdamW(self.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=math.ceil(total / BATCH))
        orders = [torch.randperm(len(images)) for _ in range(math.ceil(total / len(images)))]
        for chosen in torch.split(torch.cat(orders)[:total].to(images.device), BATCH):
            loss = F.cross_entropy(self.classifier(self.layers(warp(images[chosen]))), labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def split_channels(samples: Tensor, labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return the different channels ``[M, 1, H, W]`` of stacked images ``[N, 3, H, W]`` and their classes ``[M]``."""
    images = samples.flatten(0, 1)
    classes = torch.stack([labels // num_classes**2, labels // num_classes % num_classes, labels % num_classes], 1)
    places = {image.numpy().tobytes(): place for place, image in enumerate(images.cpu())}
    index = torch.tensor(sorted(places.values()), device=images.device)
    return images[index][:, None], classes.flatten()[index]


def warp(images: Tensor) -> Tensor:
    """Return images ``[N, 1, H, W]`` in [-1, 1], each turned, moved and scaled a little; black (-1) outside."""
    turn, scale, across, down = (2 * torch.rand(4, len(images), device=images.device) - 1).unbind(0)
    turn, scale = TURN * turn, 1 + SCALE * scale
    cos, sin = scale * turn.cos(), scale * turn.sin()
    rows = torch.stack([cos, -sin, 2 * SHIFT * across, sin, cos, 2 * SHIFT * down], 1).view(-1, 2, 3)
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    return F.grid_sample(images + 1, grid, align_corners=False) - 1
