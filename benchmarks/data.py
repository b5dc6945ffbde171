"""How fast data are read: the second start of a folder of many files, and samples from the packed store beside Pillow.

The rival is what most loops do: a DataLoader of torch with two workers, which open, crop and resize each file with
Pillow in every epoch. Both give shuffled batches of floats in [-1, 1] on the CPU.

python benchmarks/data.py [--files 50000] [--rounds 5] [--quick]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from common import compare_target, compute_speedup, format_table, measure, parse_arguments, save, summarise
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ganzoo.compute.streams import Streams
from ganzoo.data.load import load_source
from ganzoo.data.source import ArraySource, scale
from ganzoo.engine.reals import Reals
from ganzoo.recipe.dataset import choose_dataset
from ganzoo.registry import registry

SIZE, STORED, BATCH, WORKERS = 64, 178, 64, 2  # pixels of samples and of the shorter side of files; the rest in numbers
SECONDS, TIMES = 2.0, 50.0  # the targets: at most, and at least
START = """
import sys, time
sys.path.insert(0, {here!r})
import data
start = time.perf_counter()
source = data.open_folder(sys.argv[1])
next(data.read_store(source, 1))
print(time.perf_counter() - start)
"""


class Pictures(Dataset[torch.Tensor]):
    """The files of a folder, each decoded when it is read."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as file:
            image = file.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div_(127.5).sub_(1)


def write_files(folder: Path, num: int) -> None:
    """Write JPEGs of the size of CelebA's aligned faces, 178x218, in folders of a thousand."""

    def write(number: int) -> None:
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        small = np.random.default_rng(number).integers(0, 256, (14, 11, 3), np.uint8)
        Image.fromarray(small).resize((STORED, 218), Image.Resampling.BICUBIC).save(path, quality=90)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, range(num)))


def open_folder(folder: str) -> ArraySource:
    """Open a folder as a training does; it is packed if it was not before."""
    chosen = choose_dataset(registry(), {"dataset": "folder", "dataset.path": folder, "dataset.size": SIZE})
    source = load_source(chosen, torch.device("cpu"), lambda line: print(line, file=sys.stderr))
    assert isinstance(source, ArraySource)
    return source


def read_store(source: ArraySource, num: int) -> Iterator[torch.Tensor]:
    """Yield shuffled batches of the packed store, as a training reads them."""
    reals = Reals(source, Streams(0, torch.device("cpu")), labelled=False)
    for step in range(num):
        data, _ = reals.read(reals.follow_order(step * BATCH, BATCH))
        assert data is not None
        yield scale(data)


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few files, one round, nothing is kept")
    arguments = parse_arguments(parser)
    files, rounds = (256, 1) if arguments.quick else (arguments.files, arguments.rounds)
    num = 4 if arguments.quick else 32  # batches in a round of the rival
    with tempfile.TemporaryDirectory() as place:
        os.environ["GANZOO_CACHE"] = f"{place}/cache"
        folder = Path(place, "files")
        write_files(folder, files)
        source = open_folder(str(folder))
        command = [sys.executable, "-c", START.format(here=str(Path(__file__).parent)), str(folder)]
        starts = [float(subprocess.check_output(command)) for _ in range(rounds)]
        rival = DataLoader(Pictures(sorted(folder.rglob("*.jpg"))[: num * BATCH]), BATCH, True, num_workers=WORKERS)
        factor = 1 if arguments.quick else 20  # batches of the store for each of the rival, so that both take a while
        variants = {
            "packed store": lambda: [None for _ in read_store(source, num * factor)],
            "Pillow, 2 workers": lambda: [None for _ in rival],
        }
        times = measure(variants, rounds)
    times["packed store"] = [seconds / factor for seconds in times["packed store"]]
    speeds = {name: summarise([num * BATCH / seconds for seconds in values]) for name, values in times.items()}
    speedup, start = compute_speedup(times, "packed store", "Pillow, 2 workers"), summarise(starts)
    rows: list[tuple[object, ...]] = [("images a second", "min", "median", "max")]
    rows += [(name, *values.values()) for name, values in speeds.items()]
    rows += [("times as fast", *speedup.values()), (f"seconds to the first of {files:,}", *start.values())]
    print(format_table(rows))
    print(compare_target("seconds to the first batch", start["median"], SECONDS, at_most=True))
    print(compare_target("times as fast as Pillow", speedup["median"], TIMES))
    if not arguments.quick:
        figures = {"files": files, "rounds": rounds, "speeds": speeds, "speedup": speedup, "start": start}
        print(save("data", figures))


if __name__ == "__main__":
    main()
