"""Using trained models from Python: in runs, in packages and on the Hub. The commands call these functions.

Torch is imported when it is needed, not before.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, NotFound
from ganzoo.package.config import CARD, CONFIG, DISCRIMINATOR, MODEL, REFERENCE, read_config
from ganzoo.plugin.files import means_folder
from ganzoo.registry import registry
from ganzoo.runs import where
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.package.generator import Generator
    from ganzoo.package.verify import Verification

WEIGHTS = (CONFIG, MODEL)  # the files that sampling needs


def load(
    what: int | str | os.PathLike[str] | Run,
    device: str = "auto",
    *,
    revision: str | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Generator:
    """Return the trained generator of a run or a model package.

    Args:
        what: A run (object, path, name or number), the directory of a model package, a model that comes with a
            plugin (``ganzoo:digits``), or a model on the Hub (``user/model`` or ``user/model@revision``).
        device: The device to compute on: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
        revision: A branch, tag or commit of a model on the Hub; by default its newest commit.
        offline: Whether a model on the Hub is read from the cache alone, as with ``HF_HUB_OFFLINE=1``.
        notify: A function that shows one line to the user, such as the commit of a model on the Hub; by default lines
            are dropped.

    Raises:
        NotFound: There is no such model, the user has no access, or a run has no package yet.
        Unreachable: The Hub cannot be reached, and the model is not in the cache.
        Corrupt: A file is damaged: its bytes differ from what was saved.
        MissingPlugin: The architecture is not installed. This is checked before weights are fetched.
    """
    directory = resolve_package(what, revision, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import package
    report_untrained(directory, notify)
    return package.load(directory, registry(), choose_device(device))


def report_untrained(package: Path, notify: Notify) -> None:
    """Report that a model has seen no images. The package of a run is such a model until its next checkpoint."""
    with contextlib.suppress(GanzooError):  # a damaged file is an error where it is read
        config = read_config(package)
        if config.images == 0 and not config.imported:
            notify(f"{package} has seen no images yet, so its samples are noise; a run's fakes-* show how far it is")


def apply(
    what: int | str | os.PathLike[str] | Run,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    seed: int = 0,
    resize: bool = False,
    tile: int | None = None,
    device: str = "auto",
    offline: bool = False,
    notify: Notify = ignore_line,
) -> list[Path]:
    """Apply a model whose labels are images, sounds or other arrays to files; return the paths of the results.

    Args:
        what: The model, as in `load`.
        source: The input: an image, a file that the model's dataset reads (a sound), an array (``.npy``, ``.npz``), or
            a folder of such files.
        target: The file to write, whose suffix gives its format, or a folder. A new folder must end in /. Where
            `source` is a folder, `target` must be a folder. Results have the names of their inputs. Where two inputs
            differ in their suffix alone, all results keep the inputs' suffixes (``a.jpg.png``).
        seed: The same seed gives the same results.
        resize: Whether images are stretched to the nearest size that the model takes.
        tile: The side in pixels of the overlapping squares in which larger images are translated, so that they need
            less memory; None to translate each image as a whole.
        device: The device to compute on, as in `load`.
        offline: Whether a model on the Hub is read from the cache alone, as with ``HF_HUB_OFFLINE=1``.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: The model takes no inputs, or not these. The text says which it takes.
        NotFound: There is no such input. This is checked before the model is loaded.
        GanzooError: Some files of a folder could not be read. The results of the others are written. Further errors as
            in `load`.
    """
    if not Path(source).exists():
        raise NotFound(f"there is no file or folder {Path(source)}: name the input of the model")
    generator = load(what, device, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.package import inputs
    return inputs.apply(generator, Path(source), Path(target), means_folder(target), seed, resize, notify, tile)


def package(
    what: int | str | os.PathLike[str] | Run,
    directory: str | os.PathLike[str],
    *,
    profile: float | None = None,
    discriminator: bool = True,
    half: bool = False,
    license: str = "",
    device: str = "auto",
    notify: Notify = ignore_line,
) -> Path:
    """Write the model of a run as a complete model package, with card and pictures; return its directory.

    Args:
        what: The model, as in `load`.
        directory: The directory to write: a new or an empty one, or that of a package. An old package is replaced, but
            text that people wrote into its card is kept.
        profile: The width, sigma_rel, of the average that the generator becomes (Karras et al. 2024,
            arXiv:2312.02696): the share of the training that counts. The run must have stored averages
            (``train.ema_profiles``). None for the average of ``train.ema_half_life``.
        discriminator: Whether the discriminator is included, for further training, where the model has one. It is
            fetched too where the model is on the Hub.
        half: Whether float32 weights are stored as float16: half the size, and samples that hardly change.
        license: The licence of the weights, by its identifier on the Hub; empty to keep the licence in the card.
        device: The device on which the card's samples are computed, as in `load`.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        UsageError: The directory contains other files, or a profile is asked for and there are no stored averages.
        GanzooError: The package cannot be written. NotFound, Corrupt and MissingPlugin as in `load`.
    """
    names = [*WEIGHTS, REFERENCE, CARD, *([DISCRIMINATOR] if discriminator else [])]
    source, target = resolve_package(what, names=names, notify=notify), Path(directory)
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.engine import snapshots
        from ganzoo.package import complete
    complete.check_target(target)
    with contextlib.ExitStack() as stack:
        if profile is not None:
            made = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "package"
            snapshots.write_averaged_package(Run(source.parent), profile, made)
            source = made
        complete.complete_package(
            source, target, registry(), choose_device(device), discriminator, license, half=half, notify=notify
        )
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
    """Write a generator that another project trained as a model package; return its directory.

    Args:
        file: The weights file, written by ``torch.save``, ``pickle.dump`` or safetensors. Code in it is never run.
        directory: The directory to write, as in `package`.
        format: The name of the file's format, which an installed architecture reads
            (`ganzoo.plugin.Architecture.imports`).
        options: Options of the architecture by key, ``arch.*``, where the weights do not imply them.
        license: The licence of the weights, which is that of the file, by its identifier on the Hub.
        device: The device on which the card's samples are computed, as in `load`.

    Raises:
        UsageError: The format or an option is unknown, or the file has another format.
        NotFound: There is no such file.
        Corrupt: The file is damaged, or its tensors do not fit the architecture.
        GanzooError: The file contains more than tensors and plain values, or the package cannot be written.
    """
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import foreign
    target = Path(directory)
    foreign.import_weights(Path(file), target, registry(), format, options or {}, choose_device(device), license)
    return target


def verify(
    what: int | str | os.PathLike[str] | Run,
    device: str = "auto",
    *,
    revision: str | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Verification:
    """Check every byte of a model, and that it reproduces its reference samples; arguments as in `load`.

    Returns:
        The checked files, tensors and samples, in numbers.

    Raises:
        Corrupt: A check failed.
        GanzooError: As in `load`.
    """
    directory = resolve_package(what, revision, names=None, offline=offline, notify=notify)
    with heavy_imports():
        from ganzoo.compute.device import choose_device
        from ganzoo.package import verify as verifying
    return verifying.verify(directory, registry(), choose_device(device))


def resolve_package(
    what: int | str | os.PathLike[str] | Run,
    revision: str | None = None,
    *,
    names: Iterable[str] | None = WEIGHTS,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Path:
    """Return the directory of the model package that a name means; a model on the Hub is fetched first.

    Args:
        what: A run (object, path, name or number), a package's directory, ``plugin:name``, or
            ``user/model[@revision]``.
        revision: The revision of a model on the Hub, where `what` does not name one.
        names: Names of the files that are needed; None for all but the discriminator.
        offline: Whether a model on the Hub is read from the cache alone.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        NotFound: There is no such model.
        GanzooError: As in `ganzoo.hub.pull.pull`.
    """
    if (repo := where.parse_repository(what, revision)) is None:
        return where.find_package(what, notify)
    with heavy_imports():
        from ganzoo.hub.pull import pull as pull_files
    return pull_files(repo, names=names, offline=offline, notify=notify).directory
