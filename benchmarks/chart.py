"""A chart of several curves, drawn with Pillow."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 720, 420  # pixels
LEFT, TOP, RIGHT, BOTTOM = 44, 26, 110, 34  # margins; the names of curves are in the right one
LINE = 13  # pixels between two names
BACK, GRID, INK = (255, 255, 255), (225, 225, 225), (60, 60, 60)
Curve = Sequence[tuple[float, float]]


def draw_curves(curves: Mapping[str, Curve], title: str, unit: str, limit: float | None = None) -> Image.Image:
    """Return a chart of curves, each with its name at its end. The vertical axis is logarithmic.

    Args:
        curves: The points (x, y) of each curve, by its name; y is above 0.
        title: The title of the chart.
        unit: What x is, below the horizontal axis.
        limit: A value at which a dotted line is drawn; None for none.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT), BACK)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    points = [point for curve in curves.values() for point in curve]
    values = [y for _, y in points] + ([] if limit is None else [limit])
    low, high, end = min(values) * 0.9, max(values) * 1.1, max(x for x, _ in points)

    def place(x: float, y: float) -> tuple[float, float]:
        up = math.log(y / low) / math.log(high / low)
        return LEFT + (WIDTH - LEFT - RIGHT) * x / end, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * up

    for y in list_ticks(low, high):
        draw.line([place(0, y), place(end, y)], fill=GRID)
        draw.text((LEFT - 5, place(0, y)[1]), f"{y:g}", fill=INK, font=font, anchor="rm")
    for part in range(7):
        x = end * part / 6
        draw.text((place(x, low)[0], HEIGHT - BOTTOM + 4), f"{x:.3g}", fill=INK, font=font, anchor="mt")
    draw.text((place(end / 2, low)[0], HEIGHT - 4), unit, fill=INK, font=font, anchor="mb")
    draw.text((LEFT, 6), title, fill=INK, font=font)
    if limit is not None:
        start, across = place(0, limit), int(place(end, limit)[0])
        for dot in range(int(start[0]), across, 6):
            draw.line([(dot, start[1]), (dot + 2, start[1])], fill=INK)
    heights = {name: place(*curve[-1])[1] for name, curve in curves.items()}
    for number, (name, height) in enumerate(zip(heights, space_out(list(heights.values())), strict=True)):
        red, green, blue = colorsys.hsv_to_rgb(number / len(curves), 0.85, 0.8 - 0.25 * (number % 2))
        colour = (int(255 * red), int(255 * green), int(255 * blue))
        line = [place(*point) for point in curves[name]]
        draw.line(line, fill=colour, width=2)
        for x, y in line:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=colour)
        draw.line([line[-1], (WIDTH - RIGHT + 12, height)], fill=colour)
        draw.text((WIDTH - RIGHT + 15, height), name, fill=colour, font=font, anchor="lm")
    return picture


def list_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between two values."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for digit in (1, 2, 5) if low <= (tick := digit * 10.0**power) <= high]


def space_out(heights: Sequence[float]) -> list[float]:
    """Return heights of names in their order, so far apart that none covers another, inside the chart."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    places, before = list(heights), -math.inf
    for index in order:
        places[index] = before = max(places[index], before + LINE)
    before = HEIGHT - BOTTOM + LINE
    for index in reversed(order):
        places[index] = before = min(places[index], before - LINE)
    return places
