"""Tools of the engine's benchmarks: a GAN assembled from settings, its rounds, and plain loops to compare with."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganzoo.compute.device import precision
from ganzoo.compute.streams import Streams
from ganzoo.compute.threads import threads
from ganzoo.engine import execution
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches, Part
from ganzoo.engine.distributed import ALONE
from ganzoo.engine.events import Events
from ganzoo.engine.gan import Gan
from ganzoo.engine.metrics import RunMetrics
from ganzoo.engine.setup import set_up
from ganzoo.engine.trainer import Trainer
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.errors import Interrupted
from ganzoo.layers import ProductConv2d, ProductConvTranspose2d
from ganzoo.plugin import DiscriminatorOutput, extract_samples
from ganzoo.plugin.schedule import evaluate_number
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo.runs import run as runs

CPU = torch.device("cpu")
NOISE = Path(__file__).with_name("noise.py")
Settings = Mapping[str, object]


# ----------------------------------------------------------------------------
# The engine.


def add_noise() -> None:
    """Register the dataset `noise` in this process."""
    if not any(entry.spec.name == "noise" for entry in registry().components("dataset")):
        registry().add_file(NOISE)


def assemble_gan(
    settings: Settings,
    device: torch.device = CPU,
    recipe: str | None = None,
    notify: Callable[[str], None] = print,
) -> tuple[Gan, Batches]:
    """Assemble a GAN and its batches from settings by key, as a run does; weights depend on the seed.

    Args:
        settings: The settings by key.
        device: The device; by default the CPU.
        recipe: The named recipe that the settings change; by default none.
        notify: A function that is called with what a run would print; by default `print`.
    """
    add_noise()
    chosen = resolve(registry(), recipe=recipe, pairs={key: str(value) for key, value in settings.items()})
    setup = set_up(chosen, str(device), ALONE, notify)
    gan = assemble(setup.recipe, setup.source.info, device)
    execution.install(gan, notify)
    return gan, Batches(setup.source, Streams(chosen.train.seed, device), gan)


class Rounds:
    """Rounds of an assembled GAN's updates: D's and then G's, or both together."""

    def __init__(self, gan: Gan, batches: Batches) -> None:
        self.gan, self.batches, self.images = gan, batches, 0

    def __call__(self, num: int = 1) -> dict[str, Tensor]:
        """Make `num` rounds; return the statistics of the last one."""
        stats: dict[str, Tensor] = {}
        with precision(self.gan.recipe.train.precision):
            for _ in range(num):
                stats = self.make_round()
        return stats

    def make_round(self) -> dict[str, Tensor]:
        """Make one round, as the Trainer does."""
        train = self.gan.recipe.train
        if train.update != "alternating":
            stats = update_together(self.gan, self.batches, self.images)
            self.images += train.batch
            return stats
        stats = {}
        for _ in range(train.d_steps):
            stats |= update_discriminator(self.gan, self.batches, self.images)
            self.images += train.batch
        for step in range(train.g_steps):
            stats |= update_generator(self.gan, self.batches, self.images, step)
        return stats

    def losses(self, num: int) -> list[float]:
        """Return D's and G's losses of each of `num` rounds."""
        stats = [self() for _ in range(num)]
        return [float(row[name]) for row in stats for name in ("loss_d", "loss_g")]


class BareTrainer(Trainer):
    """The real training loop without grids and checkpoints, a given number of rounds at a time."""

    num_threads = 1  # the number of a run's threads

    def __call__(self, num: int) -> None:
        """Make `num` rounds, on the number of threads of a run."""
        self._loop_until(_StopAfter(num))

    def train_for(self, seconds: float) -> None:
        """Make rounds for some seconds, on the number of threads of a run."""
        self._loop_until(_StopAt(time.perf_counter() + seconds))

    def _loop_until(self, stop: object) -> None:
        self.stop = stop  # type: ignore[assignment]
        with threads(self.num_threads), suppress(Interrupted):
            self.loop()

    def losses(self, num: int) -> list[float]:
        """Return D's and G's losses of each of `num` rounds, made without the loop."""
        rounds = Rounds(self.gan, self.batches)
        rounds.images = self.images
        with threads(self.num_threads):
            values = rounds.losses(num)
        self.images = rounds.images
        return values

    def record_pieces(self) -> Callable[[int], None]:
        """Make one round; return a function that only repeats its pieces, on the same tensors."""
        pieces: list[Callable[[], Any]] = []
        execute = self.gan.execute
        records: dict[Any, Any] | None = getattr(execute, "records", None)

        class Noting(dict[Any, Any]):
            def __getitem__(self, key: Any) -> Any:
                return partial(noted, super().__getitem__(key))

        def noted(replay: Callable[..., Any], tensors: list[Tensor]) -> Any:
            pieces.append(partial(replay, tensors))
            return replay(tensors)

        def noting(kind: object, piece: Callable[..., Any], *inputs: Any) -> Any:
            pieces.append(partial(piece, *inputs))
            return piece(*inputs)

        if records is None:
            self.gan.execute = noting
        else:
            execute.records = Noting(records)  # type: ignore[attr-defined]
        self(1)
        self.gan.execute = execute
        if records is not None:
            execute.records = records  # type: ignore[attr-defined]

        def run(num: int) -> None:
            with threads(self.num_threads):
                for _ in range(num):
                    for piece in pieces:
                        piece()

        return run

    def save(self, interrupted: bool = False) -> None:
        """Do not save anything."""


