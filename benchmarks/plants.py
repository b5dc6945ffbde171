"""A plugin: components with a fault each, which a training by benchmarks/doctor.py must be diagnosed with.

ganzoo train --plugin benchmarks/plants.py --arch spoiled arch.fault=no-z --dataset spoiled
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin import Architecture, DataInfo, Dataset, Networks, NoOptions, hookimpl, option

SIZE, WIDTH, Z_DIM = 16, 16, 32
FEW, COPIES = 164, 20  # samples of `few`, and how often each of a part of them is repeated


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Options of the networks."""

    fault: Literal["none", "no-z", "few-latents", "dead", "frozen-statistics", "checkerboard"] = option(
        "none", help="What is wrong with the generator."
    )
    width: int = option(WIDTH, help="Channels at half the image's size.", low=1)


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Options of the digits."""

    size: int = option(SIZE, help="Height and width in pixels.", low=8)
    fault: Literal["none", "shuffled", "unit", "few", "copies"] = option("none", help="What is wrong with the digits.")


def describe_digits(options: DataOptions) -> DataInfo:
    """Return the `DataInfo` of the digits."""
    num = {"few": FEW, "copies": FEW // 2 * COPIES}.get(options.fault, 1_797)
    dtype: Literal["float32", "uint8"] = "float32" if options.fault == "unit" else "uint8"
    return DataInfo(shape=(1, options.size, options.size), num_classes=10, num_items=num, dtype=dtype)


class SpoiledDigits:
    """The digits, with labels of other digits, numbers from 0 to 1, or few of them."""

    def __init__(self, options: DataOptions) -> None:
        import numpy as np

        import ganzoo

        digits: Any = ganzoo.create("dataset", "digits", size=options.size)
        self.info, fault = describe_digits(options), options.fault
        data, labels = np.asarray(digits.data), np.asarray(digits.labels)
        if fault == "shuffled":
            labels = np.random.default_rng(0).permutation(labels)
        elif fault == "unit":
            data = (data / 255).astype(np.float32)
        elif fault == "few":
            data, labels = data[:FEW], labels[:FEW]
        elif fault == "copies":
            data, labels = (np.repeat(each[: FEW // 2], COPIES, axis=0) for each in (data, labels))
        self.data, self.labels = data, labels


def build_networks(options: NetworkOptions, data: DataInfo) -> Networks:
    """Return a small DCGAN without normalisation, with its fault."""
    import torch
    from torch import Tensor, nn

    fault, width = options.fault, options.width

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(Z_DIM, 2 * width * (SIZE // 4) ** 2)
            norm = nn.BatchNorm2d(2 * width, momentum=0.0) if fault == "frozen-statistics" else nn.Identity()
            last_norm = nn.BatchNorm2d(width, momentum=0.0) if fault == "frozen-statistics" else nn.Identity()
            kernel: dict[str, Any] = {"kernel_size": 4, "stride": 2, "padding": 1}
            if fault == "checkerboard":
                kernel = {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}
            self.layers = nn.Sequential(
                norm, nn.ReLU(), nn.ConvTranspose2d(2 * width, width, **kernel), last_norm, nn.ReLU(),
                nn.ConvTranspose2d(width, data.shape[0], **kernel), nn.Tanh(),
            )  # fmt: skip
            self.register_buffer("codes", torch.randn(8, Z_DIM))
            if fault == "dead":
                nn.init.constant_(self.first.bias, -10.0)

        def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
            if fault == "no-z":
                z = z * 0
            elif fault == "few-latents":
                z = self.get_buffer("codes")[z[:, :8].argmax(1)]
            made: Tensor = self.layers(self.first(z).unflatten(1, (2 * width, SIZE // 4, SIZE // 4)))
            return made

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(data.shape[0], width, 4, 2, 1), nn.LeakyReLU(0.2),
                nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
                nn.Linear(2 * width * (SIZE // 4) ** 2, 1),
            )  # fmt: skip

        def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
            logits: Tensor = self.layers(x)
            return logits

    return Networks(generator=Generator(), discriminator=Discriminator(), latent_dim=Z_DIM)


def build_shared(options: NoOptions, data: DataInfo) -> Networks:
    """Return networks that have a parameter in common, so that a step of D moves G."""
    made: Any = build_networks(NetworkOptions(), data)
    made.discriminator.layers[0].bias = made.generator.layers[2].bias
    return Networks(generator=made.generator, discriminator=made.discriminator, latent_dim=Z_DIM)


class HalfRing:
    """The ring of 8 modes, of which a faulty loader draws the left half alone."""

    def __init__(self, options: NoOptions) -> None:
        import ganzoo

        self.ring: Any = ganzoo.create("dataset", "points", shape="ring")
        self.info: DataInfo = self.ring.info

    def sample(self, generator: Any, n: int) -> tuple[Any, Any]:
        """Return `n` points ``[n, 2]`` whose first coordinate is not above 0, and their labels."""
        import torch

        points, labels = self.ring.sample(generator, n)
        return torch.stack([-points[:, 0].abs(), points[:, 1]], 1), labels


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the networks."""
    yield Architecture(
        name="spoiled",
        summary="A small DCGAN with a fault.",
        factory=f"{__name__}:build_networks",
        options=NetworkOptions,
        sizes=(SIZE,),
        provides=("double-backward",),
        recommended={"loss": "bce", "optim.g.betas": (0.5, 0.999), "optim.d.betas": (0.5, 0.999)},
    )
    yield Architecture(
        name="spoiled-shared",
        summary="A small DCGAN whose D has a parameter of G.",
        factory=f"{__name__}:build_shared",
        sizes=(SIZE,),
    )


@hookimpl
def ganzoo_datasets() -> Iterator[Dataset]:
    """Offer the digits."""
    yield Dataset(
        name="spoiled",
        summary="The digits with a fault.",
        factory=f"{__name__}:SpoiledDigits",
        options=DataOptions,
        info=describe_digits,
    )
    yield Dataset(name="half-ring", summary="Half of a ring of modes.", factory=f"{__name__}:HalfRing")
