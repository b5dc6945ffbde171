"""How well pix2pix translates emoji of one vendor to those of another, on held-out pairs, beside L1 alone and a copy.

    python benchmarks/translation.py [--images 20000] [--seed 0] [--quick] [KEY=VALUE ...]

It reads the packages emoji-datasource-google and -twitter of npm in the working directory (`npm install
emoji-datasource-google@16 emoji-datasource-twitter@16`). The 1,906 emoji without skin tones that both have are pairs;
190 of them are held out. Three translators are scored on these: the input itself, `pix2pix` by the recipe
`pix2pix-small`, and the same networks as long with the distance alone (`train.d_start` at the end).

- ``l1``: the mean absolute difference from the target, in grey levels of 255.
- ``squeezenet``: the mean squared distance of SqueezeNet's maps, scaled to length 1 at each place.
- ``frechet``: the Frechet distance of all results from all targets on the features of SqueezeNet. The values above ask
  how near each result is to its target; this one asks whether they look alike as sets.
- ``random``: the same distance on the features of a network with random weights, which is about colours and textures.
- ``sharpness``: the mean absolute difference of neighbouring pixels, in multiples of the targets'.

The picture `results/grids/translation.png` has held-out inputs, both translations and targets, one row each.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import RESULTS, format_table, parse_arguments, save
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.evaluate.statistics import Statistics
from ganzoo.layers import Frozen, extractor, perceptual_distance
from ganzoo.plugin import GanzooError, read_image
from ganzoo.samples import grid

SIZE = 64
VENDORS = {"A": "google", "B": "twitter"}
TEN = 10  # one in ten pairs is held out
SHOWN = 12
CONTESTANTS = {"pix2pix": True, "l1 alone": False}  # whether G learns from D too
RECIPE = "pix2pix-small"


def main() -> None:
    """Train both contestants, score them and the copy, print the table, and keep the figures and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few made-up pairs and updates, nothing is kept")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="further settings of both trainings")
    arguments = parse_arguments(parser)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = draw_pairs(folder) if arguments.quick else list(find_pairs(Path.cwd()))
        link_pairs(pairs, folder)
        os.chdir(folder)
        inputs, targets = (read_images(folder / "test" / side) for side in VENDORS)
        found = {"copy": inputs}
        seconds = {"copy": 0.0}
        typed = dict(text.split("=", 1) for text in arguments.settings)
        for contestant, adversarial in CONTESTANTS.items():
            start = time.process_time()
            found[contestant] = train(folder, typed, arguments, inputs, adversarial)
            seconds[contestant] = round(time.process_time() - start)
    scores = {contestant: score(made, targets) for contestant, made in found.items()}
    rows: list[list[object]] = [["", *scores["copy"], "seconds"]]
    rows += [[contestant, *each.values(), seconds[contestant]] for contestant, each in scores.items()]
    print(format_table(rows))
    if not arguments.quick:
        write_picture([inputs, *(found[each] for each in CONTESTANTS), targets])
        facts = {"images": arguments.images, "seed": arguments.seed, "held_out": len(targets)}
        print(save("translation", {**facts, "typed": typed, "scores": scores, "seconds": seconds}))


def train(
    folder: Path, settings: Mapping[str, Any], arguments: argparse.Namespace, inputs: Tensor, adversarial: bool
) -> Tensor:
    """Train a translator, and return what it makes of inputs, in [-1, 1]."""
    images = 16 if arguments.quick else arguments.images
    options = {
        **settings,
        "dataset.path": str(folder / "train"),
        "train.seed": arguments.seed,
        "train.d_start": 0 if adversarial else images,
        "train.checkpoint_every": images,
        "train.grid_every": images,
    }
    run = ganzoo.train(recipe=RECIPE, images=images, options=options, device="cpu", progress=False)
    return ganzoo.load(run, "cpu").translate(inputs)


# ----------------------------------------------------------------------------
# Pairs.