class _StopAfter:
    """A request to stop that is true after it was read `num` times."""

    def __init__(self, num: int) -> None:
        self.left = num

    def __bool__(self) -> bool:
        self.left -= 1
        return self.left < 0


class _StopAt:
    """A request to stop that is true from a time on."""

    def __init__(self, end: float) -> None:
        self.end = end

    def __bool__(self) -> bool:
        return time.perf_counter() >= self.end


class NoPictures:
    """A gallery that writes nothing."""

    def write_reals(self) -> None:
        """Write nothing."""

    def write_fakes(self, images: int) -> None:
        """Write nothing."""


@contextmanager
def training_loop(settings: Settings, recipe: str | None = None) -> Iterator[BareTrainer]:
    """Yield the training loop of a run in a directory of its own: of settings by key, over those of a recipe."""
    add_noise()
    chosen = resolve(registry(), recipe=recipe, pairs={key: str(value) for key, value in settings.items()})
    with temporary_runs():
        setup = set_up(chosen, "cpu", ALONE, print)
        gan = assemble(setup.recipe, setup.source.info, CPU)
        run = runs.create_run("benchmark")
        with run.training():
            batches = Batches(setup.source, Streams(chosen.train.seed, CPU), gan)
            events = Events()
            metrics = RunMetrics(setup.recipe, setup.source, setup.held_out, CPU, events.note)
            trainer = BareTrainer(run, gan, batches, metrics, events, _StopAfter(0))  # type: ignore[arg-type]
            trainer.num_threads, trainer.gallery = setup.threads, NoPictures()  # type: ignore[assignment]
            trainer.begin(False)
            yield trainer


@contextmanager
def temporary_runs() -> Iterator[Path]:
    """Keep runs in a temporary directory inside the block."""
    before = os.environ.get("GANZOO_RUNS")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANZOO_RUNS"] = folder
        try:
            yield Path(folder)
        finally:
            os.environ.pop("GANZOO_RUNS")
            if before is not None:
                os.environ["GANZOO_RUNS"] = before


# ----------------------------------------------------------------------------
# Plain loops, as in public examples.


def make_networks_plain(gan: Gan) -> tuple[nn.Module, nn.Module]:
    """Return a GAN's networks as a plain loop has them: contiguous, trainable, and with torch's own convolutions."""
    networks = gan.generator, gan.discriminator
    for network in networks:
        for module in network.modules():
            plain: Any = {ProductConv2d: nn.Conv2d, ProductConvTranspose2d: nn.ConvTranspose2d}.get(type(module))
            if plain:
                module.__class__ = plain
        network.to(memory_format=torch.contiguous_format).requires_grad_()  # type: ignore[call-overload]
    return networks


class Logits(nn.Module):
    """A discriminator that returns its logits alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of samples; several scales are joined to ``[N, P]``."""
        answer: Any = self.network(x, labels)
        answer = answer.logits if isinstance(answer, DiscriminatorOutput) else answer
        return torch.cat([each.flatten(1) for each in answer], 1) if isinstance(answer, list) else answer


class PlainLoop:
    """The usual loop: D is called with real and with generated samples in turn; the same samples then train G.

    Args:
        gan: The GAN, whose networks the loop trains, with Adam and the recipe's learning rates and betas.
        batches: The GAN's batches.
        cast: The dtype in which the networks compute; None for float32.
    """

    def __init__(self, gan: Gan, batches: Batches, cast: torch.dtype | None = None) -> None:
        self.gan, self.batches, self.images, self.cast = gan, batches, 0, cast
        self.generator, discriminator = make_networks_plain(gan)
        self.discriminator = nn.Sequential(Logits(discriminator), nn.Sigmoid())
        g, d = (optimizer.hyperparameters(0) for optimizer in gan.optimizers.values())
        self.optim_g = torch.optim.Adam(self.generator.parameters(), lr=g["lr"], betas=g["betas"])
        self.optim_d = torch.optim.Adam(self.discriminator.parameters(), lr=d["lr"], betas=d["betas"])
        self.criterion = nn.BCELoss()
        self.stats: list[float] = []
        self.draw: Callable[[], Part] | None = None  # draws batches instead of the engine

    def __call__(self, num: int = 1) -> None:
        """Make `num` updates of both networks."""
        for _ in range(num):
            batches = self.batches
            part = batches.finish(next(batches.discriminator(self.images))) if self.draw is None else self.draw()
            self.stats = self.update(part)
            self.images += self.batches.batch

    def losses(self, num: int) -> list[float]:
        """Return D's and G's losses of each of `num` updates."""
        values: list[float] = []
        for _ in range(num):
            self()
            values += self.stats[:2]
        return values

    def forward(self, network: nn.Module, x: Tensor) -> Tensor:
        """Return a network's answer in float32."""
        with torch.autocast(x.device.type, self.cast or torch.bfloat16, enabled=self.cast is not None):
            answer: Any = network(x)
        return extract_samples(answer).float()

    def update(self, part: Part) -> list[float]:
        """Update D, then G through the updated D; return both losses and D's mean outputs for reals and fakes."""
        assert part.real is not None

        self.discriminator.zero_grad()
        answer = self.forward(self.discriminator, part.real)
        ones, zeros = torch.ones_like(answer), torch.zeros_like(answer)
        on_real = self.criterion(answer, ones)
        on_real.backward()
        mean_real = answer.mean().item()
        fake = self.forward(self.generator, part.z)
        answer = self.forward(self.discriminator, fake.detach())
        on_fake = self.criterion(answer, zeros)
        on_fake.backward()
        mean_fake = answer.mean().item()
        self.optim_d.step()

        self.generator.zero_grad()
        loss_g = self.criterion(self.forward(self.discriminator, fake), ones)
        loss_g.backward()
        self.optim_g.step()
        return [(on_real + on_fake).item(), loss_g.item(), mean_real, mean_fake]


