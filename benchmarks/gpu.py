"""On a CUDA device: the engine compared with plain loops of the same precision.

    python benchmarks/gpu.py [--only dcgan,r3gan,penalties,host,memory] [--rounds 5] [--updates 20] [--quick]

- dcgan: DCGAN at 64x64x3, batch 128, in fp32, tf32 and bf16: a plain loop, the engine eager and as CUDA graphs
- r3gan: the CIFAR-10 recipe of R3GAN at batch 128 in bf16, with its exact penalties
- penalties: D's update of r3gan, with and without the penalties
- host: DCGAN at 256x256x3 with the data on the device, and in the host's memory
- memory: the memory of r3gan at batches of 64 and 128, drawn out to the recipe's 512, with and without the activations

Each variant runs in a process of its own, so that none finds the memory of another one taken. Times are between CUDA
events, over `--updates` updates in a row, `--rounds` times. All variants of a work start from the same weights and see
the same images and latents; the losses of the first updates are compared. Without a CUDA device the command prints one
sentence; `--quick --device cpu` makes a few updates of the variants that need none, in this process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from common import compare_losses, compare_target, format_table, parse_arguments, save, summarise, time_call
from workbench import PlainLoop, PlainPenalised, Rounds, Settings, assemble_gan

from ganzoo.compute.device import peak_memory, precision
from ganzoo.data import load
from ganzoo.engine.update import update_discriminator

COMPARED = 3  # updates
CASTS = {"fp32": None, "tf32": None, "bf16": torch.bfloat16}
LIMIT_MS = 0.37 + 0.36  # a round of DCGAN in bf16: 291 GFLOP at 790 TFLOP/s, and 1.5 GB at 4.3 TB/s


@dataclass(frozen=True)
class Work:
    """Variants of one computation.

    Args:
        settings: The settings of all variants.
        quick: The settings of `--quick`, which replace them.
        variants: What each variant is, and the settings that it adds.
        recipe: The named recipe that the settings change, or None.
    """

    settings: Settings
    quick: Settings
    variants: Mapping[str, tuple[str, Settings]]
    recipe: str | None = None


DCGAN: Settings = {
    "arch": "dcgan", "dataset": "noise", "dataset.dtype": "uint8", "dataset.size": 64, "dataset.items": 4096,
    "arch.width": 64, "loss": "bce", "reg": "none", "train.batch": 128, "train.update": "shared",
    "arch.norm_d": "batch",
}  # fmt: skip
R3GAN: Settings = {
    "dataset": "noise", "dataset.dtype": "uint8", "dataset.size": 32, "dataset.items": 4096, "train.batch": 128,
    "train.precision": "bf16",
}  # fmt: skip
QUICK_DCGAN: Settings = {"dataset.size": 16, "arch.width": 8, "train.batch": 8, "dataset.items": 64}
QUICK_R3GAN: Settings = {
    "dataset.size": 8, "dataset.items": 64, "train.batch": 4, "arch.widths": "16,16", "arch.blocks": 1,
    "train.precision": "fp32",
}  # fmt: skip
GRAPH: Settings = {"train.execution": "cuda-graph"}
UNPENALISED: Settings = {"reg": "none"}
RECOMPUTED: Settings = {"train.checkpoint_activations": "true"}
WORKS = {
    "dcgan": Work(
        DCGAN,
        QUICK_DCGAN,
        {
            f"{name} {precision_}": (kind, {"train.precision": precision_, **more})
            for precision_ in CASTS
            for name, kind, more in (("plain", "plain", {}), ("eager", "engine", {}), ("graph", "engine", GRAPH))
        },
    ),
    "r3gan": Work(
        R3GAN,
        QUICK_R3GAN,
        {"plain bf16": ("penalised", {}), "eager bf16": ("engine", {}), "graph bf16": ("engine", GRAPH)},
        "r3gan-cifar10",
    ),
    "penalties": Work(
        R3GAN,
        QUICK_R3GAN,
        {
            f"{how} {what}": ("discriminator", more | also)
            for how, more in (("eager", {}), ("graph", dict(GRAPH)))
            for what, also in (("with", {}), ("without", dict(UNPENALISED)))
        },
        "r3gan-cifar10",
    ),
    "host": Work(
        {**DCGAN, "dataset.size": 256, "dataset.items": 16384, "arch.width": 32, "train.precision": "bf16"},
        QUICK_DCGAN,
        {"on the device": ("engine", GRAPH), "on the host": ("from host", GRAPH)},
    ),
    "memory": Work(
        R3GAN,
        QUICK_R3GAN,
        {
            f"{name} {batch}": ("engine", {"train.batch": batch, **more})
            for name, more in (("stored", {}), ("recomputed", RECOMPUTED))
            for batch in (64, 128)
        },
        "r3gan-cifar10",
    ),
}


# ----------------------------------------------------------------------------
# One variant.


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


class DiscriminatorRounds(Rounds):
    """D's updates alone."""

    def make_round(self) -> dict[str, torch.Tensor]:
        """Make one update of D."""
        stats = update_discriminator(self.gan, self.batches, self.images)
        self.images += self.batches.batch
        return stats

    def losses(self, num: int) -> list[float]:
        """Return D's loss of each of `num` updates."""
        return [float(self()["loss_d"]) for _ in range(num)]


def make(work: Work, name: str, device: torch.device, quick: bool) -> Any:
    """Return a variant, which is called with a number of updates."""
    kind, more = work.variants[name]
    settings = {"train.execution": "eager", **work.settings, **(work.quick if quick else {}), **more}
    if kind == "from host":
        load.SHARE_OF_DEVICE = 0.0
    gan, batches = assemble_gan(settings, device, work.recipe)
    if kind in ("plain", "penalised"):
        loop = PlainLoop if kind == "plain" else PlainPenalised
        chosen = gan.recipe.train.precision
        return InPrecision(loop(gan, batches, CASTS[chosen]), chosen)
    return (DiscriminatorRounds if kind == "discriminator" else Rounds)(gan, batches)


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


