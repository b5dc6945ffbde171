"""Whether every architecture trains with every loss and every term: the whole product of the zoo, on tiny networks.

    python benchmarks/combinations.py [--archs dcgan,sngan] [--losses bce] [--shard 0/4] [--updates 20]
        [--executions eager,compile] [--quick]

For each architecture and loss, each regularizer is trained alone, and the loss without any: 20 updates of both networks
on random images of the smallest size that the architecture takes. Then each architecture is trained once more as it
recommends itself, with compiled updates; where there is no C++ compiler they are only traced. A combination is refused
if `ganzoo train` refuses it, with the sentence that it prints. It has failed if an error comes, or a number that is not
finite. A term that reads classes gets them.

A row is saved as soon as all terms of an architecture and a loss were tried. What a saved row has is not tried again,
and terms that came later are added to it, so the command can be stopped and started at any time. `--shard 1/4` takes
the second quarter of the rows, and keeps them in a file of its own.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from unittest.mock import patch

import torch
from common import RESULTS, Row, format_table, load_rows, parse_arguments, save_rows
from torch import nn
from workbench import Rounds, assemble_gan

from ganzoo.engine import execution
from ganzoo.errors import UsageError
from ganzoo.plugin import Architecture, Regularizer
from ganzoo.plugin.options import list_options
from ganzoo.registry import registry

BATCH, SIZE, UPDATES = 2, 8, 20
NETWORKS = ("discriminator", "generator")
SMALL: dict[str, dict[str, object]] = {  # options of architectures whose defaults take long
    "biggan": {"width_g": 8, "width_d": 8, "init": "normal", "spectral_g": False},
    "biggan-deep": {"width_g": 8, "width_d": 8, "init": "normal", "spectral_g": False, "norm_d": "none"},
    "dcgan": {"width": 8},
    "dcgan-tutorial": {"width": 8},
    "fastgan": {"width": 2, "spectral_g": False},
    "gat": {"width": 8, "depth": 2, "heads": 1},
    "lightweight-gan": {"channel_max": 8, "z_dim": 8, "head_width": 1},
    "mlp": {"width": 16, "depth": 2},
    "progan": {"channel_max": 8, "z_dim": 8},
    "r3gan": {"blocks": 1, "group_width": 4, "widths": 8},
    "r3gan-mp": {"blocks": 1, "group_width": 4, "widths": 8},
    "sngan": {"width_g": 8, "width_d": 8},
    "stylegan2": {"channel_max": 8, "z_dim": 8, "w_dim": 8, "group": 2},
    "stylegan2-lucidrains": {"channel_max": 8, "z_dim": 8},
    "stylegan3": {"channel_max": 8, "z_dim": 8, "w_dim": 8, "group": 2, "layers": 4},
}
PROJECTION: dict[str, object] = {"train.conditional": True}  # D gets the classes
LAZY = ("r1", "r2", "path-length")  # terms that some architectures recommend every few updates only
HEAD = {**PROJECTION, "arch.projection": False}  # the head of a term gets them
QUICK = {"archs": ["mlp"], "losses": ["bce"], "executions": ["eager"], "updates": 2}


def main() -> None:
    """Try what was not tried yet, keep each row, print the table and the sentences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", type=lambda text: text.split(","), default=list_ours("architecture"))
    parser.add_argument("--losses", type=lambda text: text.split(","), default=list_ours("loss"))
    parser.add_argument("--executions", type=lambda text: text.split(","), default=["eager", "compile"])
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--shard", default="0/1", help="NUMBER/COUNT: only these rows")
    parser.add_argument("--file", type=Path, help="where the rows are kept")
    parser.add_argument("--quick", action="store_true", help="one architecture and one loss, nothing is kept")
    arguments = parse_arguments(parser)
    if arguments.quick:
        vars(arguments).update(QUICK)
    number, count = map(int, arguments.shard.split("/"))
    name = f"combinations-{datetime.now(UTC):%Y-%m-%d}" + (f"-{number}-of-{count}" if count > 1 else "")
    file = arguments.file or RESULTS / f"{name}.json"
    rows = [] if arguments.quick else load_rows(file)
    known = {(row["arch"], row["loss"], row["execution"]): row for row in rows if row["updates"] >= arguments.updates}
    for index, key in enumerate(list_rows(arguments.archs, arguments.losses, arguments.executions)):
        row = known.get(key) or make_row(*key, arguments.updates)
        if index % count != number or not (terms := list_missing_terms(row)):
            continue
        start = time.process_time()
        try_terms(row, terms) if row["execution"] == "eager" else try_compiled(row)
        row["seconds"] = round(row["seconds"] + time.process_time() - start, 1)
        print(format_table([[*key, *summarise(row)]]), flush=True)
        if key not in known:
            rows.append(row)
        if not arguments.quick:
            save_rows(file, rows)
    print_table(rows)


