"""Correct networks, in which planted architectures change one thing."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from ganzoo.plugin import DataInfo, Networks

Z_DIM, WIDTH = 4, 16


class Generator(nn.Module):
    """Turns z ``[N, 4]`` into samples ``[N, *shape]``."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.shape, self.classes = data.shape, data.num_classes
        self.first = nn.Linear(Z_DIM + data.num_classes, WIDTH)
        self.last = nn.Linear(WIDTH, math.prod(data.shape))

    def forward(self, z, labels=None):
        return self.draw(self.hidden(append_labels(z, labels, self.classes)))

    def hidden(self, z):
        return leaky_relu(self.first(z), 0.2)

    def draw(self, hidden):
        return self.last(hidden).tanh().view(-1, *self.shape)


class Discriminator(nn.Module):
    """Gives samples ``[N, *shape]`` their logits ``[N]``."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.classes = data.num_classes
        self.first = nn.Linear(math.prod(data.shape) + data.num_classes, WIDTH)
        self.last = nn.Linear(WIDTH, 1)

    def forward(self, x, labels=None):
        return self.compute_logits(self.hidden(append_labels(x.flatten(1), labels, self.classes)))

    def hidden(self, x):
        return leaky_relu(self.first(x), 0.2)

    def compute_logits(self, hidden):
        return self.last(hidden).squeeze(1)


def append_labels(x, labels, classes):
    """Return the rows ``[N, D]`` with their classes, one-hot, at the end."""
    return x if labels is None else torch.cat([x, torch.eye(classes, device=x.device)[labels]], 1)


def make_networks(data: DataInfo, generator: type = Generator, discriminator: type = Discriminator) -> Networks:
    """Build networks of these classes."""
    return Networks(generator(data), discriminator(data), Z_DIM)
