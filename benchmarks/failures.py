"""Draw the pictures of docs/doctor.md: a part of the last grid of a planted run, and the curve that shows its failure.

    python benchmarks/doctor.py --rows ROWS --pictures PICTURES
    python benchmarks/failures.py ROWS PICTURES [--out docs] [--quick]

A line shows where the rule's threshold is. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import parse_arguments
from PIL import Image, ImageDraw, ImageFont

SIDE, WIDTH, MARGIN = 128, 300, 14  # of the samples, and of the curve, in pixels
BACK, LINE, CURVE, LIMIT = (255, 255, 255), (120, 120, 120), (20, 90, 170), (200, 60, 40)
CURVES = {  # verdict -> plant, value, threshold
    "d-too-strong": ("1", "auc", 0.995),
    "d-too-weak": ("2", "auc", 0.2),
    "z-ignored": ("3", "z_sensitivity", 0.001),
    "mode-collapse": ("4", "duplicates", 0.5),
    "lipschitz-violation": ("6", "input_gradient", None),
    "d-overfit": ("8", "auc_val", None),
    "eval-mismatch": ("15", "mode_gap", 0.5),
    "ema-stale": ("16", "average_gap", 0.5),
    "overregularised": ("11", "real_std", 0.01),
}


def main() -> None:
    """Draw the pictures whose runs are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, nargs="?", default=Path("rows"))
    parser.add_argument("pictures", type=Path, nargs="?", default=Path("pictures"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--quick", action="store_true", help="draw a made-up curve, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        drawn = draw_curve([(n, n * n) for n in range(9)], "n squared", 50.0)
        print(f"drew {drawn.width}x{drawn.height} pixels")
    for code, (name, key, limit) in CURVES.items() if not arguments.quick else ():
        rows, grid = arguments.rows / f"{name}.jsonl", arguments.pictures / f"{name}.png"
        if rows.exists() and grid.exists():
            points = read_points(rows, key)
            picture = join(cut(Image.open(grid)), draw_curve(points, key, limit))
            picture.quantize(64).save(arguments.out / f"doctor-{code}.png", optimize=True)
            print(f"doctor-{code}.png: {len(points)} values of {key}, {points[-1][1]:.3g} at the end")


def read_points(file: Path, key: str) -> list[tuple[float, float]]:
    """Return images and a value of the rows that have it."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    return [(row["images"], row[key]) for row in rows if key in row]


def cut(grid: Image.Image) -> Image.Image:
    """Return the upper left quarter of a grid."""
    part = grid.convert("RGB").crop((0, 0, grid.width // 2, grid.height // 2))
    return part.resize((SIDE, SIDE), Image.Resampling.BOX)


def draw_curve(points: list[tuple[float, float]], title: str, limit: float | None) -> Image.Image:
    """Return a curve with its smallest and largest value, and a line at the threshold."""
    picture = Image.new("RGB", (WIDTH, SIDE), BACK)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(10)
    values = [value for _, value in points] + ([] if limit is None else [limit])
    low, high, end = min(values), max(values), max(points[-1][0], 1)
    span = (high - low) or 1.0

    def place(images: float, value: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * images / end
        return x, SIDE - MARGIN - (SIDE - 3 * MARGIN) * (value - low) / span

    draw.line([place(0, low), place(end, low)], fill=LINE)
    draw.line([place(0, low), place(0, high)], fill=LINE)
    if limit is not None:
        draw.line([place(0, limit), place(end, limit)], fill=LIMIT)
    draw.line([place(*point) for point in points], fill=CURVE, width=2)
    draw.text((MARGIN, 1), f"{title}: {low:.3g} to {high:.3g}, {end:,.0f} images", fill=(0, 0, 0), font=font)
    return picture


def join(left: Image.Image, right: Image.Image) -> Image.Image:
    """Return two pictures side by side."""
    picture = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), BACK)
    picture.paste(left, (0, 0))
    picture.paste(right, (left.width, 0))
    return picture


if __name__ == "__main__":
    main()
