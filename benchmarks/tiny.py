"""Tiny networks, where arithmetic takes little of the time: a GAN of 2x128 units on points in the plane.

    python benchmarks/tiny.py [--rounds 7] [--updates 1000] [--quick]

The figures are updates of D and G per second (batch 64, z of 16, cross-entropy, Adam): of the engine, eager and
compiled, in its training loop with batches and statistics; of the usual loop of public examples; and of numpy, with
forward, backward and Adam written by hand. Numbers of threads cannot be compared within a process, so each has a child
process: one thread, and torch's default. The losses of the first updates are compared. The second table has the time
that the training loop adds to bare updates on existing tensors, for this GAN and for DCGAN on digits with its defaults.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt
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
from torch import nn
from workbench import BareTrainer, PlainLoop, assemble_gan, bind_rounds, training_loop

from ganzoo.data.source import EndlessSource
from ganzoo.engine.batches import Part

Array = npt.NDArray[Any]  # float32 throughout
COMPARED = 3  # updates
MLP = {
    "arch": "mlp", "dataset": "points", "loss": "bce", "reg": "none", "arch.depth": 2, "arch.width": 128,
    "arch.z_dim": 16, "train.batch": 64, "train.update": "shared", "train.precision": "fp32", "train.images": 10**12,
    "optim.g.lr": 1e-3, "optim.d.lr": 1e-3, "optim.g.betas": "0.5,0.999", "optim.d.betas": "0.5,0.999",
    "train.grid_every": 10**12, "train.checkpoint_every": 10**12,
}  # fmt: skip
DCGAN = {
    "arch": "dcgan", "dataset": "digits", "train.images": 10**12,
    "train.grid_every": 10**12, "train.checkpoint_every": 10**12,
}  # fmt: skip
QUICK = {"arch.depth": 1, "arch.width": 8, "train.batch": 8}


# ----------------------------------------------------------------------------
# By hand.


class Net:
    """Linear layers with leaky rectifiers between them. All parameters are in one vector, so that Adam is a few calls.

    Args:
        network: The network whose weights it starts from.
        lr: The learning rate of Adam, whose betas are 0.5 and 0.999.
    """

    def __init__(self, network: nn.Module, lr: float) -> None:
        linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
        arrays = [part for layer in linear for part in (layer.weight.detach().numpy().T, layer.bias.detach().numpy())]
        self.values = np.concatenate([array.ravel() for array in arrays]).astype(np.float32)
        self.slopes, self.m, self.v, self.square, self.step = (np.zeros_like(self.values) for _ in range(5))
        self.lr, self.count = lr, 0
        self.weights, self.gradients = self.views(self.values, arrays), self.views(self.slopes, arrays)

    def views(self, vector: Array, arrays: list[Array]) -> list[tuple[Array, Array]]:
        """Return the pairs of weight ``[inputs, outputs]`` and bias within a vector."""
        starts = np.cumsum([0, *(array.size for array in arrays)])
        parts = [vector[s : s + a.size].reshape(a.shape) for s, a in zip(starts, arrays, strict=False)]
        return list(zip(parts[::2], parts[1::2], strict=True))

    def forward(self, x: Array) -> tuple[Array, list[Array]]:
        """Return the output and the input of each layer."""
        given = [x]
        for weight, bias in self.weights[:-1]:
            x = x @ weight
            x += bias
            x = np.maximum(x, np.float32(0.2) * x)
            given.append(x)
        weight, bias = self.weights[-1]
        return x @ weight + bias, given

    def backward(self, slope: Array, given: list[Array], own: bool = True, below: bool = False) -> Array:
        """Fill in the gradients (if `own`); return the gradient of the input (if `below`, else without a meaning)."""
        for layer in range(len(given) - 1, -1, -1):
            if own:
                np.matmul(given[layer].T, slope, out=self.gradients[layer][0])
                np.sum(slope, axis=0, out=self.gradients[layer][1])
            if layer or below:
                slope = slope @ self.weights[layer][0].T
            if layer:
                slope *= np.where(given[layer] > 0, np.float32(1), np.float32(0.2))
        return slope

    def adam(self) -> None:
        """Make one step."""
        self.count += 1
        b1, b2, g, step = 0.5, 0.999, self.slopes, self.step
        np.multiply(g, g, out=self.square)
        self.square *= np.float32(1 - b2)
        self.v *= np.float32(b2)
        self.v += self.square
        self.m *= np.float32(b1)
        np.multiply(g, np.float32(1 - b1), out=step)
        self.m += step
        np.sqrt(self.v, out=step)
        step *= np.float32(1 / (1 - b2**self.count) ** 0.5)
        step += np.float32(1e-8)
        np.divide(self.m, step, out=step)
        step *= np.float32(self.lr / (1 - b1**self.count))
        self.values -= step


class Numpy:
    """Updates of both networks by hand, with an assembled GAN's weights and data."""

    def __init__(self, settings: dict[str, object]) -> None:
        gan, self.batches = assemble_gan({**settings, "train.execution": "eager"})
        self.g, self.d = (Net(network, 1e-3) for network in (gan.generator, gan.discriminator))
        self.z_dim, self.batch, self.images = gan.networks.latent_dim, self.batches.batch, 0
        meta = self.batches.source.info.meta
        self.modes, self.sigma = np.array(meta["modes"], np.float32), np.float32(meta["sigma"])
        self.random = np.random.default_rng(0)

    def __call__(self, num: int) -> None:
        """Make `num` updates on batches that it draws itself."""
        n, random = self.batch, self.random
        for _ in range(num):
            real = self.modes[random.integers(len(self.modes), size=n)]
            real += self.sigma * random.standard_normal((n, 2), np.float32)
            self.update(random.standard_normal((n, self.z_dim), np.float32), real)

    def losses(self, num: int) -> list[float]:
        """Return D's and G's losses of each of `num` updates on the engine's batches."""
        values: list[float] = []
        for _ in range(num):
            (part,) = map(self.batches.finish, self.batches.discriminator(self.images))
            self.images += self.batch
            assert part.real is not None
            values += self.update(part.z.numpy(), part.real.numpy())
        return values

    def update(self, z: Array, real: Array) -> tuple[float, float]:
        """Update D, then G through the updated D; return their losses."""
        n = len(z)
        fake, g_given = self.g.forward(z)  # [n, 2]
        logits, given = self.d.forward(np.concatenate([real, fake]))  # [2 n, 1], reals first
        signed = np.concatenate([-logits[:n], logits[n:]])
        loss_d = float(np.logaddexp(np.float32(0), signed).sum() / n)
        slope = 1 / (1 + np.exp(-signed)) / np.float32(n)
        slope[:n] *= -1
        self.d.backward(slope, given)
        self.d.adam()

        logits, given = self.d.forward(fake)
        loss_g = float(np.logaddexp(np.float32(0), -logits).sum() / n)
        slope = self.d.backward(-1 / (1 + np.exp(logits)) / np.float32(n), given, own=False, below=True)
        self.g.backward(slope, g_given)
        self.g.adam()
        return loss_d, loss_g


