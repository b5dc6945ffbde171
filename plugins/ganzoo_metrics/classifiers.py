"""Metrics that train a classifier: of real and generated samples (C2ST), or on generated samples alone (CAS)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, UsageError
from ganzoo_metrics.kept import KeptFeatures
from ganzoo_metrics.options import C2STOptions, CASOptions

SIDE = 32  # pixels; larger images are averaged to this size before they are classified
WIDTHS = (32, 64, 128)  # channels of the convolutions


class C2ST(KeptFeatures):
    """Whether a classifier can tell generated from real features: its accuracy on samples that it has not seen.

    Lopez-Paz & Oquab 2017 (arXiv:1610.06545), section 3: a network with one hidden layer of 20 units learns from every
    other sample of each side and is tested on the rest. With n tested samples of one distribution, the accuracy is
    normal with mean 0.5 and variance ``1 / (4 n)``.
    """

    def __init__(self, options: C2STOptions, data: DataInfo) -> None:
        self.options = options
        super().__init__()

    def compute(self) -> dict[str, float]:
        """Return ``accuracy``, and ``sigmas``: how many standard deviations it is above chance.

        Raises:
            ValueError: A side has fewer than 4 samples.
        """
        real, fake = self.join_sides(4)
        num = min(len(real), len(fake))
        learnt, tested = (torch.cat([real[part:num:2], fake[part:num:2]]) for part in (0, 1))
        labels = [torch.arange(2, device=rows.device).repeat_interleave(len(rows) // 2) for rows in (learnt, tested)]
        mean, std = learnt.mean(0), learnt.std(0).clamp(min=1e-12)
        learnt, tested = (((rows - mean) / std).float() for rows in (learnt, tested))
        network = nn.Sequential(nn.Linear(learnt.shape[1], self.options.hidden), nn.ReLU())
        network.append(nn.Linear(self.options.hidden, 2)).to(learnt.device)
        train_classifier(network, learnt, labels[0], self.options.epochs)
        accuracy = compute_accuracy(network, tested, labels[1])
        return {"accuracy": accuracy, "sigmas": (accuracy - 0.5) * 2 * math.sqrt(len(tested))}


class CAS:
    """The accuracy on real samples of a classifier that is trained on generated ones and their labels.

    Ravuri & Vinyals 2019 (arXiv:1905.10887), section 3, also called GAN-train. It is low where classes are mixed up,
    missing, or of one kind. Here a small network learns quickly: three convolutions for images, a hidden layer for
    other data. So its values are comparable with one another alone.
    """

    def __init__(self, options: CASOptions, data: DataInfo) -> None:
        if not data.num_classes:
            raise UsageError(
                "metric 'cas' trains a classifier of the data's classes: choose a dataset that has classes"
            )
        self.options, self.data = options, data
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.kept: dict[str, tuple[list[Tensor], list[Tensor]]] = {"real": ([], []), "fake": ([], [])}

    def real(self, batch: Tensor, labels: Tensor) -> None:
        """Add real samples ``[n, ...]`` with their classes ``[n]``."""
        self._add("real", batch, labels)

    def fake(self, batch: Tensor, labels: Tensor) -> None:
        """Add generated samples ``[n, ...]`` with the classes that they were made from, ``[n]``."""
        self._add("fake", batch, labels)

    def compute(self) -> dict[str, float]:
        """Return ``accuracy``; raise ValueError if a side has no samples."""
        if not all(samples for samples, _ in self.kept.values()):
            raise ValueError("it needs real and generated samples")
        (real, real_labels), (fake, labels) = ((torch.cat(one), torch.cat(two)) for one, two in self.kept.values())
        network = build_classifier(fake.shape[1:], self.data).to(fake.device)
        train_classifier(network, fake, labels, self.options.epochs)
        return {"accuracy": compute_accuracy(network, real, real_labels)}

    def _add(self, side: str, batch: Tensor, labels: Tensor) -> None:
        rows = batch.detach().float()
        if self.data.modality == "image" and min(rows.shape[2:]) > SIDE:
            rows = nn.functional.adaptive_avg_pool2d(rows, SIDE)
        self.kept[side][0].append(rows)
        self.kept[side][1].append(labels)


def build_classifier(shape: tuple[int, ...], data: DataInfo) -> nn.Module:
    """Return a small untrained network from samples ``[n, *shape]`` to logits ``[n, num_classes]``."""
    if data.modality != "image":
        hidden = [nn.Flatten(), nn.Linear(math.prod(shape), WIDTHS[-1]), nn.ReLU()]
        return nn.Sequential(*hidden, nn.Linear(WIDTHS[-1], data.num_classes))
    layers: list[nn.Module] = []
    for inputs, outputs in zip((shape[0], *WIDTHS), WIDTHS, strict=False):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(8, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * WIDTHS[-1], data.num_classes))


def train_classifier(network: nn.Module, samples: Tensor, labels: Tensor, epochs: int) -> None:
    """Train a network on samples ``[N, ...]`` and classes ``[N]``, by AdamW in batches of 64 in a random order."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.1, betas=(0.9, 0.99))
    with torch.enable_grad():
        for _ in range(epochs):
            order: Any = torch.randperm(len(samples)).to(samples.device)
            for index in order.split(64):
                optimizer.zero_grad()
                loss: Any = nn.functional.cross_entropy(network(samples[index]), labels[index])
                loss.backward()
                optimizer.step()


def compute_accuracy(network: nn.Module, samples: Tensor, labels: Tensor) -> float:
    """Return the share of samples ``[N, ...]`` whose largest logit is that of their class ``[N]``."""
    with torch.no_grad():
        found = torch.cat([network(samples[start : start + 512]).argmax(1) for start in range(0, len(samples), 512)])
    return float((found == labels).double().mean())
