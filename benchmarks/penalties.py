"""Exact penalties: convolutions by ganzoo's formula and by torch's, and what is kept and computed again for gradients.

    python benchmarks/penalties.py [--rounds 9] [--batch 8] [--quick]

- counted without computing: the convolutions of D's update of r3gan-cifar10 with R1 and R2, and the bytes an image that
  autograd holds when the loss is known, with and without `train.checkpoint_activations`
- layers: the gradient of a penalty by the weights of one layer, torch's formula against ganzoo's
- update: D's update of r3gan at 32x32x3 on one thread, by torch's formula, by ganzoo's, and with activations computed
  again

Times are seconds of one thread's own computing, so that other programs on the machine count little.
"""

from __future__ import annotations

import argparse
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from common import compute_speedup, format_table, measure, parse_arguments, save, summarise
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from workbench import add_noise, assemble_gan

from ganzoo.compute.convolution import direct_second_derivatives
from ganzoo.engine.recomputation import find_blocks, recomputed
from ganzoo.engine.update import update_discriminator
from ganzoo.layers import input_gradients
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "3x3": (partial(nn.Conv2d, 64, 64, 3, padding=1), (16, 64, 32, 32)),
    "1x1": (partial(nn.Conv2d, 64, 128, 1), (16, 64, 32, 32)),
    "3x3 in groups of 16": (partial(nn.Conv2d, 1536, 1536, 3, padding=1, groups=96), (4, 1536, 8, 8)),
    "3x3 depthwise": (partial(nn.Conv2d, 128, 128, 3, padding=1, groups=128), (16, 128, 16, 16)),
    "4x4 with stride 2": (partial(nn.Conv2d, 64, 128, 4, 2, 1), (16, 64, 32, 32)),
    "4x4 transposed": (partial(nn.ConvTranspose2d, 128, 64, 4, 2, 1), (16, 128, 16, 16)),
}
LAYOUTS = {"": torch.contiguous_format, ", channels-last": torch.channels_last}
RECIPE = "r3gan-cifar10"


def main() -> None:
    """Count and measure, print tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="less of everything; nothing is kept")
    arguments = parse_arguments(parser)
    rounds = 2 if arguments.quick else arguments.rounds
    torch.set_num_threads(1)
    add_noise()

    figures: dict[str, Any] = {"rounds": rounds, "batch": arguments.batch}
    figures["counted"] = {} if arguments.quick else {"torch's formula": count(nullcontext(), again=False)}
    figures["counted"] |= {
        "ganzoo's formula": count(direct_second_derivatives(), again=False),
        "and activations computed again": count(direct_second_derivatives(), again=True),
    }
    rows: list[tuple[object, ...]] = [(f"{RECIPE}, D's update", "convolutions", "MiB an image")]
    print(format_table(rows + [(name, *values) for name, values in figures["counted"].items()]), end="\n\n")

    layers = dict(list(LAYERS.items())[:1]) if arguments.quick else LAYERS
    figures["layers"] = {
        name + title: compare_layer(make(), shape, layout, rounds)
        for title, layout in LAYOUTS.items()
        for name, (make, shape) in layers.items()
    }
    rows = [("torch's time over ganzoo's", "min", "median", "max")]
    print(format_table(rows + [(name, *values.values()) for name, values in figures["layers"].items()]), end="\n\n")

    figures["update"] = compare_updates(2 if arguments.quick else arguments.batch, 8 if arguments.quick else 32, rounds)
    rows = [("D's update, speed over torch's formula", "min", "median", "max")]
    print(format_table(rows + [(name, *values.values()) for name, values in figures["update"].items()]))
    if not arguments.quick:
        print(save("penalties", figures))


# ----------------------------------------------------------------------------
# Counted.


class Convolutions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts convolutions and gradients of convolutions."""

    num = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count and run an operator."""
        self.num += func.overloadpacket.__name__ in ("convolution", "convolution_backward")
        return func(*args, **(kwargs or {}))


class Saved:
    """A tensor that autograd saved."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def count(formula: AbstractContextManager[None], again: bool, batch: int = 8) -> tuple[int, float]:
    """Return the convolutions of D's update of the recipe, and the MiB an image held when its loss is known."""
    saved: weakref.WeakSet[Saved] = weakref.WeakSet()

    def pack(tensor: Tensor) -> Saved:
        holder = Saved(tensor)
        saved.add(holder)
        return holder

    arch = resolve(registry(), recipe=RECIPE, pairs={"dataset": "noise"}).arch
    with FakeTensorMode(), Convolutions() as convolutions:  # type: ignore[no-untyped-call]
        network = arch.build(DataInfo(shape=(3, 32, 32))).discriminator
        samples = [torch.empty(batch, 3, 32, 32, requires_grad=True) for _ in ("real", "fake")]
        with recomputed(find_blocks(network) if again else {}), saved_tensors_hooks(pack, lambda one: one.tensor):
            logits = [network(each).logits for each in samples]
            loss = nn.functional.softplus(logits[1] - logits[0]).mean()
            for each in zip(logits, samples, strict=True):
                loss = loss + input_gradients(*each).square().sum()
        storages = {one.tensor.untyped_storage()._cdata: one.tensor.untyped_storage().nbytes() for one in saved}
        weights = {parameter.untyped_storage()._cdata for parameter in network.parameters()}
        held = sum(size for place, size in storages.items() if place not in weights)
        with formula:
            torch.autograd.grad(loss, list(network.parameters()))
    return convolutions.num, held / batch / 2**20


