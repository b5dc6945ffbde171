"""``ganzoo data``."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ganzoo.cli.common import Count, common_options, complete_components, note, print_json
from ganzoo.cli.pairs import parse_pairs
from ganzoo.cli.tables import print_table
from ganzoo.datasets import CheckedData, check_data
from ganzoo.plugin.files import write_atomic
from ganzoo.recipe.keys import list_keys
from ganzoo.registry import registry


def _complete_options(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the key of an option of a dataset."""
    return [
        CompletionItem(f"{key}=") for key in list_keys(registry(), kinds=("dataset",)) if key.startswith(incomplete)
    ]


@click.group("data", no_args_is_help=True)
@common_options
def command() -> None:
    """Look at datasets before they are trained on.

    \b
    ganzoo data check ~/photos     what the pictures are, what is wrong with them, and which training suits them
    """


@command.command("check")
@click.argument("dataset", metavar="[DATASET]", required=False, shell_complete=complete_components("dataset"))
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=_complete_options)
@click.option("--size", metavar="N", type=Count(), help="Resize the images to this height and width, in pixels.")
@click.option("--out", type=click.Path(), help="Picture of samples to write. Default: DATASET-samples.png.")
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Device of a training, for advice.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and write a picture only for --out.")
@common_options
def check(
    dataset: str | None, pairs: tuple[str, ...], size: int | None, out: str | None, device: str, as_json: bool
) -> None:
    """Look at DATASET, a name or the path of a folder: number and classes of its samples, sizes and formats of its
    files, what resizing does to them, copies, values and unreadable files. Then say which training suits it.

    \b
    ganzoo data check ~/photos --size 64
    ganzoo data check fashion-mnist dataset.split=test --json

    The images are packed as for a training, which then starts at once. Two images look alike if perceptual hashes
    and thumbnails of them agree. Warnings are on stderr; a picture shows some samples as the networks see them.
    """
    found = check_data(dataset, size=size, options=parse_pairs(pairs), device=device)
    if as_json:
        print_json(found.to_json())
    else:
        print_table([*found.describe()])
    for warning in found.warnings:
        note(f"warning: {warning}")
    if out or not as_json:
        _write_picture(found, out)


def _write_picture(found: CheckedData, out: str | None) -> None:
    """Write the first file that shows samples, and print its path."""
    for suffix, content in list(found.files.items())[:1]:
        path = Path(out or f"{found.dataset.name}-samples{suffix}")
        write_atomic(path, [content])
        note(f"{path} shows some samples")
