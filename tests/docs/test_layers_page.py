"""Every name of `ganzoo.layers` has a docstring and stands on docs/layers.md, under the file that defines it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from ganzoo import layers

PAGE = (Path(__file__).parents[2] / "docs" / "layers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", layers.__all__)
def test_every_name_is_documented(name: str) -> None:
    piece = getattr(layers, name)
    section = re.search(rf"automodule:: {piece.__module__}\n   :members:(.*)", PAGE)
    assert section, f"docs/layers.md does not document {piece.__module__}"
    assert section[1].strip() == "" or name in section[1].strip().split(", ")
    assert inspect.getdoc(piece)
    methods = [value for key, value in vars(piece).items() if key == "forward"] if inspect.isclass(piece) else []
    assert all(map(inspect.getdoc, methods)), f"{name}.forward has no docstring"


def test_every_public_function_and_class_is_exported() -> None:
    for path in Path(layers.__file__).parent.glob("[a-z]*.py"):
        module = getattr(layers, path.stem)
        public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
        pieces = {name for name, value in public.items() if inspect.isclass(value) or inspect.isfunction(value)}
        assert {name for name in pieces if public[name].__module__ == module.__name__} <= {*layers.__all__}


def test_the_example_is_a_discriminator() -> None:
    written: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.S)[1], written)
    network = written["Discriminator"](3, 16, num_classes=2)
    x = torch.randn(2, 3, 16, 16, requires_grad=True)
    logits = network(x, torch.tensor([0, 1]))
    assert logits.shape == (2,)
    layers.input_gradients(logits, x).square().sum().backward()
    assert sum(isinstance(module, layers.SpectralNorm) for module in network.modules()) == 12
