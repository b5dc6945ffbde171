"""Jobs of several processes in tests: run in each as ``ranked.py JOB JSON``, or imported as a plugin."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import Augmentation, DataInfo, Dataset, Loss, NoOptions, Regularizer, Step, hookimpl, option

# ----------------------------------------------------------------------------
# Components.


class Coupled:
    """The relativistic average loss (Jolicoeur-Martineau 2018, section 4.2): each logit against the batch's mean."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        softplus = nn.functional.softplus
        return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return self.discriminator(fake, real)


@dataclass(frozen=True, kw_only=True)
class FragileOptions:
    limit: float = option(3.0, help="Largest logit before the loss is NaN.")
    probed: bool = option(False, help="Whether the probe looks at every tick.")


class Fragile:
    """BCE, until a logit is large."""

    def __init__(self, options: FragileOptions, data: DataInfo) -> None:
        self.limit = options.limit
        if options.probed:
            from ganzoo.engine.probe import Probe

            Probe.is_due = lambda self: True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        loss = nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()
        return torch.where(real.abs().amax() > self.limit, torch.nan, 1.0) * loss

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return nn.functional.softplus(-fake).mean()


@dataclass(frozen=True, kw_only=True)
class TrapOptions:
    rank: int = option(1, help="Rank that the trap is for.", low=0)
    after: int = option(10, help="Updates of D before the trap acts.", low=0)
    what: str = option("SIGKILL", help="Signal that the process gets, or `error`.")
    once: str = option("trap", help="File that exists once the trap has acted.")


class Trap:
    """BCE, until the trap ends the process or raises an error."""

    def __init__(self, options: TrapOptions, data: DataInfo) -> None:
        self.options, self.left = options, options.after

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.left -= 1
        if self.left < 0 and int(os.environ.get("RANK", 0)) == self.options.rank:
            self.act()
        return nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()

    def act(self) -> None:
        if Path(self.options.once).exists():
            return
        Path(self.options.once).touch()
        if self.options.what == "error":
            raise RuntimeError("out of order")
        os.kill(os.getpid(), signal.Signals[self.options.what])

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return nn.functional.softplus(-fake).mean()


class Adapting(nn.Module):
    """A factor that depends on D's logits of real samples, most of all on the first."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.register_buffer("factor", torch.ones(()))

    def forward(self, samples: Tensor) -> Tensor:
        return samples * self.factor

    def update(self, real_logits: Tensor) -> None:
        self.factor += 0.1 * real_logits.sigmoid().mean() + 0.1 * real_logits[0].tanh().mean()

    def report(self) -> dict[str, Tensor]:
        return {"factor": self.factor}


class Remembering(nn.Module):
    """A penalty on the distance of D's logits from their running mean, which each process has for itself."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def discriminator(self, step: Step) -> Tensor:
        logits = step.real_output.logits
        self.mean.lerp_(logits.detach().mean(), 0.1)
        return (logits - self.mean).square().mean()


class Different:
    """Data that differ on each rank: bytes ``[40 + rank, 1, 4, 4]``."""

    labels = None

    def __init__(self, options: NoOptions) -> None:
        num = 40 + int(os.environ["RANK"])
        self.info = DataInfo(shape=(1, 4, 4), num_items=num)
        self.data = torch.zeros(num, 1, 4, 4, dtype=torch.uint8).numpy()


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="different", summary="On each process.", factory="ranked:Different")


@hookimpl
def ganzoo_losses():
    yield Loss(name="coupled", summary="RaGAN.", factory="ranked:Coupled", pairs=True, batch_coupled=True)
    yield Loss(name="trap", summary="Snaps.", factory="ranked:Trap", options=TrapOptions)
    yield Loss(name="fragile", summary="Breaks.", factory="ranked:Fragile", options=FragileOptions)


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="remembering", summary="Remembers.", factory="ranked:Remembering")


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="adapting", summary="Scales.", factory="ranked:Adapting")


# ----------------------------------------------------------------------------
# Jobs.


