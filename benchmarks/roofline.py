"""The speed of DCGAN's update at 64x64x3, in percent of the machine's measured convolution peak.

    python benchmarks/roofline.py [--rounds 5] [--updates 2] [--quick]

The peak is the speed of the fastest of DCGAN's own convolutions, forward in channels-last, repeated in the same round
as the update. Its gradients and products of square matrices are measured as well: they show what is out of reach. The
operations of an update are counted by hand: a convolution needs as many multiply-adds forward as for the gradient of
its input and for that of its weights. The time of an update is printed by operator too. The target is 75 percent in
fp32 on every processor. A precision that the processor has no instructions for is left out: a line says how slow one
convolution is in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from common import compare_target, computes_in, format_table, measure, parse_arguments, save, summarise, time_call
from torch.nn import functional as F
from workbench import Rounds, assemble_gan, bind_rounds

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
TARGET = 75.0  # percent of the fp32 convolution peak
UPDATE = "the update"
ROWS = 14  # rows of the profile


class Shape(NamedTuple):
    """A convolution of 4x4 kernels: `fine` channels at `size` pixels a side and `coarse` ones at half that.

    The discriminator goes from fine to coarse, the generator back, with the same multiply-adds.
    """

    fine: int
    coarse: int
    size: int

    def operations(self, batch: int) -> int:
        """Return the floating-point operations of one pass; at 4x4, the coarse side is a single pixel."""
        pixels = (self.size // 2) ** 2 if self.size > 4 else 1
        return 2 * batch * pixels * self.fine * self.coarse * 16


def list_shapes(size: int, width: int, channels: int = 3) -> list[Shape]:
    """Return D's convolutions from the image down; G's are these backwards, but for z in place of the logit."""
    halvings = size.bit_length() - 3
    widths = [channels, *(width * 2**level for level in range(halvings))]
    return [*(Shape(fine, coarse, size >> level) for level, (fine, coarse) in enumerate(pairwise(widths)))]


def count_operations(size: int, width: int, z_dim: int, batch: int) -> dict[str, int]:
    """Return the operations of one update of D and G with the same samples (``train.update=shared``), by part.

    D sees the real and the generated samples, and the generated ones again for G. In D's update its first layer needs
    no gradient by the input; in G's update D's weights need none. G's first layer needs no gradient by z.
    """
    shapes = list_shapes(size, width)
    body = [shape.operations(batch) for shape in shapes]
    top = shapes[-1].coarse
    d_layers, g_layers = [*body, Shape(top, 1, 4).operations(batch)], [Shape(top, z_dim, 4).operations(batch), *body]
    d, g = sum(d_layers), sum(g_layers)
    return {
        "G forward": g,
        "D on real and fake, forward": 2 * d,
        "D on real and fake, gradients of the inputs": 2 * (d - d_layers[0]),
        "D on real and fake, gradients of the weights": 2 * d,
        "D for G, forward": d,
        "D for G, gradients of the inputs": d,
        "G, gradients of the inputs": g - g_layers[0],
        "G, gradients of the weights": g,
    }


# ----------------------------------------------------------------------------
# The peak.


def make_kernels(
    size: int, width: int, batch: int, sides: list[int], dtype: torch.dtype
) -> dict[str, tuple[int, Callable[[], Any]]]:
    """Return the operations and the call of each kernel, by name; the fastest convolution forward is the peak."""
    found: dict[str, tuple[int, Callable[[], Any]]] = {}
    for side in sides:
        a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
        found[f"product {side}"] = 2 * side**3, partial(torch.matmul, a, b)
    for shape in list_shapes(size, width):
        x = torch.randn(batch, shape.fine, shape.size, shape.size).to(dtype, memory_format=torch.channels_last)
        w = torch.randn(shape.coarse, shape.fine, 4, 4).to(dtype, memory_format=torch.channels_last)
        name = f"convolution {shape.fine} to {shape.coarse} at {shape.size}"
        found[name] = shape.operations(batch), partial(F.conv2d, x, w, stride=2, padding=1)
        slope = torch.ones_like(found[name][1]())
        for index, of in enumerate(("inputs", "weights")):
            asked = [index == 0, index == 1, False]
            form = ([2, 2], [1, 1], [1, 1], False, [0, 0], 1, asked)
            call = partial(torch.ops.aten.convolution_backward, slope, x, w, None, *form)
            found[f"gradients of {of}, {shape.fine} to {shape.coarse} at {shape.size}"] = shape.operations(batch), call
    return found


def measure_emulation(size: int, width: int, batch: int, dtype: torch.dtype) -> float:
    """Return how many times as long as in float32 D's second convolution takes, forward, in a type."""
    name = "convolution {0.fine} to {0.coarse} at {0.size}".format(list_shapes(size, width)[1])
    seconds = [
        min(time_call(repeat(make_kernels(size, width, batch, [], each)[name][1], 1)) for _ in range(3))
        for each in (dtype, torch.float32)
    ]
    return seconds[0] / seconds[1]


