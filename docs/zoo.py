"""What the page of the zoo shows to choose by: the included models, and recipes beside each other on real images.

Numbers come from packages' configs and from the newest file of ``benchmarks/leaderboard.py``, words from other pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from shlex import join
from statistics import fmean
from typing import Any

from families import MIB, RESULTS, write_table

import ganzoo
from ganzoo.runs.display import format_value
from ganzoo.runs.scores import format_score
from ganzoo_models import MODELS, SAME

DOCS = Path(__file__).parent
MODELS_FOLDER = DOCS.parent / "plugins" / "ganzoo_models"
USES = ("take it for", "you want")  # heads of a column that says what something is for
MB = 1_000_000
Row = dict[str, Any]


# ----------------------------------------------------------------------------
# What pages say to take something for.


@cache
def list_uses() -> dict[str, str]:
    """Return what pages say to take something for, by the code that is typed for it.

    It is the column ``take it for`` (or ``you want``) of their tables. The code is in the first other column.
    """
    found: dict[str, str] = {}
    for page in sorted(DOCS.glob("*.md")):
        for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.M):
            head, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
            column = next((number for number, name in enumerate(head) if name in USES), None)
            for row in rows if column is not None else ():
                for code in re.findall(r"`([^`]+)`", row[1 if column == 0 else 0]):
                    found.setdefault(code, row[column])
    return found


def find_use(words: str) -> str:
    """Return what pages say to take something for, by the longest code that they name; empty if they name none.

    Args:
        words: The words after ``ganzoo train``, or the name of an architecture.
    """
    named = [code for code in list_uses() if f" {code} " in f" {words} "]
    return list_uses()[max(named, key=len)] if named else ""


# ----------------------------------------------------------------------------
# The included models.


def list_models() -> Iterator[str]:
    """Yield the models that come with ganzoo: a table to choose by, then a section for each."""
    read = {name: json.loads((MODELS_FOLDER / name / "config.json").read_text(encoding="utf-8")) for name in MODELS}
    rows = (
        (f"[`ganzoo:{name}`](#ganzoo{name})", _show(f"ganzoo:{name}", name), MODELS[name].summary,
         f"{_count_parameters(name):,}", f"{_measure_size(name) / MB:.1f}", _choose_score(config["metrics"]))
        for name, config in read.items()
    )  # fmt: skip
    yield from write_table(("model", "samples", "what it draws", "parameters", "MB", "score"), *rows)
    for name, config in read.items():
        yield from _write_model(name, config)


def _write_model(name: str, config: Row) -> Iterator[str]:
    model, data = MODELS[name], config["data"]
    what = "apply" if data["label_shape"] else "sample"
    files = " FILE RESULT" if data["label_shape"] else ""
    classes = (
        f", of {data['num_classes']} classes"
        if data["num_classes"] and config["recipe"]["train"]["conditional"]
        else ""
    )
    yield from (f"### ganzoo:{name}", "", model.summary, "", _show(f"Samples of ganzoo:{name}", name), "")
    said = {
        "use it": f"`ganzoo {what} ganzoo:{name}{files}`",
        "samples": f"{data['modality']}, {'x'.join(map(str, data['shape']))}{classes}",
        "parameters": f"{_count_parameters(name):,} of the generator",
        "files": f"{_measure_size(name) / MB:.2f} MB",
        "data": model.data,
        "licence of the weights": model.license,
        "trained by": f"`ganzoo train {join((*model.train, *SAME))}` ({config['images']:,} images)",
    }
    yield from write_table(("", ""), *said.items())
    yield from write_table(METRICS, *(_describe_metric(entry) for entry in config["metrics"]))


METRICS = ("metric", "features of", "value", "real samples", "x floor", "+-", "samples", "fingerprint")


def _describe_metric(entry: Row) -> tuple[str, ...]:
    """Return the cells of a measured value."""
    numbers = [entry["value"], *(entry.get(key) for key in ("floor", "ratio", "interval"))]
    cells = ["" if number is None else format_value(number) for number in numbers]
    if entry.get("floor_num"):  # fewer than the value is measured with
        cells[1] += f" (of {entry['floor_num']:,})"
    return (entry["name"], _name_network(entry), *cells, f"{entry['num']:,}", f"`{entry['fingerprint']}`")


def _show(text: str, name: str) -> str:
    """Return the Markdown of a model's picture, or of a link to its sound or its rows."""
    for file, word in (("samples.wav", "a sound"), ("samples.txt", "rows")):
        if (MODELS_FOLDER / name / file).exists():
            return f"[{word}](../plugins/ganzoo_models/{name}/{file})"
    return f"![{text}](../plugins/ganzoo_models/{name}/samples.png)"


@cache
def _count_parameters(name: str) -> int:
    return sum(weight.numel() for weight in ganzoo.load(f"ganzoo:{name}", "cpu").network.parameters())


def _measure_size(name: str) -> int:
    """Return the bytes of a model's files."""
    return sum(path.stat().st_size for path in (MODELS_FOLDER / name).iterdir())


def _name_network(entry: Row) -> str:
    return str(entry.get("protocol", {}).get("extractor", "")).rpartition(":")[2]