def find_pairs(folder: Path) -> Iterator[tuple[Path, ...]]:
    """Yield the files of each emoji that both vendors drew, in the order of Unicode's list.

    Raises:
        SystemExit: The packages are not in the folder.
    """
    packages = [folder / "node_modules" / f"emoji-datasource-{vendor}" for vendor in VENDORS.values()]
    if missing := [package.name for package in packages if not (package / "emoji.json").is_file()]:
        raise SystemExit(f"the emoji are not here: type `npm install {' '.join(f'{name}@16' for name in missing)}`")
    for entry in json.loads((packages[0] / "emoji.json").read_text(encoding="utf-8")):
        drawn = all(entry[f"has_img_{vendor}"] for vendor in VENDORS.values())
        if entry["category"] != "Component" and drawn:
            name = Path(entry["image"]).name
            yield tuple(
                package / "img" / vendor / "64" / name
                for package, vendor in zip(packages, VENDORS.values(), strict=True)
            )


def draw_pairs(folder: Path) -> list[tuple[Path, ...]]:
    """Write twenty squares and the same squares in other colours, and return their files."""
    random, pairs = np.random.default_rng(0), []
    for number in range(20):
        image = np.full((SIZE, SIZE, 3), 255, np.uint8)
        down, right = random.integers(4, 30, 2)
        image[down : down + 30, right : right + 30] = random.integers(0, 200, 3)
        files = tuple(folder / f"{number}-{side}.png" for side in VENDORS)
        for file, pixels in zip(files, (image, image[..., ::-1]), strict=True):
            Image.fromarray(pixels).save(file)
        pairs.append(files)
    return pairs


def link_pairs(pairs: Iterable[tuple[Path, ...]], folder: Path) -> None:
    """Link the files of pairs in the folders train/A, train/B, test/A and test/B; one in ten is for the test."""
    for number, files in enumerate(pairs):
        part = "test" if number % TEN == TEN - 1 else "train"
        for side, file in zip(VENDORS, files, strict=True):
            target = folder / part / side / f"{number:04d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)


def read_images(folder: Path) -> Tensor:
    """Return the images of a folder in the order of their names, ``[N, 3, SIZE, SIZE]`` in [-1, 1]."""
    files = sorted(folder.iterdir())
    pixels = np.stack([read_image(file.read_bytes(), 3, (SIZE, SIZE), "centre", "") for file in files])
    return torch.from_numpy(pixels).float() / 127.5 - 1


# ----------------------------------------------------------------------------
# Scores.


@torch.inference_mode()
def score(made: Tensor, targets: Tensor) -> dict[str, float]:
    """Return the distances of images ``[N, 3, H, W]`` from their targets, by name."""
    scores, data = {"l1": float((made - targets).abs().mean()) * 127.5}, ganzoo.DataInfo(shape=tuple(made.shape[1:]))
    try:
        look = extractor("squeezenet", data)
        batches = zip(torch.split(made, 32), torch.split(targets, 32), strict=True)
        far = sum(float(perceptual_distance(look, one, other)) * len(one) for one, other in batches)
        scores["squeezenet"] = far / len(made)
        scores["frechet"] = measure_distance(look, made, targets)
    except GanzooError as error:
        print(f"squeezenet is left out: {error}")
        scores |= dict.fromkeys(("squeezenet", "frechet"), float("nan"))
    scores["random"] = measure_distance(extractor("random", data), made, targets)
    scores["sharpness"] = measure_edges(made) / measure_edges(targets)
    return scores


def measure_distance(look: Frozen, made: Tensor, targets: Tensor) -> float:
    """Return the Frechet distance between the features of images ``[N, 3, H, W]``."""
    one, other = Statistics(), Statistics()
    for statistics, images in ((one, made), (other, targets)):
        for part in torch.split(images, 32):
            statistics.add(look(part)["features"])
    return one.measure_distance(other)


def measure_edges(images: Tensor) -> float:
    """Return the mean absolute difference of neighbouring pixels."""
    return float(images.diff(dim=2).abs().mean() + images.diff(dim=3).abs().mean())


def write_picture(rows: list[Tensor]) -> None:
    """Write rows of images, evenly chosen, one below the other."""
    chosen = torch.linspace(0, len(rows[0]) - 1, SHOWN).long()
    images = grid.to_uint8(torch.cat([row[chosen] for row in rows]))
    RESULTS.joinpath("grids").mkdir(parents=True, exist_ok=True)
    grid.tile(images, SHOWN).save(RESULTS / "grids" / "translation.png", optimize=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
