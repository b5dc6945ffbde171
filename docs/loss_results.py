"""What the page on losses says of measurements: the modes that a loss and a penalty find, and what goes together."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from families import read_newest, write_table


def list_modes() -> Iterator[str]:
    """Yield how many of 25 modes each loss finds with each penalty, as ``benchmarks/modes.py`` measured last."""
    name, found = read_newest("modes")
    rows = found["rows"]
    penalties = list(dict.fromkeys(row["penalty"] for row in rows if row["loss"] == rows[-1]["loss"]))
    cells = []
    for loss in dict.fromkeys(row["loss"] for row in rows):
        line = [f"`{loss}`"]
        for penalty in penalties:
            same = [row for row in rows if (row["loss"], row["penalty"]) == (loss, penalty)]
            if any("failed" in row for row in same):
                line.append("fails")
            else:
                line.append(f"{min(row['modes'] for row in same):.0f}, {fmean(row['share'] for row in same):.0%}")
        cells.append(line)
    yield from write_table(["", *(f"`{penalty}`" for penalty in penalties)], *cells)
    yield f"`{name}`: {rows[-1]['images']:,} points, {len({row['seed'] for row in rows})} seeds each."


def list_combinations() -> Iterator[str]:
    """Yield what ``benchmarks/combinations.py`` found: how many combinations train, and how many are refused."""
    name, found = read_newest("combinations")
    rows = [row for row in found["rows"] if row["execution"] == "eager"]
    archs, losses = ({row[key] for row in rows} for key in ("arch", "loss"))
    terms = {term for row in rows for key in ("trained", "refused", "failed") for term in row[key]} - {"none"}
    trained, refused, failed = (sum(len(row[key]) for row in rows) for key in ("trained", "refused", "failed"))
    yield f"Of {len(archs)} architectures, {len(losses)} losses and {len(terms)} terms, {trained:,} combinations"
    yield f"trained, {refused:,} were refused and {failed or 'none'} failed (`{name}`)."
