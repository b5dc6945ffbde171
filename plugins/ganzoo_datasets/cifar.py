"""`cifar10` and `cifar100`: their original batches, either Python's (read without unpickling objects) or binary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganzoo.plugin import Corrupt, DataInfo
from ganzoo_datasets.bundles import Files, read_bundle
from ganzoo_datasets.pixels import Pixels, resize_planes
from ganzoo_datasets.places import find_data
from ganzoo_datasets.specs.batches import Cifar10Options, Cifar100Options, rgb_shape
from ganzoo_datasets.unpickling import read_pickled

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGE = 3 * 32 * 32  # bytes
CLASSES_OF = {"labels": 10, "fine_labels": 100, "coarse_labels": 20}


class Form(NamedTuple):
    """A form in which the data are distributed.

    Args:
        folder: The name of the folder inside the archive.
        archive: The name of the archive.
        parts: The names of the files of each split.
        names: The name of the file with the names of the classes.
    """

    folder: str
    archive: str
    parts: dict[str, tuple[str, ...]]
    names: str

    @property
    def binary(self) -> bool:
        """Whether its files have records of bytes instead of pickles."""
        return self.parts["test"][0].endswith(".bin")


def _parts(train: Sequence[str], test: str, suffix: str = "") -> dict[str, tuple[str, ...]]:
    names = tuple(name + suffix for name in train)
    return {"train": names, "test": (test + suffix,), "all": (*names, test + suffix)}


FIVE = [f"data_batch_{number}" for number in range(1, 6)]
OF_10 = (
    Form("cifar-10-batches-py", "cifar-10-python.tar.gz", _parts(FIVE, "test_batch"), "batches.meta"),
    Form("cifar-10-batches-bin", "cifar-10-binary.tar.gz", _parts(FIVE, "test_batch", ".bin"), "batches.meta.txt"),
)
OF_100 = (
    Form("cifar-100-python", "cifar-100-python.tar.gz", _parts(["train"], "test"), "meta"),
    Form("cifar-100-binary", "cifar-100-binary.tar.gz", _parts(["train"], "test", ".bin"), "{}_label_names.txt"),
)
WAYS = (
    "download {} from https://www.cs.toronto.edu/~kriz/cifar.html and set dataset.path=FILE (it need not be unpacked), "
    "or take it from the Hub: --dataset hub dataset.repo={}"
)


class _Cifar:
    """The images of one form, with their labels."""

    def __init__(self, name: str, forms: Sequence[Form], options: Cifar10Options, key: str, repo: str) -> None:
        form, files = find_data(
            name,
            options.path,
            [place for form in forms for place in (form.folder, f"data/{form.folder}")],
            lambda place: _find_form(place, forms, options.split, key),
            WAYS.format(forms[0].archive, repo),
        )
        parts = [_read_part(form, part, files[part], key) for part in form.parts[options.split]]
        self.labels = np.concatenate([labels for _, labels in parts])
        self.data = resize_planes(np.concatenate([images for images, _ in parts]), options.size)
        count, classes = CLASSES_OF[key], _read_names(form, files, key)
        if int(self.labels.max()) >= count:
            raise Corrupt(f"the batches of {name!r} have labels above {count - 1}: download them again")
        meta = {"classes": classes} if len(classes) == count else {}
        self.info = DataInfo(shape=rgb_shape(options), num_classes=count, num_items=len(self.data), meta=meta)


class Cifar10(_Cifar):
    """The images: `data` uint8 ``[N, 3, size, size]``, `labels` int64 ``[N]``.

    Krizhevsky 2009: 5,000 images of each class to train, 1,000 to test.

    Args:
        options: The folder or archive, part and size.

    Raises:
        NotFound: The files are not there.
        Corrupt: A file is damaged, or asks for objects that a batch does not have.
    """

    def __init__(self, options: Cifar10Options) -> None:
        super().__init__("cifar10", OF_10, options, "labels", "uoft-cs/cifar10")


class Cifar100(_Cifar):
    """The images: `data` uint8 ``[N, 3, size, size]``, `labels` int64 ``[N]``, either fine or coarse.

    Krizhevsky 2009: 500 images of each fine class to train, 100 to test.

    Args:
        options: The folder or archive, part, size and which labels.

    Raises:
        NotFound: The files are not there.
        Corrupt: A file is damaged, or asks for objects that a batch does not have.
    """

    def __init__(self, options: Cifar100Options) -> None:
        super().__init__("cifar100", OF_100, options, f"{options.labels}_labels", "uoft-cs/cifar100")


# ----------------------------------------------------------------------------
# Reading.


def _find_form(place: Path, forms: Sequence[Form], split: str, key: str) -> tuple[Form, Files] | None:
    """Return the form of the files in a place, and their contents; None if no form is complete."""
    for form in forms:
        files = read_bundle(place, (form.folder, form.archive), (*form.parts[split], f"{_name_file(form, key)}?"))
        if files is not None:
            return form, files
    return None


def _name_file(form: Form, key: str) -> str:
    return form.names.format(key.partition("_")[0])


def _read_part(form: Form, name: str, content: bytes, key: str) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the images ``[N, 3, 32, 32]`` and the labels ``[N]`` of one file."""
    try:
        images, labels = (_read_records if form.binary else _read_pickle)(content, key)
        if not len(images) or images.shape != (len(labels), IMAGE):
            raise ValueError(f"it has images {list(images.shape)} and {len(labels)} labels")
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{name!r} is not a whole batch of CIFAR ({error}): download it again") from error
    return images.reshape(-1, 3, 32, 32), labels


