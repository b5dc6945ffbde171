"""Numbers of parameters, for `ganzoo check gat`. The paper's networks are counted in the same way."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case, DataInfo
from ganzoo_gat import GATOptions


def cases() -> Iterator[Case]:
    """Yield the counts of the small networks, for images and for latents with classes."""
    for name, data in (
        ("images", DataInfo(shape=(1, 32, 32))),
        ("latents with classes", DataInfo(shape=(4, 32, 32), dtype="float32", num_classes=10)),
    ):
        yield Case(name=name, given={"data": data}, expected=count_parameters(GATOptions(), data))


def count_parameters(options: GATOptions, data: DataInfo) -> dict[str, int]:
    """Return the numbers of parameters of both networks, layer by layer."""
    width, depth, numbers, classes = options.width, options.depth, options.patch**2 * data.shape[0], data.num_classes
    attention = _linear(width, 3 * width) + _linear(width, width) + 2 * width // options.heads
    inner = 8 * width // 3
    body = depth * (attention + _linear(width, 2 * inner) + _linear(inner, width))
    image = min(depth, 4) * (_linear(width, width) + _linear(width, numbers))
    mapping = _linear(options.z_dim * (2 if classes else 1), width) + _linear(width, width)
    ends = _linear(numbers, width) + width + width  # the patches, the token, the last normalisation
    head = width * options.class_dim + 2 * _linear(options.class_dim, options.class_dim) if classes else width
    return {
        "generator": body + depth * _linear(width, 4 * width) + image + mapping + classes * options.z_dim,
        "discriminator": body + depth * 4 * width + ends + head + classes * options.class_dim,
    }


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs
