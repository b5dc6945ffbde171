"""A plugin with a denoiser of points in four clusters, as small as can be, and the data that it is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.plugin import Architecture, DataInfo, Dataset, Networks, hookimpl, option
from ganzoo_diffusion import COMMON
from ganzoo_diffusion.denoisers import FREQUENCIES, Denoised, compute_scales, embed_levels
from ganzoo_diffusion.one_step import draw_levels, pair_networks
from ganzoo_diffusion.options import JudgeOptions

CENTRES = torch.tensor([[-0.7, -0.7], [-0.7, 0.7], [0.7, -0.7], [0.7, 0.7]])
STD = 0.2  # of a cluster, in each direction
DATA = DataInfo(shape=(2, 1, 1), dtype="float32")  # points as images of one pixel with two channels


@dataclass(frozen=True, kw_only=True)
class ToyDenoiserOptions(JudgeOptions):
    """Options of `toy-denoiser`."""

    denoiser: str = option("", help="The file of its weights.")


class ToyDenoiser(nn.Module):
    """A fully connected F with the scales of EDM; its hidden layers are the maps."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sigma_max", torch.tensor(10.0))
        self.widths = (64, 64)
        self.first, self.second = nn.Linear(2 + 2 * FREQUENCIES, 64), nn.Linear(64, 64)
        self.last = nn.Linear(64, 2)

    def forward(self, x: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Denoised:
        """Return the predicted points and the maps."""
        scales, flat = compute_scales(sigma[:, None], 0.7), x.flatten(1)
        one = F.silu(self.first(torch.cat([scales.into * flat, embed_levels(scales.noise[:, 0])], 1)))
        two = F.silu(self.second(one))
        found = scales.skip * flat + scales.out * self.last(two)
        return Denoised(found.view_as(x), [one[:, :, None, None], two[:, :, None, None]])


class Clusters:
    """Points without end."""

    info = DATA

    def __init__(self, options: object) -> None:
        pass

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, None]:
        """Return `n` points ``[n, 2, 1, 1]`` without labels."""
        centres = CENTRES[torch.randint(4, (n,), generator=generator)]
        return (centres + STD * torch.randn(n, 2, generator=generator)).view(n, 2, 1, 1), None


def build(options: ToyDenoiserOptions, data: DataInfo) -> Networks:
    """Build the networks around the denoiser in a file."""
    return pair_networks(options, data, ToyDenoiser, partial(_load, options.denoiser) if options.denoiser else None)


def _load(path: str, denoiser: nn.Module) -> None:
    denoiser.load_state_dict(load_file(path))


def train_denoiser(updates: int = 500, batch: int = 256) -> ToyDenoiser:
    """Return a denoiser after a plain training (Karras et al. 2022, eq. 8)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        denoiser, generator = ToyDenoiser(), torch.Generator().manual_seed(0)
        optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)
        for update in range(updates):
            optimizer.param_groups[0]["lr"] = 1e-2 * (1 - update / updates)
            y, _ = Clusters(None).sample(generator, batch)
            sigma = draw_levels(y, -0.5, 1.0)
            found = denoiser(y + sigma.view(-1, 1, 1, 1) * torch.randn_like(y), sigma).samples
            loss = (compute_scales(sigma, 0.7).weight.view(-1, 1, 1, 1) * (found - y).square()).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return denoiser


def sample_in_steps(denoiser: nn.Module, z: Tensor, steps: int) -> Tensor:
    """Return the points that Euler's method reaches from noise (Karras et al. 2022, algorithm 1 without line 8)."""
    levels = torch.linspace(10 ** (1 / 7), 0.1 ** (1 / 7), steps) ** 7
    x = 10 * z.view(-1, 2, 1, 1)
    with torch.no_grad():
        for here, below in zip(levels, [*levels[1:], torch.zeros(())], strict=True):
            x = x + (below - here) * (x - denoiser(x, here.expand(len(x))).samples) / here
    return x


def measure_distance(points: Tensor) -> tuple[float, Tensor]:
    """Return the RMS distance of points to the nearest centre, and the shares of points near each of the centres."""
    nearest, which = (points.reshape(-1, 1, 2) - CENTRES).norm(dim=2).min(1)
    return float(nearest.square().mean().sqrt()), torch.bincount(which[nearest < 2.5 * STD], minlength=4) / len(points)


@hookimpl
def ganzoo_architectures():
    """Offer the architecture."""
    yield Architecture(
        name="toy-denoiser",
        summary="A denoiser of points.",
        factory="toy_diffusion:build",
        options=ToyDenoiserOptions,
        provides=("frozen-denoiser", "double-backward"),
        recommended=COMMON["recommended"],
    )


@hookimpl
def ganzoo_datasets():
    """Offer the dataset."""
    yield Dataset(name="toy-clusters", summary="Four clusters.", factory="toy_diffusion:Clusters", info=DATA)
