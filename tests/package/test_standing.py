"""Standing statistics: batch normalisation suits truncated latents, and the loaded network stays as it is."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ganzoo.package.generator import Generator
from ganzoo.package.standing import gather_statistics
from ganzoo.plugin import DataInfo, Networks


class Normed(nn.Module):
    """Truncated latents, normalised over the batch, with dropout that only acts in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.5)
        nn.init.constant_(self.norm.weight, 3.0)

    def forward(self, z: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        return self.norm(self.drop(z * truncation + truncation - 1))


def make_generator() -> Generator:
    data = DataInfo(shape=(4,), modality="points", dtype="float32")
    return Generator(Networks(Normed(), nn.Identity(), 4), data, {}, provides=("truncation",))


def test_truncated_samples_are_normalised_by_their_own_statistics() -> None:
    generator = make_generator()
    before = copy.deepcopy(generator.network.state_dict())
    samples = generator.sample_raw(2000, truncation=0.2)
    torch.testing.assert_close(samples.std(0), torch.full((4,), 3.0), rtol=0.1, atol=0)
    torch.testing.assert_close(samples.mean(0), torch.zeros(4), rtol=0, atol=0.3)
    assert torch.equal(generator.sample_raw(3, truncation=0.2), samples[:3])  # they do not depend on the number
    assert torch.equal(make_generator().sample_raw(3, truncation=0.2), samples[:3])
    for name, tensor in generator.network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    plain = generator.sample_raw(2000)
    assert torch.equal(generator.sample_raw(2000, truncation=1.0), plain)
    torch.testing.assert_close(plain.std(0), torch.full((4,), 3.0), rtol=0.1, atol=0)


def test_the_copy_shares_parameters_and_a_network_without_statistics_is_not_copied() -> None:
    network = Normed().eval()
    twin = gather_statistics(network, lambda each: each(torch.full((2, 4), 7.0)))
    assert twin.norm.weight is network.norm.weight
    assert not any(module.training for module in twin.modules())
    assert twin.norm.momentum == network.norm.momentum
    torch.testing.assert_close(twin.norm.running_mean, torch.full((4,), 7.0))
    plain = nn.Linear(2, 2).eval()
    assert gather_statistics(plain, lambda each: None) is plain