def repeat(call: Callable[[], Any], num: int) -> Callable[[], None]:
    """Return a function that makes `num` bind_rounds, without gradients."""

    def run() -> None:
        with torch.no_grad():
            for _ in range(num):
                call()

    return run


def measure_speeds(
    work: dict[str, tuple[int, Callable[[], Any]]], engine: Rounds, total: int, updates: int, rounds: int
) -> dict[str, list[float]]:
    """Return the GFLOP/s of each kernel and of the update in each round. A kernel is repeated for about 20 GFLOP."""
    repeats = {name: max(1, min(50, int(20e9 / operations))) for name, (operations, _) in work.items()}
    variants: dict[str, Callable[[], object]] = {n: repeat(call, repeats[n]) for n, (_, call) in work.items()}
    times = measure({**variants, UPDATE: bind_rounds(engine, updates)}, rounds)
    done = {name: operations * repeats[name] for name, (operations, _) in work.items()} | {UPDATE: total * updates}
    return {name: [done[name] / seconds / 1e9 for seconds in values] for name, values in times.items()}


# ----------------------------------------------------------------------------
# The update.


def profile_update(rounds: Rounds) -> list[tuple[str, float, int]]:
    """Return the operators of one update: name, percent of the update's time, number of calls; the slowest first."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        rounds(1)
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    return [(event.key, 100 * event.self_cpu_time_total / total, event.count) for event in events[:ROWS]]


def main() -> None:
    """Measure, print tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=2, help="in a row, in each round")
    parser.add_argument("--quick", action="store_true", help="tiny networks, one round, nothing is kept")
    arguments = parse_arguments(parser)
    size, width, batch, rounds, sides = 64, 64, 64, arguments.rounds, [1024, 2048, 4096]
    if arguments.quick:
        size, width, batch, rounds, sides = 16, 8, 8, 1, [64]

    parts = count_operations(size, width, 100, batch)
    total = sum(parts.values())
    print(
        format_table(
            [("operations of an update", "GFLOP"), *((n, v / 1e9) for n, v in parts.items()), ("sum", total / 1e9)]
        )
    )

    figures: dict[str, Any] = {"operations": parts}
    for precision, dtype in PRECISIONS.items():
        if not computes_in(precision, precision):
            figures[precision] = {"emulated": measure_emulation(size, width, batch, dtype)}
            print(f"a convolution in it takes {figures[precision]['emulated']:.1f} times as long as in fp32")
            continue
        settings = {
            "arch": "dcgan", "dataset": "noise", "reg": "none", "train.update": "shared", "train.execution": "eager",
            "dataset.size": size, "arch.width": width, "train.batch": batch, "train.precision": precision,
            "dataset.items": 2 * batch, "arch.norm_d": "batch",
        }  # fmt: skip
        engine = Rounds(*assemble_gan(settings))
        work = make_kernels(size, width, batch, sides, dtype)
        found = measure_speeds(work, engine, total, arguments.updates, rounds)
        convolutions = [values for name, values in found.items() if name.startswith("convolution")]
        peaks = [max(values) for values in zip(*convolutions, strict=True)]
        percent = summarise([100 * mine / peak for mine, peak in zip(found[UPDATE], peaks, strict=True)])
        reached = {name: summarise(values) for name, values in found.items()}
        rows = profile_update(engine)
        title = (f"{precision}, GFLOP/s", "min", "median", "max")
        print("\n" + format_table([title, *((name, *values.values()) for name, values in reached.items())]))
        print("\n" + format_table([("operator", "percent", "calls"), *rows]))
        print(f"\n{precision}: {percent['median']:.1f} percent of the best convolution of the same round (median)")
        figures[precision] = {"gflops": reached, "percent_of_convolution_peak": percent, "profile": rows}
    reached_percent = figures["fp32"]["percent_of_convolution_peak"]["median"]
    print(compare_target("percent of the fp32 convolution peak", reached_percent, TARGET))
    if not arguments.quick:
        print(save("roofline", {"rounds": rounds, "threads": torch.get_num_threads(), **figures}))


if __name__ == "__main__":
    main()