def train_rounds(world, settings: dict[str, Any], rounds: int = 4):
    """Train a toy GAN for some rounds; return it, the statistics summed over the processes, and the lines."""
    from ganzoo.compute.streams import Streams
    from ganzoo.data.opening import open_source
    from ganzoo.engine import execution
    from ganzoo.engine.assemble import assemble
    from ganzoo.engine.batches import Batches
    from ganzoo.engine.setup import draft, settle
    from ganzoo.engine.update import update_discriminator, update_generator, update_together
    from ganzoo.health.signals import Averages
    from ganzoo.recipe.resolve import resolve
    from ganzoo.registry import registry

    def fail(line: str) -> None:
        raise AssertionError(line)

    said: list[str] = []
    execution.compile_graph = lambda graph, inputs: graph  # the trace itself: compiling takes minutes
    device = torch.device("cpu")
    sgd = {f"optim.{network}.{key}": value for network in "gd" for key, value in (("name", "sgd"), ("lr", 0.1))}
    pairs = {"arch": "toy", "dataset": "toy-array", "train.batch": 24, "train.execution": "eager"} | sgd | settings
    recipe = resolve(registry(), pairs=pairs)
    source = open_source(recipe.dataset.build(), name="toy", key="toy", notify=fail)
    gan = assemble(settle(recipe, draft(recipe, source.info), device, world), source.info, device, world)
    execution.install(gan, said.append)
    batches, averages, images = Batches(source, Streams(0, device), gan), Averages(), 0
    for _ in range(rounds):
        if recipe.train.update != "alternating":
            averages.add(update_together(gan, batches, images))
        else:
            averages.add(update_discriminator(gan, batches, images))
            averages.add(update_generator(gan, batches, images + 24, 0))
        images += 24
    return gan, world.sum_stats(averages.fetch()), said


def update_all(world, given: dict[str, Any]) -> None:
    """Save the last state and the statistics of each case; then make the weights differ."""
    for name, settings in given["cases"].items():
        gan, stats, said = train_rounds(world, settings)
        torch.save((gan.state()[0], stats, said), f"{name}-{world.size}-{world.rank}.pt")
    raised = [None]
    world.synchronise(1, False, gan.parameters)
    if world.rank == 1:  # one bit of one weight
        next(gan.discriminator.parameters()).data.view(torch.int32).view(-1)[3] ^= 1
    try:
        world.synchronise(1, False, gan.parameters)
    except Exception as error:
        raised = [type(error).__name__, str(error)]
    answer = {
        "raised": raised,
        "gathered": world.gather(torch.tensor([world.rank, 10])).tolist(),
        "agreed": world.synchronise(world.rank + 7, world.rank == 1, []),
        "first": world.on_rank0(lambda: {"rank": world.rank}),
    }
    Path(f"answer-{world.size}-{world.rank}.json").write_text(json.dumps(answer))


def train_all(given: dict[str, Any]) -> None:
    """Train several runs in turn, and write down how each ended; only the first process can read the runs."""
    import ganzoo

    rank = os.environ["RANK"]
    noted = Path(f"ends-{rank}.json").absolute()
    if rank != "0":
        Path(f"elsewhere-{rank}").mkdir(exist_ok=True)
        os.chdir(f"elsewhere-{rank}")
    ends = []
    for settings in given["runs"]:
        try:
            ends.append(["done", str(ganzoo.train(**settings).path)])
        except ganzoo.GanzooError as error:
            ends.append([type(error).__name__, str(error)])
    noted.write_text(json.dumps(ends))


if __name__ == "__main__":
    import ranked
    import toy_terms
    import toys
    from ganzoo.registry import register
    from ganzoo.training import process_group

    torch.set_num_threads(1)
    register(toys)
    register(ranked)
    register(toy_terms)
    job, given = sys.argv[1], json.loads(sys.argv[2])
    with process_group("cpu") if job == "update" else nullcontext() as world:
        update_all(world, given) if job == "update" else train_all(given)
