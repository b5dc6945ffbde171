"""What measuring costs: the default scores of a 32x32 model, and measurements beside a default training.

    python benchmarks/evaluation.py [--num 10000] [--images 30000] [--quick]

The first figures are seconds of `ganzoo evaluate` with the default metrics on random features, with an empty cache and
with cached features and floors. The last one is the share of a training of dcgan with its defaults that measuring
the Frechet distance at each checkpoint takes: seconds of a measurement, over those of the images between two of them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any

import noise
from common import compare_target, format_table, parse_arguments, save, time_call
from workbench import temporary_runs

import ganzoo

EVERY = 50_000  # images between two checkpoints by default
SECONDS, SHARE = 30, 0.05  # targets


def main() -> None:
    """Measure, print the table, and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=10_000, help="samples of each side")
    parser.add_argument("--images", type=int, default=30_000, help="images of the training")
    parser.add_argument("--quick", action="store_true", help="few samples and images, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        arguments.num, arguments.images = 64, 256
    ganzoo.register(noise)
    with temporary_runs(), tempfile.TemporaryDirectory() as cache:
        os.environ["GANZOO_CACHE"] = cache
        times = measure_evaluation(arguments.num) | {"share of training": measure_training(arguments.images)}
    print("\n" + format_table([("", "seconds or share"), *times.items()]) + "\n")
    print(compare_target(f"{arguments.num} samples, nothing cached", times["nothing cached"], SECONDS, at_most=True))
    print(compare_target("share of a default training", times["share of training"], SHARE, at_most=True))
    if not arguments.quick:
        print(save("evaluation", {"num": arguments.num, "images": arguments.images, "figures": times}))


def measure_evaluation(num: int) -> dict[str, float]:
    """Return the seconds of an evaluation with an empty cache and with a full one."""
    settings: dict[str, Any] = {"dataset.items": 2 * num, "dataset.size": 32, "dataset.dtype": "uint8"}
    run = ganzoo.train(arch="dcgan", dataset="noise", images=64, options=settings, device="cpu", progress=False)

    def evaluate() -> None:
        ganzoo.evaluate(run, extractor="random", num=num, device="cpu")

    return {"nothing cached": time_call(evaluate), "features and floors cached": time_call(evaluate)}


def measure_training(images: int) -> float:
    """Return the share of a default training's time that a measurement at each checkpoint takes."""
    options: dict[str, Any] = {
        "train.grid_every": 10**9,
        "train.checkpoint_every": 10**9,
        "metric.frechet.extractor": "random",
    }
    settings: dict[str, Any] = {"arch": "dcgan", "images": images, "device": "cpu", "progress": False}
    start = time.perf_counter()
    run = ganzoo.train(metric="frechet", options=options, **settings)
    took = time.perf_counter() - start
    rows = [row for row in run.rows() if "images_per_second" in row]
    seconds = rows[-1]["seconds"] if rows else took
    one = time_call(lambda: ganzoo.evaluate(run, "frechet", extractor="random", num=1024, device="cpu"))
    return one / (EVERY * seconds / images)


if __name__ == "__main__":
    main()