def list_rows(
    archs: Iterable[str], losses: Iterable[str], executions: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield architecture, loss and execution of each row; the last rows are compiled, with the recommended loss."""
    way = "compile" if any(map(shutil.which, ("g++", "clang++"))) else "trace"
    if "eager" in executions:
        yield from ((arch, loss, "eager") for loss in losses for arch in archs)
    if "compile" in executions:
        yield from ((arch, "recommended", way) for arch in archs)


def list_ours(kind: str) -> list[str]:
    """Return the names of the components of this distribution that take random images and need no package of their own.

    Architectures that always take labels are left out, as they translate images or sounds; and those of sounds alone.
    """
    return [
        entry.spec.name
        for entry in registry().components(kind)
        if entry.plugin.distribution == "ganzoo"
        and not getattr(entry.spec, "requires", ())
        and getattr(entry.spec, "conditional", "") != "always"
        and (not isinstance(entry.spec, Architecture) or "image" in entry.spec.modalities)
    ]


def make_row(arch: str, loss: str, way: str, updates: int) -> Row:
    """Return a row without any term yet."""
    row: Row = {"arch": arch, "loss": loss, "execution": way, "updates": updates}
    return row | {"trained": [], "refused": {}, "failed": {}, "seconds": 0.0}


def list_missing_terms(row: Row) -> list[str]:
    """Return the terms that a row has not tried; of a compiled row, "recommended" is the only one."""
    terms = ["none", *list_ours("regularizer")] if row["execution"] == "eager" else ["recommended"]
    return [term for term in terms if not any(term in row[key] for key in ("trained", "refused", "failed"))]


def try_terms(row: Row, terms: Iterable[str]) -> None:
    """Train a row's architecture and loss with each of the terms; enter which trained, were refused and failed."""
    for term in terms:
        chosen = [] if term == "none" else [term]
        try:
            words = train(row["arch"], row["loss"], chosen, row["updates"], choose_classes(term))
        except Exception as error:  # whatever it is, the other terms are tried
            row["failed"][term] = f"{type(error).__name__}: {error}"[:300]
            continue
        if words:
            row["refused"][term] = words
        else:
            row["trained"].append(term)


def choose_classes(term: str) -> Mapping[str, object]:
    """Return the settings with which a term gets the classes that it reads; none if it reads none."""
    spec = None if term == "none" else registry().resolve("regularizer", term).spec
    if not isinstance(spec, Regularizer) or not spec.classes:
        return {}
    return PROJECTION if "class-logits" in spec.needs else HEAD


def try_compiled(row: Row) -> None:
    """Train a row's architecture with what it recommends, compiled or only traced; enter whether all was recorded."""
    try:
        with traced_only() if row["execution"] == "trace" else nullcontext():
            words = train(row["arch"], None, None, row["updates"], {"train.execution": "compile"})
    except Exception as error:
        words = f"{type(error).__name__}: {error}"[:300]
    if words:
        row["failed"]["recommended"] = words
    else:
        row["trained"].append("recommended")


@contextmanager
def traced_only() -> Iterator[None]:
    """Pieces of updates that are traced and not compiled inside the block: the trace is replayed as it is."""
    with patch.object(execution, "compile_graph", lambda graph, inputs: graph):
        yield


# ----------------------------------------------------------------------------
# One combination.


def train(
    arch: str, loss: str | None, terms: list[str] | None, updates: int, more: Mapping[str, object] | None = None
) -> str:
    """Train a combination and check its numbers; return the sentence with which it is refused, or ''.

    Args:
        arch: The architecture.
        loss: The loss; None for the one that the architecture recommends.
        terms: The regularizers; None for those that the architecture recommends.
        updates: Updates of each network.
        more: Further settings by key. Those of options that the architecture does not have are left out.

    Raises:
        ArithmeticError: A statistic or a parameter is not finite.
        LookupError: A term was not measured.
        RuntimeError: A piece could not be recorded.
    """
    lines: list[str] = []
    try:
        gan, batches = assemble_gan(make_settings(arch, loss, terms, more or {}), notify=lines.append)
    except UsageError as error:
        return str(error)
    if lines:
        raise RuntimeError(lines[0])
    rounds = Rounds(gan, batches)
    for _ in range(updates):
        stats = rounds()
        if strange := [name for name, value in stats.items() if not value.isfinite()]:
            raise ArithmeticError(f"not finite: {', '.join(strange)}")
    if lines:
        raise RuntimeError(lines[0])
    learners = [term for term in gan.regularizers.values() if isinstance(term, nn.Module)]
    for network in (gan.generator, gan.discriminator, gan.ema.network, *learners):
        for name, parameter in network.named_parameters():
            if not parameter.isfinite().all():
                raise ArithmeticError(f"not finite: {name}")
    keys = [f"reg.{name}/{key[0]}" for name, term in gan.regularizers.items() for key in NETWORKS if hasattr(term, key)]
    if loss is not None and (missing := {"loss_d", "loss_g", *keys} - stats.keys()):
        raise LookupError(f"not measured: {', '.join(sorted(missing))}")
    return ""


def make_settings(
    arch: str, loss: str | None, terms: list[str] | None, more: Mapping[str, object]
) -> dict[str, object]:
    """Return the settings of a combination: the smallest networks and images, and each term in each update."""
    spec = registry().resolve("architecture", arch).spec
    assert isinstance(spec, Architecture)
    known, options = list_options(spec.options), dict(SMALL.get(arch, {}))
    size, channels = min(spec.sizes, default=SIZE), 1 if 1 in (spec.channels or (1,)) else spec.channels[0]
    if "ot" in (terms or ()) and "z_dim" in known:  # it compares samples with latents
        options["z_dim"] = prod((channels, size, size))
    if "spectral-norm" in (terms or ()) and "norm_d" in known:
        options["norm_d"] = "none"
    settings = {
        **{"arch": arch, "dataset": "noise", "dataset.size": size, "dataset.channels": channels},
        **{"dataset.items": 2 * BATCH, "dataset.classes": 2, "aug": "none", "train.batch": BATCH},
        **{"train.execution": "eager", "train.precision": "fp32", "train.ema_half_life": 8},
        **({} if loss is None else {"loss": loss}),
        **({} if terms is None else {"reg": ",".join(terms) or "none"}),
        **{f"reg.{term}.interval": 1 for term in LAZY if term in (terms or ())},
        **{f"arch.{name}": value for name, value in options.items()},
    }
    takes = {f"arch.{name}" for name in known}
    return settings | {key: value for key, value in more.items() if key in takes or not key.startswith("arch.")}


# ----------------------------------------------------------------------------
# What is printed.


def summarise(row: Row) -> list[object]:
    """Return how many terms trained, were refused and failed, and the seconds."""
    return [*(len(row[key]) for key in ("trained", "refused", "failed")), row["seconds"]]


def print_table(rows: list[Row]) -> None:
    """Print the numbers of combinations of each architecture, which terms it refuses, and each failure."""
    table: list[list[object]] = [["arch", "execution", "trained", "refused", "failed", "it refuses"]]
    for arch, way in dict.fromkeys((row["arch"], row["execution"]) for row in rows):
        same = [row for row in rows if (row["arch"], row["execution"]) == (arch, way)]
        terms = dict.fromkeys(term for row in same for term in row["refused"])
        sums = [sum(len(row[key]) for row in same) for key in ("trained", "refused", "failed")]
        table.append([arch, way, *sums, " ".join(terms)])
    print("\n" + format_table(table))
    for row in rows:
        for term, words in row["failed"].items():
            print(f"FAILED {row['arch']}, {row['loss']}, {term}, {row['execution']}: {words}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
