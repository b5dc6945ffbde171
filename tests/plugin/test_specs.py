"""Invalid specs are refused when they are created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ganzoo.plugin import Architecture, Component, DataInfo, Dataset, Exporter, Loss, Verdict, option


@dataclass
class Mutable:
    width: int = option(1, help="A width.")


def made(**changed: Any) -> Architecture:
    return Architecture(**({"name": "blob", "summary": "Blobs.", "factory": "acme.networks:build"} | changed))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "Blob"}, "name 'Blob' is not lower-case words joined by hyphens"),
        ({"name": "blob_gan"}, "joined by hyphens"),
        ({"aliases": ("Blob",)}, "joined by hyphens"),
        ({"aliases": "mse"}, r"aliases='mse' is not tuple\[str, ...\]"),
        ({"summary": ""}, "needs a summary of one line"),
        ({"summary": "a\nb"}, "needs a summary of one line"),
        ({"factory": "acme.networks.build"}, "not of the form 'package.module:callable'"),
        ({"factory": ""}, "not of the form"),
        ({"migrate": "nothing"}, "not of the form"),
        ({"options": Mutable}, "is not a frozen dataclass"),
        ({"options": 3}, "options=3 is not"),
        ({"requires": "wandb"}, "requires='wandb' is not tuple"),
        ({"requires": ("not a requirement!!",)}, "is not a requirement that pip understands"),
        ({"version": "2"}, "version='2' is not"),
        ({"needs": "features"}, "needs='features' is not tuple"),
        ({"sizes": 64}, r"sizes=64 is not tuple\[int, ...\]"),
        ({"sizes": ("64",)}, "is not tuple"),
        ({"modalities": ("images",)}, "modalities="),
        ({"conditional": "maybe"}, "conditional='maybe' is not Literal"),
        ({"recommended": {"arch.width": 3}}, "recommends 'arch.width': only keys of loss, reg, aug, optim, train"),
        ({"recommended": ("loss", "bce")}, r"recommended=\('loss', 'bce'\) is not collections.abc.Mapping"),
        ({"provides": "style"}, "provides='style' is not"),
        ({"wants": {"style": ""}}, r"wants\['style'\] needs one line on what goes wrong without it"),
    ],
)
def test_an_invalid_spec_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made(**changed)


def test_a_loss_recommends_neither_itself_nor_data() -> None:
    fields = {"name": "l", "summary": "L.", "factory": "a:b"}
    assert Loss(**fields, recommended={"arch.norm": "none", "reg": "r1"}).recommended["reg"] == "r1"  # type: ignore[arg-type]
    for key in ("loss.a", "dataset"):
        with pytest.raises(ValueError, match=f"loss 'l' recommends '{key}': only keys of arch, reg"):
            Loss(**fields, recommended={key: 1})  # type: ignore[arg-type]


def test_provides_may_depend_on_the_options() -> None:
    assert made(provides=("style",)).get_provided(None) == ("style",)
    assert made(provides=lambda options: (str(options),)).get_provided(3) == ("3",)


@pytest.mark.parametrize("field", ["show", "read", "examples"])
def test_paths_of_functions_have_the_form_of_a_factory(field: str) -> None:
    with pytest.raises(ValueError, match=r"dataset 'd': 'acme\.draw' is not of the form"):
        Dataset(name="d", summary="D.", factory="a:b", **{field: "acme.draw"})  # type: ignore[arg-type]
    assert getattr(Dataset(name="d", summary="D.", factory="a:b", **{field: "acme:draw"}), field) == "acme:draw"  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["onnx", ".", "a.onnx", "./x"])
def test_an_invalid_suffix_is_refused(suffix: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form '\.onnx'"):
        Exporter(name="onnx", summary="O.", factory="a:b", suffix=suffix)
    assert Exporter(name="onnx", summary="O.", factory="a:b", suffix=".tar.gz").suffix == ".tar.gz"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"code": "D wins"}, "is not up to four lower-case words"),
        ({"code": "a-b-c-d-e"}, "is not up to four lower-case words"),
        ({"severity": "fatal"}, "is not 'info', 'warn' or 'stop'"),
        ({"words": ""}, "needs words of one line"),
        ({"words": "a\nb"}, "needs words of one line"),
    ],
)
def test_a_verdict_that_cannot_be_shown_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Verdict(**({"code": "d-wins", "words": "D wins."} | changed))


def test_a_valid_spec_is_accepted() -> None:
    spec = made(sizes=(32, 64), aliases=("b",), requires=("numpy>=1; python_version > '3'",), conditional="optional")
    assert (spec.kind, spec.sizes) == ("architecture", (32, 64))
    assert Loss(name="x", summary="X.", factory="a:b", pairs=True).pairs
    assert issubclass(Loss, Component)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"shape": (28, 28)}, r"image has 3 sides, shape=\(28, 28\) has 2"),
        ({"shape": (1, 0, 8)}, "is not a tuple of sizes"),
        ({"shape": (1, 8.0, 8)}, "is not a tuple of sizes"),
        ({"shape": (2, 2), "modality": "points"}, "points has 1 sides"),
        ({"shape": (1, 8, 8), "label_shape": (0,)}, "label_shape="),
        ({"shape": (1, 8, 8), "meta": {"rate": object()}}, r"meta is not JSON \(Object of type object is not JSON"),
        ({"shape": (1, 8, 8), "meta": {"rate": float("nan")}}, "meta is not JSON .*: use text, numbers, lists"),
    ],
)
def test_invalid_data_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DataInfo(**fields)


def test_data_goes_through_json() -> None:
    info = DataInfo(shape=[3, 8, 8], num_classes=2, num_items=5, meta={"classes": ["a", "b"]})  # type: ignore[arg-type]
    assert info.shape == (3, 8, 8)
    assert DataInfo.from_json(info.to_json()) == info
    assert info.labelled
    assert DataInfo(shape=(1,), modality="points", meta={"at": ((1, 2),)}).meta == {"at": [[1, 2]]}
