"""Commands whose help shows their options in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click


class GroupedCommand(click.Command):
    """A command whose options have titles.

    Args:
        groups: The names of the options by title; options that are not named follow under "Other".
        arguments: The arguments of `click.Command`.
    """

    def __init__(self, *, groups: Mapping[str, Sequence[str]], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.groups = groups

    def group_options(self, context: click.Context) -> dict[str, list[click.Option]]:
        """Return the options by title, in the order of the help."""
        options = {str(param.name): param for param in self.get_params(context) if isinstance(param, click.Option)}
        named = {title: [options.pop(name) for name in names] for title, names in self.groups.items()}
        return {**named, "Other": list(options.values())}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, in groups whose texts begin at the same column."""
        groups = {
            title: [record for option in options if (record := option.get_help_record(ctx))]
            for title, options in self.group_options(ctx).items()
        }
        width = max(len(call) for records in groups.values() for call, _ in records if len(call) < 24)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl([(call.ljust(width), text) for call, text in records], col_max=width)
