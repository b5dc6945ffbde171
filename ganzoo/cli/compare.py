"""``ganzoo compare``."""

from __future__ import annotations

from dataclasses import asdict

import click

from ganzoo.cli.common import common_options, complete_runs, note, print_json
from ganzoo.cli.tables import print_table
from ganzoo.comparing import Comparison, Group, compare
from ganzoo.errors import UsageError
from ganzoo.runs.display import format_value


@click.command("compare")
@click.argument("what", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_runs)
@click.option("--metric", metavar="NAME", help="Compare this metric, or METRIC/KEY, alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--report", "page", metavar="FILE", type=click.Path(), help="Also write the runs' report to this file.")
@common_options
def command(what: tuple[str, ...], metric: str | None, as_json: bool, as_csv: bool, page: str | None) -> None:
    """Compare runs: the scores over the seeds, speed, memory and stability.

    \b
    ganzoo compare 0 1 2
    ganzoo compare sweep-loss-seed --csv > table.csv

    RUN is a run (path, name or number), a sweep (name or folder), or a folder of runs. Runs whose settings differ only
    in the seed share a row, and the settings that differ are the columns. The columns of a score are the mean of the
    last values and the worst seed. Stable is the share of seeds whose last value is within 1.5 times the best one of
    their training.
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv both choose the output: remove one of them")
    found = compare(*what, metric=metric)
    if as_json:
        print_json({"groups": [asdict(group) for group in found.groups], "notes": found.notes})
    elif as_csv:
        click.echo(found.to_csv(), nl=False)
    else:
        _print(found)
    for line in found.notes if not as_json else ():
        note(line)
    if page is not None:
        from ganzoo.report.write import report

        note(f"report: {report(*found.runs, out=page)}")


def _print(found: Comparison) -> None:
    """Print the table."""
    settings = list(found.groups[0].differing) if found.groups else []
    scored = {name: score for group in found.groups for name, score in group.scores.items()}
    names = [name for name, score in scored.items() if score.worst is not None] or list(scored)
    head = [*settings, "seeds"]
    for name in names:
        head += [name, "worst", "stable"]
    further = range(len(settings) + 4, len(head))  # all but the columns of the first score
    rows = [_make_row(group, names) for group in found.groups]
    print_table([[*head, "images/s", "MiB"], *rows], optional=[*reversed(further)])


def _make_row(group: Group, names: list[str]) -> list[str]:
    """Return the cells of a group. Seeds that are not finished are named: ``3 (1 unfinished)``."""
    left = len(group.runs) - group.num_finished
    cells = [*(value or "" for value in group.differing.values())]
    cells.append(f"{len(group.runs)} ({left} unfinished)" if left else str(len(group.runs)))
    for name in names:
        score = group.scores.get(name)
        if score is None:
            cells += ["", "", ""]
            continue
        few = f" of {score.num}" if score.num < len(group.runs) else ""
        cells.append(f"{format_value(score.mean)}{few} {score.mark}".strip())
        cells.append("" if score.worst is None else format_value(score.worst))
        cells.append("" if score.stable is None else f"{score.stable:.0%}")
    speed = "" if group.speed is None else f"{group.speed:,.0f}"
    return [*cells, speed, "" if group.memory is None else f"{group.memory / 2**20:,.0f}"]
