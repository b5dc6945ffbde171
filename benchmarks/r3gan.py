"""R3GAN at 32x32x3 with R1 and R2 in every update: the engine in bf16 and fp32 compared with a plain loop in fp32.

    python benchmarks/r3gan.py [--rounds 5] [--updates 1] [--batch 64] [--quick] [KEY=VALUE ...]

The plain loop is written without regard to speed: D is not frozen while G is updated, torch's Adam has its defaults,
and images are channels-first. All start from the same weights and see the same images and latents; the losses of the
first updates are compared. The engine updates its averaged generator as well. On a processor without instructions for
bf16 its row is left out, and the target is the one of fp32 alone.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from common import (
    compare_losses,
    compare_target,
    compute_speedup,
    computes_in,
    format_table,
    measure,
    parse_arguments,
    save,
    summarise,
)
from workbench import PlainPenalised, Rounds, assemble_gan, bind_rounds

COMPARED = 3  # updates
TARGETS = {"engine fp32": 1.15, "engine bf16": 1.5}  # times as fast as the plain loop


def main() -> None:
    """Measure, print tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=1, help="in a row, of each in each round")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="tiny networks, two rounds, nothing is kept")
    parser.add_argument("pairs", nargs="*", metavar="KEY=VALUE")
    arguments = parse_arguments(parser)
    rounds, batch = (2, 4) if arguments.quick else (arguments.rounds, arguments.batch)
    settings: dict[str, object] = {
        "arch": "r3gan", "dataset": "noise", "dataset.size": 32, "dataset.items": 256, "loss": "rpgan", "reg": "r1,r2",
        "train.batch": batch, "train.execution": "eager", "train.precision": "fp32",
    }  # fmt: skip
    if arguments.quick:
        settings |= {"dataset.size": 8, "arch.widths": "16,16", "arch.blocks": 1}

    settings |= dict(pair.split("=", 1) for pair in arguments.pairs)

    plain = PlainPenalised(*assemble_gan(settings))
    engines = {"engine fp32": Rounds(*assemble_gan(settings))}
    if computes_in("bf16", "engine bf16"):
        engines["engine bf16"] = Rounds(*assemble_gan({**settings, "train.precision": "bf16"}))
    losses = {"plain": plain.losses(COMPARED)} | {name: engine.losses(COMPARED) for name, engine in engines.items()}
    titles = [f"{network} {step + 1}" for step in range(COMPARED) for network in ("D", "G")]
    print(format_table([("losses", *titles), *((name, *values) for name, values in losses.items())]), end="\n\n")
    differences = compare_losses(losses, [("engine fp32", "plain", 0.002), ("engine bf16", "plain", 0.05)])

    variants: dict[str, Any] = {"plain": plain, **engines}
    times = measure({name: bind_rounds(run, arguments.updates) for name, run in variants.items()}, rounds)
    speeds = {name: summarise([batch * arguments.updates / t for t in values]) for name, values in times.items()}
    ratios = {name: compute_speedup(times, name, "plain") for name in times}
    rows: list[tuple[object, ...]] = [("", "images/s", "over plain", "min", "max")]
    rows += [(n, speeds[n]["median"], r["median"], r["min"], r["max"]) for n, r in ratios.items()]
    print("\n" + format_table(rows), end="\n\n")
    for name, ratio in ratios.items():
        if name in TARGETS:
            print(compare_target(f"{name} over plain fp32", ratio["median"], TARGETS[name]))
    if not arguments.quick:
        figures = {"rounds": rounds, "updates": arguments.updates, "threads": torch.get_num_threads()}
        figures |= {"settings": settings, "losses": losses, "differences": differences}
        print(save("r3gan", {**figures, "images_per_second": speeds, "ratios": ratios}))


if __name__ == "__main__":
    main()
