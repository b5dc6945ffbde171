"""What is done with a trained model, in a run, in a package or on the Hub, from Python; the commands are thin over it.

Torch is imported when it is needed, not before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import NotFound
from ganzoo.evaluate.request import make_request
from ganzoo.package.config import CARD, CONFIG, DISCRIMINATOR, MODEL, REFERENCE
from ganzoo.plugin.files import means_folder
from ganzoo.recipe.resolve import parse_dataset_flag
from ganzoo.recipe.stored import load_json
from ganzoo.registry import registry
from ganzoo.runs import where
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.evaluate.evaluation import Evaluation
    from ganzoo.package.generator import Generator
    from ganzoo.package.verify import Verification

WEIGHTS = (CONFIG, MODEL)  # the files that sampling takes


def load(
    what: str | os.PathLike[str] | Run,
    device: str = "auto",
    *,
    revision: str | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
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
    directory = resolve_package(what, revision, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import package
    return package.load(directory, registry(), choose_device(device))


def apply(
    what: str | os.PathLike[str] | Run,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    seed: int = 0,
    resize: bool = False,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> list[Path]:
    """Apply a model whose labels are images, sounds or other arrays to files; return the files that it wrote.

    Args:
        what: As for `load`.
        source: An image, a file that the model's dataset reads (a sound), an array (``.npy``, ``.npz``), or a folder.
        target: The file to write, its suffix says as what; or a folder, which ends in / where it is not there yet.
            Where `source` is a folder so is this. Results are named as inputs; where two of these have one name but
            for the suffix, all keep theirs (``a.jpg.png``).
        seed: The same seed gives the same results.
        resize: Stretch images to the nearest size that the model takes.
        device: Where it computes, as for `train`.
        offline: As for `load`.
        notify: Gets lines that a person may want to see.

    Raises:
        UsageError: The model takes no inputs, or not these; the text says which.
        NotFound: There is no such input, which is seen before the model is loaded.
        GanzooError: Files of a folder could not be taken; what could is written. Else as for `load`.
    """
    if not Path(source).exists():
        raise NotFound(f"there is no file or folder {Path(source)}: name what the model shall be applied to")
    generator = load(what, device, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.package import inputs
    return inputs.apply(generator, Path(source), Path(target), means_folder(target), seed, resize, notify)


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
    notify: Notify = ignore_line,
) -> Evaluation:
    """Measure the averaged generator of a run or a model package against real samples.

    Args:
        what: As for `load`.
        metric: Metrics by name.
        num: How many real and how many generated samples; by default 10,000, or all that the dataset has.
        seed: The same seed compares the same samples. With that of a run, and as many samples, the values are those
            that training measured.
        dataset: Real samples, by the dataset's name or a path; by default those that the model was trained on.
        options: ``metric.NAME.*``, ``extractor.NAME.*`` and ``dataset.*`` by key.
        device: Where it computes, as for `train`.
        offline: As for `load`.
        notify: Gets lines that a person may want to see.

    Returns:
        An object whose `values` are floats by ``METRIC/KEY``; its `to_json` says all that they depend on.

    Raises:
        UsageError: A wrong name or option, or data that do not fit the model.
        GanzooError: A metric failed; NotFound, Corrupt and MissingPlugin as for `load`.
    """
    package = resolve_package(what, offline=offline, notify=notify)
    request = make_request(
        registry(),
        package,
        load_json(package),
        metrics=[metric] if isinstance(metric, str) else metric,
        num=num,
        seed=seed,
        dataset=None if dataset is None else parse_dataset_flag(registry(), os.fspath(dataset)),
        pairs=options,
    )
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.evaluate import evaluation
    return evaluation.evaluate(request, registry(), choose_device(device), notify)


def package(
    what: str | os.PathLike[str] | Run,
    directory: str | os.PathLike[str],
    *,
    discriminator: bool = True,
    license: str = "",
    device: str = "auto",
    notify: Notify = ignore_line,
) -> Path:
    """Write the model of a run as a directory: a model package with all that people see of it; return where.

    Args:
        what: As for `load`.
        directory: Where to: a new or an empty directory, or one that holds a package, which is replaced but for what
            a person wrote into its card.
        discriminator: Whether the discriminator goes along, for training that goes on from it, where it is there; of a
            model on the Hub it is fetched for that.
        license: Of the weights, as the Hub names it; empty for what the card says already.
        device: Where it is sampled, as for `train`.
        notify: Gets lines that a person may want to see.

    Raises:
        UsageError: The directory holds other things.
        GanzooError: It cannot be written; NotFound, Corrupt and MissingPlugin as for `load`.
    """
    names = [*WEIGHTS, REFERENCE, CARD, *([DISCRIMINATOR] if discriminator else [])]
    source, target = resolve_package(what, names=names, notify=notify), Path(directory)
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import complete
    complete.check_target(target)
    complete.complete_package(source, target, registry(), choose_device(device), discriminator, license, notify=notify)
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
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import foreign
    target = Path(directory)
    foreign.import_weights(Path(file), target, registry(), format, options or {}, choose_device(device), license)
    return target


def verify(
    what: str | os.PathLike[str] | Run,
    device: str = "auto",
    *,
    revision: str | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Verification:
    """Check every byte of a model, and that it gives the samples that it once gave; arguments as for `load`.

    Returns:
        What holds, in numbers.

    Raises:
        Corrupt: Something does not hold.
        GanzooError: As `load`.
    """
    directory = resolve_package(what, revision, names=None, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import verify as verifying
    return verifying.verify(directory, registry(), choose_device(device))


def resolve_package(
    what: str | os.PathLike[str] | Run,
    revision: str | None = None,
    *,
    names: Iterable[str] | None = WEIGHTS,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Path:
    """Return the directory of the model package that a word means, fetched from the Hub where it lies there.

    Args:
        what: A run (object, path, name or number), a package's directory, ``plugin:name``, or
            ``user/model[@revision]``.
        revision: Of a model on the Hub, where `what` names none.
        names: Files that are needed of it; None for all but the discriminator.
        offline: Take what is in the Hub's cache, and ask for nothing.
        notify: Gets lines that a person may want to see.

    Raises:
        NotFound: There is nothing of that name.
        GanzooError: As `ganzoo.hub.pull.pull`.
    """
    if (repo := where.parse_repository(what, revision)) is None:
        return where.find_package(what, notify)
    with heavy_imports():
        from ganzoo.hub.pull import pull as pull_files
    return pull_files(repo, names=names, offline=offline, notify=notify).directory
