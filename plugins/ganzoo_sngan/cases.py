"""Numbers of parameters of the papers' networks for CIFAR-10, for `ganzoo check sngan`."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo

PAPERS = {"width_g": 64, "width_d": 64}


def cases() -> Iterator[Case]:
    """Yield the counts of Miyato et al. 2018, table 4, layer by layer: a 3x3 convolution of C channels has 9C^2 + C."""
    block = 2 * (9 * 256**2 + 256) + 256**2 + 256 + 2 * 2 * 256
    generator = 129 * 16 * 256 + 3 * block + 2 * 256 + 9 * 256 * 3 + 3
    convolution = 9 * 128**2 + 128
    discriminator = (9 * 3 + 1) * 128 + convolution + 4 * 128 + 2 * convolution + 129 * 128 + 4 * convolution + 129
    expected = {"generator": generator, "discriminator": discriminator}  # 4,276,739 and 1,053,825
    yield Case(name="CIFAR-10", options=PAPERS, given={"data": DataInfo(shape=(3, 32, 32))}, expected=expected)
    classes = {"generator": generator + 3 * 2 * 2 * 9 * 256, "discriminator": discriminator + 10 * 128}
    data = DataInfo(shape=(3, 32, 32), num_classes=10)  # ten gains and biases instead of one, and an embedding
    yield Case(name="CIFAR-10 with classes", options=PAPERS, given={"data": data}, expected=classes)
