"""The Python API, which the commands are thin layers over. Torch is imported when it is needed, not before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import run as runs
from ganzoo.engine.interrupt import stop_on_signals
from ganzoo.errors import NotFound, UsageError
from ganzoo.evaluate.request import requested
from ganzoo.hub import where
from ganzoo.hub.where import Notify, silent
from ganzoo.launch import launched, mark
from ganzoo.plugin import Dataset
from ganzoo.recipe import Recipe, load_json
from ganzoo.registry import registry
from ganzoo.resolution import resolve
from ganzoo.run import Run

if TYPE_CHECKING:
    from ganzoo.engine.distributed import World
    from ganzoo.engine.trainer import Listener
    from ganzoo.evaluate.evaluation import Evaluation
    from ganzoo.hub.generator import Generator
    from ganzoo.hub.publish import Published
    from ganzoo.hub.search import Found
    from ganzoo.hub.verify import Verified

Names = str | Iterable[str] | None


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
    conditional: bool | None = None,
    init: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    device: str = "auto",
    resume: str | os.PathLike[str] | Run | bool = False,
    listener: Listener | None = None,
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
        conditional: Short for ``train.conditional``.
        init: Short for ``train.init``: a run, a package's directory or a model on the Hub, whose weights training
            starts from; its settings too, where no `arch`, `recipe` or `config` is given.
        options: Any setting by key: ``{"arch.width": 64, "optim.g.lr": 1e-4}``.
        name: Of the run, behind its number.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        resume: A run to go on with (True for the latest unfinished one); of the settings only `images` may be raised.
        listener: Is told how it goes (`ganzoo.engine.trainer.Listener`).

    Raises:
        ganzoo.GanzooError: What a user can act on, in one sentence; a wrong setting is a ValueError as well.
    """
    flags = {
        "arch": arch, "loss": loss, "dataset": dataset, "reg": reg, "aug": aug, "metric": metric, "tracker": tracker,
        "images": images, "batch": batch, "size": size, "seed": seed, "conditional": conditional,
        "init": init,
    }  # fmt: skip
    which = ("" if resume else None) if isinstance(resume, bool) else resume
    preparing = partial(
        prepare, flags=flags, options=options or {}, name=name, recipe=recipe, config=config, resume=which
    )
    with together(device) as world:
        run, chosen = agreed(preparing, world)
        return start(chosen, run, name=name, device=device, listener=listener, world=world)


@contextlib.contextmanager
def together(device: str) -> Iterator[World | None]:
    """Join the processes that ``torchrun`` started with this one, while the block runs; None where it started none."""
    launch = launched()
    if launch is None or launch.size == 1:
        yield None
        return
    with _undisturbed():
        from ganzoo.engine.distributed import joined
    with joined(launch, device) as world:
        yield world


def agreed(preparing: Callable[[], tuple[Run | None, Recipe]], world: World | None) -> tuple[Run | None, Recipe]:
    """Return what `prepare` returns, on each of several processes what it returns on the first."""
    if world is None:
        return preparing()
    mine: list[Recipe] = []  # with the origins of its settings, which its JSON does not tell

    def told() -> tuple[Run | None, dict[str, Any]]:
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
    notify: Notify = silent,
) -> tuple[Run | None, Recipe]:
    """Return the run to go on with (None for a new one) and the recipe; arguments as for `train`.

    `resume` is None for a new run and empty for the latest unfinished one. Where ``torchrun`` starts the command
    anew, a new run is the one that it began the last time.
    """
    said = _by_key(flags)
    if resume is None:
        if name is not None:
            runs.check_name(name)
        init = options.get("train.init", said.get("train.init"))
        if init is not None:
            pinned, place = _pinned(init, notify)
            options = {**options, "train.init": pinned}
            config = place if config is None and recipe is None and "arch" not in said else config
        path = None if config is None else _recipe_of(config, notify)
        chosen = resolve(registry(), recipe=recipe, config=path, flags=said, pairs=options)
        launch = launched()
        again = runs.begun(mark(chosen.to_json())) if launch and launch.restarts else None
        return again, resolve(registry(), config=again.recipe()) if again else chosen
    if recipe or config or name is not None:
        raise UsageError("a resumed run goes on as it was: leave --recipe, --config and --name away")
    run = resume if isinstance(resume, Run) else runs.find(os.fspath(resume)) if resume else runs.latest_unfinished()
    return run, _resumed(run, {**said, **options})


