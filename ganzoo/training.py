"""Training from Python; `ganzoo train` calls these functions. Torch is imported when a run starts, not before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.datasets import gather_facts
from ganzoo.errors import NotFound, UsageError
from ganzoo.models import resolve_package
from ganzoo.package.config import CONFIG
from ganzoo.plugin import Dataset
from ganzoo.recipe.check import check_path
from ganzoo.recipe.holdout import holds_path
from ganzoo.recipe.keys import COMPONENTS, FLAGS, map_flags_to_keys
from ganzoo.recipe.named import choose_default_recipe
from ganzoo.recipe.recipe import ResolvedRecipe
from ganzoo.recipe.resolve import parse_dataset_flag, resolve
from ganzoo.recipe.synonyms import suggest_argument
from ganzoo.registry import registry
from ganzoo.runs import run as runs
from ganzoo.runs import where
from ganzoo.runs.display import print_line
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.launch import make_mark, read_launch
from ganzoo.runs.progress import make_progress
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.engine.distributed import World
    from ganzoo.engine.events import Tick

Names = str | Iterable[str] | None
RunOrFactory = Run | Callable[[], Run]  # the run to resume, or a function that creates a new one


def train(
    *,
    arch: str | None = None,
    loss: str | None = None,
    dataset: str | os.PathLike[str] | None = None,
    reg: Names = None,
    aug: Names = None,
    metric: Names = None,
    tracker: Names = None,
    recipe: str | None = None,
    config: int | str | os.PathLike[str] | Run | None = None,
    images: int | None = None,
    time: str | None = None,
    batch: int | None = None,
    size: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    conditional: bool | None = None,
    init: int | str | os.PathLike[str] | Run | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    device: str = "auto",
    resume: int | str | os.PathLike[str] | Run | bool = False,
    progress: bool = True,
    listener: object = None,
    on_tick: Callable[[Tick], object] | None = None,
    **unknown: object,
) -> Run:
    """Train a GAN and return its finished run.

    Args:
        arch: The name of the architecture. With a dataset and without `arch`, `recipe` and `config`, the recipe is
            ``auto``, which chooses by the data and the machine.
        loss: The name of the loss; by default the one that the architecture recommends.
        dataset: The name of a dataset, or the path of a folder of images; by default ganzoo's digits.
        reg: Names of regularizers; ``"none"`` removes those that a recipe or an architecture sets.
        aug: Names of augmentations; ``"none"`` removes those that a recipe or an architecture sets.
        metric: Names of metrics; ``"none"`` removes those that a recipe or an architecture sets.
        tracker: Names of trackers; ``"none"`` removes those that a recipe or an architecture sets.
        recipe: The named recipe whose settings the run starts from.
        config: A ``recipe.json``, a run or a model package (local or on the Hub) whose settings the run starts from.
        images: The length of the run, in real images seen by the discriminator (``train.images``).
        time: The time that the training takes, such as ``"20min"``, in place of `images` (``train.time``).
        batch: The number of real images in one update of the discriminator (``train.batch``).
        size: The width and height of images, in pixels (``dataset.size``).
        seed: The seed of all random numbers (``train.seed``).
        threads: The number of CPU threads (``train.threads``).
        conditional: Whether the networks get the dataset's labels (``train.conditional``).
        init: A run, the directory of a package or a model on the Hub whose weights the training starts from
            (``train.init``). Without `arch`, `recipe` and `config`, its settings are used too.
        options: Any settings by key, such as ``{"arch.width": 64, "optim.g.lr": 1e-4}``.
        name: The name of the run, after its number; by default architecture, loss and dataset.
        device: The device to train on: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
        resume: The run to resume, as an object, path, name or number; True for the latest unfinished one. Settings
            cannot change, but `images` may be raised, and `dataset` may name the new path of the same data.
        progress: Whether the progress is shown on stderr: as a live line on a terminal, with the newest grid in a
            notebook, and as a line every ten seconds elsewhere.
        listener: An object with a method for each event that it wants, such as ``tick(event)`` and ``note(event)``
            (`ganzoo.engine.events`).
        on_tick: A function that is called about every two seconds with the event of a tick: ``event.images``,
            ``event.total``, and ``event.row``, the row of ``stats.jsonl``. If it raises KeyboardInterrupt, the training
            stops and saves, as by Ctrl-C. Any other error of it costs a line, and it is not called again.
        unknown: Other names are errors, which say what to write instead.

    Raises:
        ganzoo.GanzooError: A problem that the user can solve, in one sentence.
    """
    arguments = locals()
    for word in unknown:
        hint = suggest_argument(registry(), word, arguments.keys() - {"unknown"})
        raise UsageError(f"ganzoo.train has no argument {word!r}{hint or '; see help(ganzoo.train)'}")
    if on_tick is not None and not callable(on_tick):
        raise UsageError(f"on_tick={on_tick!r} is not a function: give one that takes the event of a tick")
    flags = {flag.name: arguments[flag.name] for flag in (*COMPONENTS, *FLAGS)} | {"init": _name_run(init)}
    resumed = ("" if resume else None) if isinstance(resume, bool) else _name_run(resume)
    prepare_run = partial(
        prepare,
        flags=flags,
        options=options or {},
        name=name,
        recipe=recipe,
        config=_name_run(config),
        resume=resumed,
        device=device,
        notify=print_line if progress else ignore_line,
    )
    with process_group(device) as world:
        run, chosen = prepare_on_rank0(prepare_run, world)
        return start(chosen, run, device=device, progress=progress, listener=listener, on_tick=on_tick, world=world)


def _name_run(what: int | str | os.PathLike[str] | Run | None) -> str | os.PathLike[str] | None:
    """Return the name of a run that is given by its number or as an object; all else as it is."""
    if isinstance(what, Run):
        return what.path
    return str(what) if isinstance(what, int) else what


@contextlib.contextmanager
def process_group(device: str) -> Iterator[World | None]:
    """Join the processes that ``torchrun`` started, while the block runs; None where there is only this process."""
    launch = read_launch()
    if launch is None or launch.size == 1:
        yield None
        return
    with heavy_imports():
        from ganzoo.engine.distributed import process_group
    with process_group(launch, device) as world:
        yield world


def prepare_on_rank0(
    prepare_run: Callable[[], tuple[RunOrFactory, ResolvedRecipe]], world: World | None
) -> tuple[RunOrFactory, ResolvedRecipe]:
    """Return the result of `prepare`; it is called on the first of several processes and sent to the others."""
    if world is None:
        return prepare_run()
    prepared: list[ResolvedRecipe] = []  # on the first process, with origins of settings, which the JSON lacks

    def prepare_as_json() -> tuple[RunOrFactory, dict[str, Any]]:
        run, recipe = prepare_run()
        prepared.append(recipe)
        return run, recipe.to_json()

    run, stored = world.on_rank0(prepare_as_json)
    return run, prepared[0] if prepared else resolve(registry(), config=stored)


def prepare(
    *,
    flags: Mapping[str, Any],
    options: Mapping[str, Any],
    name: str | None,
    recipe: str | None,
    config: str | os.PathLike[str] | None,
    resume: str | os.PathLike[str] | Run | None,
    device: str = "auto",
    notify: Notify = ignore_line,
) -> tuple[RunOrFactory, ResolvedRecipe]:
    """Return the run to resume, or a function that creates a new one, and the recipe; arguments as in `train`.

    `resume` is None for a new run, and empty for the latest unfinished one. Where ``torchrun`` restarts the command,
    the run of the first start is resumed.
    """
    settings = _read_flags(flags)
    if resume is None:
        if name is not None:
            runs.check_name(name)
        init = options.get("train.init", settings.get("train.init"))
        if init not in (None, "none"):
            pinned, package = _pin_init(init, notify)
            options = {**options, "train.init": pinned}
            if config is None and recipe is None and "arch" not in {**settings, **options}:
                config = package
        path = None if config is None else _find_recipe(config, notify)
        if config is None:
            recipe = choose_default_recipe(registry(), recipe, {**settings, **options})
        facts = partial(gather_facts, device)
        chosen = resolve(registry(), recipe=recipe, config=path, flags=settings, pairs=options, facts=facts)
        check_path(chosen.dataset)
        launch, marked = read_launch(), make_mark(chosen.to_json())
        again = runs.find_marked_run(marked) if launch and launch.restarts else None
        if again:
            return again, resolve(registry(), config=again.recipe())
        name = name or f"{chosen.arch.name}-{chosen.loss.name}-{chosen.dataset.name}"
        return partial(runs.create_run, name, marked), chosen
    if recipe or config or name is not None:
        raise UsageError("a resumed run keeps its recipe and its name: remove --recipe, --config and --name")
    if isinstance(resume, Run):
        run = resume
    else:
        run = runs.find_run(os.fspath(resume)) if resume else runs.find_latest_unfinished()
    return run, _resolve_resumed(run, {**settings, **options})


def start(
    recipe: ResolvedRecipe,
    run: RunOrFactory,
    *,
    device: str,
    progress: bool,
    listener: object = None,
    on_tick: Callable[[Tick], object] | None = None,
    world: World | None = None,
) -> Run:
    """Train the run that `prepare` returned; arguments as in `train`. Only the first of several processes reports."""
    from ganzoo.report.write import RunReport

    first = world is None or world.rank == 0
    with make_progress() if progress and first else contextlib.nullcontext() as shown:
        with heavy_imports():
            from ganzoo.engine import trainer
            from ganzoo.engine.distributed import ALONE
            from ganzoo.engine.events import Events, TickCaller
            from ganzoo.engine.initial import INITIAL_FILES
        world, events = world or ALONE, Events()
        if first:
            events.subscribe("progress", shown)
            events.subscribe("listener", listener)
            if on_tick is not None:
                events.subscribe("on_tick", TickCaller(on_tick, events.stop))
            events.subscribe("report", RunReport(), file=True)
        initial = world.on_rank0(partial(_find_initial_package, recipe.train.init, run, INITIAL_FILES, events.note))
        return trainer.train(recipe, run, device=device, events=events, world=world, initial=initial)


def _find_initial_package(init: str | None, run: RunOrFactory, names: Iterable[str], notify: Notify) -> Path | None:
    """Return the package whose weights a run starts from; None where it has none, or the run has a checkpoint."""
    if init is None or (isinstance(run, Run) and run.checkpoints):
        return None
    return resolve_package(init, names=names, notify=notify)


def _resolve_resumed(run: Run, settings: Mapping[str, Any]) -> ResolvedRecipe:
    """Return a run's recipe, with its length and the path of its data changed as `settings` say."""
    stored = run.recipe()
    recipe, length = resolve(registry(), config=stored), run.length
    dataset, changes = recipe.dataset.component, dict(settings)
    path = f"dataset.{dataset.spec.path_option}" if isinstance(dataset.spec, Dataset) else ""
    if path in changes and "dataset" in changes and registry().resolve("dataset", changes["dataset"]) == dataset:
        del changes["dataset"]
    movable = {"train.images", path, *(["dataset.holdout"] if holds_path(recipe.dataset) else [])}
    kept = {key: changes.pop(key) for key in [*changes] if key not in movable}
    kept = {key: os.fspath(value) if isinstance(value, os.PathLike) else value for key, value in kept.items()}
    before, after = recipe.settings(), (resolve(registry(), config=stored, pairs=kept) if kept else recipe).settings()
    wrong = [key for key in kept if key not in before or before[key] != after.get(key)]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)}: a resumed run keeps its settings; only train.images may be raised, and --dataset "
            f"PATH may name the new path of its data. For other settings start a new run with --config {run.path}"
        )
    moved = holds_path(recipe.dataset)
    recipe = resolve(registry(), config=stored, pairs=changes)
    if holds_path(recipe.dataset) != moved:
        raise UsageError("dataset.holdout: a resumed run keeps its held-out samples; only their path may change")
    if recipe.train.images < length:
        raise UsageError(f"train.images={recipe.train.images}: this run has {length} images, which can only be raised")
    if run.early_end:
        raise UsageError(
            f"run {run.path} finished early, because {run.early_end}: a new run goes on from its weights with --init "
            f"{run.path}"
        )
    if run.images >= recipe.train.images:
        raise UsageError(f"run {run.path} is finished ({run.images:,} images): add --images N to train it for longer")
    check_path(recipe.dataset)
    return recipe


