"""What a run remembers of its evaluations: a line in ``evaluations.jsonl`` each, and values in its model card."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.evaluate.evaluation import Evaluation
from ganzoo.package.card import decode_card, make_card
from ganzoo.package.config import CARD, CONFIG, parse_config, read_config
from ganzoo.plugin.files import append, write_atomic
from ganzoo.registry import Registry
from ganzoo.runs.run import Run


def remember(evaluation: Evaluation, registry: Registry, notify: Callable[[str], None]) -> None:
    """Add an evaluation to the run of its model, if the model is the package of a run; otherwise do nothing.

    The package of a run that is being trained is not changed, because the training writes it.

    Args:
        evaluation: The evaluation that is remembered.
        registry: The registry, which describes the package's components on the card.
        notify: A function that shows one line to the user, here that the run's files could not be written.
    """
    package = evaluation.subject.path
    run = Run(package.parent)
    if evaluation.subject.config is None or package not in (run.package, run.best) or not run.recipe_file.is_file():
        return
    scores = [score.to_json() for score in evaluation.scores.values()]
    line = {"time": time.time(), "package": package.name, "images": evaluation.images, "scores": scores}
    try:
        append(run.evaluations_file, f"{json.dumps(line)}\n".encode())
        if not run.active:
            write_into_package(package, scores, registry)
    except GanzooError as error:
        notify(f"{run.path} does not remember these values: {error}")


def write_into_package(package: Path, scores: Iterable[Mapping[str, Any]], registry: Registry) -> None:
    """Write measured values into a package's config, and into its card where it has one.

    A value replaces an older one of the same name and fingerprint.

    Args:
        package: The directory of the package.
        scores: The values, as a package lists them.
        registry: The registry, which describes the package's components on the card.

    Raises:
        GanzooError: The package is damaged, or cannot be written.
    """
    config = read_config(package)
    entries = {(entry["name"], entry.get("fingerprint")): entry for entry in config.metrics}
    entries |= {(score["name"], score["fingerprint"]): score for score in scores}
    content = json.dumps({**config.json, "metrics": list(entries.values())}, indent=2).encode() + b"\n"
    config = parse_config(content, str(package / CONFIG))
    write_atomic(package / CONFIG, [content])
    if (package / CARD).is_file():
        before = decode_card((package / CARD).read_bytes())
        files = [name for name in config.files if (package / name).is_file()]
        write_atomic(package / CARD, [make_card(config, registry, files, before).encode()])
