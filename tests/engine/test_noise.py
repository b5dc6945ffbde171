"""A generator's own random numbers are the same in training, in its average and when its package is loaded."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import toys
from ganzoo.compute.streams import seeded
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.package import package
from ganzoo.registry import registry


class NoisyConv(toys.ToyConv):
    """A generator with noise and dropout between its convolutions."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        hidden = self.first(x[:, :, None, None].expand(-1, -1, 4, 4)).relu()
        hidden = F.dropout(hidden + 0.5 * torch.randn_like(hidden), 0.3)
        return self.last(hidden).tanh()


def draw(generator: nn.Module, z: Tensor) -> Tensor:
    with seeded(7), torch.inference_mode():
        return generator.eval()(z)


def test_noise_and_dropout_of_one_seed_are_the_same_wherever_a_generator_runs(
    make, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        toys, "build_conv", lambda options, data: toys.Networks(NoisyConv(3), toys.ToyConv(0), latent_dim=3)
    )
    gan, batches = make({"arch": "toy-conv", "train.batch": 16})
    for images in (0, 16):
        update_discriminator(gan, batches, images)
        update_generator(gan, batches, images + 16, 0)
    z = torch.randn(5, 3)
    average = draw(gan.ema.network, z)
    trained = copy.deepcopy(gan.generator)
    trained.load_state_dict(gan.ema.network.state_dict())
    assert torch.equal(draw(trained, z), average)

    package.write(tmp_path / "model", package.make_contents(gan.recipe, gan.data, gan.averaged_networks, 32, []))
    loaded = package.load(tmp_path / "model", registry(), gan.device)
    assert torch.equal(draw(loaded.network, z), average)

    contiguous = copy.deepcopy(loaded.network).to(memory_format=torch.contiguous_format)
    assert not torch.equal(draw(contiguous, z), average), "the layout makes no difference here: this test shows nothing"
