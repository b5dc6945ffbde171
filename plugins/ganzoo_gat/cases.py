"""Numbers of parameters of the paper's networks, for `ganzoo check gat`."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo

SIZES = {"S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16), "XL": (1152, 28, 16)}  # width, depth, heads
LATENTS = DataInfo(shape=(4, 32, 32), dtype="float32", num_classes=1000)


def cases() -> Iterator[Case]:
    """Yield the counts of GAT-S/2 to GAT-XL/2 on latents of ImageNet, layer by layer."""
    for name, (width, depth, heads) in SIZES.items():
        yield Case(
            name=f"GAT-{name}/2",
            options={"width": width, "depth": depth, "heads": heads, "patch": 2, "class_dim": 2048},
            given={"data": LATENTS},
            expected=count_parameters(width, depth, heads),
        )


def count_parameters(width: int, depth: int, heads: int) -> dict[str, int]:
    """Return the numbers of parameters for patches of 2x2, 4 channels, 1,000 classes and latents of 64 numbers."""
    numbers, classes, z_dim, class_dim, inner = 2 * 2 * 4, 1000, 64, 2048, 8 * width // 3
    attention = _linear(width, 3 * width) + _linear(width, width) + 2 * width // heads
    body = depth * (attention + _linear(width, 2 * inner) + _linear(inner, width))
    heads_of_image = 4 * (_linear(width, width) + _linear(width, numbers))
    mapping = classes * z_dim + _linear(2 * z_dim, width) + _linear(width, width)
    mapping_d = classes * class_dim + 2 * _linear(class_dim, class_dim)
    ends_d = _linear(numbers, width) + width + width + width * class_dim
    return {
        "generator": body + depth * _linear(width, 4 * width) + heads_of_image + mapping,
        "discriminator": body + depth * 4 * width + ends_d + mapping_d,
    }


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs
