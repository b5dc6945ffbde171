"""``ganzoo search``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ganzoo.cli.common import common_options, note, print_json
from ganzoo.cli.tables import print_table
from ganzoo.runs.scores import mark_scores

if TYPE_CHECKING:
    from ganzoo.hub.search import SearchResult


@click.command("search")
@click.argument("text", required=False, default="")
@click.option("--dataset", metavar="NAME", default="", help="Only models trained on this dataset of ganzoo or the Hub.")
@click.option("--author", metavar="NAME", default="", help="Only models of this user or organisation.")
@click.option("--arch", metavar="NAME", default="", help="Only models of this architecture.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(text: str, dataset: str, author: str, arch: str, as_json: bool) -> None:
    """Find models on the Hugging Face Hub that ganzoo can load. TEXT is a part of their names. The models with the most
    downloads come first.
    """
    from ganzoo import sharing

    found = sharing.search(text, dataset=dataset, author=author, arch=arch, notify=note)
    if as_json:
        print_json([model._asdict() for model in found])
    elif not found:
        note("no ganzoo model on the Hub matches")
    else:
        head = ("model", "downloads", "architecture", "metrics", "requires")
        shown = [{score["name"]: score for score in model.scores} for model in found]  # the last one of each name
        marks, lines = mark_scores([score for scores in shown for score in scores.values()])
        marked = iter(marks)
        print_table([head, *(_make_row(model, marked) for model in found)])
        for line in lines:
            note(line)


def _make_row(model: SearchResult, marks: Iterator[str]) -> tuple[str, ...]:
    measured = ", ".join(f"{name} {value:.4g} {next(marks)}".strip() for name, value in model.metrics.items())
    return model.repo, f"{model.downloads:,}", model.arch, measured, " ".join(model.requires)
