"""The kit checks architectures whose labels are arrays as it checks others."""

from __future__ import annotations

import pytest

from ganzoo.testing import check_architecture


@pytest.mark.usefixtures("pairs")
def test_an_architecture_of_label_images_and_sounds_without_latents_passes() -> None:
    results = {result.check.rpartition("/")[2]: result for result in check_architecture("toy-translator")}
    assert [result for result in results.values() if result.status == "FAIL"] == []
    passed = {name for name, result in results.items() if result.status == "PASS"}
    assert {"every-declared-size", "generator-uses-labels", "package-round-trip", "recorded-equals-plain"} <= passed
