"""``ganzoo demo``."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option


@click.command("demo")
@click.argument("what", metavar="MODEL", shell_complete=complete_runs)
@click.option(
    "--out", "directory", metavar="DIR", type=click.Path(path_type=Path), default="demo", show_default=True,
    help="New directory of the page.",
)  # fmt: skip
@click.option(
    "--runtime", metavar="PATH", type=click.Path(path_type=Path),
    help="Folder of npm's onnxruntime-web; default: node_modules/onnxruntime-web here or above.",
)  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@offline_option
@common_options
def command(what: str, directory: Path, runtime: Path | None, opens: bool, offline: bool) -> None:
    """Write a page that runs the generator of MODEL in a browser. MODEL is a run's path, name or number, a model
    package's directory, or a model on the Hub (USER/NAME or USER/NAME@REVISION).

    \b
    npm install onnxruntime-web@1.30.0           once: what runs networks in browsers
    ganzoo demo 3 --open                         a page of run 3
    ganzoo demo ganzoo:digits --out digits-page  a page of an included model

    The page has the seeds of `ganzoo sample`, ways from seed to seed, directions, classes and truncation. It needs no
    network and no server: open it from the disk, or copy the directory to any host of static files. Prints its path.
    """
    from ganzoo import exporting

    page = exporting.demo(what, directory, runtime=runtime, offline=offline, notify=note)
    click.echo(page)
    if opens and not webbrowser.open(page.absolute().as_uri()):
        note(f"no browser was found: open {page} in one")
