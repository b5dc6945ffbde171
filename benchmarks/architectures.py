"""Each architecture with its default options and BCE: the engine compared with a plain eager loop of the same networks.

    python benchmarks/architectures.py [--archs dcgan,sngan] [--size 32] [--batch 16] [--rounds 41] [--quick]

The plain loop is written without regard to speed: torch's Adam has its defaults, D is not frozen while G is updated,
and images are channels-first. Both start from the same weights and see the same images and latents; the losses of the
first updates are compared. Networks with noise of their own draw other numbers in the two loops. Neither loop averages
the generator. An architecture that is not built for the size is measured at the nearest that it takes.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from common import (
    compare_losses,
    compare_target,
    compute_speedup,
    format_table,
    measure,
    parse_arguments,
    save,
    summarise,
)
from workbench import PlainLoop, Rounds, assemble_gan, bind_rounds

import ganzoo
from ganzoo.errors import GanzooError
from ganzoo.plugin import Architecture

COMPARED = 2  # updates
QUICK = ("dcgan", "sngan")


def main() -> None:
    """Measure one architecture after the other, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    entries = ganzoo.registry().components("architecture")
    specs = {spec.name: spec for spec in (entry.spec for entry in entries) if isinstance(spec, Architecture)}
    images = [name for name, spec in specs.items() if "image" in spec.modalities]
    parser.add_argument("--archs", type=lambda text: text.split(","), default=images)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--quick", action="store_true", help="two architectures, two rounds, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        arguments.archs, arguments.batch, arguments.rounds = QUICK, 4, 2
    figures: dict[str, Any] = {}
    for name in arguments.archs:
        try:
            figures[name] = measure_architecture(specs[name], arguments)
        except GanzooError as error:
            print(f"{name} is left out: {error}")
    rows = [("", "size", "images/s", "over plain", "min", "max")]
    for name, found in figures.items():
        ratio = found["ratios"]
        rows.append(
            (name, found["size"], found["images_per_second"]["median"], ratio["median"], ratio["min"], ratio["max"])
        )
    print("\n" + format_table(rows), end="\n\n")
    for name, found in figures.items():
        print(compare_target(f"{name} over plain", found["ratios"]["median"], 1.0))
    if not arguments.quick:
        print(save("architectures", {"threads": torch.get_num_threads(), "architectures": figures}))


def measure_architecture(spec: Architecture, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the speed of the engine with one architecture, its ratio to the plain loop, and both loops' losses."""
    size = min(spec.sizes or (arguments.size,), key=lambda size: (abs(size - arguments.size), size))
    settings: dict[str, object] = {
        "arch": spec.name, "dataset": "noise", "dataset.size": size, "dataset.items": 256, "loss": "bce", "reg": "none",
        "aug": "none", "train.batch": arguments.batch, "train.update": "shared", "train.execution": "eager",
        "train.precision": "fp32", "train.ema_half_life": 0,
    }  # fmt: skip
    plain, engine = PlainLoop(*assemble_gan(settings)), Rounds(*assemble_gan(settings))
    losses = {"plain": plain.losses(COMPARED), spec.name: engine.losses(COMPARED)}
    differences = compare_losses(losses, [(spec.name, "plain", 0.01)])
    times = measure({"plain": bind_rounds(plain, 1), "engine": bind_rounds(engine, 1)}, arguments.rounds)
    return {
        "size": size,
        "settings": settings,
        "losses": losses,
        "differences": differences,
        "images_per_second": summarise([arguments.batch / seconds for seconds in times["engine"]]),
        "ratios": compute_speedup(times, "engine", "plain"),
    }


if __name__ == "__main__":
    main()
