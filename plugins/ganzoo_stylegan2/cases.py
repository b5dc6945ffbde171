"""Numbers of parameters of the papers' networks, for `ganzoo check stylegan2`."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo

PAPERS = {"channel_max": 512, "z_dim": 512, "w_dim": 512, "mapping": 8}


def cases() -> Iterator[Case]:
    """Yield the counts that the authors' code prints: 30.37 and 29.01 million for config F at 1024 pixels."""
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
