"""What a table of StudioGAN's trainings consists of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Course(NamedTuple):
    """How long and how fast networks learn.

    Args:
        batch: The number of real images in each update of D.
        parts: The number of parts that a batch is computed in.
        d_steps: The number of D's updates for each update of G.
        updates: The number of G's updates.
        lr_g: The learning rate of G.
        lr_d: The learning rate of D.
        betas: The decays of Adam in both networks.
        average: The update of G at which the average of its weights starts, with a decay of 0.9999; None for none.
    """

    batch: int
    d_steps: int
    updates: int
    lr_g: float
    lr_d: float
    betas: tuple[float, float] = (0.0, 0.999)
    average: int | None = None
    parts: int = 1


class Networks(NamedTuple):
    """Networks of a data set's trainings: their settings, how they learn, and what is to be said of them in words."""

    settings: Mapping[str, Any]
    course: Course
    what: str = ""


class Row(NamedTuple):
    """One training: what differs from the GAN's settings in `ganzoo_recipes.gans` and from those of the data set.

    Args:
        score: The Inception score; None if the tables have none.
        fid: The FID; None if the tables have none.
        settings: The settings that differ.
        course: The fields of the course that differ.
        networks: The networks, if not those of the GAN.
        gan: The GAN, if it is not the one that the row is named by.
        what: How the training differs from that of the row with the GAN's name, in words.
        scored: When the scores were measured, if not at the end.
    """

    score: float | None = None
    fid: float | None = None
    settings: Mapping[str, Any] = {}
    course: Mapping[str, Any] = {}
    networks: str = ""
    gan: str = ""
    what: str = ""
    scored: str = ""


class Data(NamedTuple):
    """A data set: its name, the folder of its configurations, its size in pixels, how scores are measured, its rows."""

    name: str
    folder: str
    size: int
    protocol: str
    networks: Mapping[str, Networks]
    rows: Mapping[str, Row]
