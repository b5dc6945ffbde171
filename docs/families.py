"""What pages say of each architecture: its parameters, its speed, its memory, and pictures that it made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ganzoo.plugin import Architecture, Built, DataInfo
from ganzoo.plugin.options import to_text
from ganzoo.registry import registry
from ganzoo.registry.installed import RegisteredComponent

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
GRIDS = "../benchmarks/results/grids"  # from a page
MIB = 2**20
SHOWN = 5_500  # images


def write_table(*rows: Iterable[object]) -> Iterator[str]:
    """Yield the lines of a table, whose first row is its head; without other rows there is none."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if len(cells) > 1:
        yield from (f"| {' | '.join(row)} |" for row in [cells[0], ["---"] * len(cells[0]), *cells[1:]])
        yield ""


def read_newest(results: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a benchmark's newest file of results, and what it holds."""
    file = max(RESULTS.glob(f"{results}-20*.json"), key=lambda file: file.name)
    return file.name, json.loads(file.read_text(encoding="utf-8"))


# ----------------------------------------------------------------------------
# Pages of families.


def write_costs(names: list[str]) -> Iterator[str]:
    """Yield a table of what architectures cost with their default options, on images of three channels."""
    (speeds, timed), (memory, counted) = read_newest("architectures"), read_newest("memory")
    rows = []
    for name in names:
        found, size = counted["architectures"][name], counted["architectures"][name]["size"]
        g, d = count_parameters(registry().resolve("architecture", name), DataInfo(shape=(3, size, size)))
        speed = timed["architectures"][name]["images_per_second"]["median"]
        held = [f"{found[key] / MIB:,.0f}" for key in ("state", "kept")]
        rows.append((f"`{name}`", f"{size}x{size}", f"{g:,}", f"{d:,}", f"{speed:,.0f}", *held))
    machine = timed["machine"]
    yield from write_table(
        ("architecture", "images of", "parameters of G", "of D", "images a second", "state, MiB", "kept, MiB"), *rows
    )
    yield f"With default options and batches of {counted['batch']}. Speed: `loss=bce` without penalties, in fp32 on"
    yield f"{machine['cores']} cores of an {machine['processor']} (`{speeds}`). Memory (`{memory}`): the state is"
    yield "weights, moments and average; `kept` is the most that gradients need, with the loss and penalties that each"
    yield "recommends. It grows with the batch and with the number of pixels."


def write_grids(names: list[str]) -> Iterator[str]:
    """Yield the pictures of architectures that ``benchmarks/grids.py`` made, each with the command that made it.

    Those of trainings that saw fewer than `SHOWN` images are left out: they show little of what was learned.
    """
    found = json.loads((RESULTS / "grids.json").read_text(encoding="utf-8"))["rows"]
    for name in names:
        for row in found:
            arch, _, rest = row["command"].partition(" --arch ")[2].partition(" ")
            images = int(rest.partition("--images ")[2].split()[0])
            if arch != name or images < SHOWN or not (RESULTS / "grids" / f"{row['picture']}.png").exists():
                continue
            what = rest.split()[1]
            yield f"![{what} of {name}]({GRIDS}/{row['picture']}.png)"
            yield ""
            yield f"`{row['command']}`: {row['seconds']} seconds of one thread ({row['processor']})."
            yield ""


# ----------------------------------------------------------------------------
# The zoo.


def write_speeds() -> Iterator[str]:
    """Yield the speed of each architecture that ``benchmarks/architectures.py`` measured last."""
    name, found = read_newest("architectures")
    machine, measured = found["machine"], found["architectures"]
    settings = next(iter(measured.values()))["settings"]
    where = f"{machine['cores']} cores ({machine['processor']}, `{name}`)"
    chosen = f"`loss={settings['loss']}` and batches of {settings['train.batch']}"
    averages = settings.get("train.ema_half_life") != 0  # results of before have no such setting
    yield f"How fast each trains with its default options, {chosen}"
    yield f"on {where}, beside a plain eager loop of"
    yield "the same networks: the median of many rounds, and the smallest and largest ratio."
    if averages:
        yield "The engine also averages the generator in each update, and the plain loop does not."
    yield ""
    rows = (
        (
            f"[`{name}`](#{name})",
            "x".join([str(each["size"])] * 2),
            f"{each['images_per_second']['median']:,.0f}",
            *(f"{each['ratios'][key]:.2f}" for key in ("median", "min", "max")),
        )
        for name, each in measured.items()
    )
    yield from write_table(
        ("architecture", "images of", "images a second", "times the plain loop", "at least", "at most"), *rows
    )


def write_architecture(entry: RegisteredComponent, use: str) -> Iterator[str]:
    """Yield the section of an architecture.

    Args:
        entry: The architecture.
        use: What it is good for, in words; may be empty.
    """
    spec = entry.spec
    assert isinstance(spec, Architecture)
    yield from (f"### {spec.name}", "", spec.summary, "", f"{spec.paper}.", "")
    if spec.name in PICTURES:
        picture, caption = PICTURES[spec.name]
        yield from (f"![{caption}]({picture})", "", f"{caption}.", "")
    said = {
        "take it for": use,
        "data": ", ".join(spec.modalities),
        "sizes": ", ".join(map(str, spec.sizes)) + " pixels" if spec.sizes else "any",
        "labels": {"never": "it takes none", "optional": "with `--conditional`", "always": "it needs them"}[
            spec.conditional
        ],
        "recommends": ", ".join(f"`{key}={to_text(value)}`" for key, value in spec.recommended.items()),
        "parameters": "; ".join(_describe_parameters(entry, DataInfo(**data)) for data in BUILT_FOR[spec.name]),
        "speed": "; ".join(_read_speed(*each) for each in SPEEDS if each[0] == spec.name),
    }
    yield from write_table(("", ""), *((name, text) for name, text in said.items() if text))


def _describe_parameters(entry: RegisteredComponent, data: DataInfo) -> str:
    """Return in words how many parameters the networks have."""
    g, d = count_parameters(entry, data)
    return f"generator {g:,}, discriminator {d:,} for {'x'.join(map(str, data.shape))}"


def count_parameters(entry: RegisteredComponent, data: DataInfo) -> tuple[int, int]:
    """Return how many parameters the generator and the discriminator have."""
    import torch

    assert isinstance(entry.spec, Built)
    with torch.device("meta"):
        built: Any = entry.build(entry.spec.options(), data)
    g, d = (sum(p.numel() for p in network.parameters()) for network in (built.generator, built.discriminator))
    return g, d


def _read_speed(_: str, words: str, results: str, *path: str | int) -> str:
    """Return a speed that a benchmark measured last, on all cores, on a machine that has instructions for it."""
    for file in sorted(RESULTS.glob(f"{results}-20*.json"), reverse=True):
        speed = json.loads(file.read_text(encoding="utf-8"))
        machine = speed["machine"]
        if machine.get("threads", machine["cores"]) != machine["cores"]:
            continue
        try:
            for part in path:
                speed = speed[part]
            break
        except KeyError:  # a row that was left out there
            continue
    else:
        raise LookupError(f"no result of {results} has {path}")
    per = 1 if isinstance(speed, dict) else 64  # updates of 64 points each are a list
    number = speed["median"] if isinstance(speed, dict) else sorted(speed)[len(speed) // 2]
    return f"{words}: {number * per:,.0f} a second on {machine['cores']} cores, {machine['processor']} (`{file.name}`)"


PICTURES = {
    "dcgan": ("digits.png", "64 digits of `ganzoo train --arch dcgan --loss bce`"),
    "dcgan-tutorial": (
        "tutorial.png",
        "64 digits of `ganzoo train --recipe dcgan-tutorial --dataset digits --batch 32 --images 300000 arch.width=16`",
    ),
    "fastgan": ("fastgan.png", "64 digits of `ganzoo train --arch fastgan --images 20000`"),
    "stylegan3": (
        "stylegan3.png",
        "8 digits of `ganzoo train --arch stylegan3 --images 40000`, and the same digits as their input moves",
    ),
    "mlp": ("ring.png", "2,500 points of `ganzoo sample ganzoo:ring`; the circles are three standard deviations wide"),
}
PEOPLE = [  # a number of two modes that may be missing, and three categories
    {"kind": "number", "name": "age", "weights": [0.7, 0.3], "means": [30.0, 60.0], "stds": [8.0, 5.0], "low": 0.0,
     "high": 100.0, "decimals": 0, "missing": True},
    {"kind": "category", "name": "plan", "categories": ["basic", "plus", "pro"]},
]  # fmt: skip
BUILT_FOR: dict[str, list[dict[str, Any]]] = {
    "biggan": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "biggan-deep": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "dcgan": [{"shape": (1, 32, 32)}, {"shape": (3, 64, 64)}],
    "dcgan-tutorial": [{"shape": (1, 28, 28)}, {"shape": (3, 28, 28)}],
    "hifigan": [{"shape": (1, 8192), "modality": "audio", "label_shape": (80, 32)}],
    "vocos": [{"shape": (1, 16_384), "modality": "audio", "label_shape": (100, 64)}],
    "dac": [{"shape": (1, 16_384), "modality": "audio", "label_shape": (1, 16_384)}],
    "wavegan": [{"shape": (1, 16_384), "modality": "audio"}],
    "gat": [{"shape": (1, 32, 32)}, {"shape": (3, 64, 64)}],
    "ctgan": [{"shape": (7,), "modality": "tabular", "meta": {"columns": PEOPLE}}],
    "char-gan": [{"shape": (69, 32), "modality": "text"}],
    "fastgan": [{"shape": (3, 32, 32)}, {"shape": (3, 256, 256)}],
    "lightweight-gan": [{"shape": (3, 32, 32)}, {"shape": (3, 256, 256)}],
    "one-step": [{"shape": (1, 32, 32)}, {"shape": (3, 64, 64)}],
    "one-step-diffusers": [],  # its networks are those of a folder
    "projected": [],  # it needs timm, and its generator is that of another architecture
    "mlp": [{"shape": (2,), "modality": "points"}],
    "r3gan": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "r3gan-mp": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "sngan": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "pix2pix": [
        {"shape": (3, 64, 64), "label_shape": (3, 64, 64)},
        {"shape": (3, 256, 256), "label_shape": (3, 256, 256)},
    ],
    "cyclegan": [{"shape": (3, 256, 256), "label_shape": (3, 256, 256)}],
    "vqgan": [
        {"shape": (3, 64, 64), "label_shape": (3, 64, 64)},
        {"shape": (3, 256, 256), "label_shape": (3, 256, 256)},
    ],
    "cut": [{"shape": (3, 256, 256), "label_shape": (3, 256, 256)}],
    "progan": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "stylegan2": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "stylegan2-lucidrains": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "stylegan3": [{"shape": (3, 32, 32)}, {"shape": (3, 64, 64)}],
    "rrdb": [{"shape": (3, 64, 64), "label_shape": (3, 16, 16)}],
    "compact": [{"shape": (3, 64, 64), "label_shape": (3, 16, 16)}],
}
SPEEDS: list[tuple[Any, ...]] = [
    ("dcgan", "images of 1x32x32 with the defaults", "costs", "images_per_second"),
    ("dcgan", "images of 3x64x64 with `arch.width=64`", "peers", "images_per_second", "engine fp32"),
    ("dcgan", "the same in bf16", "peers", "images_per_second", "engine bf16"),
    ("mlp", "points", "tiny", "default threads", "updates_per_second", "engine compile"),
    ("r3gan", "images of 3x32x32 with `arch.widths=96`, `train.batch=8`", "r3gan", "images_per_second", "engine fp32"),
    ("r3gan", "the same in bf16", "r3gan", "images_per_second", "engine bf16"),
]
