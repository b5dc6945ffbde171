"""``ganzoo evaluate``."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from ganzoo import models
from ganzoo.cli.common import (
    Count,
    common_options,
    complete_components,
    complete_runs,
    note,
    offline_option,
    print_json,
)
from ganzoo.cli.pairs import parse_pairs
from ganzoo.cli.tables import print_table
from ganzoo.evaluate.request import KINDS
from ganzoo.recipe.keys import list_keys
from ganzoo.registry import registry


def _complete_options(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the key of an option of a metric, an extractor or a dataset."""
    keys = list_keys(registry(), kinds=KINDS)
    return [CompletionItem(f"{key}=") for key in keys if key.startswith(incomplete)]


@click.command("evaluate")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.option(
    "--metric", metavar="NAME", multiple=True, shell_complete=complete_components("metric"),
    help="Compute this metric. Repeat the flag for more; `ganzoo list metrics` shows them.",
)  # fmt: skip
@click.option(
    "-n", "--num", metavar="N", type=Count(),
    help="Number of real and of generated samples; default: 10,000, or all real samples if there are fewer.",
)  # fmt: skip
@click.option("--seed", metavar="N", type=Count(), default=0, show_default=True, help="Seed of the samples.")
@click.option(
    "--dataset", metavar="NAME", shell_complete=complete_components("dataset"),
    help="Dataset of the real samples, by name or path; default: the dataset of the training.",
)  # fmt: skip
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with everything that the values depend on.")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=_complete_options)
@offline_option
@common_options
def command(
    what: str, metric: tuple[str, ...], num: int | None, seed: int, dataset: str | None, device: str, as_json: bool,
    pairs: tuple[str, ...], offline: bool,
) -> None:  # fmt: skip
    """Compare samples of RUN's averaged generator with real samples. RUN is a run's path, name or number, a model
    package's directory, or USER/NAME on the Hub.

    \b
    ganzoo evaluate 3 --metric NAME
    ganzoo evaluate 3 --metric NAME -n 1000 --dataset ~/held-out metric.NAME.KEY=VALUE
    ganzoo evaluate 3 --metric NAME metric.NAME.extractor=OTHER extractor.OTHER.KEY=VALUE
    """
    found = models.evaluate(
        what, metric, num=num, seed=seed, dataset=dataset, options=parse_pairs(pairs), device=device,
        offline=offline, notify=note,
    )  # fmt: skip
    if as_json:
        print_json(found.to_json())
    else:
        better = {name: f"{way} is better" for name, way in found.better.items() if way != "neither"}
        print_table([(name, f"{value:.6g}", better.get(name, "")) for name, value in found.values.items()])
