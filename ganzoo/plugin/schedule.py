"""Numbers that change during training, as functions of the images seen."""

from __future__ import annotations

import math
import re
import typing
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin.numbers import format_number, parse_number

FROM_TO = ("linear", "cosine", "geometric")  # shapes that go from one value to another
SHAPES = ("constant", *FROM_TO, "inverse_sqrt")
TEXT = r"\s*(\w+)\s*\(([^()=]*?)(?:,\s*images\s*=([^(),=]+))?(?:,\s*after\s*=([^(),=]+))?\)\s*"


class ImpossibleValue(ValueError):
    """A value of the right form is impossible; the text says why."""


@dataclass(frozen=True)
class Schedule:
    """A number as a function of the images seen.

    - ``constant(a)``: always a.
    - ``linear(a, b, images=N)`` and ``cosine(a, b, images=N)``: from a to b over N images, then b.
    - ``geometric(a, b, images=N)``: from a to b over N images by equal factors (linear in the logarithm), then b.
    - ``linear(a, b, images=N, after=M)``, and so the others with b: a for M images, and then as above.
    - ``inverse_sqrt(a, images=N)``: a up to N images, then a / sqrt(images / N) (Karras et al. 2024,
      arXiv:2312.02696).

    Args:
        shape: The name of the function.
        start: The value a, which the schedule starts with.
        end: The value b; equal to a for shapes that have no b.
        images: The number of images N; 1 for ``constant``.
        after: The number of images M before the value changes, for shapes that have b.

    Raises:
        ImpossibleValue: One of the two values of ``geometric`` is not above 0.
    """

    shape: Literal["constant", "linear", "cosine", "geometric", "inverse_sqrt"]
    start: float
    end: float
    images: float
    after: float = 0.0

    def __post_init__(self) -> None:
        if self.shape == "geometric" and min(self.start, self.end) <= 0:
            raise ImpossibleValue("geometric multiplies by equal factors, so both values must be above 0")

    def at(self, images: float) -> float:
        """Return the value after so many images were seen."""
        progress = min(max(images - self.after, 0.0) / self.images, 1.0)
        match self.shape:
            case "constant":
                return self.start
            case "linear":
                return self.start + (self.end - self.start) * progress
            case "cosine":
                return self.end + (self.start - self.end) * (1 + math.cos(math.pi * progress)) / 2
            case "geometric":
                return float(self.start * (self.end / self.start) ** progress)
            case "inverse_sqrt":
                return self.start / math.sqrt(max(images / self.images, 1.0))

    def __str__(self) -> str:
        values = [self.start, self.end] if self.shape in FROM_TO else [self.start]
        tail = [] if self.shape == "constant" else [f"images={format_number(self.images)}"]
        tail += [f"after={format_number(self.after)}"] if self.after else []
        return f"{self.shape}({', '.join([format_number(value) for value in values] + tail)})"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Return the schedule of a text, as `str` writes it. Numbers are read by `parse_number`."""
        found = re.fullmatch(TEXT, text)
        shape = found[1] if found else ""
        if (
            found is None
            or shape not in SHAPES
            or (found[3] is None) != (shape == "constant")
            or (found[4] is not None and shape not in FROM_TO)
        ):
            raise ValueError(f"{text!r} is not a schedule")
        numbers = [parse_number(part) for part in found[2].split(",")]
        images, after = (parse_number(part or default) for part, default in ((found[3], "1"), (found[4], "0")))
        if len(numbers) != (2 if shape in FROM_TO else 1) or images <= 0 or after < 0:
            raise ValueError(f"{text!r} is not a schedule")
        return cls(typing.cast(Any, shape), numbers[0], numbers[-1], images, after)


def evaluate_number(number: float | Schedule, images: float) -> float:
    """Return the value of a number or schedule after so many images were seen."""
    return number.at(images) if isinstance(number, Schedule) else number
