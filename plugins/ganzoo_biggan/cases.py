"""Numbers of parameters of the published networks for CIFAR-10, for `ganzoo check biggan`."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo

CIFAR10 = DataInfo(shape=(3, 32, 32), num_classes=10)


def biggan() -> Iterator[Case]:
    """Yield the counts of the network for CIFAR-10, layer by layer: a 3x3 convolution of C channels has 9C^2 + C."""
    block = 2 * (9 * 256**2 + 256) + 256**2 + 256 + 2 * 2 * 10 * 256  # the last: gains and biases of ten classes
    generator = 129 * 16 * 256 + 3 * block + 2 * 256 + 9 * 256 * 3 + 3
    convolution = 9 * 256**2 + 256
    first = (9 * 3 + 1) * 256 + convolution + 4 * 256
    discriminator = first + 3 * 2 * convolution + 256**2 + 256 + 257 + 10 * 256
    options = {"width_g": 64, "width_d": 64, "z_dim": 128, "shared_dim": 0, "hierarchical": False, "init": "normal"}
    expected = {"generator": generator, "discriminator": discriminator}  # 4,304,387 and 4,207,361
    yield Case(name="CIFAR-10", options=options, given={"data": CIFAR10}, expected=expected)


def biggan_deep() -> Iterator[Case]:
    """Yield the counts of a network of width 64 for CIFAR-10: its blocks have 256 channels outside and 64 inside."""
    convolutions = 256 * 64 + 64 + 2 * (9 * 64**2 + 64) + 64 * 256 + 256
    block = convolutions + 2 * 256 * (256 + 3 * 64)  # gains and biases of a condition of 128 + 128 numbers
    generator = 257 * 16 * 256 + 6 * block + 2 * 256 + 9 * 256 * 3 + 3 + 10 * 128
    discriminator = (9 * 3 + 1) * 256 + 6 * convolutions + 257 + 10 * 256
    options = {"width_g": 64, "width_d": 64, "init": "normal"}
    expected = {"generator": generator, "discriminator": discriminator}  # 3,079,299 and 651,649
    yield Case(name="CIFAR-10", options=options, given={"data": CIFAR10}, expected=expected)
