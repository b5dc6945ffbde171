"""Training from Python; the command is a thin layer over it. Torch is imported when a run starts, not before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import NotFound, UsageError
from ganzoo.models import resolve_package
from ganzoo.package.config import CONFIG
from ganzoo.plugin import Dataset
from ganzoo.recipe.check import check_path
from ganzoo.recipe.keys import COMPONENTS, FLAGS, map_flags_to_keys
from ganzoo.recipe.named import Facts
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.recipe.resolve import parse_dataset_flag, resolve
from ganzoo.registry import registry
from ganzoo.runs import run as runs
from ganzoo.runs import where
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.launch import make_mark, read_launch
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.engine.distributed import World

Names = str | Iterable[str] | None
RunOrFactory = Run | Callable[[], Run]  # the run to go on with, or what makes the directory of a new one


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
    config: str | os.PathLike[str] | None = None,
    images: int | None = None,
    batch: int | None = None,
    size: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    conditional: bool | None = None,
    init: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    device: str = "auto",
    resume: str | os.PathLike[str] | Run | bool = False,
    listener: object = None,
) -> Run:
    """Train a GAN and return its run, finished.

    Args:
        arch: The architecture's name.
        loss: The loss's name; by default what the architecture recommends.
        dataset: A dataset's name, or the path of a folder of images; by default the one that comes with ganzoo.
        reg: Regularizers by name; ``"none"`` clears what a recipe or architecture set.
        aug: Augmentations, likewise.
        metric: Metrics, likewise.
        tracker: Trackers, likewise.
        recipe: A named recipe to start from.
        config: A ``recipe.json``, a run or a model package (here or on the Hub) to start from.
        images: Short for ``train.images``.
        batch: Short for ``train.batch``.
        size: Short for ``dataset.size``.
        seed: Short for ``train.seed``.
        threads: Short for ``train.threads``.
        conditional: Short for ``train.conditional``.
        init: Short for ``train.init``: a run, a package's directory or a model on the Hub, whose weights training
            starts from; its settings too, where no `arch`, `recipe` or `config` is given.
        options: Any setting by key: ``{"arch.width": 64, "optim.g.lr": 1e-4}``.
        name: Of the run, behind its number.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        resume: A run to go on with (True for the latest unfinished one); of the settings only `images` may be raised,
            and `dataset` name where the same data lie now.
        listener: Is told how it goes: has a method for each event that it wants, which takes the event:
            ``tick(event)``, ``note(event)`` (`ganzoo.engine.events`).

    Raises:
        ganzoo.GanzooError: What a user can act on, in one sentence.
    """
    given = locals()
    flags = {flag.name: given[flag.name] for flag in (*COMPONENTS, *FLAGS)}
    which = ("" if resume else None) if isinstance(resume, bool) else resume
    preparing = partial(
        prepare,
        flags=flags,
        options=options or {},
        name=name,
        recipe=recipe,
        config=config,
        resume=which,
        device=device,
    )
    with process_group(device) as world:
        run, chosen = prepare_on_rank0(preparing, world)
        return start(chosen, run, device=device, listener=listener, world=world)


@contextlib.contextmanager
def process_group(device: str) -> Iterator[World | None]:
    """Join the processes that ``torchrun`` started with this one, while the block runs; None where it started none."""
    launch = read_launch()
    if launch is None or launch.size == 1:
        yield None
        return
    with heavy_imports():
        from ganzoo.engine.distributed import joined
    with joined(launch, device) as world:
        yield world


def prepare_on_rank0(
    preparing: Callable[[], tuple[RunOrFactory, ResolvedRecipe]], world: World | None
) -> tuple[RunOrFactory, ResolvedRecipe]:
    """Return what `prepare` returns, on each of several processes what it returns on the first."""
    if world is None:
        return preparing()
    mine: list[ResolvedRecipe] = []  # with the origins of its settings, which its JSON does not tell

    def told() -> tuple[RunOrFactory, dict[str, Any]]:
        run, recipe = preparing()
        mine.append(recipe)
        return run, recipe.to_json()

    run, stored = world.first(told)
    return run, mine[0] if mine else resolve(registry(), config=stored)


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
    """Return the run to go on with, or what makes a new one, and the recipe; arguments as for `train`.

    `resume` is None for a new run and empty for the latest unfinished one. Where ``torchrun`` starts the command
    anew, a new run is the one that it began the last time.
    """
    said = _read_flags(flags)
    if resume is None:
        if name is not None:
            runs.check_name(name)
        init = options.get("train.init", said.get("train.init"))
        if init not in (None, "none"):
            pinned, directory = _pin_init(init, notify)
            options = {**options, "train.init": pinned}
            config = directory if config is None and recipe is None and "arch" not in {**said, **options} else config
        path = None if config is None else _find_recipe(config, notify)
        facts = partial(_gather_facts, device)
        chosen = resolve(registry(), recipe=recipe, config=path, flags=said, pairs=options, facts=facts)
        check_path(chosen.dataset)
        launch, marked = read_launch(), make_mark(chosen.to_json())
        again = runs.find_marked_run(marked) if launch and launch.restarts else None
        if again:
            return again, resolve(registry(), config=again.recipe())
        name = name or f"{chosen.arch.name}-{chosen.loss.name}-{chosen.dataset.name}"
        return partial(runs.create_run, name, marked), chosen
    if recipe or config or name is not None:
        raise UsageError("a resumed run goes on as it was: leave --recipe, --config and --name away")
    if isinstance(resume, Run):
        run = resume
    else:
        run = runs.find_run(os.fspath(resume)) if resume else runs.find_latest_unfinished()
    return run, _resolve_resumed(run, {**said, **options})


def start(
    recipe: ResolvedRecipe, run: RunOrFactory, *, device: str, listener: object = None, world: World | None = None
) -> Run:
    """Train what `prepare` returned; arguments as for `train`. Of several processes the first alone has a listener."""
    with heavy_imports():
        from ganzoo.engine import trainer
        from ganzoo.engine.distributed import ALONE
        from ganzoo.engine.events import Events
        from ganzoo.engine.initial import INITIAL_FILES
    world, events = world or ALONE, Events()
    if world.rank == 0:
        events.subscribe("listener", listener)
    initial = world.first(partial(_find_initial_package, recipe.train.init, run, INITIAL_FILES, events.note))
    return trainer.train(recipe, run, device=device, events=events, world=world, initial=initial)


def _find_initial_package(init: str | None, run: RunOrFactory, names: Iterable[str], notify: Notify) -> Path | None:
    """Return the package whose weights a run starts from; None where it has a checkpoint (the first alone sees)."""
    if init is None or (isinstance(run, Run) and run.checkpoints):
        return None
    return resolve_package(init, names=names, notify=notify)


def _resolve_resumed(run: Run, settings: Mapping[str, Any]) -> ResolvedRecipe:
    """Return a run's recipe, its length raised and its data found elsewhere, where `settings` say so."""
    stored = run.recipe()
    recipe, length = resolve(registry(), config=stored), run.length
    dataset, said = recipe.dataset.component, dict(settings)
    path = f"dataset.{dataset.spec.path_option}" if isinstance(dataset.spec, Dataset) else ""
    if path in said and "dataset" in said and registry().resolve("dataset", said["dataset"]) == dataset:
        del said["dataset"]
    wrong = [key for key in said if key not in ("train.images", path)]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)}: a resumed run goes on as it was, only train.images may be raised and --dataset PATH "
            f"name where its data lie now; for other settings start a new run with --config {run.path}"
        )
    recipe = resolve(registry(), config=stored, pairs=said)
    if recipe.train.images < length:
        raise UsageError(f"train.images={recipe.train.images}: this run is {length} images long; it can only be raised")
    if run.images >= recipe.train.images:
        raise UsageError(f"run {run.path} is finished ({run.images:,} images): add --images N to train it for longer")
    check_path(recipe.dataset)
    return recipe


