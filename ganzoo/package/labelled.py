"""Labelled sets of generated images, to train other models on: folders, arrays, Parquet, or tar shards of WebDataset.

Beside each set lies a JSON of the same name that says where it comes from. It is written last, so that a set with it is
complete.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import MissingPlugin, NotFound, UsageError
from ganzoo.package.config import CONFIG, MODEL
from ganzoo.package.generator import Generator
from ganzoo.package.labels import name_classes, split_labels
from ganzoo.plugin.files import write_atomic, write_errors_explained
from ganzoo.recipe.keys import ONE
from ganzoo.samples import grid
from ganzoo.samples.show import CHANNELS

Format = Literal["folder", "npz", "parquet", "webdataset"]
WHAT = "images that a generative adversarial network made"
SUFFIXES = {"npz": ".npz", "parquet": ".parquet"}  # of formats that are one file
SHARD = 10_000  # images in one shard of WebDataset
Batches = Iterator[tuple[NDArray[np.uint8], list[int]]]  # images [n, H, W, C], and their classes


@dataclass(frozen=True)
class LabelledSet:
    """A set that is written.

    Args:
        generator: The generator that is sampled.
        package: The directory of its model package.
        model: The name of the model, for the JSON.
        per_class: The number of images of each class.
        labels: The classes, by number or name; None for all classes.
        seed: The same seed gives the same images as `ganzoo sample -n`.
        truncation: The truncation of the latents, as `Generator.sample` takes it.
    """

    generator: Generator
    package: Path
    model: str
    per_class: int
    labels: list[str] | None
    seed: int
    truncation: float | None

    @property
    def classes(self) -> list[int]:
        """The numbers of the classes, in the order in which they take turns."""
        if not self.labels:
            return list(range(self.generator.data.num_classes))
        chosen = self.generator.choose_labels(len(self.labels), self.labels)
        assert chosen is not None
        return list(dict.fromkeys(chosen.tolist()))

    @property
    def names(self) -> list[str]:
        """The names of all classes of the model; their numbers where they have no names."""
        data = self.generator.data
        return list(data.class_names) or list(map(str, range(data.num_classes)))

    def generate(self) -> Batches:
        """Yield all images in batches, the classes in turn."""
        classes = self.classes
        num = self.per_class * len(classes)
        for samples, labels in self.generator.sample_batches(num, classes, self.seed, self.truncation):
            assert labels is not None
            yield grid.to_uint8(samples), labels.tolist()

    def describe(self, kind: Format) -> dict[str, Any]:
        """Return where the set comes from, as JSON."""
        config, recipe = self.generator.config, self.generator.config.get("recipe", {})
        versions = {name: metadata.version(name) for name in ("ganzoo", "torch", "numpy", "pillow")}
        required = {entry["distribution"]: entry["version"] for entry in config.get("requires", ())}
        return {
            "what": WHAT,
            "model": {
                "name": self.model,
                "config_sha256": hashlib.sha256((self.package / CONFIG).read_bytes()).hexdigest(),
                "weights_sha256": config["files"][MODEL]["sha256"],
                "images_seen": config["images"],
                **{key: recipe[key]["name"] for key in ONE if key in recipe},
                "plugins": required,
            },
            "format": kind,
            "per_class": self.per_class,
            "num": self.per_class * len(self.classes),
            "classes": {self.names[number]: number for number in self.classes},
            "seed": self.seed,
            "truncation": self.truncation,
            "device": self.generator.device.type,
            "versions": {**versions, "python": platform.python_version()},
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def write_labelled(
    generator: Generator, package: Path, model: str, out: str | None, name: str, kind: Format, per_class: int,
    labels: list[str] | None, seed: int, truncation: float | None, notify: Callable[[str], None],
) -> Path:  # fmt: skip
    """Write a labelled set and its JSON; return the path of the set.

    Args:
        generator: The generator that is sampled; its labels are classes.
        package: The directory of its model package.
        model: The name of the model, for the JSON.
        out: The file or folder to write; None for one called `name` in the working directory.
        name: The name of the file or folder where `out` is None, without a suffix.
        kind: The format of the set.
        per_class: The number of images of each class.
        labels: The classes of the images, by number or name; None for all classes.
        seed: The same seed gives the same images.
        truncation: The truncation of the latents, as `Generator.sample` takes it.
        notify: A function that shows one line to the user: where the set comes from stands in which file.

    Raises:
        UsageError: The model has no classes or makes no images, or the path does not suit the format.
        MissingPlugin: The format needs a package that is not installed.
    """
    data = generator.data
    if not data.num_classes:
        raise UsageError("--per-class: this model was trained without classes: give the number of samples with -n")
    if data.modality != "image":
        raise UsageError(f"--per-class writes images, and this model makes {data.modality}: use -n N --out X.npz")
    if data.shape[0] not in CHANNELS and kind != "npz":
        many = f"images of {data.shape[0]} channels"
        raise UsageError(f"--format {kind} writes pictures, and this model makes {many}: add --format npz")
    chosen = LabelledSet(
        generator, package, model, per_class, split_labels(labels, data) if labels else None, seed, truncation
    )
    target = Path(out or name + SUFFIXES.get(kind, ""))
    target = target if target.name else Path(os.path.abspath(target))  # "." has no name
    beside = target.with_name((target.stem if kind in SUFFIXES else target.name) + ".json")
    _check_target(target, beside, kind)
    beside.unlink(missing_ok=True)  # so that no new set stands beside what was said of an old one
    with write_errors_explained(target):
        {"folder": _write_folder, "npz": _write_npz, "parquet": _write_parquet, "webdataset": _write_shards}[kind](
            chosen, target
        )
    write_atomic(beside, [json.dumps(chosen.describe(kind), indent=1).encode(), b"\n"])
    notify(f"{beside} says where they come from")
    return target


def _check_target(target: Path, beside: Path, kind: Format) -> None:
    """Raise an error where a path does not suit a format, or writing there would mix or overwrite other files."""
    suffix = SUFFIXES.get(kind, "")
    if suffix and target.suffix.lower() != suffix:
        raise UsageError(f"--out {target}: --format {kind} writes one file: end it in {suffix}")
    if not suffix and target.is_file():
        raise UsageError(f"--out {target} is a file: --format {kind} writes a folder")
    if not suffix and target.is_dir() and any(target.iterdir()):
        raise UsageError(f"--out {target} has files already, with which the set would be mixed: give a new folder")
    if not target.parent.is_dir():
        raise NotFound(f"--out {target}: the folder {target.parent} does not exist: create it first")
    if beside.exists() and not _is_ours(beside):
        raise UsageError(f"--out {target}: the JSON would overwrite your file {beside}: give another name")


def _is_ours(path: Path) -> bool:
    """Return whether a file is the JSON of a labelled set."""
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(stored, dict) and stored.get("what") == WHAT


# ----------------------------------------------------------------------------
# Formats.


def _write_folder(chosen: LabelledSet, target: Path) -> None:
    """Write a PNG for each image, in a sub-folder for each class."""
    import torch

    names = name_classes(torch.arange(len(chosen.names)), chosen.generator.data)
    unique = names if len(set(names)) == len(names) else [f"{number}-{name}" for number, name in enumerate(names)]
    digits, index = len(str(chosen.per_class * len(chosen.classes) - 1)), 0
    for number in chosen.classes:
        (target / unique[number]).mkdir(parents=True, exist_ok=True)
    for images, labels in chosen.generate():
        for image, label in zip(images, labels, strict=True):
            write_atomic(target / unique[label] / f"{index:0{digits}d}.png", [_encode(image)])
            index += 1


def _write_npz(chosen: LabelledSet, target: Path) -> None:
    """Write arrays: samples uint8 ``[N, H, W, C]``, labels int64 ``[N]`` and the names of all classes."""
    batches = list(chosen.generate())
    arrays: dict[str, Any] = {
        "samples": np.concatenate([images for images, _ in batches]),
        "labels": np.array([label for _, labels in batches for label in labels], np.int64),
        "classes": np.array(chosen.names),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(target, [buffer.getvalue()])


def _write_parquet(chosen: LabelledSet, target: Path) -> None:
    """Write one Parquet file with the columns image and label, as the library `datasets` reads them."""
    try:
        arrow, parquet = (importlib.import_module(each) for each in ("pyarrow", "pyarrow.parquet"))
    except ImportError:
        raise MissingPlugin("--format parquet needs pyarrow: python -m pip install 'ganzoo[parquet]'") from None
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": chosen.names}}
    stored = {"huggingface": json.dumps({"info": {"features": features}})}
    image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    schema = arrow.schema([("image", image), ("label", arrow.int64())], metadata=stored)
    aside = target.with_name(f".{target.name}.tmp")
    try:
        with parquet.ParquetWriter(aside, schema) as writer:
            for images, labels in chosen.generate():
                column = [{"bytes": _encode(each), "path": None} for each in images]
                writer.write_table(arrow.table({"image": column, "label": labels}, schema=schema))
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _write_shards(chosen: LabelledSet, target: Path) -> None:
    """Write tar files of at most `SHARD` images, each with two members: NUMBER.png and NUMBER.cls, its class."""
    target.mkdir(parents=True, exist_ok=True)
    members = (
        (image, label) for images, labels in chosen.generate() for image, label in zip(images, labels, strict=True)
    )
    num, number = chosen.per_class * len(chosen.classes), 0
    while number < num:
        shard = target / f"{target.name}-{number // SHARD:06d}.tar"
        aside = shard.with_name(f".{shard.name}.tmp")
        try:
            with tarfile.open(aside, "w", format=tarfile.USTAR_FORMAT) as archive:
                for index in range(number, min(number + SHARD, num)):
                    image, label = next(members)
                    _add_member(archive, f"{index:09d}.png", _encode(image))
                    _add_member(archive, f"{index:09d}.cls", str(label).encode())
            aside.replace(shard)
        finally:
            aside.unlink(missing_ok=True)
        number += SHARD


def _add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def _encode(image: NDArray[np.uint8]) -> bytes:
    return grid.encode_picture(grid.to_picture(image))
