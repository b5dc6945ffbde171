"""``ganzoo sweep``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ganzoo import sweeping
from ganzoo.cli.common import Session, common_options, note
from ganzoo.cli.groups import GroupedCommand
from ganzoo.cli.pairs import complete_pairs, parse_pairs
from ganzoo.cli.tables import print_table
from ganzoo.cli.train import GROUPS as TRAIN_GROUPS
from ganzoo.cli.train import add_component_flags, add_short_flags, add_start_flags
from ganzoo.errors import UsageError
from ganzoo.plugin.options import to_text
from ganzoo.recipe.table import Dimension, make_dimension, read_table, split_values

SWEEP = "Sweep"
OWN = ("seeds", "jobs", "name", "retry", "dry_run", "print_as")
GROUPS = {
    SWEEP: OWN,
    **{title: [name for name in names if name not in ("resume", "publish")] for title, names in TRAIN_GROUPS.items()},
}


@click.command("sweep", cls=GroupedCommand, groups={title: names for title, names in GROUPS.items() if names})
@click.option("--seeds", metavar="N", type=click.IntRange(1), default=1, help="Train each combination with N seeds.")
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1),
    help="Train N runs at once; by default one on each GPU, or one.",
)  # fmt: skip
@click.option("--name", metavar="NAME", help="Name the folder of the sweep; the same name continues it.")
@click.option("--retry", is_flag=True, help="Try runs again that failed.")
@click.option("--dry-run", is_flag=True, help="Check and list the runs, and do not train.")
@click.option(
    "--print", "print_as", type=click.Choice(["commands", "slurm"]),
    help="Print the commands of the runs that are not finished, or a script for sbatch, and do not train.",
)  # fmt: skip
@add_component_flags
@add_start_flags
@add_short_flags
@click.argument("table", nargs=-1, metavar="[FILE] [KEY=VALUE,VALUE]...", shell_complete=complete_pairs)
@common_options
def command(
    table: tuple[str, ...], seeds: int, jobs: int | None, name: str | None, retry: bool,
    dry_run: bool, print_as: str | None, device: str, **flags: Any,
) -> None:  # fmt: skip
    """Train all combinations of settings, with several seeds, each run in a process of its own.

    \b
    ganzoo sweep --arch dcgan --loss bce,lsgan optim.g.lr=1e-4,2e-4 --seeds 3
    ganzoo sweep table.toml --jobs 2
    ganzoo compare sweep-loss-lr-seed

    Flags and KEY=VALUE are those of `ganzoo train`, with several values after commas; a value that contains commas
    stands in parentheses. FILE is a .toml with lists of values, or a .csv with a row for each run. All settings are
    checked before the first run starts. Ctrl-C stops and saves the runs; the same command continues them and repeats
    none.
    """
    file, dimensions = _read_arguments(table, flags)
    session = click.get_current_context().ensure_object(Session)
    extra = [word for path in session.files for word in ("--plugin", path)]
    plan = sweeping.make_plan(
        dimensions, seeds=seeds, name=name, table=file, device=device, extra=extra, notify=note
    )  # fmt: skip
    if print_as and not plan.list_open(retry):
        note(f"{plan.sweep.path}: nothing is left to train")
    elif print_as == "slurm":
        click.echo(sweeping.format_slurm_script(plan, retry))
    elif print_as == "commands":
        for line in sweeping.format_commands(plan, retry):
            click.echo(line)
    elif dry_run:
        print_table([("state", "settings", "run"), *sweeping.list_rows(plan)])
    else:
        sweeping.run_plan(plan, jobs=jobs, retry=retry, notify=note)
        click.echo(plan.sweep.path)


def _read_arguments(table: tuple[str, ...], flags: dict[str, Any]) -> tuple[Path | None, list[Dimension]]:
    """Return the file of the table, if there is one, and the dimensions of the file, the flags and the pairs."""
    files = [word for word in table if "=" not in word and (os.path.isfile(word) or word.endswith((".toml", ".csv")))]
    if len(files) > 1:
        raise UsageError(f"{' and '.join(files)} are two tables: give one")
    dimensions = read_table(Path(files[0])) if files else []
    for key, given in flags.items():
        for value in given if isinstance(given, tuple) else (given,):
            if value is not None:
                dimensions.append(make_dimension(key, _split_flag(key, value)))
    pairs = parse_pairs(word for word in table if word not in files)
    dimensions += [make_dimension(key, split_values(value)) for key, value in pairs.items()]
    return (Path(files[0]) if files else None), dimensions


def _split_flag(key: str, value: object) -> list[str]:
    """Return the values of a flag; a path is one value, whatever it contains."""
    text = value if isinstance(value, str) else to_text(value)
    return [text] if key in ("dataset", "config", "init") and os.path.exists(text) else split_values(text)
