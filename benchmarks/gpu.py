"""On a CUDA device: the engine, eager and as CUDA graphs, compared with a plain loop, in fp32, tf32 and bf16.

    python benchmarks/gpu.py [--rounds 5] [--updates 20] [--quick]

DCGAN at 64x64x3 with batch 128, and R3GAN with the settings of its CIFAR-10 recipe, batch 512, bf16. Times are measured
between CUDA events, over `--updates` updates in a row. All start from the same weights and see the same images and
latents; the losses of the first updates are compared. Without a CUDA device the command prints one sentence.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from common import compare_losses, compare_target, compute_speedup, format_table, measure, save, summarise
from workbench import PlainLoop, PlainPenalised, Rounds, Settings, assemble_gan, bind_rounds

from ganzoo.compute.device import precision

COMPARED = 3  # updates
CASTS = {"fp32": None, "tf32": None, "bf16": torch.bfloat16}
DCGAN: Settings = {
    "arch": "dcgan", "dataset": "noise", "dataset.size": 64, "dataset.items": 4096, "arch.width": 64, "loss": "bce",
    "reg": "none", "train.batch": 128, "train.update": "shared", "arch.norm_d": "batch",
}  # fmt: skip
R3GAN: Settings = {"dataset": "noise", "dataset.size": 32, "dataset.items": 4096, "train.batch": 512}
QUICK_DCGAN: Settings = {"dataset.size": 16, "arch.width": 8, "train.batch": 8, "dataset.items": 64}
QUICK_R3GAN: Settings = {"dataset.size": 32, "dataset.items": 64, "train.batch": 4, "arch.widths": "16,16,16,16"}


def time_on_gpu(run: Callable[[], object]) -> float:
    """Return the seconds between CUDA events around a call."""
    event: Any = torch.cuda.Event
    start, end = event(enable_timing=True), event(enable_timing=True)
    start.record()
    run()
    end.record()
    end.synchronize()
    milliseconds: float = start.elapsed_time(end)
    return milliseconds / 1000


class InPrecision:
    """A plain loop whose products are computed in a precision."""

    def __init__(self, loop: PlainLoop | PlainPenalised, name: str) -> None:
        self.loop, self.name = loop, name

    def __call__(self, num: int) -> None:
        """Make `num` updates."""
        with precision(self.name):
            self.loop(num)

    def losses(self, num: int) -> list[float]:
        """Return the losses of `num` updates."""
        with precision(self.name):
            return self.loop.losses(num)


def make_dcgan(device: torch.device, more: Settings) -> dict[str, Any]:
    """Return the variants of DCGAN."""
    variants: dict[str, Any] = {}
    for name, cast in CASTS.items():
        settings = {**DCGAN, **more, "train.precision": name}
        plain = PlainLoop(*assemble_gan({**settings, "train.execution": "eager"}, device), cast)
        variants[f"plain {name}"] = InPrecision(plain, name)
        for execution in ("eager", "cuda-graph"):
            variants[f"{execution} {name}"] = Rounds(*assemble_gan({**settings, "train.execution": execution}, device))
    return variants


def make_r3gan(device: torch.device, more: Settings) -> dict[str, Any]:
    """Return the variants of R3GAN, in bf16."""
    settings = {**R3GAN, **more, "train.precision": "bf16"}
    plain = assemble_gan({**settings, "train.execution": "eager"}, device, "r3gan-cifar10")
    variants: dict[str, Any] = {"plain bf16": InPrecision(PlainPenalised(*plain, torch.bfloat16), "bf16")}
    for execution in ("eager", "cuda-graph"):
        gan = assemble_gan({**settings, "train.execution": execution}, device, "r3gan-cifar10")
        variants[f"{execution} bf16"] = Rounds(*gan)
    return variants


def run(title: str, variants: dict[str, Any], base: str, batch: int, rounds: int, updates: int) -> dict[str, Any]:
    """Compare the losses, measure, print a table and return the figures."""
    torch.cuda.reset_peak_memory_stats()
    losses = {name: variant.losses(COMPARED) for name, variant in variants.items()}
    differences = compare_losses(losses, [(n, base, 0.02 if n.endswith("fp32") else 0.1) for n in losses if n != base])
    times = measure({name: bind_rounds(variant, updates) for name, variant in variants.items()}, rounds, time_on_gpu)
    speeds = {name: summarise([batch * updates / t for t in values]) for name, values in times.items()}
    ratios = {name: compute_speedup(times, name, base) for name in times}
    rows: list[tuple[object, ...]] = [(title, "ms/update", "images/s", f"over {base}", "min", "max")]
    for name, ratio in ratios.items():
        speed = speeds[name]["median"]
        rows.append((name, 1000 * batch / speed, speed, ratio["median"], ratio["min"], ratio["max"]))
    print("\n" + format_table(rows), end="\n\n")
    memory = torch.cuda.max_memory_allocated() / 2**20
    figures = {"losses": losses, "differences": differences, "images_per_second": speeds, "ratios": ratios}
    return {**figures, "peak_memory_mib_of_all": memory}


def main() -> None:
    """Measure, print tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=20, help="in a row, of each in each round")
    parser.add_argument("--quick", action="store_true", help="tiny networks, two rounds, nothing is kept")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no CUDA device here: nothing was measured")
        return
    device, rounds, updates = torch.device("cuda", torch.cuda.current_device()), arguments.rounds, arguments.updates
    if arguments.quick:
        rounds, updates = 2, 2

    small: Settings = QUICK_DCGAN if arguments.quick else {}
    large: Settings = QUICK_R3GAN if arguments.quick else {}
    batch = int(str({**DCGAN, **small}["train.batch"]))
    one = run("dcgan", make_dcgan(device, small), "plain fp32", batch, rounds, updates)
    torch.cuda.empty_cache()
    batch = int(str({**R3GAN, **large}["train.batch"]))
    other = run("r3gan-cifar10", make_r3gan(device, large), "plain bf16", batch, rounds, max(1, updates // 5))
    ratios = one["ratios"]
    print(compare_target("dcgan, engine fp32 over plain fp32", ratios["cuda-graph fp32"]["median"], 1.2))
    print(compare_target("dcgan, engine bf16 over plain fp32", ratios["cuda-graph bf16"]["median"], 2.0))
    if not arguments.quick:
        figures = {"device": torch.cuda.get_device_name(device), "rounds": rounds, "updates": updates}
        print(save("gpu", {**figures, "dcgan": one, "r3gan-cifar10": other}))


if __name__ == "__main__":
    main()
