"""The trainings of StudioGAN (Kang, Shin & Park 2023, arXiv:2206.09479) as recipes.

On one data set all have the same optimizer and nearly the same length, so that their scores can be compared. The
batch normalisations here have torch's epsilon of 1e-5, where StudioGAN's have 1e-4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_recipes.gans import GANS
from ganzoo_recipes.large import AFHQV2, CUB200, IMAGENET
from ganzoo_recipes.papers import STUDY
from ganzoo_recipes.small import CIFAR10, TINY_IMAGENET
from ganzoo_recipes.table import Course, Data, Row

SOURCE = "https://github.com/POSTECH-CVLab/PyTorch-StudioGAN/tree/master/src/configs"
TABLES = (CIFAR10, TINY_IMAGENET, IMAGENET, CUB200, AFHQV2)
OF_PAPERS = ("sagan", "sagan-imagenet-128", "biggan-imagenet-128", "biggan-deep-imagenet-128")  # recipes of the papers
HALF_LIFE = round(math.log(0.5) / math.log(0.9999))  # updates of G, of an average with a decay of 0.9999


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    for data in TABLES:
        for name, row in data.rows.items():
            yield make_recipe(name, row, data)


def make_recipe(name: str, row: Row, data: Data) -> Recipe:
    """Return the recipe of one training."""
    gan = GANS[row.gan or name]
    networks = data.networks[row.networks or gan.networks]
    course = networks.course._replace(**row.course)
    full = f"{name}-{data.name}"
    others = [each for each in (name, *gan.also) if each not in OF_PAPERS]
    return Recipe(
        name=f"studiogan-{full}" if full in OF_PAPERS else full,
        summary=f"StudioGAN's training of {gan.what}{networks.what}{row.what}.",
        similar_to=dict.fromkeys(others, f"--recipe {full}") if data is CIFAR10 else {},
        paper=f"{gan.paper}; {STUDY}",
        source=f"{SOURCE}/{data.folder}",
        dataset=data.name,
        published=f"FID {row.fid}, Inception score {row.score} {data.protocol}{row.scored}" if row.fid else "none",
        cost=f"{count_images(course) / 1e6:g} million images in batches of {course.batch:,}",
        settings={
            **networks.settings,
            **make_settings(course),
            "dataset.size": data.size,
            "train.flip": True,
            "reg": "none",
            **gan.settings,
            **row.settings,
        },
    )


def count_images(course: Course) -> int:
    """Return the number of real images that D is trained on."""
    return course.updates * course.d_steps * course.batch


def make_settings(course: Course) -> Mapping[str, Any]:
    """Return the settings of a course."""
    per_update = course.d_steps * course.batch  # images for each update of G
    average: dict[str, Any] = {"train.ema_half_life": 0}
    if course.average:
        average = {"train.ema_half_life": HALF_LIFE * per_update, "train.ema_ramp": HALF_LIFE / course.average}
    return {
        "optim.g.lr": course.lr_g,
        "optim.d.lr": course.lr_d,
        **{f"optim.{network}.betas": course.betas for network in ("g", "d")},
        "train.images": count_images(course),
        "train.batch": course.batch,
        **({"train.micro_batch": course.batch // course.parts} if course.parts > 1 else {}),
        "train.d_steps": course.d_steps,
        **average,
    }