def _read_pickle(content: bytes, key: str) -> tuple[Pixels, NDArray[np.int64]]:
    values = read_pickled(content)
    if not all(isinstance(label, int) and 0 <= label < CLASSES_OF[key] for label in values[key]):
        raise ValueError("its labels are not numbers of classes")
    return np.asarray(values["data"]), np.array(values[key], np.int64)


def _read_records(content: bytes, key: str) -> tuple[Pixels, NDArray[np.int64]]:
    """Read records: one label (of CIFAR-100 the coarse one, then the fine one), then the planes of the image."""
    width = IMAGE + (1 if key == "labels" else 2)
    records = np.frombuffer(content, np.uint8).reshape(-1, width)
    return records[:, -IMAGE:], records[:, 1 if key == "fine_labels" else 0].astype(np.int64)


def _read_names(form: Form, files: Files, key: str) -> list[str]:
    """Return the names of the classes; empty if their file is missing or damaged, because names are not needed."""
    content = files.get(_name_file(form, key))
    if content is None:
        return list(CLASSES) if key == "labels" else []
    if form.binary:
        return content.decode("ascii", "replace").split()
    try:
        names = read_pickled(content)[key.replace("labels", "label_names")]
        return [name.decode("ascii") if isinstance(name, bytes) else str(name) for name in names]
    except (ValueError, KeyError, TypeError):
        return []


# ----------------------------------------------------------------------------
# Examples.


def examples(folder: Path) -> dict[str, Any]:
    """Write ten images of ten classes to each of five binary files, and return the options that open them."""
    for name in OF_10[1].parts["train"]:
        (folder / name).write_bytes(_make_records(10, 1))
    return {"path": str(folder)}


def examples_of_100(folder: Path) -> dict[str, Any]:
    """Write an image of each of 100 classes to a binary file, and return the options that open it."""
    (folder / "train.bin").write_bytes(_make_records(100, 2))
    return {"path": str(folder)}


def _make_records(number: int, labels: int) -> bytes:
    """Return records whose classes are all different, and whose images follow from them."""
    rows = np.arange(number)[:, None]
    return np.hstack([rows // 5] * (labels - 1) + [rows, (rows * np.arange(IMAGE)) % 256]).astype(np.uint8).tobytes()
