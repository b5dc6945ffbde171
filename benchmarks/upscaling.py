"""Photographs that are enlarged four times: a small GAN beside the bicubic filter and beside its own stage of pixels.

    python benchmarks/upscaling.py --photos FOLDER [--images 24000] [--file RESULTS.json] [--quick]

FOLDER has photographs, such as those of Debian's mate-backgrounds and lomiri-wallpapers-20.04. They are shrunk so that
the longer side has 1,024 pixels. Every fourth one is not trained on, and what is measured are crops of these. Two
trainings see the same number of images: `l1` minimises the distance of pixels alone, `gan` is the recipe
`compact-upscaling`. A row has the means over all crops: `psnr`, `ssim`, `distance` (by the maps of
SqueezeNet; lower is nearer to the photograph) and `sharpness`, the mean size of differences of neighbouring pixels over
that of the photographs: 1 is as sharp. `seconds` are the training's processor time on one thread. `gan` is trained with
`perceptual`, whose distance is measured, so that number favours it. Some crops are kept as
``results/grids/upscaling.png``: small, bicubic, l1, gan, photograph. `--quick` trains a moment on pictures that it
draws, and keeps nothing.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import RESULTS, Row, format_table, parse_arguments, save_rows
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from workbench import temporary_runs

import ganzoo
from ganzoo.data.load import load_source
from ganzoo.data.source import ArraySource
from ganzoo.layers import Frozen, extractor, perceptual_distance
from ganzoo.recipe.dataset import choose_dataset
from ganzoo.registry import registry

SCALE, CROP = 4, 128  # crops that are measured; those that are trained on have the recipe's size
LONG = 1024  # pixels of the longer side of a photograph
CROPS = 40  # of each photograph that is trained on
SHOWN = 4  # crops in the picture
QUICK = {"images": 64, "crops": 1, "extractor": "random"}
SMALL = {"arch.width": 4, "arch.convs": 1, "arch.width_d": 4, "reg.perceptual.extractor": "random"}


def main() -> None:
    """Train both, measure all, print the table, and keep the rows and a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of photographs, searched with its sub-folders")
    parser.add_argument("--images", type=int, default=24_000, help="of each training")
    parser.add_argument("--crops", type=int, default=8, help="crops of each photograph that are measured")
    parser.add_argument("--file", type=Path, default=RESULTS / f"upscaling-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="drawn pictures, 64 images, nothing is kept")
    parser.set_defaults(extractor="squeezenet")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    elif arguments.photos is None:
        parser.error("give a folder of photographs: --photos FOLDER")
    with temporary_runs() as folder:
        photos = draw_pictures(folder / "drawn") if arguments.quick else arguments.photos
        trained, held = split_photos(photos, folder)
        rows, picture = compare(trained, held, arguments)
    print(format_table([[*rows[0]], *([*row.values()] for row in rows)]))
    if not arguments.quick:
        picture.save(RESULTS / "grids" / "upscaling.png", optimize=True)
        save_rows(arguments.file, rows)


def compare(trained: Path, held: Path, arguments: argparse.Namespace) -> tuple[list[Row], Image.Image]:
    """Return a row for each way to enlarge, and the picture of some crops."""
    large = open_crops(held, arguments.crops)
    small = shrink(large)
    enlarged, seconds = {"bicubic": enlarge(small)}, {"bicubic": 0.0}
    for name in ("l1", "gan"):
        model, seconds[name] = train(name, trained, arguments)
        enlarged[name] = torch.cat([model.translate(part) for part in torch.split(small, 16)])
    look, rows = extractor(arguments.extractor, ganzoo.DataInfo(shape=tuple(large.shape[1:]))), []
    for name, images in {**enlarged, "photographs": large}.items():
        found = measure(images.clamp(-1, 1), large, look)
        rows.append({"": name, **found, "seconds": round(seconds.get(name, 0.0))})
    shown = slice(None, None, max(1, len(large) // SHOWN))
    columns = [interpolate(small, scale_factor=float(SCALE)), *enlarged.values(), large]
    return rows, make_picture([column[shown][:SHOWN] for column in columns])


def train(name: str, photos: Path, arguments: argparse.Namespace) -> tuple[Any, float]:
    """Return a trained model, and the processor's seconds of its training."""
    start, images = time.process_time(), arguments.images
    options: dict[str, Any] = {
        "dataset.path": str(photos), "dataset.crops": 2 if arguments.quick else CROPS, "train.checkpoint_every": 10**9,
        "train.grid_every": 10**9, "train.d_start": images // 5, "train.adversarial_start": images * 2 // 5,
        "optim.g.lr": f"cosine(1e-3, 5e-5, images={images})", "optim.d.lr": f"cosine(2e-4, 2e-5, images={images})",
        **(SMALL if arguments.quick else {}),
    }  # fmt: skip
    if name == "l1":
        options = {key: value for key, value in options.items() if not key.startswith("reg.")}
        options |= {"reg": "l1", "train.d_start": images, "train.adversarial_start": 0}
    run = ganzoo.train(
        recipe="compact-upscaling", images=images, options=options, name=name, device="cpu", threads=1, progress=False
    )
    return ganzoo.load(run, "cpu"), time.process_time() - start


# ----------------------------------------------------------------------------
# Photographs.


def split_photos(photos: Path, folder: Path) -> tuple[Path, Path]:
    """Return two folders of small photographs: those that are trained on, and every fourth one."""
    files = [file for file in sorted(photos.rglob("*")) if file.suffix.lower() in (".jpg", ".jpeg", ".png")]
    parts = {"trained": [file for i, file in enumerate(files) if i % 4], "held": files[::4]}
    for name, chosen in parts.items():
        (folder / name).mkdir()
        for number, file in enumerate(chosen):
            with Image.open(file) as image:
                photo = image.convert("RGB")
            photo.thumbnail((LONG, LONG), Image.Resampling.LANCZOS)
            photo.save(folder / name / f"{number:03d}.png", compress_level=1)
    print(f"{len(parts['trained'])} photographs are trained on, {len(parts['held'])} are held out")
    return folder / "trained", folder / "held"


def open_crops(folder: Path, crops: int) -> Tensor:
    """Return crops of the photographs of a folder, ``[N, 3, CROP, CROP]`` in [-1, 1]."""
    settings = {"dataset": "upscaling", "dataset.path": str(folder), "dataset.size": CROP, "dataset.crops": crops}
    source = load_source(choose_dataset(registry(), settings), torch.device("cpu"), print)
    assert isinstance(source, ArraySource)
    return torch.as_tensor(np.asarray(source.data)).float() / 127.5 - 1


def shrink(large: Tensor) -> Tensor:
    """Return small images with the levels of bytes, shrunk as the dataset `upscaling` does."""
    side = large.shape[-1] // SCALE
    small = interpolate(large, (side, side), mode="bicubic", antialias=True)
    return ((small + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def enlarge(small: Tensor) -> Tensor:
    """Return large images by the bicubic filter."""
    side = small.shape[-1] * SCALE
    return interpolate(small, (side, side), mode="bicubic", antialias=True)


def draw_pictures(folder: Path) -> Path:
    """Write pictures of stripes to a new folder and return it."""
    folder.mkdir()
    rows, columns = np.mgrid[0:160, 0:160]
    for number in range(8):
        waves = [np.sin((rows * np.cos(number + c) + columns * np.sin(number)) / (2 + number)) for c in range(3)]
        Image.fromarray((127.5 + 100 * np.stack(waves, 2)).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


# ----------------------------------------------------------------------------
# What is measured.


@torch.no_grad()
def measure(images: Tensor, large: Tensor, look: Frozen) -> Row:
    """Return the values of enlarged images, against the photographs in the same rows."""
    values: dict[str, float] = {}
    for name in ("psnr", "ssim"):
        metric = ganzoo.create("metric", name, data=ganzoo.DataInfo(shape=tuple(large.shape[1:])))
        metric.pair(large, images, None)
        values |= metric.compute()
    pairs = list(zip(torch.split(images, 16), torch.split(large, 16), strict=True))
    distance = sum(perceptual_distance(look, *pair).item() * len(pair[0]) for pair in pairs) / len(images)
    return {
        **{key: round(value, 3) for key, value in values.items()},
        "distance": round(distance, 4),
        "sharpness": round((measure_edges(images) / measure_edges(large)).item(), 3),
    }


def measure_edges(images: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels."""
    return images.diff(dim=2).abs().mean() + images.diff(dim=3).abs().mean()


def make_picture(columns: list[Tensor]) -> Image.Image:
    """Return a picture with a row for each crop, and a column for each list of images."""
    rows = torch.cat([torch.cat([*column], 1) for column in columns], 2)  # [3, rows, columns]
    pixels = ((rows.clamp(-1, 1) + 1) * 127.5).round().byte()
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())


if __name__ == "__main__":
    main()
