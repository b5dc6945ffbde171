"""A command whose module imports NumPy, for `tests/planted/command_heavy.py`."""

import click
import numpy as np


@click.command()
def command():
    """Print pi."""
    click.echo(np.pi)
