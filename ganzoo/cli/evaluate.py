"""``ganzoo evaluate``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ganzoo import measuring
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
from ganzoo.evaluate.selection import KINDS
from ganzoo.plugin.values import split_list
from ganzoo.recipe.keys import list_keys
from ganzoo.registry import registry
from ganzoo.runs.scores import describe_protocol, format_score, mark_scores
from ganzoo.runs.where import ModelSource

if TYPE_CHECKING:
    from ganzoo.evaluate.evaluation import Evaluation


def _complete_options(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a run, or the key of an option of a metric, an extractor or a dataset."""
    keys = list_keys(registry(), kinds=KINDS)
    found = [CompletionItem(f"{key}=") for key in keys if key.startswith(incomplete)]
    return found or complete_runs(ctx, param, incomplete)


@click.command("evaluate")
@click.argument("what", metavar="RUN", shell_complete=complete_runs)
@click.argument("more", nargs=-1, metavar="[RUN]... [KEY=VALUE]...", shell_complete=_complete_options)
@click.option(
    "--metric", metavar="NAME", multiple=True, shell_complete=complete_components("metric"),
    help="Compute this metric. Repeat the flag for more; `ganzoo list metrics` shows them. Default: some that suit the "
    "data.",
)  # fmt: skip
@click.option(
    "--extractor", metavar="NAME", multiple=True, shell_complete=complete_components("extractor"),
    help="Let metrics read this network's features. Repeat the flag for more. Default: the best that is installed.",
)  # fmt: skip
@click.option(
    "--against", "--dataset", metavar="NAME", default="", shell_complete=complete_components("dataset"),
    help="Real samples: a dataset's name, a folder or a file of arrays; default: the dataset of the training.",
)  # fmt: skip
@click.option(
    "--held-out", is_flag=True, help="Compare with the samples that dataset.holdout keeps out of the training."
)  # fmt: skip
@click.option(
    "-n", "--num", metavar="N", type=Count(),
    help="Number of real and of generated samples; default: half of the real samples, but 950 to 10,000.",
)  # fmt: skip
@click.option("--seed", metavar="N", type=Count(), default=0, show_default=True, help="Seed of the samples.")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all that the values depend on.")
@offline_option
@common_options
def command(
    what: str, more: tuple[str, ...], metric: tuple[str, ...], extractor: tuple[str, ...], against: str,
    held_out: bool, num: int | None, seed: int, device: str, as_json: bool, offline: bool,
) -> None:  # fmt: skip
    """Compare samples of RUN's averaged generator with real samples. RUN is a run's path, name or number, a model
    package's directory, USER/NAME on the Hub, or samples that any program made: a folder of images or an .npz file.

    \b
    ganzoo evaluate 3
    ganzoo evaluate 3 4 USER/NAME pictures/ samples.npz --against ~/held-out
    ganzoo evaluate 3 --metric NAME -n 1000 metric.NAME.KEY=VALUE
    ganzoo evaluate 3 --metric NAME --extractor OTHER extractor.OTHER.KEY=VALUE

    Each value has its floor, which other real samples get, and an interval. A run remembers its values, and its model
    card shows them.
    """
    pairs = parse_pairs(text for text in more if "=" in text or _is_component(text))
    names: list[ModelSource] = [what, *(text for text in more if "=" not in text)]
    metrics, extractors = ([name for text in texts for name in split_list(text)] for texts in (metric, extractor))
    found = measuring.evaluate(
        names, metrics, extractor=extractors, against=against, held_out=held_out, num=num, seed=seed, options=pairs,
        device=device, offline=offline, notify=note,
    )  # fmt: skip
    if as_json:
        print_json(found[0].to_json() if len(found) == 1 else [each.to_json() for each in found])
    else:
        _print_scores(found)


def _is_component(text: str) -> bool:
    """Whether an argument is the name of a component, whose flag was forgotten."""
    known = (entry.spec for entry in registry().components() if entry.spec.kind in KINDS)
    return not os.path.exists(text) and any(text in (spec.name, *spec.aliases) for spec in known)


def _print_scores(found: Sequence[Evaluation]) -> None:
    """Print a row for each value, with a column for each model. Values that cannot be compared get a mark."""
    rows = [["", "", *(each.subject.label for each in found), ""]] if len(found) > 1 else []
    protocols, lines = dict[str, dict[str, None]](), dict[str, None]()
    for name in dict.fromkeys(name for each in found for name in each.scores):
        scores = [each.scores.get(name) for each in found]
        there = [score for score in scores if score]
        marks, differences = mark_scores([score.to_json() for score in there])
        marked, lines = iter(marks), lines | dict.fromkeys(differences)
        cells = [f"{format_score(score.to_json())} {next(marked)}".strip() if score else "" for score in scores]
        better = f"{there[0].better} is better" if there[0].better != "neither" else ""
        rows.append([there[0].bare_name, there[0].extractor, *cells, better])
        for score in there:
            named = f"{score.bare_name.partition('/')[0]} {score.protocol.fingerprint}"
            protocols.setdefault(describe_protocol(score.protocol.to_json()), {})[named] = None
    print_table(rows)
    for text, names in protocols.items():
        note(f"{text}: {', '.join(names)}")
    for line in lines:
        note(line)
