"""What the files of a run say: health, rows, settings, scores, samples and the last lines of its log."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.health.examine import Examination, examine_run
from ganzoo.package.config import ESTIMATES, Config, read_config
from ganzoo.registry import Registry
from ganzoo.report.media import Frame, find_files, find_frames
from ganzoo.runs.run import Run
from ganzoo.runs.settings import list_metrics, list_origins, list_settings

LOG_LINES, LOG_BYTES = 20, 8_000  # of the log that are shown, and that are read for it


@dataclass(frozen=True)
class Facts:
    """Everything that a report shows of one run.

    Args:
        run: The run that the report is about.
        status: How far the run is, in one word: ``training``, ``finished``, ``unfinished``, ``interrupted`` or
            ``failed``.
        health: The rows and the verdicts.
        recipe: The frozen recipe as JSON.
        settings: The settings by key, as a person types them; empty if the recipe is damaged.
        origins: The origins of the settings that are not defaults; empty if an earlier version wrote the recipe.
        metrics: The bare names of the metrics that the run measures.
        scores: The stored scores, each with ``images`` and ``package``.
        modality: The kind of data, `DataInfo.modality`; empty if the run has no package.
        takes_arrays: Whether its generator makes samples of images or other arrays, as a translator does.
        frames: The files that show generated samples.
        reals: The files that show real samples.
        neighbours: The files that show samples beside the nearest of the training data.
        log: The last lines of the log.
        notes: Lines on what could not be read.
    """

    run: Run
    status: str
    health: Examination
    recipe: Mapping[str, Any]
    settings: Mapping[str, str]
    origins: Mapping[str, str]
    metrics: frozenset[str]
    scores: tuple[Mapping[str, Any], ...]
    modality: str
    takes_arrays: bool
    frames: tuple[Frame, ...]
    reals: tuple[Path, ...]
    neighbours: tuple[Path, ...]
    log: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the run's directory."""
        return self.run.path.name or self.run.path.resolve().name


def gather_facts(run: Run, registry: Registry, status: str = "", error: str = "") -> Facts:
    """Return what the files of a run say. Damaged files cost a note each, but the recipe must be readable.

    Args:
        run: The run; it may be in training, broken or a copy.
        registry: The registry of the diagnoses.
        status: The status of a run that ends now, while its process still has the lock; empty to look it up.
        error: The error that ended the run, in words; empty if there was none, or it is not known.

    Raises:
        GanzooError: The recipe cannot be read.
    """
    health, recipe, notes = examine_run(run, registry), run.recipe(), list[str]()
    config = _read_package(run, notes)
    settings: dict[str, str] = {}
    try:
        settings = list_settings(recipe)
    except GanzooError as damage:
        notes.append(str(damage))
    return Facts(
        run=run,
        status=status or ("finished" if run.early_end and not run.active else health.status),
        health=health,
        recipe=recipe,
        settings=settings,
        origins=list_origins(recipe),
        metrics=frozenset(list_metrics(recipe)),
        scores=tuple(_list_scores(run, config)),
        modality=config.data.modality if config else "",
        takes_arrays=bool(config and config.data.label_shape),
        frames=tuple(find_frames(run.path)),
        reals=tuple(find_files(run.path, "reals")),
        neighbours=tuple(find_files(run.path, "neighbours")),
        log=_read_last_lines(run.path / "log.txt"),
        notes=tuple(filter(None, [error, *health.notes, *notes])),
    )


def _read_package(run: Run, notes: list[str]) -> Config | None:
    try:
        return read_config(run.package) if run.package.is_dir() else None
    except GanzooError as damage:
        notes.append(str(damage))
        return None


def _list_scores(run: Run, config: Config | None) -> Iterator[Mapping[str, Any]]:
    """Yield the stored scores of a run, the latest of each name, fingerprint, package and number of images."""
    measured = config.metrics if config else ()
    images = config.images if config else 0
    stored: list[Mapping[str, Any]] = [{**each, "images": images, "package": run.package.name} for each in measured]
    for line in run.evaluations():
        scores, place = line.get("scores"), {"images": line["images"], "package": str(line.get("package", ""))}
        stored += [{**score, **place} for score in (scores if isinstance(scores, list) else ()) if _is_score(score)]
    places = ("name", "fingerprint", "package", "images")
    yield from {tuple(str(score.get(key)) for key in places): score for score in stored}.values()


def _is_score(score: object) -> bool:
    """Return whether a line of a file has a name and a value, and nothing in it has another type than it should."""
    if not isinstance(score, Mapping) or type(score.get("value")) not in (int, float) or not score.get("name"):
        return False
    protocol = score.get("protocol") or {}
    options = protocol.get("extractor_options") or {} if isinstance(protocol, Mapping) else None
    numbers = all(type(score.get(key)) in (int, float, type(None)) for key in ESTIMATES)
    return numbers and isinstance(options, Mapping)


def _read_last_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            file.seek(-min(LOG_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return tuple(file.read().decode(errors="replace").splitlines()[-LOG_LINES:])
    except OSError:
        return ()
