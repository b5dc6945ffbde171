"""Batches that are read ahead from the host's memory, in a thread, and copied to the device beside its work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from ganzoo.compute.device import CAPTURE_LOCK, copy_to_device

Stored = tuple[Tensor | None, Tensor | None]  # samples and their labels, as they are stored


class Prefetcher:
    """Reads the next batch in a thread, while the device computes with the present one.

    The thread copies to a CUDA device on a stream of its own, so that the copy runs beside the kernels of an update.
    The stream that uses a batch waits for the copy; the host does not.

    Args:
        read: A pure function from a position to its batch in the host's memory, which is pinned for a CUDA device.
        stride: The distance from one position to the next.
        device: The device of the batches.
    """

    def __init__(self, read: Callable[[int], Stored], stride: int, device: torch.device) -> None:
        self.read, self.stride, self.device = read, stride, device
        self.stream: Any = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self.pool = ThreadPoolExecutor(1, "ganzoo-fetch")
        self.coming: dict[int, Future[tuple[Stored, Any]]] = {}

    def __call__(self, position: int) -> Stored:
        """Return the batch at a position, and start to fetch the next one."""
        wanted = {each: self.coming.get(each) for each in (position, position + self.stride)}
        self.coming = {each: future or self.pool.submit(self._fetch, each) for each, future in wanted.items()}
        batch, copied = self.coming[position].result()
        if copied is not None:
            user = torch.cuda.current_stream(self.device)
            user.wait_event(copied)
            for tensor in batch:
                if tensor is not None:
                    tensor.record_stream(user)  # its memory is free for other copies only after `user` has read it
        return batch

    def _fetch(self, position: int) -> tuple[Stored, Any]:
        """Return a batch on the device, and the event of its copy on a CUDA device."""
        stored = self.read(position)
        if self.stream is None:
            return copy_stored(stored, self.device), None
        with CAPTURE_LOCK, torch.cuda.stream(self.stream):
            return copy_stored(stored, self.device), self.stream.record_event()


def copy_stored(stored: Stored, device: torch.device) -> Stored:
    """Return stored samples and their labels on a device."""
    data, labels = (None if values is None else copy_to_device(values, device) for values in stored)
    return data, labels