def measure_variant(
    work: Work, name: str, device: torch.device, rounds: int, updates: int, quick: bool
) -> dict[str, Any]:
    """Make a variant's updates in this process; return its first losses, its times and its memory."""
    variant = make(work, name, device, quick)
    losses = variant.losses(COMPARED)
    variant(updates)
    clock = time_on_gpu if device.type == "cuda" else time_call
    times = [clock(lambda: variant(updates)) / updates for _ in range(rounds)]
    return {"losses": losses, "seconds": times, "memory": peak_memory(device)}


def measure_apart(work: str, name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure a variant in a process of its own; return the figures, or the error."""
    command = [sys.executable, __file__, "--variant", work, name, "--rounds", str(arguments.rounds)]
    command += ["--updates", str(arguments.updates), *(["--quick"] if arguments.quick else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1][:200]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# ----------------------------------------------------------------------------
# All of a work.


def show(name: str, figures: Mapping[str, dict[str, Any]], batch: int) -> None:
    """Print the times of a work's variants, and whether their losses agree."""
    good = {key: value for key, value in figures.items() if "error" not in value}
    for key in figures.keys() - good.keys():
        print(f"{name}, {key}: {figures[key]['error']}")
    rows: list[tuple[object, ...]] = [(name, "ms/update", "min", "max", "images/s", "GiB")]
    for key, value in good.items():
        ms = {kind: 1000 * seconds for kind, seconds in summarise(value["seconds"]).items()}
        speed = round(1000 * batch / ms["median"])
        rows.append((key, ms["median"], ms["min"], ms["max"], speed, value["memory"] / 2**30))
    print("\n" + format_table(rows), end="\n\n")
    if name in ("dcgan", "r3gan"):
        plain = {key.split()[-1]: key for key in good if key.startswith("plain")}
        pairs = [
            (key, plain[key.split()[-1]], 0.02 if "fp32" in key else 0.1) for key in good if key.split()[-1] in plain
        ]
        compare_losses({key: value["losses"] for key, value in good.items()}, [p for p in pairs if p[0] != p[1]])


def compare(works: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[str]:
    """Return a line for each target."""
    ms = {
        (work, name): 1000 * summarise(value["seconds"])["median"]
        for work, figures in works.items()
        for name, value in figures.items()
        if "error" not in value
    }
    targets = [
        ("dcgan bf16, graph over plain", ("dcgan", "plain bf16"), ("dcgan", "graph bf16"), 4.0, False),
        ("dcgan tf32, graph over plain", ("dcgan", "plain tf32"), ("dcgan", "graph tf32"), 4.0, False),
        ("r3gan bf16, graph over plain", ("r3gan", "plain bf16"), ("r3gan", "graph bf16"), 2.0, False),
        ("D of r3gan, with over without", ("penalties", "graph with"), ("penalties", "graph without"), 2.5, True),
        ("speed from the host's memory", ("host", "on the device"), ("host", "on the host"), 0.95, False),
    ]
    lines = [
        compare_target(title, ms[over] / ms[mine], target, at_most)
        for title, over, mine, target, at_most in targets
        if over in ms and mine in ms
    ]
    if ("dcgan", "graph bf16") in ms:
        share = 100 * LIMIT_MS / ms["dcgan", "graph bf16"]
        lines.append(f"dcgan bf16 reaches {share:.0f} percent of the limit of {LIMIT_MS:g} ms a round (H200, on paper)")
    memory = {name: value["memory"] / 2**30 for name, value in works.get("memory", {}).items() if "memory" in value}
    for kind in ("stored", "recomputed"):
        if {f"{kind} 64", f"{kind} 128"} <= memory.keys():
            small, large = memory[f"{kind} 64"], memory[f"{kind} 128"]
            lines.append(f"r3gan-cifar10, activations {kind}: {large + (large - small) * 6:.0f} GiB at batch 512")
    return lines


def main() -> None:
    """Measure, print tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(WORKS), help="names of works, with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=20, help="in a row, of each variant in each round")
    parser.add_argument("--device", default="cuda", help="cpu: the variants that need no CUDA, with --quick")
    parser.add_argument("--quick", action="store_true", help="tiny networks, two rounds, nothing is kept")
    parser.add_argument("--variant", nargs=2, metavar=("WORK", "NAME"), help="measure one variant, print JSON")
    arguments = parse_arguments(parser)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here: nothing was measured")
        return
    if arguments.quick:
        arguments.rounds, arguments.updates = 2, 2
    device = torch.device(arguments.device)
    rest = (device, arguments.rounds, arguments.updates, arguments.quick)
    if arguments.variant:
        work, name = arguments.variant
        print(json.dumps(measure_variant(WORKS[work], name, *rest)))
        return

    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in arguments.only.split(","):
        work = WORKS[name]
        if device.type == "cuda":
            found[name] = {variant: measure_apart(name, variant, arguments) for variant in work.variants}
        else:
            can = [each for each, (_, more) in work.variants.items() if not {*more.values()} & {"cuda-graph", "bf16"}]
            found[name] = {variant: measure_variant(work, variant, *rest) for variant in can}
        batch = int(str({**work.settings, **(work.quick if arguments.quick else {})}["train.batch"]))
        show(name, found[name], batch)
    for line in compare(found):
        print(line)
    if not arguments.quick:
        figures = {"device": torch.cuda.get_device_name(), "rounds": arguments.rounds, "updates": arguments.updates}
        print(save("gpu", {**figures, "works": found}))


if __name__ == "__main__":
    main()
