"""Compiled updates of some networks equal plain ones, on the CPU. Compiling takes minutes of a processor for each.

Therefore they run where the tests of CUDA run. Those of `dcgan`, `mlp` and `r3gan` run everywhere, in test_execution;
those of the others by hand: ``ganzoo check NAME --full``.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from devices import cuda
from ganzoo.testing import collect_checks

TINY: dict[str, dict[str, Any]] = {
    "biggan:biggan": {"width_g": 8, "width_d": 8, "z_dim": 8, "shared_dim": 4},
    "biggan:biggan-deep": {"width_g": 16, "width_d": 16},
    "fastgan:fastgan": {"width": 4, "z_dim": 8},
    "fastgan:lightweight-gan": {"channel_max": 8, "z_dim": 8, "head_width": 2},
    "progan:progan": {"channel_base": 64, "channel_max": 8},
    "projected:projected": {
        "backbone": "test_efficientnet", "pretrained": False, "channels": 4, "width_d": 4, "resize": 128,
        "settings": ["width=4", "z_dim=8"],
    },
    "sngan:sngan": {},
    "translation:pix2pix": {"width": 4},
    "autoencoders:vqgan": {"width": 4, "codes": 8},
    "translation:cut": {"width": 4, "blocks": 1},
}  # fmt: skip


@cuda
@pytest.mark.parametrize("name", TINY)
def test_compiled_updates_equal_plain_ones(name: str) -> None:
    if name == "projected:projected" and importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    checks = collect_checks(name, options=TINY[name], full=True)
    (check,) = (each for each in checks if each.name.endswith("/compiled-equals-plain"))
    result = check.run()
    assert result.status == "PASS", result.message
