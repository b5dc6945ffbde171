"""PSNR and SSIM against values of scikit-image (`fidelity_peers/write.py`), and in a measurement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from fidelity_peers.write import make_pairs

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo

VALUES = json.loads((Path(__file__).parent / "fidelity_peers" / "values.json").read_text())
PAIRS = {
    name: [torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1 for image in pair]
    for name, pair in make_pairs().items()
}


def measure(text, pairs):
    """Return what a metric computes; `text` is its name with at most one option, ``ssim border=4``."""
    name, _, option = text.partition(" ")
    key, _, value = option.partition("=")
    options = {key: int(value) if value.isdigit() else value} if key else {}
    metric = ganzoo.create("metric", name, data=DataInfo(shape=tuple(pairs[0][0].shape[1:])), **options)
    metric.reset()
    for real, fake in pairs:
        metric.pair(real.float(), fake.float(), None)
    return metric.compute()[name]


@pytest.mark.parametrize("name", VALUES)
def test_values_of_scikit_image(name):
    found = {text: measure(text, [PAIRS[name]]) for text in VALUES[name]}
    assert found == pytest.approx(VALUES[name], abs=1e-4)
    assert len(found) == (4 if name == "grey" else 6)


@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_the_value_of_several_images_is_the_mean_of_theirs(name):
    pairs = [PAIRS[key] for key in ("noise", "other")]
    mean = sum(VALUES[key][name] for key in ("noise", "other")) / 2
    assert measure(name, pairs) == pytest.approx(mean, abs=1e-4)
    assert measure(name, [[torch.cat(side) for side in zip(*pairs, strict=True)]]) == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "shape", "options", "text"),
    [
        ("ssim", (3, 12, 10), {}, "metric 'ssim' needs images of 11 pixels .* 12x10: choose larger images"),
        ("psnr", (1, 8, 8), {"border": 4}, "inside of metric.psnr.border=4, and these are 8x8"),
        ("psnr", (4, 8, 8), {"channels": "luma"}, "metric.psnr.channels=luma is for 1 or 3 channels"),
    ],
)
def test_images_that_do_not_suit_are_refused(name, shape, options, text):
    with pytest.raises(UsageError, match=text):
        ganzoo.create("metric", name, data=DataInfo(shape=shape), **options)
