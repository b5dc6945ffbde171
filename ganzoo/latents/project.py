"""The latent of a given image: the one whose sample is most like it."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.compute.streams import restrict_latents
from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.latents.picture import Picture, draw_table, require_pictures, to_cells
from ganzoo.latents.space import Space, describe_model
from ganzoo.package.generator import Generator
from ganzoo.package.labels import Labels
from ganzoo.plugin import read_image
from ganzoo.runs.interrupt import stop_on_signals
from ganzoo.samples import grid

Source = str | os.PathLike[str] | Image.Image | NDArray[Any]
Features = Callable[[Tensor], Tensor]

NUM_DRAWN = 1024  # latents whose styles are measured
LINES = 10  # lines that report the loss
SMALLEST = 1e-3  # the smallest standard deviation of an entry of styles, relative to the root mean square of all


@dataclass(frozen=True, kw_only=True)
class Search:
    """How a latent is searched for.

    Args:
        space: ``z`` or ``w``; None for w if the model has styles, and otherwise z.
        steps: The number of steps of Adam.
        rate: The learning rate at the start; it falls to 0 along a cosine.
        starts: The number of random latents of which the best are improved.
        restarts: The number of latents that are improved, side by side.
        feature_weight: The weight of the features' loss, relative to that of the pixels.
        prior_weight: The weight of the term that keeps latents where random ones are.
        seed: The seed of the random latents.
    """

    space: str | None = None
    steps: int = 300
    rate: float = 0.05
    starts: int = 256
    restarts: int = 4
    feature_weight: float = 1.0
    prior_weight: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "starts", "restarts"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} {getattr(self, name)}: give a number of at least 1")
        if self.restarts > self.starts:
            raise UsageError(f"{self.restarts} restarts are more than the {self.starts} starts: take fewer")
        for name in ("rate", "feature_weight", "prior_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} {getattr(self, name)}: give a number of at least 0")


@dataclass(frozen=True, eq=False, repr=False)
class Projection(Picture):
    """The image, the best random sample, and the sample of the latent that was found, side by side.

    `arrays` has the latent under the name of its space, ``[1, ...]``, and for a model with classes ``labels``.

    Args:
        losses: The lowest loss so far: of the random samples, then after each step.
        label: The class of the sample; None for a model without classes.
        interrupted: Whether Ctrl-C ended the search early. The latent is then the best one until then.
    """

    losses: tuple[float, ...] = ()
    label: int | None = None
    interrupted: bool = False


def project(
    generator: Generator,
    image: Source,
    search: Search,
    labels: Labels = None,
    features: Features | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> Projection:
    """Return the latent whose sample is most like an image.

    Many random latents are drawn. Adam improves the best of them: it minimises the mean square difference of pixels,
    that of features relative to the mean square of the image's features, and a term for the latents. For normal z
    it is ``(mean(z^2) - 1)^2``; for styles, their mean square after mean and standard deviation of random styles were
    divided out, which are also the units of the steps. Uniform latents stay within [-1, 1], and one-hot codes as they
    were drawn.

    Args:
        generator: The trained model, as `ganzoo.load` returns it.
        image: The image: a file, a PIL image, or uint8 ``[H, W]`` or ``[H, W, C]``. It is cropped at its centre to the
            ratio of the model's samples, and resized.
        search: How the latent is searched for.
        labels: The classes of the random samples, as in `Generator.sample`; None for all classes in turn.
        features: A function that returns the features ``[n, F]`` of samples, with gradients; None for pixels alone.
        notify: A function that shows one line to the user: how large the loss is.

    Raises:
        UsageError: The samples are not pictures, or the model has no such latents or labels.
        NotFound: There is no such file.
        GanzooError: The image cannot be read.
    """
    require_pictures(generator, "projecting an image")
    space = Space(generator, search.space or ("w" if "style" in generator.provides else "z"))
    target = read_target(image, generator)
    descent = _Descent(space, search, target.to(generator.device), features)
    chosen = generator.choose_labels(search.starts, labels)
    with stop_on_signals() as stop:
        descent.start(chosen)
        for step in range(search.steps):
            if stop:
                break
            descent.improve(step)
            if step % max(1, search.steps // LINES) == 0:
                notify(f"step {step} of {search.steps}: loss {descent.losses[-1]:.4g}")
        with torch.no_grad():
            descent.measure()
        point, label = descent.choose_best()
        found = space.generate(point, label)
    own = int(label[0]) if label is not None and generator.data.num_classes else None
    words = (
        f"{describe_model(generator)}: image, best of {search.starts} random samples of seed {search.seed}, and "
        f"reconstruction in {space.name}, loss {descent.losses[0]:.4g} to {descent.losses[-1]:.4g}"
    ) + ("" if own is None else f", class {own}")
    table = draw_table([to_cells(torch.cat([target, descent.first, found]))], heads=["image", "start", "found"])
    arrays = {space.name: point.numpy(), **({} if label is None else {"labels": label.numpy()})}
    return Projection(table, words, arrays, tuple(descent.losses), own, bool(stop))


class _Descent:
    """The search for a latent.

    Args:
        space: The space of the latents.
        search: How the latent is searched for.
        target: The image ``[1, C, H, W]`` in [-1, 1], on the generator's device.
        features: The function of features; None for none.
    """

    def __init__(self, space: Space, search: Search, target: Tensor, features: Features | None) -> None:
        self.space, self.search, self.target, self.features = space, search, target, features
        self.losses: list[float] = []
        self.wanted = None if features is None else features(target).detach()
        self.mean, self.deviation = torch.zeros(()), torch.ones(())

    def start(self, labels: Tensor | None) -> None:
        """Draw random latents, and keep the best of them; `labels` are theirs."""
        search, generator, device = self.search, self.space.generator, self.target.device
        z = generator.draw_latents(search.starts, search.seed)
        if self.space.name == "w":
            styles = self.space.enter(generator.draw_latents(NUM_DRAWN, search.seed), generator.make_labels(NUM_DRAWN))
            self.mean = styles.mean(0).to(device)
            self.deviation = styles.std(0).clamp(min=SMALLEST * float(styles.square().mean().sqrt())).to(device)
        points = self.space.enter(z, labels)
        samples = self.space.generate(points, labels)
        with torch.no_grad():
            parts = [self._compare(part.to(device)) for part in torch.split(samples, search.restarts)]
        best = torch.cat(parts).cpu().argsort()[: search.restarts]
        self.labels = None if labels is None else labels[best].to(device)
        self.drawn = (points[best].to(device) - self.mean) / self.deviation
        self.units = self.drawn.clone().requires_grad_()
        self.optimizer = torch.optim.Adam([self.units], lr=search.rate)
        self.first = samples[best[:1]].clone()
        self.best, self.lowest = self.drawn.clone(), torch.full((len(self.drawn),), math.inf, device=device)

    def improve(self, step: int) -> None:
        """Keep each latent where its loss is the lowest so far, and make a step."""
        self.optimizer.param_groups[0]["lr"] = self.search.rate * (1 + math.cos(math.pi * step / self.search.steps)) / 2
        self.optimizer.zero_grad()
        losses = self.measure()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.space.name == "z":
            with torch.no_grad():
                kind = self.space.generator.networks.latent
                self.units.copy_(restrict_latents(kind, self.units, self.drawn))

    def measure(self) -> Tensor:
        """Return the loss of each latent, ``[restarts]``, and keep each where it is the lowest so far."""
        made = self.space.synthesise(self.mean + self.deviation * self.units, self.labels)
        losses = self._compare(made) + self.search.prior_weight * self._measure_prior()
        with torch.no_grad():
            better = losses < self.lowest
            self.lowest = torch.where(better, losses, self.lowest)
            self.best = torch.where(better.view(-1, *[1] * (self.best.dim() - 1)), self.units, self.best)
        self.losses.append(float(self.lowest.min()))
        return losses

    def choose_best(self) -> tuple[Tensor, Tensor | None]:
        """Return the best latent or style ``[1, ...]`` and its label, on the CPU."""
        number = int(self.lowest.argmin())
        point = (self.mean + self.deviation * self.best[number : number + 1]).detach().cpu()
        return point, None if self.labels is None else self.labels[number : number + 1].cpu()

    def _measure_prior(self) -> Tensor:
        kind, squares = self.space.generator.networks.latent, self.units.square().flatten(1)
        if self.space.name == "w":
            return squares.mean(1)
        if kind == "uniform":
            return squares.new_zeros(len(squares))
        codes = 0 if kind == "normal" else int(kind.removeprefix("normal+onehot"))
        return (squares[:, : squares.shape[1] - codes].mean(1) - 1).square()

    def _compare(self, samples: Tensor) -> Tensor:
        """Return how much each sample differs from the image, in pixels and features."""
        loss = (samples - self.target).square().flatten(1).mean(1)
        if self.features is None or self.wanted is None:
            return loss
        apart = (self.features(samples) - self.wanted).square().mean(1) / self.wanted.square().mean().clamp(min=1e-12)
        return loss + self.search.feature_weight * apart


def read_target(image: Source, generator: Generator) -> Tensor:
    """Return an image as the model's samples are, float32 ``[1, C, H, W]`` in [-1, 1].

    Raises:
        NotFound: There is no such file.
        GanzooError: The image cannot be read.
    """
    channels, height, width = generator.data.shape
    what: Any = image
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise UsageError(f"the image is {image.dtype} {list(image.shape)}: give uint8 [H, W] or [H, W, C]")
        image = grid.to_picture(image[..., None] if image.ndim == 2 else image)
    if isinstance(image, Image.Image):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        what = buffer.getvalue()
    elif not Path(image).is_file():
        raise NotFound(f"image {os.fspath(image)} does not exist: name the file of a picture")
    try:
        pixels = read_image(what, channels, (width, height))
    except Exception as error:
        name = "the image" if isinstance(what, bytes) else os.fspath(what)
        raise GanzooError(f"{name} cannot be read: {' '.join(str(error).split()) or type(error).__name__}") from error
    return torch.tensor(pixels)[None].float() / 127.5 - 1
