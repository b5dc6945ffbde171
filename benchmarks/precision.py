"""The quality of training in bf16: DCGAN on the bundled digits in fp32 and in bf16, each with several seeds.

    python benchmarks/precision.py [--images 60000] [--seeds 3] [--quick]

Samples of the averaged generator are compared with the real digits by three measures of this benchmark: the total
variation distance of the class shares, by a small classifier; the Frechet distance of Gaussians fitted to that
classifier's features; and the distance of the pixels' means and standard deviations. Their numbers cannot be compared
with others. The reference is the part of the digits that the classifier learned from. The floor is the score of the
held-out digits. Every measure is a mean over draws of as many samples as there are held-out digits, so that all have
the same bias.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch
from common import computes_in, format_table, parse_arguments, save
from torch import Tensor, nn
from workbench import temporary_runs

import ganzoo
from ganzoo.compute.streams import seeded

FEATURES = 32
EPOCHS = 12
WANTED = 0.95  # least accuracy on held-out digits for the classifier's features to be useful
DRAWS = 8  # draws of samples from each generator


class Classifier(nn.Module):
    """A classifier of digits ``[N, 1, S, S]``: `FEATURES` features, then 10 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.AdaptiveAvgPool2d(16),
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(512, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.head(self.body(x))
        return logits


def load_digits(size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return images and labels to learn from, then the held-out ones: always the same fifth."""
    dataset: Any = ganzoo.create("dataset", "digits", size=size)
    images, labels = torch.from_numpy(dataset.data).float() / 127.5 - 1, torch.from_numpy(dataset.labels)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    cut = len(images) // 5
    return images[order[cut:]], labels[order[cut:]], images[order[:cut]], labels[order[:cut]]


def train_classifier(images: Tensor, labels: Tensor) -> Classifier:
    """Train a classifier; the result is always the same on one machine."""
    with seeded(0):
        classifier = Classifier()
        optimizer = torch.optim.Adam(classifier.parameters(), lr=2e-3)
        for _ in range(EPOCHS):
            order: Any = torch.randperm(len(images))
            for index in order.split(64):
                optimizer.zero_grad()
                loss: Any = nn.functional.cross_entropy(classifier(images[index]), labels[index])
                loss.backward()
                optimizer.step()
    return classifier.eval().requires_grad_(False)


# ----------------------------------------------------------------------------
# The measures.


def frechet(one: Tensor, other: Tensor) -> float:
    """Return the Frechet distance of Gaussians fitted to features ``[N, F]`` (Dowson & Landau 1982, eq. 4)."""
    (m1, c1), (m2, c2) = ((x.double().mean(0), torch.cov(x.double().T)) for x in (one, other))
    values, vectors = torch.linalg.eigh(c1)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ c2 @ root).clamp(min=0).sqrt().sum()
    return float((m1 - m2).square().sum() + c1.trace() + c2.trace() - 2 * cross)


def compute_measures(classifier: Classifier, samples: Tensor, reference: Tensor) -> dict[str, float]:
    """Return the distances of samples from the reference; both are images."""
    features, wanted = classifier.body(samples), classifier.body(reference)
    scale = wanted.var(0).sum().sqrt()  # the distance is about 1 for samples that have the right mean and no variance
    shares, theirs = (torch.bincount(classifier.head(x).argmax(1), minlength=10) / len(x) for x in (features, wanted))
    moments = torch.stack([samples.mean(0) - reference.mean(0), samples.std(0) - reference.std(0)])
    return {
        "class shares": float((shares - theirs).abs().sum() / 2),
        "feature distance": frechet(features / scale, wanted / scale),
        "pixel moments": float(moments.square().mean().sqrt()),
    }


def compute_means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each measure."""
    return {name: statistics.mean(row[name] for row in rows) for name in rows[0]}


def train_generator(options: dict[str, object], images: int, seed: int) -> Any:
    """Train a run; return its averaged generator."""
    with temporary_runs():
        quiet = {"train.grid_every": 10**9, "train.checkpoint_every": 10**9}
        run = ganzoo.train(arch="dcgan", dataset="digits", images=images, seed=seed, options={**quiet, **options})
        return ganzoo.load(run)


def main() -> None:
    """Train, measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a short run of small networks, nothing is kept")
    arguments = parse_arguments(parser)
    size, seeds, images, options = 32, arguments.seeds, arguments.images, dict[str, object]()
    if arguments.quick:
        size, seeds, images, options = 16, 2, 128, {"arch.width": 8}

    reference, labels, held_out, answers = load_digits(size)
    classifier = train_classifier(reference, labels)
    accuracy = float((classifier(held_out).argmax(1) == answers).float().mean())
    print(f"the classifier is right on {100 * accuracy:.1f} percent of the digits held out")
    if accuracy < WANTED:
        raise SystemExit(f"that is below {100 * WANTED:.0f} percent: its features are not a measure")

    floor_row = compute_measures(classifier, held_out, reference)
    rows: dict[str, list[dict[str, float]]] = {"held-out digits": [floor_row]}
    precisions = [name for name in ("fp32", "bf16") if computes_in(name, name)]
    for seed in range(seeds):
        for precision in precisions:
            chosen = {**options, "dataset.size": size, "train.precision": precision}
            generator = train_generator(chosen, images, seed)
            samples = generator.sample_raw(DRAWS * len(held_out)).split(len(held_out))
            parts = [compute_measures(classifier, part.clamp(-1, 1), reference) for part in samples]
            rows.setdefault(precision, []).append(compute_means(parts))

    names = list(rows["held-out digits"][0])
    lines: list[tuple[object, ...]] = [("", *names)]
    for title, values in rows.items():
        cells = []
        for name in names:
            column, floor = [value[name] for value in values], rows["held-out digits"][0][name]
            spread = f" +- {statistics.stdev(column):.3f}" if len(column) > 1 else ""
            cells.append(f"{statistics.mean(column):.3f}{spread} ({statistics.mean(column) / floor:.1f} x floor)")
        lines.append((title, *cells))
    print(format_table(lines))
    if not arguments.quick:
        print(save("precision", {"images": images, "seeds": seeds, "accuracy": accuracy, "measures": rows}))


if __name__ == "__main__":
    main()