def start(
    recipe: Recipe,
    run: Run | None,
    *,
    name: str | None,
    device: str,
    listener: Listener | None = None,
    world: World | None = None,
) -> Run:
    """Train a resolved recipe; arguments as for `train`. Of several processes the first alone has a listener."""
    with _undisturbed():
        from ganzoo.engine import trainer
        from ganzoo.engine.distributed import ALONE
        from ganzoo.engine.initial import INITIAL
    world = world or ALONE
    listener = _Silent() if listener is None or world.rank else listener
    name = name or f"{recipe.arch.name}-{recipe.loss.name}-{recipe.dataset.name}"
    initial = None
    if recipe.train.init is not None and not (run and run.checkpoints):
        initial = world.first(partial(package_of, recipe.train.init, names=INITIAL, notify=listener.note))
    return trainer.train(recipe, run, name=name, device=device, listener=listener, world=world, initial=initial)


def load(
    what: str | os.PathLike[str] | Run,
    device: str = "auto",
    *,
    revision: str | None = None,
    offline: bool = False,
    notify: Notify = silent,
) -> Generator:
    """Return the trained generator of a run or a model package.

    Args:
        what: A run (object, path, name or number), the directory of a model package, a model that comes with a
            plugin (``ganzoo:digits``), or a model on the Hub: ``user/model`` or ``user/model@revision``.
        device: Where it computes, as for `train`.
        revision: Branch, tag or commit of a model on the Hub; by default its newest.
        offline: Take a model of the Hub from the cache alone, as ``HF_HUB_OFFLINE=1`` does.
        notify: Gets lines that a person may want to see: the commit that was taken.

    Raises:
        NotFound: There is nothing of that name, it may not be read, or a run has no package yet.
        Unreachable: The Hub does not answer, and the model is not in the cache.
        Corrupt: A file is not what was written.
        MissingPlugin: The architecture is not installed; said before any weights are fetched.
    """
    directory = package_of(what, revision, offline=offline, notify=notify)
    with _undisturbed():
        from ganzoo.engine.device import choose_device
        from ganzoo.hub import package
    return package.load(directory, registry(), choose_device(device))


def evaluate(
    what: str | os.PathLike[str] | Run,
    metric: str | Iterable[str],
    *,
    num: int | None = None,
    seed: int = 0,
    dataset: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = silent,
) -> Evaluation:
    """Measure the averaged generator of a run or a model package against real samples.

    Args:
        what: As for `load`.
        metric: Metrics by name.
        num: How many real and how many generated samples; by default 10,000, or all that the dataset has.
        seed: The same seed compares the same samples. With that of a run, and as many samples, the values are those
            that training measured.
        dataset: Real samples, by the dataset's name or a path; by default those that the model was trained on.
        options: ``metric.NAME.*`` and ``dataset.*`` by key.
        device: Where it computes, as for `train`.
        offline: As for `load`.
        notify: Gets lines that a person may want to see.

    Returns:
        An object whose `values` are floats by ``METRIC/KEY``; its `to_json` says all that they depend on.

    Raises:
        UsageError: A wrong name or option, or data that do not fit the model.
        GanzooError: A metric failed; NotFound, Corrupt and MissingPlugin as for `load`.
    """
    package = package_of(what, offline=offline, notify=notify)
    request = requested(
        registry(),
        package,
        load_json(package),
        metrics=[metric] if isinstance(metric, str) else metric,
        num=num,
        seed=seed,
        dataset=None if dataset is None else _dataset_flags(os.fspath(dataset)),
        pairs=options,
    )
    with _undisturbed():
        from ganzoo.engine.device import choose_device
        from ganzoo.evaluate import evaluation
    return evaluation.evaluate(request, registry(), choose_device(device), notify)


def package(
    what: str | os.PathLike[str] | Run,
    directory: str | os.PathLike[str],
    *,
    discriminator: bool = False,
    license: str = "",
    device: str = "auto",
) -> Path:
    """Write the model of a run as a directory: a model package with all that people see of it; return where.

    Args:
        what: As for `load`; a run where the discriminator is asked for.
        directory: Where to: a new or an empty directory, or one that holds a package, which is replaced but for what
            a person wrote into its card.
        discriminator: Whether the discriminator is part of it.
        license: Of the weights, as the Hub names it; empty for what the card says already.
        device: Where it is sampled, as for `train`.

    Raises:
        UsageError: The directory holds other things, or no run was named whose discriminator could be taken.
        GanzooError: It cannot be written; NotFound, Corrupt and MissingPlugin as for `load`.
    """
    source, target = package_of(what), Path(directory)
    with _undisturbed():
        from ganzoo.engine.device import choose_device
        from ganzoo.hub import complete
    complete.check_target(target)
    weights = complete.discriminator_of(source) if discriminator else None
    complete.complete(source, target, registry(), choose_device(device), weights, license)
    return target