def _find_recipe(config: str | os.PathLike[str], notify: Notify) -> Path:
    """Return where the recipe is that ``--config`` means: a path as it stands, a run, or a model on the Hub."""
    path = Path(config)
    if path.exists():
        return path
    if isinstance(config, str) and (where.is_embedded(config) or where.parse_repository(config)):
        return resolve_package(config, names=(CONFIG,), notify=notify)
    with contextlib.suppress(NotFound):
        return runs.find_run(os.fspath(config)).path
    return path


def _pin_init(init: str | os.PathLike[str], notify: Notify) -> tuple[str, Path]:
    """Return the name under which the weights to start from will always be found, and their package."""
    repo = where.parse_repository(init)
    if repo is None:
        directory = where.find_package(init, notify)
        named = isinstance(init, str) and where.is_embedded(init)
        return os.fspath(init) if named else str(directory.resolve()), directory
    with heavy_imports():
        from ganzoo.hub import pull as pulling
    pulled = pulling.pull(repo, names=(CONFIG,), notify=notify)
    return f"{pulled.repo}@{pulled.commit}", pulled.directory


def _gather_facts(device: str, dataset: Choice) -> Facts:
    """Return what the settings of a recipe may follow from: the samples of a dataset, and the device."""
    with heavy_imports():
        from ganzoo.compute.device import choose_device
    return Facts(dataset.known_data or dataset.build().info, choose_device(device).type)


def _read_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return what flags say, by the keys that they are short for."""
    said = map_flags_to_keys(flags)
    return said | (parse_dataset_flag(registry(), os.fspath(said["dataset"])) if "dataset" in said else {})