def _choose_score(metrics: Sequence[Row]) -> str:
    """Return in words the Frechet distance of a model; the first of its values if it has none."""
    entry = next((each for each in metrics if each["name"] == "frechet/fd"), metrics[0])
    network = _name_network(entry)
    return f"{entry['name']}{f' on {network}' if network else ''}: {format_score(entry)}"


# ----------------------------------------------------------------------------
# The leaderboard.


def list_leaderboard() -> Iterator[str]:
    """Yield a table and curves for each dataset of the newest file of ``benchmarks/leaderboard.py``."""
    if not (files := sorted(RESULTS.glob("leaderboard-20*.json"))):
        yield "Nothing was measured yet: `python benchmarks/leaderboard.py` does it."
        return
    yield from write_leaderboard(files[-1])


def write_leaderboard(file: Path) -> Iterator[str]:
    """Yield what a file of results says: the rows of the longest trainings on each dataset.

    Values are comparable if their fingerprints are equal, so each fingerprint has a table of its own.
    """
    found = json.loads(file.read_text(encoding="utf-8"))
    for dataset in dict.fromkeys(row["dataset"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["dataset"] == dataset]
        budget = max(row["budget"] for row in rows)
        rows = [row for row in rows if row["budget"] == budget]
        scored = [row for row in rows if "scores" in row]
        for fingerprint in dict.fromkeys(row["scores"][0]["fingerprint"] for row in scored):
            same = [row for row in scored if row["scores"][0]["fingerprint"] == fingerprint]
            yield from (f"### On {dataset}, {same[0]['size']}x{same[0]['size']}", "")
            yield from _describe_protocol(same, found["protocols"][fingerprint], budget, file.name)
            yield from write_table(HEAD, *_make_rows(same, file))
        for row in rows:
            if "failed" in row:
                yield from (
                    f"`{row['words']}` failed after {row['seconds']:.0f} s (seed {row['seed']}): {row['failed']}",
                    "",
                )
        curves = file.parent / "leaderboard" / f"curves-{dataset}.png"
        if curves.exists():
            yield from (
                f"![Frechet distance on {dataset} over time](../benchmarks/results/leaderboard/{curves.name})",
                "",
            )


HEAD = (
    "after `ganzoo train`", "samples", "distance", "x floor", "density", "coverage", "images seen", "images a second",
    "parameters of G, of D", "memory, MiB", "take it for",
)  # fmt: skip


def _make_rows(rows: Sequence[Row], file: Path) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each recipe, the best first: means over the seeds, with the smallest and largest value."""
    recipes = {
        name: [row for row in rows if row["recipe"] == name] for name in dict.fromkeys(row["recipe"] for row in rows)
    }
    for each in sorted(recipes.values(), key=lambda rows: fmean(row["scores"][0]["value"] for row in rows)):
        first = each[0]
        picture = next(
            (row["picture"] for row in each if "picture" in row and (file.parent / row["picture"]).exists()), ""
        )
        distance, density, coverage = ([row["scores"][index] for row in each] for index in range(3))
        yield (
            f"`{first['words']}`",
            f"![{first['recipe']}](../benchmarks/results/{picture})" if picture else "",
            _spread(score["value"] for score in distance),
            _spread(score["ratio"] for score in distance),
            _spread(score["value"] for score in density),
            _spread(score["value"] for score in coverage),
            f"{fmean(row['images'] for row in each):,.0f}",
            f"{fmean(row['images'] / row['seconds'] for row in each):,.0f}",
            ", ".join(f"{count:,}" for count in first["parameters"]),
            f"{(first['state'] + first['kept']) / MIB:,.0f}",
            find_use(first["words"]),
        )


def _describe_protocol(rows: Sequence[Row], protocol: Row, budget: float, name: str) -> Iterator[str]:
    """Yield in words how the rows of a table were measured."""
    seeds, processors = len({row["seed"] for row in rows}), sorted({row["processor"] for row in rows})
    distance, others = rows[0]["scores"][0], rows[0]["scores"][1:]
    network = str(protocol["extractor"]).rpartition(":")[2]
    density, coverage = (f"{other['floor']:.2f}" for other in others)
    yield f"Each training cost {_format_time(budget)} of one core ({', '.join(processors)})."
    yield f"Values are means over {seeds} seeds, with the smallest and the largest." if seeds > 1 else "One seed."
    yield f"{protocol['fake']:,} samples are compared with as many real ones on the features of `{network}`."
    yield f"Other real images have the distance {format_value(distance['floor'])}, which is the floor,"
    yield f"the density {density} and the coverage {coverage}."
    yield f"Fingerprints: `{distance['fingerprint']}` of the distance,"
    yield f"`{others[0]['fingerprint']}` of density and coverage. Memory is that of weights, moments and average, and"
    yield f"what gradients keep. The rows are in `{name}`."
    yield ""


def _format_time(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"


def _spread(values: Iterable[float]) -> str:
    """Return a mean with the smallest and the largest value, if there are several."""
    known = list(values)
    mean, low, high = (f"{float(f'{value:.3g}'):,g}" for value in (fmean(known), min(known), max(known)))
    return f"{mean} ({low} to {high})" if len(known) > 1 else mean
