"""Scores of a generator of the bundled digits, by a small classifier's features. `make_scorer` is the whole protocol.

Nothing is downloaded. The scores cannot be compared with those of other data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from precision import frechet
from torch import Tensor, nn

import ganzoo
from ganzoo.compute.streams import seeded

CLASSES = 10
FEATURES = 64
EPOCHS = 60
WANTED = 0.95  # least accuracy on held-out digits for the classifier's features to be useful
NEIGHBOURS = 5

Scores = dict[str, float]


def make_scorer(size: int) -> tuple[int, Callable[[Tensor], Scores]]:
    """Return the number of samples to score, and the function that scores them, images ``[N, 1, size, size]``.

    The digits are split into halves. A classifier learns from the first half, which is the reference. The score of the
    second half is the floor: the score of real images. Features are scaled so that the reference's have the total
    variance 1.

    - ``fd``: the Frechet distance between the samples' features and the reference's, in multiples of the floor.
    - ``recall``: the share of the reference inside the samples' balls; ``precision``: the share of the samples inside
      the reference's balls. A ball reaches to the fifth nearest neighbour of its own kind (Naeem et al. 2020,
      arXiv:2002.09797, section 2).
    - ``coverage``: the share of the reference whose ball has a sample inside (ibid., section 3).
    - ``share``: the smallest class's share of the samples, in multiples of its share of the reference.

    Raises:
        SystemExit: The classifier is wrong too often on held-out digits for its features to be useful.
    """
    images, labels = load_digits(size)
    half = (len(images) + 1) // 2
    classifier = train_classifier(images[:half], labels[:half])
    accuracy = float((classifier(images[half:]).argmax(1) == labels[half:]).float().mean())
    if accuracy < WANTED:
        raise SystemExit(f"the classifier is right on {accuracy:.1%} of the held-out digits, which is too low to score")
    reference = classifier[:-1](images[:half])
    scale = reference.var(0).sum().sqrt()
    reference, real = reference / scale, classifier[:-1](images[half:]) / scale
    floor, reach = frechet(real, reference), _compute_reach(reference)
    shares = torch.bincount(labels[:half], minlength=CLASSES) / half

    def score(samples: Tensor) -> Scores:
        features = classifier[:-1](samples)
        found = torch.bincount(classifier[-1](features).argmax(1), minlength=CLASSES) / len(samples)
        features = features / scale
        apart = torch.cdist(reference, features)  # [reference, samples]
        near = apart <= reach[:, None]
        return {
            "fd": frechet(features, reference) / floor,
            "recall": float((apart <= _compute_reach(features)).any(1).float().mean()),
            "precision": float(near.any(0).float().mean()),
            "coverage": float(near.any(1).float().mean()),
            "share": float((found / shares).min()),
        }

    return len(real), score


def load_digits(size: int) -> tuple[Tensor, Tensor]:
    """Return all images ``[1797, 1, size, size]`` in [-1, 1] and their classes, always in the same random order."""
    dataset: Any = ganzoo.create("dataset", "digits", size=size)
    images, labels = torch.from_numpy(dataset.data).float() / 127.5 - 1, torch.from_numpy(dataset.labels)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return images[order], labels[order]


def train_classifier(images: Tensor, labels: Tensor) -> nn.Sequential:
    """Train a classifier whose last layer maps features to logits; the result is always the same on one machine."""
    with seeded(0):
        body = [nn.Flatten(), nn.Linear(images[0].numel(), 128), nn.ReLU(), nn.Linear(128, FEATURES), nn.ReLU()]
        classifier = nn.Sequential(*body, nn.Linear(FEATURES, CLASSES))
        optimizer = torch.optim.Adam(classifier.parameters(), lr=1e-3, weight_decay=1e-4)
        for _ in range(EPOCHS):
            order: Any = torch.randperm(len(images))
            for index in order.split(64):
                optimizer.zero_grad()
                loss: Any = nn.functional.cross_entropy(classifier(images[index]), labels[index])
                loss.backward()
                optimizer.step()
    return classifier.eval().requires_grad_(False)


def _compute_reach(features: Tensor) -> Tensor:
    """Return the distance of each row of ``[N, F]`` from its fifth nearest neighbour."""
    return torch.cdist(features, features).kthvalue(NEIGHBOURS + 1, dim=1).values