def import_weights(
    file: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    format: str,
    options: Mapping[str, Any] | None = None,
    license: str = "",
    device: str = "auto",
) -> Path:
    """Write a generator that another project trained as a directory: a model package; return where.

    Args:
        file: Its weights, as ``torch.save`` or safetensors wrote them. No code in it is run.
        directory: Where to, as for `package`.
        format: Of the file, by name: one that an installed architecture reads (`ganzoo.plugin.Architecture.imports`).
        options: Options of the architecture by key, ``arch.*``, which the weights do not tell.
        license: Of the weights, as the Hub names it.
        device: Where it is sampled, as for `train`.

    Raises:
        UsageError: No such format or option, or a file of another kind.
        NotFound: There is no such file.
        Corrupt: The file is damaged, or its tensors do not fit.
        GanzooError: The file holds more than tensors and plain values, or the package cannot be written.
    """
    with _undisturbed():
        from ganzoo.engine.device import choose_device
        from ganzoo.hub import foreign
    target = Path(directory)
    foreign.import_weights(Path(file), target, registry(), format, options or {}, choose_device(device), license)
    return target


def publish(
    what: str | os.PathLike[str] | Run,
    repo: str,
    *,
    private: bool = False,
    tag: str = "",
    revision: str = "main",
    message: str = "",
    create_pr: bool = False,
    dry_run: bool = False,
    discriminator: bool = False,
    license: str = "",
    device: str = "auto",
    notify: Notify = silent,
) -> Published:
    """Publish a run or a model package on the Hugging Face Hub, in one commit; return what is there now.

    It is loaded back and sampled before. The token is that of ``HF_TOKEN`` or ``hf auth login``. Where just this is
    there already nothing is sent.

    Args:
        what: A run (object, path, name or number) or a package's directory.
        repo: ``user/model``; created where it is not there. What a person wrote into its card stays.
        private: Whether only its owner shall see a new one.
        tag: Put on the commit; a tag never moves.
        revision: The branch to commit to; created where it is not there.
        message: Of the commit.
        create_pr: Offer it as a pull request, to a model of somebody else.
        dry_run: Change nothing there, and return what would change.
        discriminator: Publish D too, for training that goes on from it.
        license: Of the weights, as the Hub names it; empty for what the card says already.
        device: Where it is sampled, as for `train`.
        notify: Gets lines that a person may want to see.

    Raises:
        NotFound: There is no such run or package; Denied, a kind of it: the token may not write there.
        Unreachable: The Hub does not answer.
        Conflict: The tag is taken, the name is another model's, or somebody else published at the same time.
        GanzooError: What does not load, or another thing that the Hub refuses. Nothing is half there.
    """
    directory = where.here(what, notify)
    where.checked_repo(repo)
    with _undisturbed():
        from ganzoo.hub import publish as publishing
    target = publishing.Target(repo, private, tag, revision, message, create_pr)
    return publishing.publish(
        directory, target, discriminator=discriminator, license=license, device=device, dry_run=dry_run, notify=notify
    )


def check_publishable(repo: str) -> None:
    """Raise GanzooError where `publish` could not publish there, by its name or by the token that is there."""
    where.checked_repo(repo)
    with _undisturbed():
        from ganzoo.hub import publish as publishing
    publishing.check_access(repo)


def pull(repo: str, *, revision: str | None = None, offline: bool = False, notify: Notify = silent) -> Path:
    """Fetch all of a model on the Hub into the cache, and check it; return its directory, to be read, never written.

    Args:
        repo: ``user/model`` or ``user/model@revision``.
        revision: As for `load`.
        offline: Likewise.
        notify: Likewise.

    Raises:
        GanzooError: As `load`.
    """
    if (found := where.repository(repo, revision)) is None:
        raise UsageError(f"{repo} is no model on the Hub, or is a directory here: say USER/NAME")
    with _undisturbed():
        from ganzoo.hub import pull as pulling
    return pulling.pull(found, offline=offline, notify=notify).directory


def verify(
    what: str | os.PathLike[str] | Run,
    device: str = "auto",
    *,
    revision: str | None = None,
    offline: bool = False,
    notify: Notify = silent,
) -> Verified:
    """Check every byte of a model, and that it gives the samples that it once gave; arguments as for `load`.

    Returns:
        What holds, in numbers.

    Raises:
        Corrupt: Something does not hold.
        GanzooError: As `load`.
    """
    directory = package_of(what, revision, names=None, offline=offline, notify=notify)
    with _undisturbed():
        from ganzoo.engine.device import choose_device
        from ganzoo.hub import verify as verifying
    return verifying.verify(directory, registry(), choose_device(device))