def _find_recipe(config: str | os.PathLike[str], notify: Notify) -> Path:
    """Return the path of the recipe that ``--config`` names: an existing path, a run, or a model on the Hub."""
    path = Path(config)
    if path.exists():
        return path
    if isinstance(config, str) and (where.is_embedded(config) or where.parse_repository(config)):
        return resolve_package(config, names=(CONFIG,), notify=notify)
    with contextlib.suppress(NotFound):
        return runs.find_run(os.fspath(config)).path
    return path


def _pin_init(init: str | os.PathLike[str], notify: Notify) -> tuple[str, Path]:
    """Return a permanent name of the weights to start from, and the directory of their package."""
    repo = where.parse_repository(init)
    if repo is None:
        directory = where.find_package(init, notify)
        named = isinstance(init, str) and where.is_embedded(init)
        return os.fspath(init) if named else str(directory.resolve()), directory
    with heavy_imports():
        from ganzoo.hub import pull as pulling
    pulled = pulling.pull(repo, names=(CONFIG,), notify=notify)
    return f"{pulled.repo}@{pulled.commit}", pulled.directory


def _read_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that flags are short for, by key."""
    settings = map_flags_to_keys(flags)
    if "dataset" in settings:
        settings |= parse_dataset_flag(registry(), os.fspath(settings["dataset"]))
    return settings
