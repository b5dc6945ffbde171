"""Exploring the latents of trained models from Python. ``ganzoo latent`` calls these functions.

Torch is imported when it is needed, not before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import UsageError
from ganzoo.evaluate.request import Subject, choose_reference
from ganzoo.models import load
from ganzoo.package.config import CONFIG, parse_config
from ganzoo.plugin.network import without_network
from ganzoo.recipe.nested import choose_nested
from ganzoo.registry import registry
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import Run
from ganzoo.runs.where import ModelSource, Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.latents.animation import Animation
    from ganzoo.latents.directions import Directions
    from ganzoo.latents.neighbours import Neighbours
    from ganzoo.latents.picture import Picture
    from ganzoo.latents.project import Projection, Source
    from ganzoo.package.generator import Generator
    from ganzoo.package.labels import Labels

SEEDS = (0, 1, 2, 3)
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def interpolate(
    what: ModelSource | Generator,
    seeds: Sequence[int] = SEEDS,
    *,
    frames: int = 60,
    seconds: float = 4.0,
    loop: bool = True,
    space: str = "z",
    num: int | None = None,
    labels: Labels = None,
    truncation: float | None = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Animation:
    """Return an animation that goes from the sample of each seed to that of the next one.

    Normal latents move on a sphere, uniform ones straight, and one-hot codes are blended. Points and other samples that
    their dataset draws as one picture are drawn anew in each frame.

    Args:
        what: The model, as in `ganzoo.load`, or a model that `ganzoo.load` returned.
        seeds: The seeds; each gives the sample that `Generator.sample` gives first.
        frames: The number of frames.
        seconds: The length of the animation.
        loop: Whether the way leads back to the first seed, and the animation starts again there.
        space: The space of the ways: ``z``, or ``w`` for the styles of an architecture that has them.
        num: The number of samples in each frame; by default one image, or as many points as are shown together.
        labels: The classes of the samples in a frame, as in `Generator.sample`.
        truncation: The truncation of latents, as in `Generator.sample`.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether a model on the Hub is read from the cache alone.
        notify: A function that shows one line to the user; by default lines are dropped.

    Returns:
        An object that a notebook shows, with `frames`, `arrays` and ``save(path)``: ``.gif``, ``.png`` (animated),
        ``.mp4`` or ``.webm`` (by ffmpeg).

    Raises:
        UsageError: The samples are not pictures and are not shown as one, or an argument is out of range.
        GanzooError: As in `ganzoo.load`.
    """
    generator = load_generator(what, device, offline, notify)
    with heavy_imports():
        from ganzoo.latents import interpolate
    return interpolate.interpolate(generator, seeds, frames, seconds, loop, space, num, labels, truncation)


def mix_styles(
    what: ModelSource | Generator,
    rows: Sequence[int] = SEEDS,
    columns: Sequence[int] = (4, 5, 6, 7),
    *,
    coarse: int | None = None,
    labels: Labels = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Picture:
    """Return a grid whose rows share their coarse styles and whose columns share their fine ones.

    Args:
        what: The model, as in `interpolate`. Its architecture must have a style for each layer, as stylegan2 has.
        rows: The seeds of the coarse styles.
        columns: The seeds of the fine styles.
        coarse: The number of layers, from the lowest resolution on, whose style is the row's; by default half of them.
        labels: The class of all samples, by number or name; by default the first class.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether a model on the Hub is read from the cache alone.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: The model has no styles for each layer, or an argument is out of range.
        GanzooError: As in `ganzoo.load`.
    """
    generator = load_generator(what, device, offline, notify)
    with heavy_imports():
        from ganzoo.latents import styles
    return styles.mix_styles(generator, rows, columns, coarse, labels)


def find_directions(
    what: ModelSource | Generator,
    method: str = "sefa",
    *,
    num: int = 8,
    space: str | None = None,
    labels: Labels = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Directions:
    """Return the directions of latents in which samples change most, found without labels and without training.

    Args:
        what: The model, as in `interpolate`.
        method: ``sefa``: eigenvectors of the weights that meet the latents first (Shen & Zhou 2021, arXiv:2007.06600,
            eq. 6 to 8). ``pca``: principal components of styles (Härkönen et al. 2020, GANSpace, arXiv:2004.02546).
        num: The number of directions.
        space: ``z`` or ``w``; by default w if the model has styles, and otherwise z.
        labels: The class of the samples, by number or name; by default the first class.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether a model on the Hub is read from the cache alone.
        notify: A function that shows one line to the user; by default lines are dropped.

    Returns:
        An object with `vectors`, ``move(points, number, amount)``, ``draw(seed)`` for a picture, and ``save(path)``.

    Raises:
        UsageError: The method is unknown or cannot be used here, or finds fewer directions.
        GanzooError: As in `ganzoo.load`.
    """
    generator = load_generator(what, device, offline, notify)
    with heavy_imports():
        from ganzoo.latents import directions
    return directions.find_directions(generator, method, num, space, labels)


def project_image(
    what: ModelSource | Generator,
    image: Source,
    *,
    labels: Labels = None,
    extractor: str = "",
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
    **search: Any,
) -> Projection:
    """Return the latent whose sample is most like an image; Ctrl-C returns the best one so far.

    Args:
        what: The model, as in `interpolate`.
        image: The image: a file, a PIL image, or uint8 ``[H, W]`` or ``[H, W, C]``. It is cropped and resized to the
            size of the model's samples.
        labels: The classes to search in, as in `Generator.sample`; by default all.
        extractor: The name of an extractor whose features are compared too, such as ``squeezenet``.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether nothing is downloaded, neither models nor weights of extractors.
        notify: A function that shows one line to the user, here how large the loss is; by default lines are dropped.
        search: How the latent is searched for: ``space``, ``steps``, ``rate``, ``starts``, ``restarts``,
            ``feature_weight``, ``prior_weight`` and ``seed`` (`ganzoo.latents.project.Search`).

    Returns:
        A picture of the image, the best random sample and the sample that was found, with `arrays`, `losses`, `label`
        and `interrupted`.

    Raises:
        UsageError: The samples are not pictures, or an argument is wrong.
        NotFound: There is no such file.
        GanzooError: The image cannot be read; further as in `ganzoo.load`.
    """
    generator = load_generator(what, device, offline, notify)
    with heavy_imports():
        from ganzoo.latents import project
    try:
        chosen = project.Search(**search)
    except TypeError:
        known = project.Search.__dataclass_fields__
        wrong = ", ".join(name for name in search if name not in known)
        raise UsageError(f"project_image has no argument {wrong}: it takes {', '.join(known)}") from None
    with without_network(offline):
        features = build_features(extractor, generator) if extractor else None
        return project.project(generator, image, chosen, labels, features, notify)


def build_features(name: str, generator: Generator) -> Callable[[Any], Any]:
    """Return a function that computes the features of samples by an extractor, with gradients.

    Raises:
        UsageError: There is no such extractor, or it is trained on the data first.
        GanzooError: The extractor could not be built.
    """
    choice = choose_nested(registry(), "extractor", name)
    with heavy_imports():
        from torch import nn

        from ganzoo.compute.streams import seeded
    with seeded(0, generator.device):
        extractor = choice.build(generator.data)
    if not isinstance(extractor, nn.Module) or hasattr(extractor, "prepare"):
        raise UsageError(
            f"extractor {choice.name!r} is trained on a dataset first, or gives no gradients: use another one, such as "
            "those that `ganzoo list extractors` describes as networks of ImageNet"
        )
    extractor.to(generator.device).eval().requires_grad_(False)
    return lambda samples: extractor(samples)["features"]


def find_neighbours(
    what: ModelSource | Generator,
    *,
    num: int = 8,
    k: int = 5,
    seed: int = 0,
    labels: Labels = None,
    truncation: float | None = None,
    against: str | os.PathLike[str] = "",
    extractor: str = "",
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Neighbours:
    """Return samples of a model beside the training samples that are nearest to them.

    Args:
        what: The model, as in `interpolate`.
        num: The number of samples.
        k: The number of training samples beside each.
        seed: The seed of the samples.
        labels: The classes of the samples, as in `Generator.sample`.
        truncation: The truncation of latents, as in `Generator.sample`.
        against: The real samples: the name of a dataset, a folder or a file of arrays; by default the data that the
            model was trained on.
        extractor: The name of an extractor whose features are compared; by default pixels are.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether nothing is downloaded, neither models nor weights of extractors.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: The samples are not pictures, the data do not fit the model, or an argument is out of range.
        GanzooError: As in `ganzoo.load`.
    """
    choice = choose_nested(registry(), "extractor", extractor) if extractor else None
    generator = load_generator(what, device, offline, notify)
    config = parse_config(json.dumps(generator.config).encode(), "the model's config")
    subject = Subject(Path(CONFIG), "the model", config)
    reference = choose_reference(registry(), [subject], os.fspath(against), {})
    with heavy_imports():
        from ganzoo.evaluate.evaluation import load_reference
        from ganzoo.evaluate.extract import Extraction
        from ganzoo.evaluate.reals import DRAWN, RealSamples
        from ganzoo.latents import neighbours
        from ganzoo.latents.picture import require_pictures
    require_pictures(generator, "a picture of neighbours")
    with without_network(offline):
        source = load_reference(reference, [config.data], generator.device, notify).training
        reals = RealSamples(source, source.info.num_items or DRAWN, 0, generator.device)
        extraction = Extraction(choice, reals, notify) if choice else None
        return neighbours.find_neighbours(
            generator, reals, num, k, seed, labels, truncation, extraction, reference.name
        )


def show_truncation(
    what: ModelSource | Generator,
    seeds: Sequence[int] = SEEDS,
    steps: Sequence[float] = STEPS,
    *,
    labels: Labels = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Picture:
    """Return a row of samples for each seed: one latent at several truncations, from the mean to the latent itself.

    Args:
        what: The model, as in `interpolate`. Its architecture must take a truncation, as stylegan2 and biggan do.
        seeds: The seed of each row.
        steps: The truncation of each column: 0 for the mean, 1 for the latent as it is drawn.
        labels: The class of all samples, by number or name; by default the first class.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether a model on the Hub is read from the cache alone.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: The model takes no truncation, or not this one.
        GanzooError: As in `ganzoo.load`.
    """
    generator = load_generator(what, device, offline, notify)
    with heavy_imports():
        from ganzoo.latents import styles
    return styles.show_truncation(generator, seeds, steps, labels)


def load_generator(what: ModelSource | Generator, device: str, offline: bool, notify: Notify) -> Generator:
    """Return the model that a name means; a loaded model as it is."""
    if isinstance(what, (int, str, os.PathLike, Run)):
        return load(what, device, offline=offline, notify=notify)
    return what
