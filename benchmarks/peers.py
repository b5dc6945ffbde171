"""Training throughput compared with public code: DCGAN at 64x64x3 on random images in memory, one update of D and of G.

    python benchmarks/peers.py [--rounds 5] [--updates 2] [--quick]

All train networks of the same shape from the same weights on the same images and latents, with Adam(2e-4, 0.5, 0.999)
and cross-entropy; the losses of the first updates are compared. `plain` is the usual loop, written out here. The engine
updates its averaged generator as well. torchgan and torch-mimicry draw new latents for G's update, which is one more
forward of G: they are compared with the engine in that order (`alternating`). Where one cannot be imported, a line says
so. Targets: 1.2 times `plain` and 1.4 times the others in fp32 on every processor; 2 times `plain` in bf16 on one with
instructions for it, and no row on one without.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from common import (
    compare_losses,
    compare_target,
    compute_speedup,
    computes_in,
    format_table,
    measure,
    parse_arguments,
    save,
    summarise,
)
from torch import Tensor, nn
from workbench import Logits, PlainLoop, Rounds, assemble_gan, bind_rounds, make_networks_plain

BASE = {
    "arch": "dcgan", "dataset": "noise", "loss": "bce", "reg": "none", "train.execution": "eager",
    "train.precision": "fp32", "dataset.size": 64, "arch.width": 64, "arch.z_dim": 100, "train.batch": 64,
    "arch.norm_d": "batch", "optim.g.lr": 2e-4, "optim.d.lr": 2e-4,
}  # fmt: skip
QUICK = {"dataset.size": 16, "arch.width": 8, "train.batch": 8, "dataset.items": 64}
COMPARED = 3  # updates


class Feed:
    """The data of a peer's loop: the engine's batches, and the latents that the loop uses instead of its own."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.gan, self.batches = assemble_gan({**settings, "train.update": "alternating"})
        self.generator, discriminator = make_networks_plain(self.gan)
        self.discriminator = Logits(discriminator)
        self.images, self.latents = 0, list[Tensor]()

    def next(self) -> Tensor:
        """Return the next real batch, and set the latents of D's and of G's update."""
        (part,) = map(self.batches.finish, self.batches.discriminator(self.images))
        self.images += self.batches.batch
        (later,) = self.batches.generator(self.images, 0)
        self.latents = [part.z, later.z]
        assert part.real is not None
        return part.real

    def make_optimizer(self, network: nn.Module) -> torch.optim.Adam:
        """Return the optimizer of a network."""
        return torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))


class Torchgan:
    """torchgan's Trainer, one iteration of its loop at a time."""

    def __init__(self, settings: dict[str, object], folder: Path) -> None:
        os.environ.setdefault("TENSORBOARD_LOGGING", "0")
        os.environ.setdefault("VISDOM_LOGGING", "0")
        losses, trainer = import_module("torchgan.losses"), import_module("torchgan.trainer")
        fed = self.fed = Feed(settings)

        class Generator(nn.Module):
            encoding_dims, label_type = fed.gan.networks.latent_dim, "none"

            def __init__(self) -> None:
                super().__init__()
                self.inner = fed.generator

            def forward(self, noise: Tensor) -> Tensor:
                return self.inner(fed.latents.pop(0))  # type: ignore[no-any-return]

        class Discriminator(nn.Module):
            label_type = "none"

            def __init__(self) -> None:
                super().__init__()
                self.inner = fed.discriminator

            def forward(self, x: Tensor) -> Tensor:
                return self.inner(x)  # type: ignore[no-any-return]

        adam = {"name": torch.optim.Adam, "args": {"lr": 2e-4, "betas": (0.5, 0.999)}}
        self.trainer = trainer.Trainer(
            {
                "discriminator": {"name": Discriminator, "optimizer": adam},
                "generator": {"name": Generator, "optimizer": adam},
            },
            [losses.MinimaxDiscriminatorLoss(), losses.MinimaxGeneratorLoss()],
            device=torch.device("cpu"),
            checkpoints=str(folder / "model" / "gan"),
            recon=str(folder / "images"),
        )
        self.trainer.batch_size = fed.batches.batch

    def __call__(self, num: int) -> list[float]:
        """Make `num` updates; return D's and G's losses."""
        losses: list[float] = []
        for _ in range(num):
            self.trainer.real_inputs = self.fed.next()
            loss_g, loss_d, num_g, num_d = self.trainer.train_iter()
            information = self.trainer.loss_information
            information["generator_losses"] += loss_g
            information["discriminator_losses"] += loss_d
            information["generator_iters"] += num_g
            information["discriminator_iters"] += num_d
            self.trainer.logger.run_mid_epoch(self.trainer)
            losses += [loss_d, loss_g]
        return losses


