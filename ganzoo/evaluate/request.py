"""Requests to measure a model against data: read and checked before torch is imported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import Corrupt, UsageError
from ganzoo.evaluate.selection import choose_metrics
from ganzoo.package.config import Config
from ganzoo.plugin import Built, DataInfo, Dataset, options
from ganzoo.plugin.options import list_options
from ganzoo.recipe.check_words import check_needs
from ganzoo.recipe.holdout import HOLDOUT
from ganzoo.recipe.measured import find_modality, get_spec
from ganzoo.recipe.nested import make_choice
from ganzoo.recipe.recipe import Choice
from ganzoo.recipe.resolve import make_path_absolute, parse_dataset_flag
from ganzoo.recipe.stored import read_choice, resolve_stored_component
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent

ARRAYS = (".npz", ".npy")  # suffixes of files of arrays


@dataclass(frozen=True)
class Subject:
    """One thing that is measured: the averaged generator of a model package, or samples in a folder or in a file.

    Args:
        path: The directory of the package, or the folder or the file.
        title: Its name for people.
        config: The config of the package; None if it is samples.
    """

    path: Path
    title: str
    config: Config | None = None

    @property
    def label(self) -> str:
        """Its short name: that of the run, if it is the package of a run."""
        run = self.path.parent
        if self.config is None or not (run / "recipe.json").is_file():
            return self.title
        return run.name if self.path.name == "package" else f"{run.name} ({self.path.name})"

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The stored recipe of a model; empty for samples."""
        return self.config.recipe if self.config else {}

    @property
    def frozen(self) -> Iterable[Mapping[str, str]]:
        """Name and SHA-256 of each network that the model's training used and did not train."""
        stored = self.recipe.get("frozen", {})
        entries = stored.values() if isinstance(stored, Mapping) else ()
        return [entry for entry in entries if isinstance(entry, Mapping)]


@dataclass(frozen=True)
class Request:
    """A request to measure models and samples against the same real samples.

    Args:
        subjects: What is measured; at least one. All are of the same modality and shape, as far as that is known.
        archs: The architecture of each subject; None for samples.
        reference: The dataset of the real samples, or the path of a file of arrays.
        metrics: The metrics; at least one.
        num: The number of real samples, and of generated ones; None for the default.
        seed: The seed that chooses real samples and latents.
        held_out: Whether the real samples are those of the dataset's held-out part.
    """

    subjects: tuple[Subject, ...]
    archs: tuple[Choice | None, ...]
    reference: Choice | Path
    metrics: tuple[Choice, ...]
    num: int | None
    seed: int
    held_out: bool = False

    @property
    def reference_name(self) -> str:
        """The name of the real samples."""
        return self.reference.name


def make_request(
    registry: Registry,
    subjects: Sequence[Subject],
    *,
    metrics: Sequence[str] = (),
    extractors: Sequence[str] = (),
    against: str = "",
    num: int | None = None,
    seed: int = 0,
    held_out: bool = False,
    pairs: Mapping[str, Any] | None = None,
) -> Request:
    """Return the request that a user's names and options mean.

    Args:
        registry: The registry in which names are looked up.
        subjects: The models and samples that are measured.
        metrics: The names of the metrics; none for the default ones.
        extractors: The names of the extractors that metrics read; none for the best.
        against: The name of the dataset of the real samples, or the path of a folder or a file; empty for the data that
            the first model was trained on.
        num: The number of real samples and of generated ones; None for the default.
        seed: The seed of the generated samples; the same seed compares the same samples.
        held_out: Whether the real samples are those of the dataset's held-out part.
        pairs: Options by key: ``metric.NAME.*``, ``extractor.NAME.*`` and ``dataset.*``.

    Raises:
        UsageError: A name or key is unknown, a value has a wrong type or is out of range, or the models make samples of
            different kinds.
        MissingPlugin: An architecture or the dataset is not installed.
        Corrupt: A recipe is damaged.
    """
    pairs = pairs or {}
    if num is not None and num < 1:
        raise UsageError(f"-n {num}: ask for at least one sample")
    _check_alike(subjects)
    reference = choose_reference(registry, subjects, against, pairs)
    data = next((subject.config.data for subject in subjects if subject.config), None)
    modality = data.modality if data else find_modality(reference) if isinstance(reference, Choice) else ""
    held = {str(entry.get("name")) for subject in subjects for entry in subject.frozen}
    chosen = choose_metrics(registry, metrics, extractors, pairs, modality, held)
    for choice in chosen if held_out else ():
        if get_spec(choice).whole or get_spec(choice).held_out:
            raise UsageError(f"metric {choice.name!r} compares with samples that are trained on: remove --held-out")
    archs = tuple(_read_arch(registry, subject) for subject in subjects)
    for arch in archs:
        check_needs([*([arch] if arch else []), *chosen], average=True)
    return Request(tuple(subjects), archs, reference, chosen, num, seed, held_out)


