"""Every component in plugins/ passes the kit's checks. No failure is expected that a spec does not excuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ganzoo.compute.processor import estimate_slowdown
from ganzoo.plugin import Built
from ganzoo.registry import registry
from ganzoo.testing import Check, check_dataset, collect_checks

NEEDS_MORE = ("hub", "projected")  # than ganzoo's requirements: tests/plugins check them where that is installed
OURS = [p.name for p in registry().plugins if p.distribution == "ganzoo" and p.name not in NEEDS_MORE]
NOT_CHECKED = ("compiled-equals-plain", "cases")  # the first takes minutes; tests/plugins check the second
NOT_CHECKED += ("trains-in-bf16",) if estimate_slowdown("bf16") > 1 else ()  # large networks, where it is emulated
ELSEWHERE = (  # need weights, training, further packages or networks of their own: tests/plugins check them
    "regularizer/cycle", "regularizer/patchnce", "regularizer/adaptive-weight", "regularizer/distillation",
    "regularizer/denoising", "architecture/one-step-diffusers",
    *(f"extractor/{name}" for name in (
        "mobilenet", "in-place", "stacked-channels", "inception", "dinov2", "clip", "onnx",
    )),
    *(f"tracker/{name}" for name in ("trackio", "wandb", "mlflow")),
)  # fmt: skip
WITH_CASES = ("loss", "regularizer", "metric")  # kinds whose components all have cases


CHECKS = [each for name in OURS for each in collect_checks(name) if each.name.rpartition("/")[0] not in ELSEWHERE]


@pytest.mark.parametrize("check", [pytest.param(each, id=each.name) for each in CHECKS])
def test_contract(check: Check) -> None:
    result = check.run()
    if result.status == "SKIP":
        assert not result.not_checked or check.name.endswith(NOT_CHECKED), result.message
        pytest.skip(result.message)
    if result.status == "XFAIL":
        pytest.xfail(result.message)
    assert result.status == "PASS", result.message


def test_a_folder_of_images_passes_too(tmp_path: Path) -> None:
    for index in range(12):
        path = tmp_path / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 16), (20 * index, 99, 0)).save(path)
    results = list(check_dataset("folder", options={"path": str(tmp_path), "size": 16}))
    assert not [result for result in results if result.status == "FAIL"]
    assert len([result for result in results if result.status == "PASS"]) >= 10


@pytest.mark.parametrize("kind", WITH_CASES)
def test_each_component_has_cases(kind: str) -> None:
    entries = [entry for entry in registry().components(kind) if entry.plugin.name in OURS]
    assert entries
    without = [entry.spec.name for entry in entries if isinstance(entry.spec, Built) and not entry.spec.cases]
    assert [name for name in without if f"{kind}/{name}" not in ELSEWHERE] == []
