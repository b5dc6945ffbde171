"""The option ``--open``, which shows a page in the browser."""

from __future__ import annotations

import click

from ganzoo.cli.common import F, note


def open_option(function: F) -> F:
    """Add the option ``--open`` to a command, as the argument `opens`."""
    return click.option("--open", "opens", is_flag=True, help="Show the page in the browser.")(function)


def open_page(url: str) -> None:
    """Show a page in the browser. A machine without one costs a line."""
    import webbrowser

    if not webbrowser.open(url):
        note(f"no browser was found: open {url} in one")
