"""``ganzoo train``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import click

from ganzoo import sharing, training
from ganzoo.cli.common import (
    F,
    common_options,
    complete_components,
    complete_pairs,
    complete_runs,
    note,
    parse_pairs,
    print_table,
)
from ganzoo.errors import GanzooError, Interrupted
from ganzoo.plugin.options import to_text
from ganzoo.recipe.keys import COMPONENTS, FLAGS
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.runs.run import Run


def _components(function: F) -> F:
    """Give a command a flag for each key that chooses components."""
    for key in reversed(COMPONENTS):
        function = _component_option(key.name, key.kind, key.help, key.many)(function)
    return function


def _component_option(name: str, kind: str, help: str, many: bool = False) -> Callable[[F], F]:
    complete = complete_components(kind, *(["none"] if many else []))
    return click.option(f"--{name}", metavar="NAME", multiple=many, help=help, shell_complete=complete)


def _short_flags(function: F) -> F:
    """Give a command the flags that are short for one setting."""
    for flag in reversed(FLAGS):
        name, help = f"--{flag.name}", f"{flag.help.rstrip('.')} ({flag.key})."
        if flag.takes:
            function = click.option(name, metavar=flag.takes, help=help)(function)
        else:
            function = click.option(f"{name}/--{flag.off}", default=None, help=help)(function)
    return function


@click.command("train", short_help="Train a GAN.")
@_components
@_component_option("recipe", "recipe", "Named recipe to start from.")
@click.option(
    "--config",
    type=click.Path(),
    metavar="WHAT",
    help="Settings to start from: a run, a recipe.json, a model package or one on the Hub.",
)
@_short_flags
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@click.option("--name", metavar="NAME", help="Name of the run; its number comes before it.")
@click.option(
    "--resume", is_flag=False, flag_value="", metavar="[RUN]", shell_complete=complete_runs,
    help="Go on with a run (path, name or number); by default the latest unfinished one.",
)  # fmt: skip
@click.option("--publish", metavar="USER/NAME", help="Publish the model there on the Hugging Face Hub at the end.")
@click.option("--dry-run", is_flag=True, help="Print every setting and where it comes from; train nothing.")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=complete_pairs)
@common_options
def command(
    pairs: tuple[str, ...], resume: str | None, dry_run: bool, device: str, name: str | None, recipe: str | None,
    config: str | None, publish: str | None, **flags: Any,
) -> None:  # fmt: skip
    """Train a GAN: choose components by flags and set anything else by KEY=VALUE.

    \b
    ganzoo train --arch dcgan --loss bce arch.width=64 optim.g.lr=1e-4
    ganzoo train --arch dcgan --loss lsgan --dataset ~/photos --size 64
    ganzoo train --resume

    `ganzoo info NAME` shows a component's options, --dry-run all settings. The run is a new directory in ./runs (or
    $GANZOO_RUNS), whose path is printed at the end; Ctrl-C saves it, --resume goes on.
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
            return
        from ganzoo.cli.progress import listener

        with listener(chosen.train.images) if first else nullcontext() as terminal:
            try:
                trained = training.start(chosen, run, device=device, listener=terminal, world=world)
            except Interrupted as error:
                if world is not None:  # torchrun ends those that are not as quick as the first to exit
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                if first:
                    raise
                click.get_current_context().exit(error.exit_code)
    if first:
        click.echo(trained.path)
        if publish:
            _publish(trained, publish)


def _prepare(publish: str | None, **settings: Any) -> tuple[training.RunOrFactory, ResolvedRecipe]:
    """Settle what is trained; where it is to be published, whether it may be is asked before hours are spent."""
    prepared = training.prepare(**settings)
    if publish is not None:
        sharing.check_publishable(publish, note)
    return prepared


def _publish(run: Run, repo: str) -> None:
    """Publish a run that is finished; where that fails the run is no worse for it."""
    try:
        published = sharing.publish(run, repo, notify=note)
    except (GanzooError, KeyboardInterrupt) as error:
        kind = type(error) if isinstance(error, GanzooError) else Interrupted
        words = str(error) or "interrupted"
        raise kind(f"{words}; the run is kept, and `ganzoo publish {run.path} {repo}` publishes it") from None
    note(f"published at {published.url}, commit {published.commit}")


def _print_recipe(recipe: ResolvedRecipe) -> None:
    """Print every setting with its origin."""
    rows = [(key, "=", to_text(value), recipe.origins.get(key, "default")) for key, value in recipe.settings().items()]
    print_table(rows)
