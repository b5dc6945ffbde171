"""What a recipe may know before it chooses its settings, and what it says of its choice. See `ganzoo.plugin.Recipe`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """Facts about a dataset and the machine, for a recipe that looks at them (`Recipe.looks`).

    Args:
        looked: The number of samples that were looked at; 0 if there were none to look at.
        grey: The share of these that are grey: images of one channel, or of channels that are equal.
        mirrored: The share of images that a linear test tells from their mirror images, of images that it did not
            learn from. 0.5 means that left and right do not matter, 1 that they do, as in text.
        copies: The share of the samples looked at that are equal to another one.
        smallest, largest: The number of samples of the smallest and of the largest class; 0 if there are no classes.
        shorter: The median of the shorter sides of the files, in pixels; 0 if there are no files of images.
        ratio: The median of width divided by height of the files; 0 if there are no files of images.
        resizable: Whether the recipe may choose ``dataset.size``, since the dataset has that option, its images are
            square, and the user has not set it.
        cores: The number of cores of the CPU that the process may use.
        memory: The memory that the device has free, in bytes; 0 if it is not known.
    """

    looked: int = 0
    grey: float = 0.0
    mirrored: float = 0.5
    copies: float = 0.0
    smallest: int = 0
    largest: int = 0
    shorter: int = 0
    ratio: float = 0.0
    resizable: bool = False
    cores: int = 1
    memory: int = 0


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Settings that a recipe computed, and why.

    Args:
        settings: The settings by key, as those of `Recipe.settings`.
        reasons: Lines for the user: what was chosen, why, and what to expect; at most eight, each a sentence.
    """

    settings: Mapping[str, Any]
    reasons: tuple[str, ...] = field(default=())
