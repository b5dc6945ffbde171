"""Several processes that train one GAN: each a slice of every batch, their gradients summed.

Each holds all weights. A part of a total batch counts by its share of it, so the ranks' gradients add up like those of
micro-batches do, and one all-reduce before each optimizer step is all that an update asks of the network. What a loss
couples over the batch, or an augmentation goes by, is gathered, in the order in which one process would hold it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from ganzoo.engine.gradients import Gradients
from ganzoo.errors import GanzooError, UsageError
from ganzoo.runs.launch import Launch

T = TypeVar("T")
# A process that dies is noticed at once, by its connections; so long the others wait for one that only dawdles: the
# first measures and draws alone.
PATIENCE = timedelta(minutes=30)


class Lost(GanzooError):
    """Another process of the run died, so this one cannot go on."""


class Disagreement(GanzooError):
    """Processes that must hold the same weights do not."""


@dataclass(frozen=True)
class World:
    """The processes of a run. Where this one is alone, every method returns what it was given.

    Args:
        rank: This one's number.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    # ------------------------------------------------------------------------
    # In an update.

    def total(self, gradients: Gradients) -> Gradients:
        """Return the sum of all ranks' gradients, and all ranks' logits: one all-reduce of one flat buffer.

        Statistics stay this rank's: they are summed at a tick. Where the loss does not depend on a parameter (None),
        it depends on it on no rank.
        """
        if self.size == 1:
            return gradients
        own = gradients.real_logits
        parts = [gradient for gradient in gradients.values if gradient is not None]
        if own is not None:  # zero but for this rank's rows, so that the sum is all of them
            spread = own.new_zeros(self.size, *own.shape)
            spread[self.rank] = own
            parts.append(spread)
        if not parts:
            return gradients
        flat = torch.cat([part.reshape(-1) for part in parts])
        with _collective():
            dist.all_reduce(flat)
        cut = torch.split(flat, [part.numel() for part in parts])
        summed = iter([piece.view(part.shape).to(part.dtype) for piece, part in zip(cut, parts, strict=True)])
        values = [None if gradient is None else next(summed) for gradient in gradients.values]
        return gradients._replace(values=values, real_logits=None if own is None else next(summed).flatten(0, 1))

    def whole(self, logits: Tensor) -> Tensor:
        """Return all ranks' logits ``[size * n, P]``; gradients flow to this rank's own, as of all ranks' losses.

        Every rank computes the same loss of the whole batch and counts it for its share, 1 / size; so what flows to its
        own logits is multiplied by `size`, and the ranks' gradients add up to the loss's.
        """
        if self.size == 1:
            return logits
        parts = list(self.gather(logits).chunk(self.size))
        own = logits.view_as(logits)
        if own.requires_grad:
            own.register_hook(lambda gradient: gradient * self.size)  # type: ignore[no-untyped-call]
        parts[self.rank] = own
        return torch.cat(parts)

    def gather(self, values: Tensor) -> Tensor:
        """Return all ranks' values ``[size * n, ...]`` in their order, without a graph."""
        if self.size == 1:
            return values
        values = values.detach().contiguous()
        parts = [torch.empty_like(values) for _ in range(self.size)]
        with _collective():
            dist.all_gather(parts, values)
        return torch.cat(parts)

    def mean(self, value: Tensor) -> Tensor:
        """Return a tensor's mean over all ranks, the same bits on each, without a graph."""
        value = value.detach()
        if self.size == 1:
            return value
        total = value.clone()
        with _collective():
            dist.all_reduce(total)
        return total / self.size

    # ------------------------------------------------------------------------
    # Around them.

    def first(self, make: Callable[[], T]) -> T:
        """Return what `make` returns on rank 0, where alone it is called."""
        if self.size == 1:
            return make()
        held: list[T | None] = [make() if self.rank == 0 else None]
        with _collective():
            dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return held[0]  # type: ignore[return-value]

    @torch.no_grad()
    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Give tensors, in place, the values that they have on rank 0: one broadcast for each dtype."""
        by_dtype: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors if self.size > 1 else ():
            by_dtype.setdefault(tensor.dtype, []).append(tensor)
        for held in by_dtype.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in held])
            with _collective():
                dist.broadcast(flat, src=0)
            for tensor, values in zip(held, torch.split(flat, [t.numel() for t in held]), strict=True):
                tensor.copy_(values.view(tensor.shape))

    def sum(self, stats: Mapping[str, float]) -> dict[str, float]:
        """Return the sums of what all ranks measured, which have the same names on each."""
        if self.size == 1 or not stats:
            return dict(stats)
        values = torch.tensor(list(stats.values()), dtype=torch.float64)
        with _collective():
            dist.all_reduce(values)
        return dict(zip(stats, values.tolist(), strict=True))

    def agree(self, period: int, stop: bool, parameters: Iterable[Tensor]) -> tuple[int, bool]:
        """Return rank 0's period, and whether any rank is to stop.

        Raises:
            Disagreement: A rank's parameters are not, bit for bit, those of rank 0.
        """
        if self.size == 1:
            return period, stop
        mine = torch.tensor([period, int(stop), digest(parameters)])
        rows = [torch.empty_like(mine) for _ in range(self.size)]
        with _collective():
            dist.all_gather(rows, mine)
        periods, stops, digests = torch.stack(rows).T.tolist()
        others = [str(rank) for rank, value in enumerate(digests) if value != digests[0]]
        if others:
            raise Disagreement(
                f"the processes of the run hold different weights ({', '.join(others)} not those of 0): start them on "
                "machines alike and with the same versions, and go on from the last checkpoint"
            )
        return periods[0], any(stops)


ALONE = World()


@contextmanager
def joined(launch: Launch, device: str) -> Iterator[World]:
    """Join the processes that ``torchrun`` started with this one, while the block runs.

    Args:
        launch: What ``torchrun`` said.
        device: As ``--device`` takes it; of ``auto`` and ``cuda`` each process takes one GPU of its machine.

    Raises:
        UsageError: There are fewer GPUs than processes.
        Lost: The others cannot be reached.
    """
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda:
        _check_devices(device, launch)
        torch.cuda.set_device(launch.local_rank)
    with _collective("the other processes of the run cannot be reached"):
        _start_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    orderly = not cuda  # else, where collectives are under way, the end of the group would wait for them
    try:
        yield World(launch.rank, launch.size)
        orderly = True
    finally:
        if orderly:
            dist.destroy_process_group()


def _start_group(backend: str) -> None:
    """Start the process group, under a name of its own: `torchrun` keeps what the one before it left in the store."""
    importlib.import_module("torch.distributed.nn")  # else imported later: it keeps the group, threads and all
    store, rank, size = next(rendezvous("env://", timeout=PATIENCE))
    number = (store.add("ganzoo", 1) - 1) // size  # of meetings before this one: none begins before all are in the last
    store = PrefixStore(f"ganzoo-{number}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)


def _check_devices(device: str, launch: Launch) -> None:
    if ":" in device:
        raise UsageError(f"--device {device}: {launch.size} processes take a GPU each: leave --device away")
    if launch.local_rank >= (found := torch.cuda.device_count()):
        raise UsageError(f"more processes than GPUs: there are {found} here, use --nproc-per-node {found}")


@contextmanager
def _collective(what: str = "another process of the run died") -> Iterator[None]:
    """Turn what torch says of a broken connection into a sentence."""
    try:
        yield
    except RuntimeError as error:
        said = re.sub(r"^\[.*?\] *", "", str(error).strip()).partition("\n")[0].partition(". ")[0]
        raise Lost(f"{what} ({said[:200]})") from error


@torch.no_grad()
def digest(tensors: Iterable[Tensor]) -> int:
    """Return 64 bits of the bits of all tensors, computed where they lie; a flipped bit always changes them.

    A sum of the elements' bits, weighted by odd numbers that a hash of their positions yields.
    """
    sums = []
    for number, tensor in enumerate(tensors):
        bits = tensor.detach().reshape(-1).view(torch.uint8)
        if bits.numel() % 4 == 0:
            bits = bits.view(torch.int32)
        hashes = torch.arange(bits.numel(), device=bits.device).add_(number << 40).mul_(-7046029254386353131)
        weights = hashes.bitwise_xor_(hashes >> 29).mul_(-4658895280553007687).bitwise_or_(1)
        sums.append(weights.mul_(bits).sum())
    return int(torch.stack(sums).sum()) if sums else 0
