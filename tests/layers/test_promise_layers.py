"""The promise of `ganzoo.layers` to authors: names, signatures and state-dict keys, by which models are stored.

Add a new name to the snapshot with `python tests/layers/test_promise_layers.py`. A name that is changed or removed
breaks plugins, or models that were published with them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from torch import nn

from ganzoo import layers

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "layers.txt"
BUILT = (
    layers.ConditionalBatchNorm2d(4),
    layers.ConditionalBatchNorm2d(4, num_classes=3),
    layers.ConditionalInstanceNorm2d(4, dim=3),
    layers.EqualisedConv2d(4, 4, 3),
    layers.EqualisedLinear(4, 4),
    layers.MultiScale([nn.Linear(4, 1)]),
    layers.PatchGAN(3, 2, 4, 1, "batch"),
    layers.ProductConv2d(4, 4, 3),
    layers.ProductConvTranspose2d(4, 4, 3),
    layers.ProjectionHead(4, 3),
    layers.SelfAttention2d(8),
    layers.spectral_norm(nn.Linear(4, 4)),
    layers.Frozen(nn.Linear(4, 4)),
    layers.MelSpectrogram(8000, 4, 64, 16),
    layers.VectorQuantiser(4, 2),
)


def list_promises() -> Iterator[str]:
    for name in sorted(layers.__all__):
        signature = str(inspect.signature(getattr(layers, name)))
        yield name + re.sub(r"<(?:function|class) '?([\w.]+)[^>]*>", r"\1", signature)
    for module in BUILT:
        yield f"{type(module).__name__}: {', '.join(module.state_dict())}"


def test_the_promise_is_kept() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8").splitlines() == list(list_promises())


def test_every_class_with_parameters_of_its_own_is_built_here() -> None:
    classes = {value for value in map(layers.__dict__.get, layers.__all__) if inspect.isclass(value)}
    classes = {value for value in classes if issubclass(value, nn.Module)}
    assert classes - {layers.SpectralNorm} <= {type(module) for module in BUILT}


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(list_promises()) + "\n", encoding="utf-8")
