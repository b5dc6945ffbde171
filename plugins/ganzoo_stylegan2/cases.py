"""Numbers of parameters of published networks, for `ganzoo check` of the architectures."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo

PAPERS = {"channel_max": 512, "z_dim": 512, "w_dim": 512, "mapping": 8}


def cases() -> Iterator[Case]:
    """Yield the counts that the authors' code prints: 30.37 and 29.01 million for config F at 1024 pixels.

    Those for CIFAR-10 with classes are sums over the layers. D's are 20,988,416 without a mapping network, and eight
    layers of 262,656.
    """
    for size, base, generator, discriminator in (
        (1024, 32768, 30_370_060, 29_012_513),
        (256, 16384, 24_767_458, 24_001_089),
    ):
        yield Case(
            name=f"FFHQ {size}x{size}",
            options={**PAPERS, "channel_base": base},
            given={"data": DataInfo(shape=(3, size, size))},
            expected={"generator": generator, "discriminator": discriminator},
        )
    yield Case(
        name="CIFAR-10 with classes",
        options={**PAPERS, "channel_base": 32768, "mapping": 2, "mapping_d": 8, "residual": False, "group": 32},
        given={"data": DataInfo(shape=(3, 32, 32), num_classes=10)},
        expected={"discriminator": 20_988_416 + 8 * 262_656},
    )


def stylegan3_cases() -> Iterator[Case]:
    """Yield counts at published sizes.

    The paper has 22.3 million for config T at 1024 pixels (section 4), and 23.3 and 15.8 million for T and R at 256
    pixels (figure 5). The other two are what the authors' code prints for config R, in public logs of trainings.
    """
    for name, size, base, rotates, generator in (
        ("T 1024x1024", 1024, 32768, False, 22_313_167),
        ("T 256x256", 256, 16384, False, 23_320_443),
        ("R 256x256", 256, 16384, True, 15_779_565),
        ("R 512x512", 512, 32768, True, 16_665_594),
        ("R 1024x1024", 1024, 32768, True, 15_093_151),
    ):
        yield Case(
            name=f"FFHQ, config {name}",
            options={**PAPERS, "mapping": 2, "layers": 14, "channel_base": base, "rotates": rotates},
            given={"data": DataInfo(shape=(3, size, size))},
            expected={"generator": generator},
        )


def lucidrains_cases() -> Iterator[Case]:
    """Yield the counts of the networks of stylegan2_pytorch 1.9.0, G with the mapping network, with its sizes."""
    for name, size, options, generator, discriminator in (
        ("default at 128x128", 128, {}, 18_827_936, 30_021_249),
        ("wider at 1024x1024", 1024, {"capacity": 32}, 40_774_976, 59_235_585),
        (
            "attention, no constant",
            64,
            {"capacity": 24, "attention": (16, 32), "constant": False},
            20_698_640,
            26_562_785,
        ),
    ):
        yield Case(
            name=name,
            options={"capacity": 16, "channel_max": 512, "z_dim": 512, "mapping": 8, **options},
            given={"data": DataInfo(shape=(3, size, size))},
            expected={"generator": generator, "discriminator": discriminator},
        )
