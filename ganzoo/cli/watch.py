"""``ganzoo watch``."""

from __future__ import annotations

import contextlib

import click

from ganzoo.cli.common import common_options, complete_runs, note
from ganzoo.cli.opening import open_option, open_page
from ganzoo.errors import NotFound
from ganzoo.registry import registry
from ganzoo.runs import run as runs
from ganzoo.runs.run import Run

PORT = 8711


@click.command("watch")
@click.argument("names", metavar="[RUN]...", nargs=-1, shell_complete=complete_runs)
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=PORT, show_default=True,
    help="Port of the page; 0 for a free one.",
)  # fmt: skip
@open_option
@common_options
def command(names: tuple[str, ...], port: int, opens: bool) -> None:
    """Show the report of RUN live in the browser while it is trained. Without RUN: all runs that are being trained now,
    also those that begin later; if there is none, the latest run.

    \b
    ganzoo watch             the runs that are being trained
    ganzoo watch 12 13       two runs side by side
    ganzoo watch --open      show the page in the browser

    The page is served on this machine alone (127.0.0.1), and nothing can be changed by it. From another machine:
    `ssh -L 8711:127.0.0.1:8711 HOST`. Prints the address; Ctrl-C ends it, and no training.
    """
    from ganzoo.report.live import LivePage
    from ganzoo.report.server import Server
    from ganzoo.report.write import unite_runs

    named = unite_runs([runs.find_run(name) for name in names])
    first = named or choose_runs()
    page = LivePage(lambda: named or choose_runs(bool(page.runs)), registry())
    with Server(page, port) as server:
        click.echo(server.url)
        note(f"shows {', '.join(run.path.name for run in first)}; Ctrl-C ends it")
        if opens:
            open_page(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)


def choose_runs(running: bool = False) -> list[Run]:
    """Return all runs that are being trained; if there is none, the latest run.

    Args:
        running: Whether only runs that are being trained are wanted.

    Raises:
        NotFound: There are no runs.
    """
    known = runs.list_runs()
    active = [run for run in known if run.active]
    if active or running:
        return active
    if not known:
        raise NotFound(f"no run in {runs.get_root()}/: start one with `ganzoo train --arch NAME`")
    return [max(known, key=lambda run: (run.changed, run.number))]
