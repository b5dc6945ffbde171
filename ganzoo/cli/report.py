"""``ganzoo report``."""

from __future__ import annotations

import click

from ganzoo import exploring
from ganzoo.cli.common import common_options, complete_runs, note
from ganzoo.cli.opening import open_option, open_page
from ganzoo.runs.run import find_run


@click.command("report")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_runs)
@click.option(
    "--out", metavar="FILE", type=click.Path(),
    help="File to write. Default: report.html in the directory of the run; for several runs in the current folder.",
)  # fmt: skip
@click.option(
    "--neighbours", is_flag=True, help="Compute the training images that are nearest to samples, and show them too."
)
@open_option
@common_options
def command(runs: tuple[str, ...], out: str | None, neighbours: bool, opens: bool) -> None:
    """Write a page on RUN, a run's number, name or path: curves with the doctor's verdicts, samples as a timeline,
    scores, settings, and what to type next. The page is one file that needs no network. Several runs are compared in
    one page.

    \b
    ganzoo report 12                      runs/0012-x/report.html
    ganzoo report 12 13 --out both.html   a page that compares two runs
    ganzoo report 12 --open               show it in the browser
    ganzoo report 12 --neighbours         with the training images that are nearest to samples

    Every training writes this page when it ends; `ganzoo watch` shows it meanwhile. Prints the path of the page.
    """
    from ganzoo.report.write import report

    for name in runs if neighbours else ():
        run = find_run(name)
        exploring.find_neighbours(run, notify=note).save(run.path / "neighbours.png")
    path = report(*runs, out=out)
    click.echo(path)
    if opens:
        open_page(path.resolve().as_uri())
