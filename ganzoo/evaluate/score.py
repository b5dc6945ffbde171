"""Scores: measured values with all that they depend on and all that a reader needs beside them.

A score is shown with its floor, the value that other real samples get, and with an interval. Two scores of a metric are
comparable if their fingerprints are equal. Where they are not and stand side by side, a mark says so.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ganzoo.recipe.recipe import Choice

NAMES = ("reference",)  # parts of a protocol that are names alone: they do not change the fingerprint
WHERE = ("weights", "download")  # options of extractors that say where weights are found
SECOND = "@"  # between the name of a metric and of the extractor, where a metric reads several


@dataclass(frozen=True)
class Protocol:
    """All that a value depends on, except the measured samples.

    Args:
        metric: The metric with its options and version, and the extractor that it reads.
        weights: The SHA-256 of the extractor's weights; empty if it has none.
        reference: The name of the real samples' dataset.
        split: The part of the dataset that they are from: ``training``, ``held-out`` or ``all``.
        content: A SHA-256 of the compared real samples.
        num: The number of generated samples.
        num_real: The number of real samples.
        num_held_out: The number of held-out samples that the metric read as well.
        held_out: A SHA-256 of those samples; empty if it read none.
        seed: The seed that chose real samples and latents.
        dtype: The numbers that generated samples are made of: ``uint8`` if they were rounded to the levels of bytes.
    """

    metric: Choice
    weights: str
    reference: str
    split: str
    content: str
    num: int
    num_real: int
    seed: int
    dtype: str
    num_held_out: int = 0
    held_out: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the protocol as JSON: each part by its name."""
        metric, extractor = self.metric.to_json(), self.metric.extractor
        parts = {"metric": metric["name"], "version": metric["version"], "options": metric["options"]}
        if extractor:
            read = extractor.to_json()
            parts |= {"extractor": read["name"], "extractor_version": read["version"]}
            found = WHERE if self.weights else ()  # the SHA-256 says which weights they are, wherever they lie
            chosen = {key: value for key, value in read["options"].items() if key not in found}
            parts |= {"extractor_options": chosen, "sha256": self.weights}
            parts |= {"resize": getattr(extractor.spec, "resize", "")}
        parts |= {"reference": self.reference, "split": self.split, "content": self.content}
        if self.held_out:
            parts |= {"held_out": self.num_held_out, "held_out_content": self.held_out}
        return parts | {"real": self.num_real, "fake": self.num, "seed": self.seed, "dtype": self.dtype}

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that are equal if and only if two values are comparable."""
        parts = {name: part for name, part in self.to_json().items() if name not in NAMES}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Score:
    """A measured value.

    Args:
        name: ``METRIC/KEY``; ``METRIC@EXTRACTOR/KEY`` if the metric reads further extractors.
        value: The measured value of the samples.
        better: Whether a ``lower`` or a ``higher`` value is better, or ``neither``.
        protocol: All that the value depends on.
        floor: The value that other real samples get instead of generated ones; None if it was not measured.
        ratio: The value in multiples of the floor, both of equally many samples; None if the value is not a distance.
        interval: Half the width of an interval that contains 95 % of the values that other samples of the same
            generator would get; None if it was not estimated.
        floor_num: The number of samples that the floor was measured with, if it is another than the value's.
    """

    name: str
    value: float
    better: str
    protocol: Protocol
    floor: float | None = None
    ratio: float | None = None
    interval: float | None = None
    floor_num: int | None = None

    @property
    def extractor(self) -> str:
        """The name of the extractor; empty if the metric reads samples."""
        return self.protocol.metric.extractor.name if self.protocol.metric.extractor else ""

    @property
    def bare_name(self) -> str:
        """``METRIC/KEY``."""
        metric, _, key = self.name.partition("/")
        return f"{metric.partition(SECOND)[0]}/{key}"

    def to_json(self) -> dict[str, Any]:
        """Return the score as a run and a package store it."""
        floor_num = self.floor_num if self.floor is not None else None
        estimates = {"floor": self.floor, "floor_num": floor_num, "ratio": self.ratio, "interval": self.interval}
        return {
            "name": self.bare_name,
            "value": self.value,
            "num": self.protocol.num,
            "seed": self.protocol.seed,
            "fingerprint": self.protocol.fingerprint,
            "better": self.better,
            **{key: value for key, value in estimates.items() if value is not None},
            "protocol": self.protocol.to_json(),
        }
