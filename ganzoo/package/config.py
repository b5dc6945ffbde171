"""``config.json`` of a model package: a stranger may have written it, so it is checked before it is used.

`config.schema.json` beside this file is the same contract for other programs; a test holds the two together.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ganzoo.errors import Corrupt, GanzooError, NotFound
from ganzoo.plugin import DataInfo
from ganzoo.plugin.networks import LATENT
from ganzoo.recipe.keys import MANY, ONE

FORMAT = 1
CONFIG = "config.json"
MODEL = "model.safetensors"
DISCRIMINATOR = "discriminator.safetensors"
REFERENCE = "reference.safetensors"
PICTURE = "samples.png"
TEXT = "samples.txt"
SOUND = "samples.wav"
CARD = "README.md"
HASHED = (
    MODEL,
    DISCRIMINATOR,
    REFERENCE,
    PICTURE,
    TEXT,
    SOUND,
)  # the config states their hashes; the card's it does not, because people edit the card
FILES = (CONFIG, *HASHED, CARD)  # no other file is ever written, fetched or published
WITHOUT_D = "is missing: `ganzoo pull USER/NAME --with-discriminator` fetches it"
ESTIMATES = ("floor", "floor_num", "ratio", "interval")  # numbers beside a measured value
LARGEST = 1 << 20  # bytes of a config
DEEPEST = 64  # levels of nested lists and mappings: deeper ones would overflow the stack
LARGEST_HEADER = 8 << 20  # bytes of a weights file's header: enough for some 80,000 tensors
LARGEST_SAMPLE = 1 << 26  # numbers in one sample: a quarter of a gibibyte


@dataclass(frozen=True)
class File:
    """A file of the package.

    Args:
        sha256: The SHA-256 of its bytes, in hexadecimal.
        size: Its size in bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True)
class Config:
    """The content of a ``config.json``.

    Args:
        recipe: The frozen recipe that the model was trained with (`ganzoo.recipe.recipe`).
        requires: The distributions that the model needs, with the versions that wrote the package.
        data: The info of the generated samples.
        latent_dim: The length of z.
        latent: The distribution of z (`ganzoo.plugin.Networks`).
        images: Images seen in training.
        metrics: The measured values, with their protocol.
        files: The package's other files, by name.
        json: The whole content, unchanged.
        imported: Where ganzoo did not train the weights: the format, name and sha256 of the file that they come from,
            and a notice on the licence of such files.
            Empty where it did.
        profile: The width of the power function by which the generator was averaged after the training; None where its
            average is the one of ``train.ema_half_life``.
    """

    recipe: Mapping[str, Any]
    requires: tuple[tuple[str, str], ...]
    data: DataInfo
    latent_dim: int
    latent: str
    images: int
    metrics: tuple[Mapping[str, Any], ...]
    files: Mapping[str, File]
    json: Mapping[str, Any]
    imported: Mapping[str, str]
    profile: float | None = None

    @property
    def precision(self) -> str:
        """The precision that the model was trained in; empty if it is unknown."""
        train = self.recipe.get("train")
        return str(train.get("precision", "")) if isinstance(train, dict) else ""


def read_config(directory: Path) -> Config:
    """Return the config of the package in a directory.

    Raises:
        NotFound: The directory has no config, or one of another library.
        Corrupt: The config is damaged, or its content is invalid.
        GanzooError: A newer ganzoo wrote the config.
    """
    path = directory / CONFIG
    if not path.is_file():
        raise NotFound(f"{directory} is not a model package: it has no config.json")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise GanzooError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    return parse_config(content, str(path))


def read_file(path: Path, expected: File) -> bytes:
    """Return a file's bytes, and check them against the size and hash in the package's config.

    Raises:
        Corrupt: The bytes differ, or the file is missing.
        GanzooError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(expected.size + 1)
    except FileNotFoundError:
        raise Corrupt(f"{path.parent} has no {path.name}: the package is incomplete") from None
    except OSError as error:
        raise GanzooError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    if len(content) != expected.size or hashlib.sha256(content).hexdigest() != expected.sha256:
        raise Corrupt(f"{path} is damaged: its bytes differ from what was saved")
    return content


def has_discriminator(directory: Path, config: Config) -> bool:
    """Whether a package's directory contains the discriminator: from the Hub it is fetched only on request."""
    return DISCRIMINATOR in config.files and (directory / DISCRIMINATOR).is_file()


def parse_config(content: bytes, source: str) -> Config:
    """Return the config in a file's bytes; `source` names the file in errors, which are those of `read_config`."""
    if len(content) > LARGEST:
        raise Corrupt(f"{source} is not the config of a model package: it has more than {LARGEST:,} bytes")
    try:
        stored = json.loads(content.decode(), object_pairs_hook=_refuse_duplicate_keys, parse_constant=_refuse_constant)
        if isinstance(stored, dict) and "format" not in stored and "recipe" not in stored:
            raise NotFound(f"{source} is another library's: ganzoo did not make this model")
        written = _parse_count(stored["format"], 1)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Corrupt(f"{source} is damaged: it is not the JSON of a model package") from error
    if written > FORMAT:
        raise GanzooError(f"{source} was written by a newer ganzoo: python -m pip install -U ganzoo")
    try:
        _check(not _nests_deeper(stored, DEEPEST), f"it nests deeper than {DEEPEST} levels")
        return _parse_config(stored)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Corrupt(
            f"{source} is damaged: it is not the config of a model package ({_describe_error(error)})"
        ) from error


