"""``ganzoo demo``."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from ganzoo.cli.common import common_options, complete_runs, note, offline_option
from ganzoo.errors import UsageError


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
@click.option("--space", metavar="USER/NAME", default="", help="Publish the page as a static Space of the Hub.")
@click.option("--private", is_flag=True, help="Make a new Space private.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@offline_option
@common_options
def command(
    what: str, directory: Path, runtime: Path | None, space: str, private: bool, opens: bool, offline: bool
) -> None:  # fmt: skip
    """Write a page that runs the generator of MODEL in a browser. MODEL is a run's path, name or number, a model
    package's directory, or a model on the Hub (USER/NAME or USER/NAME@REVISION).

    \b
    npm install onnxruntime-web@1.30.0           once: what runs networks in browsers
    ganzoo demo 3 --open                         a page of run 3
    ganzoo demo ganzoo:digits --out digits-page  a page of an included model
    ganzoo demo USER/NAME --space USER/NAME-demo a page that everybody can open, on the Hub

    The page has the seeds of `ganzoo sample`, ways from seed to seed, directions, classes and truncation. It needs no
    network and no server: open it from the disk, or copy the directory to any host of static files. Prints its path,
    and with --space the address of the Space.
    """
    if private and not space:
        raise UsageError("--private is for a Space: add --space USER/NAME")
    from ganzoo import exporting, sharing
    from ganzoo.runs.where import parse_repository

    if space:
        sharing.check_publishable(space, notify=note)
    page = exporting.demo(what, directory, runtime=runtime, offline=offline, notify=note)
    click.echo(page)
    if space:
        shown = parse_repository(what)
        address = exporting.publish_demo(
            page.parent, space, model=shown.id if shown else "", private=private, notify=note
        )
        click.echo(address)
    if opens and not webbrowser.open(page.absolute().as_uri()):
        note(f"no browser was found: open {page} in one")
