"""Examining a run: what the diagnoses say about its files. Nothing else is read, so that a copy can be examined too."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.health.diagnose import SEVERITIES, build_diagnoses, diagnose
from ganzoo.health.rows import read_rows
from ganzoo.plugin import DataInfo, Verdict
from ganzoo.recipe.resolve import resolve
from ganzoo.recipe.wants import find_unmet_wants
from ganzoo.registry import Registry
from ganzoo.registry.failures import describe_error
from ganzoo.runs.run import Run
from ganzoo.runs.settings import list_metrics

UNKNOWN = DataInfo(shape=(1,), modality="points")  # data of which a run says nothing: rules on images are silent


@dataclass(frozen=True)
class Examination:
    """What is known about the health of a run.

    Args:
        run: The run that was examined.
        status: ``training``, ``finished`` or ``unfinished``.
        images: The number of images at the last row; 0 if there is none.
        length: The length of the run, in images.
        num_diagnoses: The number of rules that looked at the rows.
        verdicts: The verdicts, the worst first, and causes before what follows from them.
        notes: Lines on what could not be examined.
        rows: The rows that were read, with their numbers alone.
    """

    run: Run
    status: str
    images: int
    length: int
    num_diagnoses: int
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    rows: Sequence[Mapping[str, float]] = field(default=(), repr=False)

    @property
    def num_rows(self) -> int:
        """The number of rows that were read."""
        return len(self.rows)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON; a number that is not finite is null."""
        return {
            "run": str(self.run.path),
            "status": self.status,
            "images": self.images,
            "of": self.length,
            "rows": self.num_rows,
            "diagnoses": self.num_diagnoses,
            "verdicts": [_to_json(verdict) for verdict in self.verdicts],
            "notes": list(self.notes),
        }


def examine_run(run: Run, registry: Registry) -> Examination:
    """Return what the installed diagnoses say about a run, from its files alone.

    Args:
        run: The run; it may be in training, broken or a copy.
        registry: The registry of the diagnoses.

    Raises:
        GanzooError: The run's recipe cannot be read.
    """
    recipe, length, notes = run.recipe(), run.length, list[str]()
    rows = read_rows(run.stats_file, list_metrics(recipe))

    def leave_out(name: str, error: Exception) -> None:
        notes.append(f"diagnosis {name!r} failed: {describe_error(error)}")

    wants, data = list[Verdict](), UNKNOWN
    try:
        resolved = resolve(registry, config=recipe)
        wants = find_unmet_wants(resolved, registry)
        data = resolved.dataset.known_data or resolved.dataset.known_images or UNKNOWN
    except GanzooError as error:
        notes.append(f"its recipe does not fit this installation: {error}")
    except (KeyError, TypeError, ValueError, AttributeError):
        notes.append("its recipe is damaged, so that some rules may be wrong")
    diagnoses = build_diagnoses(registry, _read_data(run) or data, leave_out)
    verdicts = [*(diagnose(diagnoses, rows, recipe, leave_out) if rows else ()), *wants]
    if not rows:
        notes.append("it has no statistics yet: stats.jsonl is missing or has no row that can be read")
    images = int(rows[-1]["images"]) if rows else 0
    status = "training" if run.active else "finished" if max(images, run.images) >= length else "unfinished"
    verdicts.sort(key=lambda verdict: SEVERITIES.index(verdict.severity))
    return Examination(run, status, images, length, len(diagnoses), tuple(verdicts), tuple(notes), rows)


def _read_data(run: Run) -> DataInfo | None:
    """Return the data of a run, as its package describes them; None if it has no package."""
    for package in (run.package, run.best):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            stored = json.loads((package / "config.json").read_text(encoding="utf-8"))
            return DataInfo.from_json(stored["data"])
    return None


def _to_json(verdict: Verdict) -> dict[str, Any]:
    evidence = {key: value if math.isfinite(value) else None for key, value in verdict.evidence.items()}
    return {
        "code": verdict.code,
        "severity": verdict.severity,
        "words": verdict.words,
        "since": verdict.since,
        "evidence": evidence,
        "advice": list(verdict.advice),
    }
