"""Several processes (ranks) that train one GAN: each has a slice of every batch, and gradients are summed.

Each rank has all weights. A part of a total batch is weighted by its share, so the gradients of the ranks add up as
those of micro-batches do. An update has one all-reduce before each optimizer step. Logits that a loss couples over the
batch, or that an augmentation adapts to, are gathered in the order of the total batch.
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
from ganzoo.engine.heartbeat import heartbeats
from ganzoo.errors import GanzooError, UsageError
from ganzoo.runs.launch import Launch

T = TypeVar("T")
# Ranks wait this long for a slow one, since rank 0 alone measures and draws grids. A rank that dies is noticed before:
# by its connections, or by `ganzoo.engine.heartbeat`.
TIMEOUT = timedelta(minutes=30)


class ProcessLost(GanzooError):
    """Another process of the run died, so this one cannot go on."""

    reported = False


class WeightMismatch(GanzooError):
    """The processes of a run have different weights."""


@dataclass(frozen=True)
class World:
    """The processes of a run. Where there is one process, methods return their arguments.

    Args:
        rank: The number of this process, from 0.
        size: The number of processes.
    """

    rank: int = 0
    size: int = 1

    # ------------------------------------------------------------------------
    # In an update.

    def all_reduce(self, gradients: Gradients) -> Gradients:
        """Return the sum of all ranks' gradients, and all ranks' logits, with one all-reduce of one flat buffer.

        Statistics are not summed here, but at a tick. A gradient that is None on this rank is None on all ranks.
        """
        if self.size == 1:
            return gradients
        own = gradients.real_logits
        parts = [gradient for gradient in gradients.values if gradient is not None]
        if own is not None:  # all rows but this rank's are 0, so that the sum has the rows of all ranks
            rows = own.new_zeros(self.size, *own.shape)
            rows[self.rank] = own
            parts.append(rows)
        if not parts:
            return gradients
        flat = torch.cat([part.reshape(-1) for part in parts])
        with _collective():
            dist.all_reduce(flat)
        cut = torch.split(flat, [part.numel() for part in parts])
        summed = iter([piece.view(part.shape).to(part.dtype) for piece, part in zip(cut, parts, strict=True)])
        values = [None if gradient is None else next(summed) for gradient in gradients.values]
        return gradients._replace(values=values, real_logits=None if own is None else next(summed).flatten(0, 1))

    def gather(self, values: Tensor) -> Tensor:
        """Return all ranks' values ``[size * n, ...]`` in the order of the ranks; this rank's own keep their graph.

        Every rank computes the same loss of the total batch and multiplies it by its share, 1 / size. So gradients of
        this rank's own values are multiplied by `size`, and all ranks' gradients add up to those of the loss.
        """
        if self.size == 1:
            return values
        sent = values.detach().contiguous()
        parts = [torch.empty_like(sent) for _ in range(self.size)]
        with _collective():
            dist.all_gather(parts, sent)
        own = values.view_as(values)
        if own.requires_grad:
            own.register_hook(lambda gradient: gradient * self.size)  # type: ignore[no-untyped-call]
        parts[self.rank] = own
        return torch.cat(parts)

    def mean(self, value: Tensor) -> Tensor:
        """Return a tensor's mean over all ranks, with the same bits on each, without a graph."""
        value = value.detach()
        if self.size == 1:
            return value
        total = value.clone()
        with _collective():
            dist.all_reduce(total)
        return total / self.size

    # ------------------------------------------------------------------------
    # Between updates.

    def on_rank0(self, make: Callable[[], T]) -> T:
        """Call `make` on rank 0 alone; return its result, or raise its GanzooError, on every rank."""
        if self.size == 1:
            return make()
        results: list[T | GanzooError | None] = [None]
        if self.rank == 0:
            try:
                results = [make()]
            except GanzooError as error:
                results = [error]
        with _collective():
            dist.broadcast_object_list(results, src=0, device=torch.device("cpu"))
        if isinstance(results[0], GanzooError):
            raise results[0]
        return results[0]  # type: ignore[return-value]

    def gather_objects(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order. A value may be any object that can be pickled."""
        values: list[T] = [value] * self.size
        if self.size > 1:
            with _collective():
                dist.all_gather_object(values, value)
        return values

    def read_on_rank0(
        self, read: Callable[[], tuple[dict[str, Tensor], T] | None]
    ) -> tuple[dict[str, Tensor], T] | None:
        """Call `read` on rank 0 alone; return its result, tensors on the CPU and an object, on every rank.

        The tensors are broadcast. `on_rank0` would serialise them, which takes several times their memory.
        """
        tensors: dict[str, Tensor] = {}

        def read_layout() -> tuple[dict[str, tuple[torch.Size, torch.dtype]], T] | None:
            if (found := read()) is None:
                return None
            tensors.update(found[0])
            return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}, found[1]

        if (sent := self.on_rank0(read_layout)) is None:
            return None
        layout, rest = sent
        if self.rank:
            tensors = {name: torch.empty(shape, dtype=dtype) for name, (shape, dtype) in layout.items()}
        self.broadcast(tensors.values())
        return tensors, rest

    @torch.no_grad()
    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Give tensors, in place, their values on rank 0, with one broadcast for each dtype."""
        by_dtype: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors if self.size > 1 else ():
            by_dtype.setdefault(tensor.dtype, []).append(tensor)
        for group in by_dtype.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in group])
            with _collective():
                dist.broadcast(flat, src=0)
            for tensor, values in zip(group, torch.split(flat, [t.numel() for t in group]), strict=True):
                tensor.copy_(values.view(tensor.shape))

    def sum_stats(self, stats: Mapping[str, float]) -> dict[str, float]:
        """Return the sums of all ranks' statistics, which have the same names on each rank."""
        if self.size == 1 or not stats:
            return dict(stats)
        values = torch.tensor(list(stats.values()), dtype=torch.float64)
        with _collective():
            dist.all_reduce(values)
        return dict(zip(stats, values.tolist(), strict=True))

    def synchronise(self, period: int, stop: bool, parameters: Iterable[Tensor]) -> tuple[int, bool]:
        """Return rank 0's period and whether any rank was asked to stop; check that all ranks have the same weights.

        Args:
            period: This rank's number of images until the next tick.
            stop: Whether this rank was asked to stop.
            parameters: The parameters to compare, bit for bit.

        Raises:
            WeightMismatch: A rank's parameters differ from rank 0's.
        """
        if self.size == 1:
            return period, stop
        mine = torch.tensor([period, int(stop), hash_tensors(parameters)])
        rows = [torch.empty_like(mine) for _ in range(self.size)]
        with _collective():
            dist.all_gather(rows, mine)
        periods, stops, hashes = torch.stack(rows).T.tolist()
        others = [str(rank) for rank, value in enumerate(hashes) if value != hashes[0]]
        if others:
            raise WeightMismatch(
                f"the weights of process {', '.join(others)} differ from those of process 0: resume from the last "
                "checkpoint, on machines of one kind and with the same versions of all packages"
            )
        return periods[0], any(stops)


