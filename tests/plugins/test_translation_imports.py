"""Generators of CycleGAN's and pix2pix's authors: what networks written out here make, with their names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import UsageError

imports = import_module("ganzoo_translation.imports")
WIDTH, INPUTS, OUTPUTS = 4, 3, 2


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Theirs:
    """Tensors by the authors' names, made where a network first reads them, and the layers that read them."""

    def __init__(self, scaled: bool) -> None:
        self.scaled, self.weights = scaled, dict[str, Tensor]()

    def make(self, name: str, *shape: int) -> Tensor:
        if name not in self.weights:
            self.weights[name] = 0.3 * draw(*shape, seed=len(self.weights))
        return self.weights[name].double()

    def conv(self, name: str, x: Tensor, outputs: int, size: int, stride=1, padding=0, bias=None) -> Tensor:
        weight = self.make(f"{name}.weight", outputs, x.shape[1], size, size)
        biased = not self.scaled if bias is None else bias
        return F.conv2d(x, weight, self.make(f"{name}.bias", outputs) if biased else None, stride, padding)

    def up(self, name: str, x: Tensor, outputs: int, size: int, more: int, bias=None) -> Tensor:
        weight = self.make(f"{name}.weight", x.shape[1], outputs, size, size)
        biased = not self.scaled if bias is None else bias
        own = self.make(f"{name}.bias", outputs) if biased else None
        return F.conv_transpose2d(x, weight, own, 2, 1, more)

    def norm(self, name: str, x: Tensor) -> Tensor:
        """Return batch normalisation by the statistics of the one image, or instance normalisation."""
        channels = x.shape[1]
        self.make(f"{name}.running_mean", channels), self.make(f"{name}.running_var", channels)
        x = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
        if not self.scaled:
            return x
        self.weights[f"{name}.num_batches_tracked"] = torch.tensor(7)
        scale, shift = self.make(f"{name}.weight", channels), self.make(f"{name}.bias", channels)
        return x * scale[:, None, None] + shift[:, None, None]


def run_resnet(net: Theirs, x: Tensor, blocks: int) -> Tensor:
    """Return what a generator with residual blocks makes: layers 0 to 27 of a list, if there are 9 blocks."""
    x = net.norm("model.2", net.conv("model.1", F.pad(x, (3, 3, 3, 3), "reflect"), WIDTH, 7)).relu()
    x = net.norm("model.5", net.conv("model.4", x, 2 * WIDTH, 3, 2, 1)).relu()
    x = net.norm("model.8", net.conv("model.7", x, 4 * WIDTH, 3, 2, 1)).relu()
    for block in range(10, 10 + blocks):
        y = net.conv(f"model.{block}.conv_block.1", F.pad(x, (1, 1, 1, 1), "reflect"), 4 * WIDTH, 3)
        y = net.norm(f"model.{block}.conv_block.2", y).relu()
        y = net.conv(f"model.{block}.conv_block.5", F.pad(y, (1, 1, 1, 1), "reflect"), 4 * WIDTH, 3)
        x = x + net.norm(f"model.{block}.conv_block.6", y)
    end = 10 + blocks
    x = net.norm(f"model.{end + 1}", net.up(f"model.{end}", x, 2 * WIDTH, 3, 1)).relu()
    x = net.norm(f"model.{end + 4}", net.up(f"model.{end + 3}", x, WIDTH, 3, 1)).relu()
    return torch.tanh(net.conv(f"model.{end + 7}", F.pad(x, (3, 3, 3, 3), "reflect"), OUTPUTS, 7, bias=True))


def run_unet(net: Theirs, x: Tensor, levels: int) -> Tensor:
    """Return what a U-Net makes. Each level is a list with the next level in its middle."""

    def run(path: str, x: Tensor, level: int) -> Tensor:
        y = net.conv(f"{path}.1", F.leaky_relu(x, 0.2), WIDTH * min(2**level, 8), 4, 2, 1)
        outer = WIDTH * min(2 ** (level - 1), 8)
        if level == levels - 1:
            y = net.norm(f"{path}.4", net.up(f"{path}.3", y.relu(), outer, 4, 0))
        else:
            y = run(f"{path}.3.model", net.norm(f"{path}.2", y), level + 1)
            y = net.norm(f"{path}.6", net.up(f"{path}.5", y.relu(), outer, 4, 0))
        return torch.cat([x, y], 1)  # the maps of the encoder come first

    y = run("model.model.1.model", net.conv("model.model.0", x, WIDTH, 4, 2, 1), 1)
    return torch.tanh(net.up("model.model.3", y.relu(), OUTPUTS, 4, 0, bias=True))


@pytest.mark.parametrize("scaled", [False, True], ids=["instance", "batch"])
@pytest.mark.parametrize(
    ("run", "depth", "side"), [(run_resnet, 9, 16), (run_resnet, 6, 16), (run_unet, 8, 256), (run_unet, 7, 128)]
)
def test_their_weights_give_their_images(run, depth, side, scaled, tmp_path: Path):
    net, x = Theirs(scaled), draw(1, INPUTS, side, side).clamp(-1, 1)
    with torch.no_grad():
        wanted = run(net, x.double(), depth)
    torch.save({f"module.{name}": each for name, each in net.weights.items()}, tmp_path / "latest_net_G.pth")
    format = "cyclegan" if run is run_resnet else "pix2pix"
    ganzoo.import_weights(tmp_path / "latest_net_G.pth", tmp_path / "made", format=format, device="cpu")
    generator = ganzoo.load(tmp_path / "made", device="cpu")
    assert (generator.data.shape[0], generator.data.label_shape[0]) == (OUTPUTS, INPUTS)
    with torch.no_grad():
        found = generator.network.double()(torch.zeros(1, 0), x.double())
    assert torch.allclose(found, wanted, rtol=0, atol=1e-6)
    assert "BSD licence" in (tmp_path / "made" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["model.1.weight", "model.7.filt"], "filtered against aliasing, as in CUT; ganzoo's are not"),
        (["model.1.weight", "model.10.conv_block.6.weight"], "its residual blocks have dropout; ganzoo's have none"),
        (["model.0.weight", "model.2.weight"], "it is a discriminator: give the file of the generator"),
        (["layer.weight"], r"tensor 'model.1.weight' is missing"),
    ],
)
def test_other_files_are_refused(names, text):
    with pytest.raises(UsageError, match=text):
        imports.translator({name: torch.ones(4, 3, 7, 7) for name in names})
