"""Quality over time beside public code: the Frechet distance of the bundled digits while three programs train.

    python benchmarks/peer_curves.py [--seconds 180] [--every 10] [--seeds 0,1,2] [--threads 2] [--ours digits]

`plain` is the loop of pytorch/examples and `torchgan` the Trainer of that package, both with DCGAN's networks of width
64 and with Adam(2e-4, 0.5, 0.999), at 32x32. `plain 32` is `plain` with ganzoo's width. `--ours` names recipes of the
zoo, or ``ARCH-LOSS`` for the defaults of that pair, trained by the whole loop of a run. Each trains for `--every`
seconds at a time by the wall's clock, in turn, so that a machine that becomes slower is slower for all; scoring is not
counted. Samples are scored by digit_scores.py: `fd` in multiples of the score of real digits, and `coverage`. Schedules
of a recipe follow the images that its speed, measured before, allows in the whole time. The last lines compare the time
to twice the floor. The rows of a seed are saved together in the day's results (or in --file), and seeds that are saved
already are not made again, so the command can be stopped and started at any time. Where torchgan cannot be imported, a
line says so.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from common import RESULTS, Row, compare_target, format_table, load_rows, parse_arguments, save_rows
from digit_scores import Scores, make_scorer
from peers import Torchgan
from torch import Tensor, nn
from workbench import PlainLoop, assemble_gan, training_loop

from ganzoo.plugin import extract_samples
from ganzoo.registry import registry

BASE: dict[str, object] = {
    "arch": "dcgan", "dataset": "digits", "loss": "bce", "reg": "none", "train.execution": "eager", "arch.width": 64,
    "arch.norm_d": "batch", "train.batch": 64, "train.precision": "fp32", "optim.g.lr": 2e-4, "optim.d.lr": 2e-4,
}  # fmt: skip
WARM, TIMED = 4, 12  # updates that find a recipe's speed
LEVEL, TARGET = 2.0, 3.0  # multiples of the floor, and how many times sooner ours is to have it
SHARE = 0.9  # of the images that the measured speed promises
QUICK: dict[str, Any] = {"seconds": 1.0, "every": 0.5, "seeds": [0], "ours": ["dcgan-bce"], "quick": True}
Sampler = Callable[[int], Tensor]


class Contestant(NamedTuple):
    """A training: a function that makes updates, one that draws samples, and one that says whether it is finished."""

    update: Callable[[int], object]
    sample: Sampler
    is_finished: Callable[[], bool] = lambda: False


def main() -> None:
    """Train all side by side, keep the curves, print them and the times to twice the floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0, help="of each training, by the wall's clock")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two scores")
    parser.add_argument("--seeds", type=lambda text: [*map(int, text.split(","))], default=[0, 1, 2])
    parser.add_argument("--ours", type=lambda text: text.split(","), default=["digits", "dcgan-bce"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--file", type=Path, default=RESULTS / f"peer-curves-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="a second of each, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    torch.set_num_threads(arguments.threads)
    rows: list[Row] = [] if arguments.quick else load_rows(arguments.file)
    num, score = make_scorer(size=32)
    for seed in arguments.seeds:
        if not any((row["seed"], row["seconds"]) == (seed, arguments.seconds) for row in rows):
            rows += train_beside(arguments, seed, num, score)
            if not arguments.quick:
                save_rows(arguments.file, rows, threads=arguments.threads)
    print_curves(rows)


def train_beside(arguments: argparse.Namespace, seed: int, num: int, score: Callable[[Tensor], Scores]) -> list[Row]:
    """Train all for the same time, in turn; return a row for each with its scores over time."""
    with ExitStack() as stack:
        contestants = dict(open_all(arguments, seed, stack))
        rows: dict[str, Row] = {
            name: {"contestant": name, "seed": seed, "seconds": arguments.seconds, "curve": []} for name in contestants
        }
        spent, updates = dict.fromkeys(contestants, 0.0), dict.fromkeys(contestants, 0)
        while min(spent.values()) < arguments.seconds:
            for name, contestant in contestants.items():
                goal = min(spent[name] + arguments.every, arguments.seconds)
                while spent[name] < goal and not contestant.is_finished():
                    start = time.perf_counter()
                    contestant.update(1)
                    spent[name], updates[name] = spent[name] + time.perf_counter() - start, updates[name] + 1
                spent[name] = max(spent[name], goal)
                found = score(contestant.sample(num).clamp(-1, 1))
                point = [round(spent[name], 1), updates[name], round(found["fd"], 3), round(found["coverage"], 3)]
                rows[name]["curve"].append(point)
                print(format_table([[name, seed, *point]]), flush=True)
    return list(rows.values())


def open_all(arguments: argparse.Namespace, seed: int, stack: ExitStack) -> Iterator[tuple[str, Contestant]]:
    """Yield the contestants by name."""
    quick: dict[str, object] = {"arch.width": 8} if arguments.quick else {}
    own: dict[str, object] = {"train.seed": seed, "train.threads": arguments.threads}
    base = {**BASE, **quick, "train.seed": seed}
    for name in arguments.ours:
        yield name, open_ours(name, {**quick, **own}, arguments.seconds, stack)
    for name, settings in (("plain", base), ("plain 32", base | {"arch.width": 32} | quick)):
        gan, batches = assemble_gan({**settings, "train.update": "shared"})
        yield name, Contestant(PlainLoop(gan, batches), make_sampler(gan.generator, gan.networks.latent_dim))
    try:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peer = Torchgan(base, folder)
        yield "torchgan", Contestant(peer, make_sampler(peer.fed.generator, peer.fed.gan.networks.latent_dim))
    except Exception as error:  # an import of an old package may raise anything
        print(f"torchgan is not measured: {type(error).__name__}: {str(error).splitlines()[0]}")


def open_ours(name: str, settings: dict[str, object], seconds: float, stack: ExitStack) -> Contestant:
    """Return a run's whole loop for a recipe, or for ``ARCH-LOSS``, whose schedules fit the time."""
    specs = {entry.spec.name: entry.spec for entry in registry().components("recipe")}
    own: Any = getattr(specs.get(name), "settings", {})
    recipe = name if own else None
    if not recipe:
        arch, _, loss = name.partition("-")
        settings = settings | {"arch": arch, "loss": loss, "dataset": "digits"}
    with ExitStack() as short:
        loop = short.enter_context(training_loop(settings, recipe))
        batch = loop.gan.recipe.train.batch
        loop(WARM)
        start = time.perf_counter()
        loop(TIMED)
        images = batch * max(1, round(SHARE * seconds * TIMED / (time.perf_counter() - start)))
    length, following = f"images={own.get('train.images')})", f"images={images})"
    fitted = {key: text.replace(length, following) for key, text in own.items() if isinstance(text, str)}
    schedules = {key: text for key, text in fitted.items() if text.endswith(following)}
    loop = stack.enter_context(training_loop(settings | schedules | {"train.images": images}, recipe))
    networks = loop.gan.averaged_networks
    sample = make_sampler(networks.generator, networks.latent_dim)
    return Contestant(loop, sample, lambda: loop.images >= images)


def make_sampler(generator: nn.Module, latent_dim: int) -> Sampler:
    """Return a function that draws samples of a generator in eval mode."""

    @torch.no_grad()
    def sample(num: int) -> Tensor:
        modes = generator.training
        z = torch.randn(num, latent_dim, generator=torch.Generator().manual_seed(0))
        parts: list[Any] = [generator.eval()(part) for part in torch.split(z, 128)]
        generator.train(modes)
        return torch.cat([extract_samples(part) for part in parts])

    return sample


# ----------------------------------------------------------------------------
# Curves.


def print_curves(rows: list[Row]) -> None:
    """Print the median distance and coverage over the seeds at each time, and when each has twice the floor."""
    names = list(dict.fromkeys(row["contestant"] for row in rows))
    curves = {name: [row["curve"] for row in rows if row["contestant"] == name] for name in names}
    lines = [
        [step[0][0], *(f"{median(p[2] for p in at):.2f} ({median(p[3] for p in at):.2f})" for at in points)]
        for points in zip(*(list(zip(*each, strict=False)) for each in curves.values()), strict=False)
        for step in [points[0]]
    ]
    print("\nfd in multiples of the floor, and coverage\n" + format_table([["seconds", *names], *lines]) + "\n")
    reached = {name: median(find_time(curve) for curve in each) for name, each in curves.items()}
    print(format_table([[f"seconds to {LEVEL:g} times the floor", *names], ["", *map(float, reached.values())]]))
    ours = names[0]
    for name in ("plain", "plain 32", "torchgan"):
        if name in reached:
            longest = max(row["seconds"] for row in rows)
            ratio = min(reached[name], longest) / reached[ours]
            words = f"time to {LEVEL:g} times the floor, {name} / {ours}"
            print(compare_target(words + (" (at least)" if reached[name] > longest else ""), ratio, TARGET))


def find_time(curve: list[list[float]]) -> float:
    """Return the seconds after which a curve is at the level for the first time; infinity if it never is."""
    return next((point[0] for point in curve if point[2] <= LEVEL), math.inf)


if __name__ == "__main__":
    main()