ALONE = World()


@contextmanager
def process_group(launch: Launch, device: str) -> Iterator[World]:
    """Join the processes that ``torchrun`` started with this one; leave them at the end of the block.

    Only the first process that raises an error reports it, if several raise the same one (`GanzooError.reported`).

    Args:
        launch: The numbers of the processes, from ``torchrun``.
        device: The device, as ``--device`` takes it. With ``auto`` and ``cuda`` each process takes a GPU of its own.

    Raises:
        UsageError: There are fewer GPUs than processes.
        ProcessLost: The other processes cannot be reached.
    """
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda:
        _check_devices(device, launch)
        torch.cuda.set_device(launch.local_rank)
    with _collective("the other processes of the run cannot be reached"):
        store = _start_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    destroy = not cuda  # after an error on CUDA, this would wait for collectives that do not end
    try:
        with heartbeats(store, launch.rank, launch.size):
            yield World(launch.rank, launch.size)
        destroy = True
    except GanzooError as error:
        error.reported = _was_raised(store, error)
        raise
    finally:
        if destroy:
            dist.destroy_process_group()


def _start_group(backend: str) -> PrefixStore:
    """Start the process group and return its store.

    The group has a prefix of its own, since torchrun's store keeps the keys of an earlier group.
    """
    importlib.import_module("torch.distributed.nn")  # a later import would keep the group and its threads
    store, rank, size = next(rendezvous("env://", timeout=TIMEOUT))
    number = (store.add("ganzoo", 1) - 1) // size  # of earlier groups; all ranks join one before any joins the next
    store = PrefixStore(f"ganzoo-{number}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=TIMEOUT)
    return store


def _was_raised(store: PrefixStore, error: GanzooError) -> bool:
    """Return whether another process raised this error before."""
    try:
        return int(store.add(f"error {error}", 1)) > 1
    except RuntimeError:  # the process that has the store is gone
        return False


def _check_devices(device: str, launch: Launch) -> None:
    if ":" in device:
        raise UsageError(f"--device {device}: each of {launch.size} processes takes a GPU of its own: remove --device")
    if max(launch.local_size, launch.local_rank + 1) > (found := torch.cuda.device_count()):
        raise UsageError(f"there are more processes than the {found} GPUs here: use --nproc-per-node {found}")


@contextmanager
def _collective(what: str = "another process of the run died") -> Iterator[None]:
    """Turn torch's error about a broken connection into one sentence."""
    try:
        yield
    except RuntimeError as error:
        reason = re.sub(r"^\[.*?\] *", "", str(error).strip()).partition("\n")[0].partition(". ")[0]
        raise ProcessLost(f"{what} ({reason[:200]})") from error


@torch.no_grad()
def hash_tensors(tensors: Iterable[Tensor]) -> int:
    """Return a 64-bit hash of the bits of all tensors, computed on their device; one flipped bit always changes it.

    The hash is a sum of the elements' bits, weighted by odd numbers that are hashes of the elements' positions.
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
