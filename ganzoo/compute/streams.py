"""Randomness, the one seam: every random number of a run is a function of (seed, stream, images seen).

So a resumed run draws what the uninterrupted one would have drawn, with no generator state in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch


def derive_seed(*parts: int | str) -> int:
    """Return a 63-bit seed that depends on every part and on their order."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest()) >> 1


class Streams:
    """Generators on one device, reseeded before each use."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed = seed
        self.device = device
        self._own = torch.Generator(device)

    def derive_seed(self, stream: str, images: int, *more: int) -> int:
        """Return the seed of (stream, images), for what is drawn elsewhere than on the device."""
        return derive_seed(self.seed, stream, images, *more)

    def generator(self, stream: str, images: int, *more: int) -> torch.Generator:
        """Return the device's generator at the start of (stream, images); the next call reseeds the same object."""
        return self._own.manual_seed(self.derive_seed(stream, images, *more))

    def reseed_default(self, stream: str, images: int, *more: int) -> None:
        """Reseed torch's default generator of the device, from which components draw themselves.

        `Generator.manual_seed` touches that one generator; `torch.manual_seed` would reseed every device.
        """
        default_generator(self.device).manual_seed(self.derive_seed(stream + "-component", images, *more))


def default_generator(device: torch.device) -> torch.Generator:
    """Return torch's default generator of a device."""
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        return torch.cuda.default_generators[device.index or 0]
    return torch.default_generator


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run the block with torch's default generators (the CPU's, the device's) seeded, and leave them as they were."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which reaches devices that nobody restores
        for each in devices:
            default_generator(each).manual_seed(seed)
        yield


def draw_latents(kind: str, generator: torch.Generator, num: int, dim: int) -> torch.Tensor:
    """Draw latents ``[num, dim]`` on the generator's device.

    Args:
        kind: `Networks.latent`: ``normal``, ``uniform`` on [-1, 1), or ``normal+onehotK`` (the last K entries one-hot).
        generator: Where the numbers come from.
        num: Rows.
        dim: Columns.
    """
    device = generator.device
    if kind == "uniform":
        return torch.rand(num, dim, generator=generator, device=device) * 2 - 1
    z = torch.randn(num, dim, generator=generator, device=device)
    if kind == "normal":
        return z
    codes = int(kind.removeprefix("normal+onehot"))
    code = torch.randint(codes, (num,), generator=generator, device=device)
    z[:, dim - codes :] = torch.nn.functional.one_hot(code, codes).to(z.dtype)
    return z
