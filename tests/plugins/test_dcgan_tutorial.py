"""The networks of TensorFlow's DCGAN tutorial and its training against values of Keras (`keras_dcgan/write.py`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganzoo_dcgan
from devices import CPU
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Part
from ganzoo.engine.gan import Gan
from ganzoo.engine.setup import draft, settle
from ganzoo.engine.update import update_together
from ganzoo.plugin import DataInfo, UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo_dcgan import tutorial

VALUES = np.load(Path(__file__).parent / "keras_dcgan" / "values.npz")
LAYERS = {  # ours, in the order of Keras's layers with weights
    "g": ["first.0", "first.1", "blocks.0.0", "blocks.0.1", "blocks.1.0", "blocks.1.1", "last"],
    "d": ["blocks.0.0", "blocks.1.0", "last"],
}
NAMES = {
    "kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var",
}  # fmt: skip
WIDTH, Z_DIM, CHANNELS = 2, 4, 3


def convert(stage: str, network: str) -> dict[str, Tensor]:
    """Return Keras's weights of a network in our names and order: maps are flattened by channel first."""
    found = {}
    for key in VALUES.files:
        if key.startswith(f"{stage}/{network}/"):
            number, kind = key.split("/")[2:]
            value = torch.from_numpy(VALUES[key]).double()
            if (
                value.dim() == 4
            ):  # [height, width, inputs, outputs], of a transposed one [height, width, outputs, inputs]
                value = value.permute(3, 2, 0, 1)
            elif (network, number) in (("g", "0"), ("g", "1")):
                value = value.view(-1, 7, 7, 4 * WIDTH).permute(0, 3, 1, 2).flatten(1)
                value = value.T if kind == "kernel" else value[0]
            elif kind == "kernel":
                value = value.view(7, 7, 2 * WIDTH).permute(2, 0, 1).reshape(1, -1)
            found[f"{LAYERS[network][int(number)]}.{NAMES[kind]}"] = value
    return found


class Kept(nn.Module):
    """A dropout with given masks, ``[N, C, H, W]``."""

    def __init__(self, masks: list[Tensor]) -> None:
        super().__init__()
        self.masks = iter(masks)

    def forward(self, x: Tensor) -> Tensor:
        return x * next(self.masks) / 0.7


class Given:
    """Batches with the images and latents of the file."""

    batch = VALUES["z"].shape[1]

    def discriminator(self, images: int) -> Iterator[Part]:
        real = torch.from_numpy(VALUES["real"][images // self.batch]).permute(0, 3, 1, 2).double()
        yield Part(torch.from_numpy(VALUES["z"][images // self.batch]).double(), (real - 127.5) / 127.5, None, 1.0)

    def finish(self, part: Part) -> Part:
        return part


@pytest.fixture
def gan() -> Gan:
    """The recipe's GAN in float64, with the weights and the dropout masks of the file."""
    pairs = {"dataset": "digits", "arch.width": WIDTH, "arch.z_dim": Z_DIM, "train.batch": Given.batch}
    recipe = resolve(registry(), recipe="dcgan-tutorial", pairs=pairs)
    data = DataInfo(shape=(CHANNELS, 28, 28))
    torch.set_default_dtype(torch.float64)
    try:
        made = assemble(settle(recipe, draft(recipe, data), CPU), data, CPU)
    finally:
        torch.set_default_dtype(torch.float32)
    for network, module in (("g", made.generator), ("d", made.discriminator)):
        missing = module.load_state_dict(convert("before", network), strict=False)
        assert not missing.unexpected_keys
        assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys)
    masks = [torch.from_numpy(VALUES[f"kept/{number}"]).permute(0, 3, 1, 2) for number in range(4 * len(VALUES["z"]))]
    for number, block in enumerate(made.discriminator.blocks):
        assert block[2].p == 0.3
        block[2] = Kept(masks[number::2])
    return made


def test_the_recipe_makes_the_updates_of_keras(gan: Gan) -> None:
    for update, (loss_d, loss_g) in enumerate(VALUES["losses"]):
        stats = update_together(gan, Given(), update * Given.batch)
        assert stats["loss_d"].item() == pytest.approx(loss_d, rel=1e-12)
        assert stats["loss_g"].item() == pytest.approx(loss_g, rel=1e-12)
    for network, module in (("g", gan.generator), ("d", gan.discriminator)):
        now, before = module.state_dict(), convert("before", network)
        for name, wanted in convert("after", network).items():
            assert (now[name] - wanted).abs().max() < 1e-13, name
            assert (now[name] - before[name]).abs().max() > 1e-4, name
    with torch.no_grad():
        image = gan.generator.eval()(torch.from_numpy(VALUES["z"][0]).double())[:1]
    assert (image - torch.from_numpy(VALUES["images"]).permute(0, 3, 1, 2)).abs().max() < 1e-12


# ----------------------------------------------------------------------------
# The networks of full width.


def build(channels: int, size: int = 28, device: str = "cpu", **options: float) -> tuple[nn.Module, nn.Module]:
    spec = next(spec for spec in ganzoo_dcgan.ganzoo_architectures() if spec.name == "dcgan-tutorial")
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = tutorial.build(spec.options(**options), DataInfo(shape=(channels, size, size)))
    assert (networks.latent_dim, networks.latent) == (options.get("z_dim", 100), "normal")
    return networks.generator, networks.discriminator


@pytest.mark.parametrize("channels", [1, 3])
def test_the_networks_have_as_many_parameters_as_keras_counts(channels: int) -> None:
    counts = []
    for network in build(channels, device="meta"):
        averages = [buffer for name, buffer in network.named_buffers() if "running" in name]
        counts += [sum(tensor.numel() for tensor in tensors) for tensors in (network.parameters(), averages)]
    assert counts == VALUES[f"parameters/{channels}"].tolist()
    assert counts == [{1: 2_305_472, 3: 2_308_672}[channels], 25_472, {1: 212_865, 3: 216_065}[channels], 0]


def test_weights_start_as_glorots_uniform_numbers_and_biases_as_0() -> None:
    fans = {
        "first.0": 100 + 12_544, "blocks.0.0": 25 * (256 + 128), "blocks.1.0": 25 * (128 + 64), "last": 25 * (64 + 3),
    }, {"blocks.0.0": 25 * (3 + 64), "blocks.1.0": 25 * (64 + 128), "last": 6272 + 1}  # fmt: skip
    for network, known in zip(build(3), fans, strict=True):
        for name, layer in network.named_modules():
            weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
            if name in known:
                assert weight is not None
                limit = math.sqrt(6 / known[name])
                assert 0.99 * limit < weight.abs().max() <= limit
                assert weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.03)
            elif weight is not None:
                assert bool((weight == 1).all())
            assert bias is None or not bias.any()


def test_other_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="makes images of 28x28"):
        build(3, 32)


def test_dropout_keeps_the_mean_and_is_off_when_images_are_judged() -> None:
    layer = tutorial.Dropout(0.3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen = layer(torch.full((4, 25_000), 7.0))
    assert (seen == 0).double().mean().item() == pytest.approx(0.3, abs=0.01)
    assert torch.allclose(seen[seen != 0], torch.tensor(10.0))
    assert bool((layer.eval()(torch.ones(9)) == 1).all())
