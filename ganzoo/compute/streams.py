"""Random streams: every random number of a run is a function of (seed, stream, images seen).

So a resumed run draws the same numbers as an uninterrupted one, and a checkpoint stores no generator state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch

PARALLEL = 1e-6  # sine of the angle below which two latents have the same direction


def derive_seed(*parts: int | str) -> int:
    """Return a 63-bit seed that depends on every part and on their order."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest()) >> 1


class Streams:
    """The random generator of one device, reseeded before each use.

    Args:
        seed: The run's seed, ``train.seed``.
        device: The device of the random numbers.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed = seed
        self.device = device
        self._own = torch.Generator(device)

    def derive_seed(self, stream: str, images: int, *more: int) -> int:
        """Return the seed of (stream, images), for random numbers that are not drawn on the device.

        Args:
            stream: The name of the stream, such as ``weights``; each has random numbers of its own.
            images: Images seen so far.
            more: Further numbers that the seed depends on, such as the rank.
        """
        return derive_seed(self.seed, stream, images, *more)

    def generator(self, stream: str, images: int, *more: int) -> torch.Generator:
        """Return the device's generator, seeded for (stream, images). The next call reseeds the same object."""
        return self._own.manual_seed(self.derive_seed(stream, images, *more))

    def reseed_default(self, stream: str, images: int, *more: int) -> None:
        """Reseed torch's default generator of the device, from which components draw their own random numbers.

        `Generator.manual_seed` changes that one generator; `torch.manual_seed` would reseed every device.
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
    """Seed torch's default generators inside the block, and restore their states afterwards.

    Args:
        seed: The number that the generators are seeded with.
        device: A CUDA device whose generator is seeded as well as the CPU's; by default the CPU's alone.
    """
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed devices that are not restored
        for each in devices:
            default_generator(each).manual_seed(seed)
        yield


def draw_latents(kind: str, generator: torch.Generator, num: int, dim: int) -> torch.Tensor:
    """Draw latents ``[num, dim]`` on the generator's device.

    Args:
        kind: `Networks.latent`: ``normal``, ``uniform`` on [-1, 1), or ``normal+onehotK`` (the last K entries one-hot).
        generator: The source of the random numbers.
        num: The number of latents.
        dim: The length of each latent.
    """
    device = generator.device
    if kind == "uniform":
        return torch.rand(num, dim, generator=generator, device=device) * 2 - 1
    z = torch.randn(num, dim, generator=generator, device=device)
    if kind == "normal":
        return z
    codes = int(kind.removeprefix("normal+onehot"))
    code = torch.randint(codes, (num,), generator=generator, device=device)
    z[:, dim - codes :] = code[:, None] == torch.arange(codes, device=device)  # torch's one_hot reads the codes back
    return z


def restrict_latents(kind: str, moved: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """Return moved latents ``[num, dim]`` as far as latents of this kind can lie there.

    Uniform latents are clipped to [-1, 1]. A one-hot code stays as it was drawn.

    Args:
        kind: `Networks.latent`, as in `draw_latents`.
        moved: The latents after a regularizer moved them.
        drawn: The latents as they were drawn.
    """
    if kind == "uniform":
        return moved.clamp(-1, 1)
    codes = 0 if kind == "normal" else int(kind.removeprefix("normal+onehot"))
    start = drawn.shape[1] - codes
    return torch.cat([moved[:, :start], drawn[:, start:]], 1) if codes else moved


def interpolate_latents(kind: str, start: torch.Tensor, end: torch.Tensor, share: float) -> torch.Tensor:
    """Return latents ``[num, dim]`` that are a share of the way from `start` to `end`.

    Normal latents move on a sphere, along a great circle (Shoemake 1985, Animating rotation with quaternion curves),
    since the middle of a straight way would be too near to 0; their norm changes evenly. Uniform latents move straight.
    One-hot codes are blended: their entries have the sum 1 everywhere.

    Args:
        kind: `Networks.latent`, as in `draw_latents`.
        start: The latents where the ways begin.
        end: The latents where the ways end.
        share: The share of the way, from 0 to 1.
    """
    straight = torch.lerp(start, end, share)
    if kind == "uniform":
        return straight
    codes = 0 if kind == "normal" else int(kind.removeprefix("normal+onehot"))
    cut = start.shape[1] - codes
    first, last = start[:, :cut].double(), end[:, :cut].double()
    size, other = first.norm(dim=1, keepdim=True), last.norm(dim=1, keepdim=True)
    angle = torch.nn.functional.cosine_similarity(first, last)[:, None].clamp(-1, 1).acos()
    ways = ((1 - share) * angle).sin() * first / size + (share * angle).sin() * last / other
    arc = ways / angle.sin() * torch.lerp(size, other, share)
    moved = torch.where(angle.sin() > PARALLEL, arc.to(start), straight[:, :cut])
    return torch.cat([moved, straight[:, cut:]], 1) if codes else moved
