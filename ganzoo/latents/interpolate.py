"""Ways from seed to seed, as animations."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.latents.animation import Animation
from ganzoo.latents.space import Space, describe_model
from ganzoo.package.generator import Generator
from ganzoo.package.labels import Labels, choose_columns
from ganzoo.runs.display import PICTURES
from ganzoo.samples import grid
from ganzoo.samples.show import CHANNELS, can_show, count_shown, pick_first_of_each_kind

WIDTH = 256  # pixels: a frame of one small sample is enlarged to at most this width
WIDTH_OF_SHOWN = 512  # pixels: a frame that a dataset draws, such as a scatter plot, is made at most this wide
MOST_FRAMES = 3_600


def interpolate(
    generator: Generator,
    seeds: Sequence[int],
    frames: int,
    seconds: float,
    loop: bool,
    space: str,
    num: int | None,
    labels: Labels,
    truncation: float | None,
) -> Animation:
    """Return an animation that goes from the samples of each seed to those of the next one.

    Args:
        generator: The trained model, as `ganzoo.load` returns it.
        seeds: The seeds; at least two.
        frames: The number of frames.
        seconds: The length of the animation.
        loop: Whether the way leads back to the first seed, and the animation starts again there.
        space: The space of the ways: ``z`` or ``w``.
        num: The number of samples in each frame, the first ones of each seed; None for one image, or as many points as
            are shown together.
        labels: The classes of the samples in a frame, as in `Generator.sample`.
        truncation: The truncation of latents, as in `Generator.sample`.

    Raises:
        UsageError: The samples are not pictures and are not shown as one, or an argument is out of range.
    """
    points = Space(generator, space)
    num = check_request(generator, seeds, frames, seconds, num)
    chosen = generator.choose_labels(num, labels)
    ends = [points.enter(generator.draw_latents(num, seed), chosen) for seed in seeds]
    made, latents = [], []
    for before, after, share in divide_way(len(ends), frames, loop):
        latents.append(points.interpolate(ends[before], ends[after], share))
        samples = points.generate(latents[-1], chosen, truncation)
        made.append(draw_frame(generator, samples, choose_columns(num, labels, generator.data)))
    words = f"{describe_model(generator)}: from seed to seed {','.join(map(str, seeds))} in {space}"
    if chosen is not None and not generator.data.label_shape:
        classes = [*dict.fromkeys(chosen.tolist())]
        words += f", {'class' if len(classes) == 1 else 'classes'} {','.join(map(str, classes))}"
    if truncation is not None:
        words += f", truncation {truncation:g}"
    arrays = {space: torch.stack(latents).numpy(), **({} if chosen is None else {"labels": chosen.numpy()})}
    return Animation(made, words, seconds, loop, arrays)


def check_request(generator: Generator, seeds: Sequence[int], frames: int, seconds: float, num: int | None) -> int:
    """Return the number of samples in a frame; raise UsageError if an animation of these arguments is not possible."""
    if len(seeds) < 2:
        raise UsageError("an interpolation needs at least two seeds, such as 0,1")
    if not 2 <= frames <= MOST_FRAMES:
        raise UsageError(f"{frames} frames: ask for 2 to {MOST_FRAMES:,}")
    if frames < len(seeds):
        raise UsageError(f"{frames} frames are too few for {len(seeds)} seeds: take a frame for each, or more")
    if not 0 < seconds <= 86_400:
        raise UsageError(f"{seconds:g} seconds: the length of the animation must be above 0, and at most a day")
    if num is not None and num < 1:
        raise UsageError(f"{num} samples in a frame: ask for at least one")
    if _is_image(generator):
        return num or 1
    num = num or count_shown(generator.data, generator.dataset)
    shown = can_show(generator.data, generator.dataset)
    probe = generator.show(torch.zeros(2, *generator.data.shape)) if shown else {}
    if next(iter(pick_first_of_each_kind(probe)), "") not in PICTURES:
        raise UsageError(
            f"this model's samples are {generator.data.modality}, which no picture shows: move through its latents in "
            "Python with generator(z)"
        )
    return num


def divide_way(num: int, frames: int, loop: bool) -> list[tuple[int, int, float]]:
    """Return for each frame the two of `num` ends that it lies between, and the share of the way between them.

    A way that is not a loop contains both of its ends; a loop contains each end once.
    """
    places = np.arange(frames) * (num / frames) if loop else np.linspace(0, num - 1, frames)
    whole = np.floor(places).astype(int)
    return [
        (int(start), (int(start) + 1) % num, float(place - start)) if place != start else (int(start), int(start), 0.0)
        for start, place in zip(whole, places, strict=True)
    ]


def draw_frame(generator: Generator, samples: Tensor, columns: int | None = None) -> Image.Image:
    """Return samples ``[n, *shape]`` as one picture: an enlarged image, a grid, or what their dataset shows."""
    if _is_image(generator):
        if len(samples) == 1:
            return grid.enlarge(grid.to_picture(grid.to_uint8(samples)[0]), WIDTH)
        return grid.tile(grid.to_uint8(samples), columns)
    kinds = pick_first_of_each_kind(generator.show(samples))
    with Image.open(io.BytesIO(next(iter(kinds.values())))) as picture:
        shown = picture.convert("RGB")
    shown.thumbnail((WIDTH_OF_SHOWN, WIDTH_OF_SHOWN))
    return shown


def _is_image(generator: Generator) -> bool:
    shows = generator.dataset is not None and bool(generator.dataset.show)
    return generator.data.modality == "image" and generator.data.shape[0] in CHANNELS and not shows
