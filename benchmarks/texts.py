"""How near generated text is to real text: the recipe `char-gan-short` beside samplers of characters and of pairs.

    python benchmarks/texts.py [--text FILE] [--images N] [--run RUN]

All are compared with windows of the held-out end of the text by the metric `ngram-js`: the Jensen-Shannon divergence of
n-grams, in bits. Lower is better. `real` are windows of the text that is trained on, `characters` draws each character
by itself with its frequency there, and `pairs` each character by the one before it. `seconds` are the training's
processor time on one thread. The text is by default the included one. `--run` scores a run instead of training one.
`--quick` trains for 64 samples and keeps nothing.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, Row, format_table, parse_arguments, save_rows
from torch import Tensor
from workbench import temporary_runs

import ganzoo
from ganzoo_text import SHORT

NUM = 4096  # samples of each contestant, and of the held-out text
SHOWN = 8  # samples that are printed and kept
KEYS = ("1-gram", "2-gram", "3-gram", "4-gram", "seconds")


def main() -> None:
    """Score all contestants, keep the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default="", help="a text file")
    parser.add_argument("--images", type=int, default=SHORT, help="samples that the GAN sees")
    parser.add_argument("--run", help="a run to score, instead of training one")
    parser.add_argument("--file", type=Path, default=RESULTS / f"texts-{datetime.now(UTC):%Y-%m-%d}.json")
    parser.add_argument("--quick", action="store_true", help="64 samples, nothing is kept")
    arguments = parse_arguments(parser)
    torch.set_num_threads(1)
    with temporary_runs():
        start = time.process_time()
        run = arguments.run or train(arguments.text, 64 if arguments.quick else arguments.images)
        seconds = "" if arguments.run else round(time.process_time() - start)
        generator = ganzoo.load(run, "cpu")
    rows, shown = score_all(generator)
    rows[-1] |= {"seconds": seconds, "images": generator.config["images"]}
    if not arguments.quick:
        save_rows(arguments.file, rows, text=Path(arguments.text).name or "alice", shown=shown)
    print(format_table([("", *KEYS), *([row["contestant"], *(row.get(key, "") for key in KEYS)] for row in rows)]))
    print("\n".join(["", *shown]))


def train(text: str, images: int) -> Any:
    """Train the recipe on a text for so many samples; its rates fall for as long."""
    options: dict[str, Any] = {"dataset.path": text, "train.grid_every": 10**9, "train.checkpoint_every": 10**9}
    options |= {f"optim.{network}.lr": f"cosine(2e-3, 2e-5, images={images})" for network in "gd"}
    more = {"recipe": "char-gan-short", "images": images, "options": options}
    return ganzoo.train(**more, device="cpu", threads=1, progress=False)  # type: ignore[arg-type]


def score_all(generator: Any) -> tuple[list[Row], list[str]]:
    """Return the divergence of each contestant to the held-out text, and lines of the generator."""
    options = {**generator.config["recipe"]["dataset"]["options"], "holdout": 0.0}
    splits = ({**options, "split": split} for split in ("train", "held-out"))
    known, held_out = (ganzoo.create("dataset", "text", **split) for split in splits)
    draws, codes = torch.Generator().manual_seed(0), known.codes.long()
    size, length = known.info.shape
    reals = held_out.sample(draws, NUM)[0]
    made = generator.sample_raw(NUM, seed=0)
    contestants = {
        "real": known.sample(draws, NUM)[0],
        "characters": spell(draw_characters(codes, NUM, length, draws), size),
        "pairs": spell(draw_pairs(codes, size, NUM, length, draws), size),
        "char-gan-short": made,
    }
    rows: list[Row] = []
    for name, samples in contestants.items():
        metric = ganzoo.create("metric", "ngram-js", data=known.info)
        metric.real(reals)
        metric.fake(samples)
        rows.append({"contestant": name, **{key: round(value, 4) for key, value in metric.compute().items()}})
    return rows, generator.show(made[:SHOWN])["samples.txt"].decode().splitlines()


def spell(codes: Tensor, size: int) -> Tensor:
    """Return the numbers of characters ``[n, L]`` one-hot, ``[n, size, L]``."""
    return torch.eye(size)[codes].transpose(1, 2)


def draw_characters(codes: Tensor, num: int, length: int, draws: torch.Generator) -> Tensor:
    """Return texts ``[num, length]`` of characters with the frequencies of a text, each drawn by itself."""
    return codes[torch.randint(len(codes), (num, length), generator=draws)]


def draw_pairs(codes: Tensor, size: int, num: int, length: int, draws: torch.Generator) -> Tensor:
    """Return texts ``[num, length]``, each character as often as it follows the one before it in a text.

    The last character of the text is followed by its first one, so that each has one after it.
    """
    counts = torch.bincount(codes * size + codes.roll(-1), minlength=size**2).view(size, size).float()
    columns = [draw_characters(codes, num, 1, draws)[:, 0]]
    while len(columns) < length:
        columns.append(torch.multinomial(counts[columns[-1]], 1, generator=draws)[:, 0])
    return torch.stack(columns, 1)


if __name__ == "__main__":
    main()
