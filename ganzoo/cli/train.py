"""``ganzoo train``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from ganzoo import sharing, training
from ganzoo.cli.common import (
    F,
    common_options,
    complete_components,
    complete_runs,
    note,
)
from ganzoo.cli.groups import GroupedCommand
from ganzoo.cli.pairs import complete_pairs, parse_pairs
from ganzoo.cli.tables import print_table
from ganzoo.errors import GanzooError, Interrupted
from ganzoo.plugin.options import to_text
from ganzoo.recipe.keys import COMPONENTS, CONTINUE, DATA, FLAGS, LENGTH, LOG, WHAT
from ganzoo.recipe.length import IMAGES, TIME
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.wants import find_warnings
from ganzoo.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runs.words import describe_verdict

OWN = {WHAT: ("recipe", "config"), LENGTH: ("device",), CONTINUE: ("resume",), "Share": ("publish",)}
GROUPS = {  # options of the command by title
    title: [*(entry.name for entry in (*COMPONENTS, *FLAGS) if entry.group == title), *OWN.get(title, ())]
    for title in (WHAT, DATA, LENGTH, LOG, CONTINUE, "Share")
}


def add_component_flags(function: F) -> F:
    """Add a flag to a command for each key that chooses components."""
    for key in reversed(COMPONENTS):
        function = _make_component_option(key.name, key.kind, key.help, key.many)(function)
    return function


def _make_component_option(name: str, kind: str, help: str, many: bool = False) -> Callable[[F], F]:
    complete = complete_components(kind, *(["none"] if many else []))
    metavar = "NAME|PATH" if kind == "dataset" else "NAME"
    return click.option(f"--{name}", metavar=metavar, multiple=many, help=help, shell_complete=complete)


def add_short_flags(function: F) -> F:
    """Add the flags to a command that set one setting each."""
    for flag in reversed(FLAGS):
        name, help = f"--{flag.name}", f"{flag.help.rstrip('.')} ({flag.key})."
        if flag.takes:
            function = click.option(name, metavar=flag.takes, help=help)(function)
        else:
            function = click.option(f"{name}/--{flag.off}", default=None, help=help)(function)
    return function


def add_start_flags(function: F) -> F:
    """Add the flags to a command that say what settings start from, and the device."""
    for option in (
        click.option(
            "--device", metavar="NAME", default="auto", show_default=True,
            help="Train on this device: auto, cpu, cuda or cuda:1.",
        ),
        click.option(
            "--config", type=click.Path(), metavar="WHAT",
            help="Start from the settings of a run, a recipe.json, or a model package, also on the Hub.",
        ),
        _make_component_option(
            "recipe", "recipe", "Start from the settings of a named recipe; `ganzoo list recipes` shows them."
        ),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command("train", cls=GroupedCommand, groups=GROUPS)
@add_component_flags
@add_start_flags
@add_short_flags
@click.option("--name", metavar="NAME", help="Name the run; the name follows its number.")
@click.option(
    "--resume", is_flag=False, flag_value="", metavar="[RUN]", shell_complete=complete_runs,
    help="Continue a run (path, name or number) where it stopped. Without RUN it is the latest unfinished run.",
)  # fmt: skip
@click.option(
    "--publish", metavar="USER/NAME", help="Publish the model on the Hugging Face Hub when the run is finished."
)
@click.option("--dry-run", is_flag=True, help="Print all settings, each with its origin, and do not train.")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=complete_pairs)
@common_options
def command(
    pairs: tuple[str, ...], resume: str | None, dry_run: bool, device: str, name: str | None, recipe: str | None,
    config: str | None, publish: str | None, **flags: Any,
) -> None:  # fmt: skip
    """Train a GAN. Flags choose the components; KEY=VALUE sets everything else.

    \b
    ganzoo train --arch dcgan --loss bce arch.width=64 optim.g.lr=1e-4
    ganzoo train --arch dcgan --loss lsgan --dataset ~/photos --size 64
    ganzoo train --resume

    `ganzoo info NAME` shows the options of a component; --dry-run shows all settings. Each run gets a new directory in
    ./runs (or $GANZOO_RUNS), whose path is printed at the end. Ctrl-C stops and saves the run; --resume continues it.
    """
    if resume is not None and "=" in resume and not os.path.exists(resume):  # `--resume train.images=N`
        pairs, resume = (resume, *pairs), ""
    options = parse_pairs(pairs)
    preparing = partial(
        _prepare, None if dry_run else publish, flags=flags, options=options, name=name, recipe=recipe, config=config,
        resume=resume, device=device, notify=note,
    )  # fmt: skip
    with training.process_group(device) as world:
        first = world is None or world.rank == 0
        run, chosen = training.prepare_on_rank0(preparing, world)
        if dry_run:
            if first:
                _print_recipe(chosen)
                for line in chosen.reasons:
                    note(line)
                for verdict in find_warnings(chosen, registry()):
                    note(describe_verdict(verdict))
            return
        try:
            trained = training.start(chosen, run, device=device, progress=True, world=world)
        except Interrupted as error:
            if world is not None:  # torchrun stops the other processes when the first one exits
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if first:
                raise
            click.get_current_context().exit(error.exit_code)
    if first:
        click.echo(trained.path)
        if publish:
            _publish(trained, publish)


def _prepare(publish: str | None, **settings: Any) -> tuple[training.RunOrFactory, ResolvedRecipe]:
    """Return the run and its recipe. If it is to be published, check first that the Hub allows it."""
    prepared = training.prepare(**settings)
    if publish is not None:
        sharing.check_publishable(publish, note)
    return prepared


def _publish(run: Run, repo: str) -> None:
    """Publish a finished run. If that fails, the error says that the run is kept."""
    try:
        published = sharing.publish(run, repo, notify=note)
    except (GanzooError, KeyboardInterrupt) as error:
        kind = type(error) if isinstance(error, GanzooError) else Interrupted
        words = str(error) or "interrupted"
        raise kind(f"{words}; the run is kept: `ganzoo publish {run.path} {repo}` publishes it") from None
    note(f"published at {published.url}, commit {published.commit}")


def _print_recipe(recipe: ResolvedRecipe) -> None:
    """Print every setting with its origin."""
    values = {key: to_text(value) or "''" for key, value in recipe.settings().items()}
    if recipe.train.time:
        values[IMAGES] = f"as many as fit into {TIME}"
    rows = [(key, "=", value, recipe.origins.get(key, "default")) for key, value in values.items()]
    print_table(rows)