class PlainPenalised:
    """The usual loop of a relativistic pairing GAN with R1 and R2 in every update, and new latents for G's update.

    Args:
        gan: The GAN, whose networks the loop trains, with Adam and the penalties' weights at the recipe's start.
        batches: The GAN's batches.
        cast: The dtype in which the networks compute; None for float32.
    """

    def __init__(self, gan: Gan, batches: Batches, cast: torch.dtype | None = None) -> None:
        self.batches, self.images, self.cast = batches, 0, cast
        self.generator, discriminator = make_networks_plain(gan)
        self.discriminator = Logits(discriminator)
        self.gamma = {choice.name: float(evaluate_number(choice.options.gamma, 0)) for choice in gan.recipe.reg}
        g, d = (optimizer.hyperparameters(0) for optimizer in gan.optimizers.values())
        self.optim_g = torch.optim.Adam(self.generator.parameters(), lr=g["lr"], betas=g["betas"])
        self.optim_d = torch.optim.Adam(self.discriminator.parameters(), lr=d["lr"], betas=d["betas"])
        self.last: tuple[Tensor, Tensor] | None = None

    def __call__(self, num: int = 1) -> None:
        """Make `num` updates of both networks."""
        for _ in range(num):
            batches = self.batches
            loss_d = self.update_discriminator(batches.finish(next(batches.discriminator(self.images))))
            self.images += batches.batch
            self.last = loss_d, self.update_generator(batches.finish(next(batches.generator(self.images, 0))))

    def losses(self, num: int) -> list[float]:
        """Return D's and G's losses of each of `num` updates, without the penalties."""
        values: list[float] = []
        for _ in range(num):
            self()
            assert self.last is not None
            values += map(float, self.last)
        return values

    def forward(self, network: nn.Module, x: Tensor, labels: Tensor | None) -> Tensor:
        """Return a network's answer in float32."""
        with torch.autocast(x.device.type, self.cast or torch.bfloat16, enabled=self.cast is not None):
            answer: Tensor = network(x, labels)
        return answer.float()

    def update_discriminator(self, part: Part) -> Tensor:
        """Update D; return its loss."""
        assert part.real is not None
        self.optim_d.zero_grad()
        real = part.real.detach().requires_grad_()
        fake = self.forward(self.generator, part.z, part.labels).detach().requires_grad_()
        on_real = self.forward(self.discriminator, real, part.labels)
        on_fake = self.forward(self.discriminator, fake, part.labels)
        loss = softplus(on_fake - on_real).mean()
        r1, r2 = compute_squared_gradient(on_real, real), compute_squared_gradient(on_fake, fake)
        total: Any = loss + self.gamma["r1"] / 2 * r1 + self.gamma["r2"] / 2 * r2
        total.backward()
        self.optim_d.step()
        return loss.detach()

    def update_generator(self, part: Part) -> Tensor:
        """Update G; return its loss."""
        assert part.real is not None
        self.optim_g.zero_grad()
        on_fake = self.forward(self.discriminator, self.forward(self.generator, part.z, part.labels), part.labels)
        on_real = self.forward(self.discriminator, part.real, part.labels)
        loss: Any = softplus(on_real - on_fake).mean()
        loss.backward()
        self.optim_g.step()
        result: Tensor = loss.detach()
        return result


def compute_squared_gradient(answer: Tensor, samples: Tensor) -> Tensor:
    """Return E |grad|^2 of D's outputs by its input, a scalar that can be differentiated."""
    (gradient,) = torch.autograd.grad(answer.sum(), samples, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def bind_rounds(rounds: Callable[[int], object], num: int) -> Callable[[], object]:
    """Return a function without arguments that makes `num` rounds."""
    return lambda: rounds(num)