class Mimicry:
    """torch-mimicry's training step with its own base classes, around the same layers."""

    def __init__(self, settings: dict[str, object], folder: Path) -> None:
        bases: Any = import_module("torch_mimicry.nets.gan.gan")
        self.log = import_module("torch_mimicry.training.metric_log").MetricLog
        fed = self.fed = Feed(settings)

        class Generator(bases.BaseGenerator):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(nz=fed.gan.networks.latent_dim, ngf=0, bottom_width=4, loss_type="gan")
                self.inner = fed.generator

            def forward(self, noise: Tensor) -> Tensor:
                return self.inner(fed.latents.pop(0))  # type: ignore[no-any-return]

        class Discriminator(bases.BaseDiscriminator):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(ndf=0, loss_type="gan")
                self.inner = fed.discriminator

            def forward(self, x: Tensor) -> Tensor:
                return self.inner(x)[:, None]  # type: ignore[no-any-return]

        self.generator, self.discriminator = Generator(), Discriminator()
        self.optim_g, self.optim_d = fed.make_optimizer(self.generator), fed.make_optimizer(self.discriminator)

    def __call__(self, num: int) -> list[float]:
        """Make `num` updates; return D's and G's losses."""
        losses: list[float] = []
        for step in range(num):
            log = self.log()
            real = (self.fed.next(), torch.zeros(self.fed.batches.batch))
            more = {"log_data": log, "global_step": step, "device": torch.device("cpu"), "scaler": None}
            self.discriminator.train_step(real_batch=real, netG=self.generator, optD=self.optim_d, **more)
            self.generator.train_step(real_batch=real, netD=self.discriminator, optG=self.optim_g, **more)
            losses += [log.metrics_dict[name]["value"] for name in ("errD", "errG")]
        return losses


def find_peers(settings: dict[str, object], folder: Path) -> dict[str, Callable[[int], list[float]]]:
    """Return the peers that can be imported here; print a line for each one that cannot."""
    found: dict[str, Callable[[int], list[float]]] = {}
    kinds: dict[str, Callable[..., Any]] = {"torchgan": Torchgan, "torch-mimicry": Mimicry}
    for name, kind in kinds.items():
        try:
            found[name] = kind(settings, folder / name)
        except Exception as error:  # an import of an old package may raise anything
            print(f"{name} is not measured: {type(error).__name__}: {str(error).splitlines()[0]}")
    return found


def main() -> None:
    """Measure, print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=2, help="in a row, of each in each round")
    parser.add_argument("--quick", action="store_true", help="tiny networks, two rounds, nothing is kept")
    arguments = parse_arguments(parser)
    rounds, settings = (2, {**BASE, **QUICK}) if arguments.quick else (arguments.rounds, dict(BASE))

    shared = {**settings, "train.update": "shared"}
    engines = {
        "engine fp32": Rounds(*assemble_gan(shared)),
        "engine fp32 alternating": Rounds(*assemble_gan(settings)),
    }
    if computes_in("bf16", "engine bf16"):
        engines["engine bf16"] = Rounds(*assemble_gan({**shared, "train.precision": "bf16"}))
    plain = PlainLoop(*assemble_gan(shared))
    with tempfile.TemporaryDirectory() as folder:
        others = find_peers(settings, Path(folder))
        losses = {"plain": plain.losses(COMPARED)} | {n: engine.losses(COMPARED) for n, engine in engines.items()}
        losses |= {name: other(COMPARED) for name, other in others.items()}
        variants: dict[str, Any] = {"plain": plain, **engines, **others}
        times = measure({name: bind_rounds(run, arguments.updates) for name, run in variants.items()}, rounds)

    titles = [f"{network} {step + 1}" for step in range(COMPARED) for network in ("D", "G")]
    print(format_table([("losses", *titles), *((name, *values) for name, values in losses.items())]), end="\n\n")
    differences = compare_losses(
        losses,
        [("engine fp32", "plain", 0.02), ("engine bf16", "plain", 0.1)]
        + [(name, "engine fp32 alternating", 0.02) for name in ("torchgan", "torch-mimicry")],
    )

    batch = int(str(settings["train.batch"]))
    speeds = {name: summarise([batch * arguments.updates / t for t in values]) for name, values in times.items()}
    ratios = {name: compute_speedup(times, name, "plain") for name in times}
    rows: list[tuple[object, ...]] = [("", "images/s", "over plain", "min", "max")]
    rows += [(n, speeds[n]["median"], r["median"], r["min"], r["max"]) for n, r in ratios.items()]
    print("\n" + format_table(rows), end="\n\n")
    print(compare_target("engine fp32 over plain", ratios["engine fp32"]["median"], 1.2))
    if "engine bf16" in ratios:
        print(compare_target("engine bf16 over plain fp32", ratios["engine bf16"]["median"], 2.0))
    for name in others:
        ratios[f"engine over {name}"] = ratio = compute_speedup(times, "engine fp32 alternating", name)
        print(compare_target(f"engine fp32 over {name}, alternating", ratio["median"], 1.4))
    if not arguments.quick:
        figures = {"rounds": rounds, "updates": arguments.updates, "threads": torch.get_num_threads()}
        figures |= {"settings": settings, "losses": losses, "differences": differences}
        print(save("peers", {**figures, "images_per_second": speeds, "ratios": ratios}))


if __name__ == "__main__":
    main()
