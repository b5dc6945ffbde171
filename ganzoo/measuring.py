"""Measuring trained models, and samples of any program, from Python. ``ganzoo evaluate`` calls this function.

Torch is imported when it is needed, not before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from ganzoo.errors import NotFound
from ganzoo.evaluate.request import ARRAYS, Subject, make_request
from ganzoo.models import report_untrained, resolve_package
from ganzoo.package.config import read_config
from ganzoo.plugin.network import without_network
from ganzoo.registry import registry
from ganzoo.runs import where
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import find_run
from ganzoo.runs.where import ModelSource, Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.evaluate.evaluation import Evaluation


class _Keywords(TypedDict, total=False):
    extractor: str | Iterable[str]
    against: str | os.PathLike[str]
    num: int | None
    seed: int
    held_out: bool
    options: Mapping[str, Any] | None
    device: str
    offline: bool
    notify: Notify


@overload
def evaluate(what: ModelSource, metric: str | Iterable[str] = (), **given: Unpack[_Keywords]) -> Evaluation: ...
@overload
def evaluate(
    what: list[ModelSource], metric: str | Iterable[str] = (), **given: Unpack[_Keywords]
) -> list[Evaluation]: ...
def evaluate(
    what: ModelSource | list[ModelSource],
    metric: str | Iterable[str] = (),
    *,
    extractor: str | Iterable[str] = (),
    against: str | os.PathLike[str] = "",
    num: int | None = None,
    seed: int = 0,
    held_out: bool = False,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Evaluation | list[Evaluation]:
    """Measure the averaged generator of a run or a model package, or samples, against real samples.

    The scores of a run are added to its ``evaluations.jsonl``, and to its model card.

    Args:
        what: The model, as in `ganzoo.load`; or a folder of images, or a file of arrays (``.npz``, ``.npy``), that any
            program made. A list of these is measured against the same real samples.
        metric: One or more names of metrics; by default those that suit the data, on the features of two networks.
        extractor: One or more names of extractors; by default each metric reads the best that is installed.
        against: The real samples: the name of a dataset, a folder or a file; by default the data that the first model
            was trained on.
        num: The number of real samples, and of generated samples; by default half of the real samples, at least 950 and
            at most 10,000, where there are so many.
        seed: The same seed compares the same samples. With the seed and the number of samples of a run, the values
            equal those that the training measured.
        held_out: Whether the real samples are those that the dataset holds out of the training (``dataset.holdout``).
        options: Options by key: ``metric.NAME.*``, ``extractor.NAME.*`` and ``dataset.*``.
        device: The device to compute on, as in `ganzoo.load`.
        offline: Whether nothing is downloaded, neither models nor weights of extractors, as with ``HF_HUB_OFFLINE=1``.
        notify: A function that shows one line to the user; by default lines are dropped.

    Returns:
        An object whose `values` are floats by ``METRIC/KEY``, and whose `scores` have their floors, intervals and
        fingerprints. Its `to_json` adds all that they depend on. A list gives a list.

    Raises:
        UsageError: A name or an option is wrong, or the data does not fit a model.
        GanzooError: A metric failed. NotFound, Corrupt and MissingPlugin as in `ganzoo.load`.
    """
    subjects = [_find_subject(each, offline, notify) for each in (what if isinstance(what, list) else [what])]
    request = make_request(
        registry(),
        subjects,
        metrics=[metric] if isinstance(metric, str) else list(metric),
        extractors=[extractor] if isinstance(extractor, str) else list(extractor),
        against=os.fspath(against),
        num=num,
        seed=seed,
        held_out=held_out,
        pairs=options,
    )
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.evaluate import evaluation, memory
    with without_network(offline):
        found = evaluation.evaluate(request, registry(), choose_device(device), notify)
    for each in found:
        memory.remember(each, registry(), notify)
    return found if isinstance(what, list) else found[0]


def _find_subject(what: ModelSource, offline: bool, notify: Notify) -> Subject:
    """Return what a name means: samples in a folder or a file, or a model, which is fetched if it is on the Hub."""
    if isinstance(what, (str, os.PathLike)) and _means_samples(os.fspath(what)):
        path = Path(what).expanduser()
        return Subject(path.absolute(), str(what))
    package = resolve_package(what, offline=offline, notify=notify)
    report_untrained(package, notify)
    return Subject(package, where.format_title(package), read_config(package))


def _means_samples(text: str) -> bool:
    """Whether a name means samples: a file, or a folder that is neither a run nor a model package.

    Raises:
        NotFound: It looks like a file of arrays that does not exist.
    """
    path = Path(text).expanduser()
    if path.is_file():
        return True
    if path.suffix.lower() in ARRAYS:
        raise NotFound(f"there is no file {text}: name a run, a model, or samples in a folder or a file")
    if not path.is_dir() or any((path / name).is_file() for name in ("config.json", "recipe.json")):
        return False
    try:
        find_run(text)
    except NotFound:
        return True
    return False