def _check_alike(subjects: Sequence[Subject]) -> None:
    """Raise UsageError if two models make samples of different kinds or shapes, so that no data suit both."""
    models = [(subject, subject.config.data) for subject in subjects if subject.config]
    for subject, data in models[1:]:
        first, other = models[0]
        if (data.modality, data.shape) != (other.modality, other.shape):
            raise UsageError(
                f"{first.title} makes {_describe_samples(other)} and {subject.title} {_describe_samples(data)}, so no "
                "real samples suit both: measure them one by one, or write images of each with `ganzoo sample` and "
                "name the folders"
            )


def _describe_samples(data: DataInfo) -> str:
    return f"{data.modality} samples of {'x'.join(map(str, data.shape))}"


def _read_arch(registry: Registry, subject: Subject) -> Choice | None:
    with _damage_reported(subject):
        return read_choice(registry, "arch", subject.recipe["arch"]) if subject.config else None


@contextlib.contextmanager
def _damage_reported(subject: Subject) -> Iterator[None]:
    """A context in which errors of a stored recipe's form are reported as a damaged recipe."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Corrupt(f"the recipe in {subject.path} is damaged: {type(error).__name__} {error}") from error


# ----------------------------------------------------------------------------
# The real samples.


def choose_reference(
    registry: Registry, subjects: Sequence[Subject], against: str, pairs: Mapping[str, Any]
) -> Choice | Path:
    """Return the dataset of the real samples, or the path of a file of arrays; arguments as in `make_request`."""
    settings = {key: value for key, value in pairs.items() if key.startswith("dataset.")}
    if Path(against).suffix.lower() in ARRAYS:
        if settings:
            raise UsageError(f"{next(iter(settings))} is an option of a dataset, and {against} is a file of arrays")
        return Path(against).expanduser().absolute()
    if against:
        settings = {**parse_dataset_flag(registry, against), **settings}
    models = [subject.config for subject in subjects if subject.config]
    shape = models[0].data.shape if models else None
    trained = next((subject for subject in subjects if "dataset" in subject.recipe), None)
    if trained:
        with _damage_reported(trained):
            return _choose_dataset(registry, trained.recipe["dataset"], settings, shape)
    if against:
        return _choose_dataset(registry, {}, settings, shape)
    if models:
        raise UsageError(
            f"{subjects[0].title} does not say what it was trained on: add --against NAME or --against PATH"
        )
    raise UsageError("nothing says which samples are real: add --against NAME or --against PATH")


def _choose_dataset(
    registry: Registry, stored: Mapping[str, Any], settings: Mapping[str, Any], shape: tuple[int, ...] | None
) -> Choice:
    """Return the requested dataset. If it is the dataset of the training, other options are those of the training.

    Options that decide about the shape of images are those of the model, unless the user says otherwise.
    """
    if "dataset" in settings:
        component = registry.resolve("dataset", str(settings["dataset"]))
    else:
        component = resolve_stored_component(registry, "dataset", stored)
    spec = component.spec
    assert isinstance(spec, Dataset)
    same = "dataset" not in settings or component.qualified == stored.get("name")
    usual = component.migrate(stored["options"], int(stored["schema"])) if same else fit_options(spec, shape)
    own = {key.removeprefix("dataset."): value for key, value in settings.items() if key != "dataset"}
    if same and spec.path_option not in own and own.get(HOLDOUT, usual.get(HOLDOUT, 0)) != usual.get(HOLDOUT, 0):
        raise UsageError(
            "dataset.holdout divides the data before a training, and this model was trained on the other division: "
            "remove it, or name other samples with --against"
        )
    if spec.path_option in own:  # other files, of which nothing was trained on
        usual = {key: value for key, value in usual.items() if key != HOLDOUT}
    chosen = options.read(spec.options, {**usual, **own}, "dataset.", f"dataset {spec.name!r}")
    return make_choice(registry, component, make_path_absolute(spec, chosen), "dataset.")


def fit_options(spec: Built, shape: tuple[int, ...] | None) -> dict[str, int]:
    """Return the options by which a dataset makes images of a shape, as far as it has such options."""
    if shape is None or len(shape) != 3:
        return {}
    channels, height, width = shape
    wanted = {"channels": channels, "size": height, **({"width": width} if width != height else {})}
    return {key: value for key, value in wanted.items() if key in list_options(spec.options)}


def choose_samples(registry: Registry, path: Path, shape: tuple[int, ...]) -> Choice:
    """Return the dataset that opens a folder of samples, with images of this shape."""
    component: RegisteredComponent = registry.resolve_path_dataset(str(path))
    spec = component.spec
    assert isinstance(spec, Dataset)
    chosen = options.read(spec.options, {**fit_options(spec, shape), spec.path_option: str(path)}, "dataset.")
    return make_choice(registry, component, make_path_absolute(spec, chosen), "dataset.")