# ----------------------------------------------------------------------------
# The config's parts.


def _parse_config(stored: Mapping[str, Any]) -> Config:
    latent = stored["latent"]
    _check(stored["range"] in ([-1.0, 1.0], None), "range")
    _check(re.fullmatch(LATENT, latent["distribution"]), "latent.distribution")
    _check(isinstance(stored["requires"], list) and isinstance(stored["metrics"], list), "requires, metrics")
    files = {name: _parse_file(name, entry) for name, entry in stored["files"].items()}
    _check(MODEL in files, "files")
    return Config(
        recipe=_parse_recipe(stored["recipe"]),
        requires=tuple(
            (_parse_text(entry["distribution"]), _parse_text(entry["version"])) for entry in stored["requires"]
        ),
        data=_parse_data(stored["data"]),
        latent_dim=_parse_count(latent["dim"], 0),
        latent=latent["distribution"],
        images=_parse_count(stored["images"], 0),
        metrics=tuple(map(_parse_metric, stored["metrics"])),
        files=files,
        json=stored,
        imported=_parse_imported(stored["imported"]) if "imported" in stored else {},
        profile=_parse_width(stored["profile"]) if "profile" in stored else None,
    )


def _parse_recipe(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    _parse_count(stored["format"], 1)
    _check(isinstance(stored.get("preset", ""), str), "recipe.preset")
    _check(isinstance(stored.get("changes_d", []), list), "recipe.changes_d")
    for name in stored.get("changes_d", []):
        _parse_text(name)
    for entry in (stored["arch"], *(stored[key] for key in ONE if key in stored)):
        _check_component(entry)
    for key in MANY:
        _check(isinstance(stored.get(key, []), list), f"recipe.{key}")
        for entry in stored.get(key, []):
            _check_component(entry)
    return stored


def _check_component(entry: Mapping[str, Any]) -> None:
    _check_origin(entry)
    _check(isinstance(entry["options"], dict), "options")


def _check_origin(entry: Mapping[str, Any]) -> None:
    _parse_text(entry["name"])
    _parse_count(entry["schema"], 1)
    for part in entry.get("parts", {}).values():
        _check_origin(part)


def _parse_data(values: Mapping[str, Any]) -> DataInfo:
    _check(isinstance(values.get("meta", {}), dict), "data.meta")
    data = DataInfo.from_json(values)
    _parse_count(data.num_classes, 0)
    if data.num_items is not None:
        _parse_count(data.num_items, 0)
    _check(math.prod(data.shape) <= LARGEST_SAMPLE and math.prod(data.label_shape) <= LARGEST_SAMPLE, "data.shape")
    return data


def _parse_metric(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    _parse_text(entry["name"])
    for key in ("value", *ESTIMATES):
        if key == "value" or key in entry:
            _check(type(entry[key]) in (int, float) and math.isfinite(float(entry[key])), f"metrics.{key}")
    _parse_text(entry.get("better", ""))
    protocol = entry.get("protocol", {})
    _check(isinstance(protocol, dict) and isinstance(protocol.get("extractor_options", {}), dict), "metrics.protocol")
    _parse_count(entry.get("num", 1), 1)
    _check(re.fullmatch(r"[0-9a-f]{16}", entry.get("fingerprint", "0" * 16)), "metrics.fingerprint")
    return entry


def _parse_imported(entry: Mapping[str, Any]) -> Mapping[str, str]:
    _check(re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]), "imported.sha256")
    entry = {"notice": "", **entry}
    return {key: _parse_text(entry[key]) for key in ("format", "file", "sha256", "notice")}


def _parse_width(value: object) -> float:
    if type(value) not in (int, float) or not 0 < value < 1:  # type: ignore[operator]
        raise ValueError(f"profile {value!r}")
    return float(value)  # type: ignore[arg-type]


def _parse_file(name: str, entry: Mapping[str, Any]) -> File:
    _check(name in HASHED, f"files: {name!r}")
    _check(re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]), "files")
    return File(entry["sha256"], _parse_count(entry["size"], 0))


def _parse_count(value: object, low: int) -> int:
    if type(value) is not int or value < low:
        raise ValueError(f"{value!r}")
    return value


def _parse_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r}")
    return value


def _check(fits: object, what: str) -> None:
    if not fits:
        raise ValueError(what)


def _nests_deeper(value: Any, levels: int) -> bool:
    """Whether JSON nests lists and mappings deeper than a number of levels."""
    nested = [value]
    for _ in range(levels + 1):
        parts = [each for each in nested if isinstance(each, (dict, list))]
        nested = [each for part in parts for each in (part.values() if isinstance(part, dict) else part)]
    return bool(nested)


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; refuse duplicate keys, of which two readers might take different ones."""
    result = dict(pairs)
    _check(len(result) == len(pairs), "a key is given twice")
    return result


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and infinities are not JSON


def _describe_error(error: Exception) -> str:
    """Return an error's text, safe for one line of a terminal."""
    return re.sub(r"[^\x20-\x7e]+", "?", str(error).strip("'\""))[:80] or type(error).__name__
