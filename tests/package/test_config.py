"""``config.json``: the reader accepts what the schema accepts, and refuses anything else with one sentence."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ganzoo.errors import Corrupt, GanzooError
from ganzoo.package.config import FILES, HASHED, LARGEST, Config, File, parse_config, read_file

SCHEMA = json.loads(
    ((Path(__file__).parents[2] / "ganzoo" / "package") / "config.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOOD: dict[str, Any] = {
    "format": 1,
    "recipe": {
        "format": 1, "ganzoo": "0.1.0", "arch": {"name": "dcgan:dcgan", "schema": 1, "options": {"width": 8}},
    },
    "requires": [{"distribution": "ganzoo", "version": "0.1.0"}],
    "data": {
        "shape": [1, 32, 32], "num_classes": 10, "num_items": 1797, "modality": "image", "label_shape": [], "meta": {},
    },
    "latent": {"dim": 100, "distribution": "normal"},
    "range": [-1.0, 1.0],
    "images": 64,
    "metrics": [{"name": "fd/fd", "value": 0.5, "num": 100, "seed": 0, "fingerprint": "0123456789abcdef"}],
    "files": {"model.safetensors": {"sha256": "0" * 64, "size": 10}},
}  # fmt: skip


def parse_stored(stored: object) -> Config:
    return parse_config(json.dumps(stored).encode(), "config.json")


def change_value(path: str, value: object) -> dict[str, Any]:
    stored = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    node: Any = stored
    for part in parents:
        node = node[int(part) if isinstance(node, list) else part]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return stored


GONE = object()
IMPORTED = {"format": "dcgan:torchgan", "file": "gan4.model", "sha256": "0" * 64}


def test_all_fields_are_read() -> None:
    config = parse_stored(GOOD)
    assert (config.data.shape, config.data.num_classes) == ((1, 32, 32), 10)
    assert (config.latent_dim, config.latent, config.images) == (100, "normal", 64)
    assert config.requires == (("ganzoo", "0.1.0"),)
    assert config.files["model.safetensors"].size == 10
    assert config.json == GOOD


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("images", 0), ("range", None), ("metrics", []), ("requires", []), ("latent.distribution", "normal+onehot64"),
        ("latent.distribution", "uniform"), ("latent.dim", 0), ("data.dtype", "int16"),
        ("data.num_items", None), ("data.num_classes", GONE), ("data.meta", GONE),
        ("data.modality", GONE), ("recipe.ganzoo", GONE), ("recipe.arch.options", {}), ("metrics.0.num", GONE),
        ("files", {name: {"sha256": "a" * 64, "size": 0} for name in HASHED}), ("more", "from a later version"),
        ("recipe.more", 1), ("metrics.0.more", "x"), ("metrics.0.floor", 0.1),
        ("metrics.0.protocol", {"sha256": 3}), ("imported", IMPORTED), ("imported", {**IMPORTED, "more": 1}),
    ],
)  # fmt: skip
def test_a_config_that_the_schema_accepts_is_read(path: str, value: object) -> None:
    stored = change_value(path, value)
    assert VALIDATOR.is_valid(stored)
    parse_stored(stored)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((key, GONE) for key in GOOD if key != "format"), ("format", 0), ("format", -1), ("format", "1"),
        ("recipe", []), ("recipe.arch", GONE), ("recipe.arch", "dcgan"), ("recipe.arch.name", 5),
        ("recipe.arch.name", GONE), ("recipe.arch.options", [1]), ("recipe.arch.options", GONE),
        ("recipe.arch.schema", "x"), ("recipe.arch.schema", GONE), ("recipe.arch.schema", 0),
        ("requires", {}), ("requires.0.version", 1), ("requires.0.distribution", None), ("requires", ["ganzoo"]),
        ("data", None), ("data.shape", GONE), ("data.shape", 4), ("data.shape", ["a"]), ("data.shape", [1, 4, -4]),
        ("data.shape", [1.5, 4, 4]), ("data.shape", []), ("data.more", 1), ("data.num_classes", "x"),
        ("data.num_classes", -1), ("data.num_classes", True), ("data.modality", "smell"), ("data.meta", []),
        ("data.num_items", "x"), ("data.label_shape", 3),
        ("latent", []), ("latent.dim", -1), ("data.dtype", "float64"),
        ("data.label_dtype", 3), ("latent.dim", "x"), ("latent.dim", GONE),
        ("latent.distribution", "cauchy"),
        ("latent.distribution", "normal+onehot0"), ("latent.distribution", 3),
        ("range", [0.0, 1.0]), ("range", "wide"), ("images", -1), ("images", 1.5), ("images", "x"), ("images", True),
        ("metrics", {}), ("metrics.0.name", GONE), ("metrics.0.value", "good"), ("metrics.0.fingerprint", "x"),
        ("metrics.0.num", 0), ("metrics.0.ratio", "2"), ("metrics.0.better", 1), ("metrics.0.protocol", []),
        ("metrics.0.protocol", {"extractor_options": 3}), ("files", {}), ("files", []),
        ("files", {"model.safetensors": {"sha256": "0", "size": 1}}),
        ("files", {"model.safetensors": {"sha256": "0" * 64, "size": -1}}),
        ("files", {"model.safetensors": {"sha256": "0" * 64}}),
        ("files", {**GOOD["files"], "../evil": {"sha256": "0" * 64, "size": 1}}),
        ("files", {**GOOD["files"], "README.md": {"sha256": "0" * 64, "size": 1}}),
        ("files", {**GOOD["files"], "model.py": {"sha256": "0" * 64, "size": 1}}),
        ("imported", None), ("imported", {}), ("imported", []), ("imported", {**IMPORTED, "sha256": "0"}),
        ("imported", {**IMPORTED, "file": 3}), ("imported", {**IMPORTED, "format": None}),
    ],
)  # fmt: skip
def test_a_config_that_the_schema_refuses_is_corrupt(path: str, value: object) -> None:
    stored = change_value(path, value)
    assert not VALIDATOR.is_valid(stored)
    with pytest.raises(Corrupt) as error:
        parse_stored(stored)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("config.json is damaged")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '"text"', '{"format": "new"}', '{"format": []}', '{"format": 1e999}', "[" * 99999,
        '{"format": NaN}', '{"format": 1, "format": 1}', '{"format": true}',
        json.dumps(GOOD).replace('"images": 64', '"images": 64, "images": 65'),
        json.dumps(GOOD).replace('"value": 0.5', '"value": NaN'),
        json.dumps(GOOD).replace('"value": 0.5', '"value": -Infinity'),
        json.dumps(GOOD).replace('"size": 10', '"size": ' + "9" * 5000),
    ],
)  # fmt: skip
def test_invalid_json_is_corrupt(text: str) -> None:
    with pytest.raises(Corrupt, match=r"^config.json is damaged"):
        parse_config(text.encode(), "config.json")


def test_a_config_that_is_not_text_or_too_long_is_corrupt() -> None:
    with pytest.raises(Corrupt, match="is damaged"):
        parse_config(b"\xff\xfe{}", "config.json")
    long = json.dumps({**GOOD, "more": "x" * LARGEST}).encode()
    with pytest.raises(Corrupt, match="more than 1,048,576 bytes"):
        parse_config(long, "config.json")


def test_a_sample_larger_than_memory_is_refused() -> None:
    with pytest.raises(Corrupt, match=r"data\.shape"):
        parse_stored(change_value("data.shape", [3, 100_000, 100_000]))
    with pytest.raises(Corrupt, match=r"data\.shape"):
        parse_stored(change_value("data.label_shape", [100_000, 100_000]))


def test_a_newer_format_says_upgrade() -> None:
    with pytest.raises(GanzooError, match="was written by a newer ganzoo: python -m pip install -U ganzoo"):
        parse_stored({**GOOD, "format": 2, "recipe": "in another form"})


def test_errors_are_safe_for_a_terminal() -> None:
    with pytest.raises(Corrupt) as error:
        parse_stored(change_value("files", {**GOOD["files"], "\x1b[2J\u202eevil": {}}))
    assert str(error.value).isprintable()
    assert "\u202e" not in str(error.value)


def test_the_schema_lists_all_files_of_a_package() -> None:
    VALIDATOR.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]["files"]["properties"]) == set(HASHED)
    assert set(FILES) - set(HASHED) == {"config.json", "README.md"}


def test_bytes_are_read_only_where_they_match_their_hash(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    vouched = File(hashlib.sha256(b"weights").hexdigest(), 7)
    assert read_file(path, vouched) == b"weights"
    for content in (b"weightS", b"weight", b"weights!", b""):
        path.write_bytes(content)
        with pytest.raises(Corrupt, match="is damaged: its bytes differ from what was saved"):
            read_file(path, vouched)
    path.unlink()
    with pytest.raises(Corrupt, match=r"has no model\.safetensors: the package is incomplete"):
        read_file(path, vouched)
    path.mkdir()
    with pytest.raises(GanzooError, match=r"cannot read .*: is a directory"):
        read_file(path, vouched)


def test_a_file_is_not_read_beyond_its_stated_size(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a sparse file: a terabyte that takes no space
    with pytest.raises(Corrupt, match="is damaged"):
        read_file(path, File("0" * 64, 10))