# ----------------------------------------------------------------------------
# A child process.


def make_plain_loop(settings: dict[str, object]) -> PlainLoop:
    """Return the usual loop."""
    return PlainLoop(*assemble_gan({**settings, "train.execution": "eager"}))


def draw_plainly(loop: PlainLoop) -> None:
    """Let a loop draw its own batches, as such loops do."""
    source, dim, n = loop.batches.source, loop.gan.networks.latent_dim, loop.batches.batch
    assert isinstance(source, EndlessSource)
    generator = torch.Generator().manual_seed(0)
    loop.draw = lambda: Part(torch.randn(n, dim), source.sample(generator, n)[0], None, 1.0)


def measure_here(rounds: int, updates: int, quick: bool) -> dict[str, Any]:
    """Measure in this process, with the number of threads of its environment."""
    mlp = {**MLP, **(QUICK if quick else {})}
    dcgan = {**DCGAN, **({"dataset.size": 16, "arch.width": 8} if quick else {})}
    names = ["eager", "compile"] if not quick and (shutil.which("g++") or shutil.which("clang++")) else ["eager"]
    with ExitStack() as stack:
        engines = {
            f"engine {name}": stack.enter_context(training_loop({**mlp, "train.execution": name})) for name in names
        }
        loop, by_hand = make_plain_loop(mlp), Numpy(mlp)
        losses = {name: engine.losses(COMPARED) for name, engine in engines.items()}
        losses |= {"plain": loop.losses(COMPARED), "numpy": by_hand.losses(COMPARED)}
        draw_plainly(loop)
        variants: dict[str, Any] = {"plain": loop, "numpy": by_hand, **engines}
        times = measure({name: bind_rounds(run, updates) for name, run in variants.items()}, rounds)
        engines = {f"mlp {name.removeprefix('engine ')}": engine for name, engine in engines.items()}
        added = measure_overhead(engines, rounds, updates)
    with training_loop(dcgan) as trainer:
        added |= measure_overhead({f"dcgan {trainer.train.execution}": trainer}, rounds, max(1, updates // 20))
    return {
        "torch_threads": torch.get_num_threads(),
        "losses": losses,
        "updates_per_second": {name: [updates / seconds for seconds in values] for name, values in times.items()},
        "ratios": {name: compute_speedup(times, name, "plain") for name in times},
        "overhead": added,
    }


def measure_overhead(engines: dict[str, BareTrainer], rounds: int, updates: int) -> dict[str, dict[str, float]]:
    """Return the time that the training loop adds to a bare update: microseconds and percent, as medians."""
    variants = {}
    for name, trainer in engines.items():
        trainer(2)
        variants[name] = bind_rounds(trainer, updates)
        variants[f"{name} bare"] = bind_rounds(trainer.record_pieces(), updates)
    times = {name: [1e6 * s / updates for s in values] for name, values in measure(variants, rounds).items()}
    result = {}
    for name in engines:
        bare = statistics.median(times[f"{name} bare"])
        added = statistics.median(a - b for a, b in zip(times[name], times[f"{name} bare"], strict=True))
        result[name] = {"bare_us": bare, "added_us": added, "percent": 100 * added / bare}
    return result


# ----------------------------------------------------------------------------
# All child processes.


def measure_in_child(arguments: argparse.Namespace, threads: int | None) -> dict[str, Any]:
    """Measure in a child process with a number of threads; None for torch's default."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    if threads is not None:
        environment |= dict.fromkeys(names, str(threads))
    command = [sys.executable, __file__, "--child", f"--rounds={arguments.rounds}", f"--updates={arguments.updates}"]
    command += ["--quick"] if arguments.quick else []
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(title: str, result: dict[str, Any]) -> dict[str, float]:
    """Print the figures of a child process; return the differences of the losses."""
    speeds = {name: summarise(values) for name, values in result["updates_per_second"].items()}
    rows: list[tuple[object, ...]] = [(title, "updates/s", "over plain", "min", "max")]
    for name, ratio in result["ratios"].items():
        rows.append((name, speeds[name]["median"], ratio["median"], ratio["min"], ratio["max"]))
    print("\n" + format_table(rows))
    names = [name for name in result["losses"] if name != "plain"]
    return compare_losses(result["losses"], [(name, "plain", 0.002) for name in names])


def main() -> None:
    """Measure, print tables and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--updates", type=int, default=1000, help="in a row, of each in each round")
    parser.add_argument("--quick", action="store_true", help="tiny, one thread, not compiled, nothing is kept")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parse_arguments(parser)
    if arguments.quick:
        arguments.rounds, arguments.updates = 2, 20
    if arguments.child:
        print(json.dumps(measure_here(arguments.rounds, arguments.updates, arguments.quick)))
        return

    results = {"one thread": measure_in_child(arguments, 1)}
    if not arguments.quick:
        results["default threads"] = measure_in_child(arguments, None)
    differences = {title: report(title, result) for title, result in results.items()}

    rows: list[tuple[object, ...]] = [("the training loop adds", "", "bare us", "added us", "percent")]
    for title, result in results.items():
        rows += [(name, title, *values.values()) for name, values in result["overhead"].items()]
    print("\n" + format_table(rows), end="\n\n")

    best: dict[str, float] = {}
    for result in results.values():
        for name, values in result["updates_per_second"].items():
            best[name] = max(best.get(name, 0.0), statistics.median(values))
    for title, target in (("one thread", 3.0), ("default threads", 3.5)):
        for name in ("engine compile",):
            if title in results and name in results[title]["ratios"]:
                print(compare_target(f"{name} over plain, {title}", results[title]["ratios"][name]["median"], target))
    if "engine compile" in best:
        print(
            compare_target("engine compile over numpy, each at its best", best["engine compile"] / best["numpy"], 0.75)
        )
    for name, values in results["one thread"]["overhead"].items():
        short = values["bare_us"] < 5000
        figure, unit, target = (values["added_us"], "us", 60) if short else (values["percent"], "percent", 2)
        print(compare_target(f"{unit} that the training loop adds to {name}", figure, target, at_most=True))
    if not arguments.quick:
        print(save("tiny", {"rounds": arguments.rounds, "differences": differences, **results}))


if __name__ == "__main__":
    main()
