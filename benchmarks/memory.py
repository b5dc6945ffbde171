"""What training an architecture keeps in memory: its state, and what the gradients of an update need.

    python benchmarks/memory.py [--archs dcgan,sngan] [--size 32] [--batch 16] [--quick]

Each architecture is trained for two rounds with what it recommends, eagerly and in fp32. The state is the weights, the
optimizers' moments and the averaged generator. `kept` is the most that autograd keeps at a time for gradients; it grows
with the batch and with the number of pixels. Both are counted, so they are the same on every machine. The process
itself, the images and the scratch space of single operations come on top. An architecture that is not built for the
size is measured at the nearest that it takes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from common import format_table, parse_arguments, save
from torch import Tensor
from workbench import Rounds, Settings, assemble_gan

import ganzoo
from ganzoo.errors import GanzooError
from ganzoo.plugin import Architecture

MIB = 2**20
QUICK = ("dcgan", "mlp")


def main() -> None:
    """Measure one architecture after the other, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    entries = ganzoo.registry().components("architecture")
    specs = {spec.name: spec for spec in (entry.spec for entry in entries) if isinstance(spec, Architecture)}
    images = [name for name, spec in specs.items() if "image" in spec.modalities]
    parser.add_argument("--archs", type=lambda text: text.split(","), default=images)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--quick", action="store_true", help="two architectures, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        arguments.archs = QUICK
    figures: dict[str, Any] = {}
    for name in arguments.archs:
        try:
            figures[name] = measure_memory(specs[name], arguments.size, arguments.batch)
        except GanzooError as error:
            print(f"{name} is left out: {error}", flush=True)
    rows = [(name, found["size"], found["state"] / MIB, found["kept"] / MIB) for name, found in figures.items()]
    print("\n" + format_table([("", "size", "state MiB", "kept MiB"), *rows]))
    if not arguments.quick:
        print(save("memory", {"batch": arguments.batch, "architectures": figures}))


def measure_memory(spec: Architecture, size: int, batch: int) -> dict[str, Any]:
    """Return the size of the images, and the bytes of the state and of what is kept for gradients."""
    size = min(spec.sizes or (size,), key=lambda other: (abs(other - size), other))
    settings: dict[str, object] = {
        "arch": spec.name, "dataset": "noise", "dataset.size": size, "dataset.items": 4 * batch, "aug": "none",
        "train.batch": batch, "train.execution": "eager", "train.precision": "fp32",
    }  # fmt: skip
    return {"size": size, **count_memory(settings)}


def count_memory(settings: Settings) -> dict[str, Any]:
    """Return the parameters of G and of D, and the bytes of the state and of what is kept for gradients."""
    gan, batches = assemble_gan(settings)
    rounds, saved = Rounds(gan, batches), SavedTensors(gan.tensors())
    with saved:
        rounds(2)  # lazy terms are in the first one
    parameters = [sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator)]
    return {"parameters": parameters, "state": count_bytes(gan.state()[0].values()), "kept": saved.most}


def count_bytes(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of tensors; memory that several share counts once."""
    return sum({each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}.values())


class SavedTensors(torch.autograd.graph.saved_tensors_hooks):
    """Counts what autograd keeps for gradients inside the block; `most` is the most at a time, in bytes.

    Args:
        state: Tensors that are kept anyway, and do not count.
    """

    def __init__(self, state: Iterable[Tensor]) -> None:
        super().__init__(self.keep, lambda held: held.tensor)
        self.others = {each.untyped_storage().data_ptr() for each in state}
        self.users: Counter[int] = Counter()
        self.now = self.most = 0

    def keep(self, tensor: Tensor) -> _Held:
        """Count a tensor that autograd keeps, unless its memory is counted already."""
        return _Held(self, tensor)

    def add(self, tensor: Tensor, sign: int) -> None:
        """Note one use more (1) or less (-1) of a tensor's memory."""
        storage = tensor.untyped_storage()
        place = storage.data_ptr()
        if place in self.others:
            return
        before = self.users[place]
        self.users[place] += sign
        if before == 0 or self.users[place] == 0:
            self.now += sign * storage.nbytes()
            self.most = max(self.most, self.now)


class _Held:
    """A tensor that autograd keeps, until it needs it no longer."""

    def __init__(self, counter: SavedTensors, tensor: Tensor) -> None:
        self.counter, self.tensor = counter, tensor.detach()  # torch restores its history; with it, this is a circle
        counter.add(tensor, 1)

    def __del__(self) -> None:
        self.counter.add(self.tensor, -1)


if __name__ == "__main__":
    main()