# ----------------------------------------------------------------------------
# Measured.


def time_thread(run: Callable[[], object]) -> float:
    """Return the seconds that this thread computed in a call."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


def compare_layer(
    layer: nn.Module, shape: tuple[int, ...], layout: torch.memory_format, rounds: int
) -> dict[str, float]:
    """Return torch's time over ganzoo's for the gradient of a layer's penalty by its weights."""
    layer.to(memory_format=layout)  # type: ignore[call-overload]
    x = torch.randn(shape).contiguous(memory_format=layout).requires_grad_()
    y = nn.functional.leaky_relu(layer(x), 0.2)
    penalty = input_gradients(y.square().flatten(1), x).square().sum()

    def differentiate(formula: Callable[[], AbstractContextManager[None]]) -> None:
        with formula():
            torch.autograd.grad(penalty, list(layer.parameters()), retain_graph=True)

    formulas: dict[str, Callable[[], AbstractContextManager[None]]]
    formulas = {"torch": nullcontext, "ganzoo": direct_second_derivatives}
    times = measure({name: partial(differentiate, formula) for name, formula in formulas.items()}, rounds, time_thread)
    return compute_speedup(times, "ganzoo", "torch")


def compare_updates(batch: int, size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the speed of D's update of r3gan with R1 and R2 over that with torch's formula."""
    settings = {
        "arch": "r3gan", "dataset": "noise", "dataset.size": size, "dataset.items": 64, "reg": "r1,r2",
        "train.batch": batch, "train.execution": "eager", "train.precision": "fp32",
    }  # fmt: skip
    usual, again = (assemble_gan({**settings, "train.checkpoint_activations": value}) for value in (False, True))

    def update_by_torch() -> None:
        with patch("ganzoo.engine.gan.direct_second_derivatives", nullcontext):
            update_discriminator(*usual, 0)

    variants: dict[str, Callable[[], object]] = {
        "torch's formula": update_by_torch,
        "ganzoo's formula": partial(update_discriminator, *usual, 0),
        "and activations computed again": partial(update_discriminator, *again, 0),
    }
    times = measure(variants, rounds, time_thread)
    seconds = {name: summarise(values)["median"] for name, values in times.items()}
    print(", ".join(f"{name} {1000 * value:.0f} ms" for name, value in seconds.items()), end="\n\n")
    return {name: compute_speedup(times, name, "torch's formula") for name in times}


if __name__ == "__main__":
    main()