def search(text: str = "", *, dataset: str = "", author: str = "", arch: str = "", limit: int = 50) -> list[Found]:
    """Return ganzoo's models on the Hub, those first that are downloaded most.

    Args:
        text: A part of the name.
        dataset: Trained on this dataset of the Hub.
        author: Of this user or organisation.
        arch: Of this architecture.
        limit: How many at most.

    Raises:
        Unreachable: The Hub does not answer.
    """
    with _undisturbed():
        from ganzoo.hub import search as searching
    return searching.search(text, dataset=dataset, author=author, arch=arch, limit=limit)


def about(what: str, *, offline: bool = False, notify: Notify = silent) -> dict[str, Any]:
    """Return what is known of a model in a directory or on the Hub, without its weights; arguments as for `load`."""
    repo = where.repository(what)
    with _undisturbed():
        from ganzoo.hub import config, search
    return search.told(config.read(where.here(what))) if repo is None else search.about(repo, offline, notify)


def package_of(
    what: str | os.PathLike[str] | Run,
    revision: str | None = None,
    *,
    names: Iterable[str] | None = where.WEIGHTS,
    offline: bool = False,
    notify: Notify = silent,
) -> Path:
    """Return the directory of the model package that a word means (`ganzoo.hub.where.package_of`)."""
    if where.repository(what, revision) is not None:
        with _undisturbed():
            import ganzoo.hub.pull  # noqa: F401
    return where.package_of(what, revision, names=names, offline=offline, notify=notify)


def _resumed(run: Run, settings: Mapping[str, Any]) -> Recipe:
    """Return a run's recipe, its length raised where `settings` say so."""
    wrong = [key for key in settings if key != "train.images"]
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)}: a resumed run goes on as it was, only train.images may be raised; "
            f"for other settings start a new run with --config {run.path}"
        )
    recipe, length = resolve(registry(), config=run.recipe(), pairs=settings), run.length
    if recipe.train.images < length:
        raise UsageError(f"train.images={recipe.train.images}: this run is {length} images long; it can only be raised")
    if run.images >= recipe.train.images:
        raise UsageError(f"run {run.path} is finished ({run.images:,} images): add --images N to train it for longer")
    return recipe


def _recipe_of(config: str | os.PathLike[str], notify: Notify) -> Path:
    """Return where the recipe is that ``--config`` means: a path as it stands, a run, or a model on the Hub."""
    path = Path(config)
    if path.exists():
        return path
    if isinstance(config, str) and (where.is_embedded(config) or where.repository(config)):
        return package_of(config, names=where.SETTINGS, notify=notify)
    with contextlib.suppress(NotFound):
        return runs.find(os.fspath(config)).path
    return path


def _pinned(init: str | os.PathLike[str], notify: Notify) -> tuple[str, Path]:
    """Return the name under which the weights to start from will always be found, and their package."""
    repo = where.repository(init)
    if repo is None:
        directory = where.here(init, notify)
        named = isinstance(init, str) and where.is_embedded(init)
        return os.fspath(init) if named else str(directory.resolve()), directory
    with _undisturbed():
        from ganzoo.hub import pull as pulling
    pulled = pulling.pull(repo, names=where.SETTINGS, notify=notify)
    return f"{pulled.repo}@{pulled.commit}", pulled.directory


def _by_key(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return what flags say, by the keys that they are short for."""
    keys = {"size": "dataset.size"} | {
        key: f"train.{key}" for key in ("images", "batch", "seed", "conditional", "init")
    }
    said = {keys.get(flag, flag): value for flag, value in flags.items() if value is not None and value != ()}
    return said | (_dataset_flags(os.fspath(said["dataset"])) if "dataset" in said else {})


def _dataset_flags(text: str) -> dict[str, str]:
    """Return what ``--dataset`` says: the name of a component, or a path for the one that opens paths."""
    known = {name for entry in registry().components("dataset") for name in (entry.spec.name, *entry.spec.aliases)}
    separators = [sep for sep in (os.sep, os.altsep) if sep]
    if text in known or not (any(sep in text for sep in separators) or os.path.exists(text)):
        return {"dataset": text}
    opener = registry().path_dataset(text)
    assert isinstance(opener.spec, Dataset)
    return {"dataset": opener.qualified, f"dataset.{opener.spec.path_option}": text}


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back while torch is imported: its C++ now and then swallows one, or aborts the process."""
    with stop_on_signals() as stop:
        yield
    if stop:
        raise KeyboardInterrupt


class _Silent:
    """A listener that does nothing with what it hears."""

    def note(self, line: str) -> None:
        pass

    def tick(self, row: dict[str, Any]) -> None:
        pass
