"""A plugin of tiny components for tests of the engine, whose results are easy to compute by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.plugin import (
    Architecture,
    Augmentation,
    DataInfo,
    Dataset,
    DiscriminatorOutput,
    Loss,
    Metric,
    Networks,
    NoOptions,
    Regularizer,
    Step,
    Tracker,
    hookimpl,
    option,
)
from ganzoo_losses import BCEOptions

# ----------------------------------------------------------------------------
# Networks.


@dataclass(frozen=True, kw_only=True)
class ToyOptions:
    width: int = option(8, help="Hidden units.", low=1)
    z_dim: int = option(4, help="Latents.", low=1)
    norm: bool = option(False, help="BatchNorm in both networks and dropout in D.")
    answer: Literal["plain", "list", "output"] = option("plain", help="What D returns.")


class ToyGenerator(nn.Module):
    def __init__(self, options: ToyOptions, data: DataInfo) -> None:
        super().__init__()
        self.shape, self.num_classes = data.shape, data.num_classes
        norm = [nn.BatchNorm1d(options.width)] if options.norm else []
        inputs = options.z_dim + data.num_classes
        size = int(torch.Size(data.shape).numel())
        self.net = nn.Sequential(nn.Linear(inputs, options.width), *norm, nn.ReLU(), nn.Linear(options.width, size))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.num_classes:
            z = torch.cat([z, labels[:, None] == torch.arange(self.num_classes, device=labels.device)], 1)
        return torch.tanh(self.net(z)).view(len(z), *self.shape)


class ToyDiscriminator(nn.Module):
    def __init__(self, options: ToyOptions, data: DataInfo) -> None:
        super().__init__()
        self.answer, self.num_classes = options.answer, data.num_classes
        extra = [nn.BatchNorm1d(options.width), nn.Dropout(0.5)] if options.norm else []
        size = int(torch.Size(data.shape).numel()) + data.num_classes
        self.net = nn.Sequential(nn.Linear(size, options.width), *extra, nn.LeakyReLU(0.2))
        self.one = nn.Linear(options.width, 1)
        self.patch = nn.Linear(options.width, 3) if options.answer == "list" else None

    def forward(self, x: Tensor, labels: Tensor | None = None):
        x = x.flatten(1)
        if self.num_classes:
            x = torch.cat([x, labels[:, None] == torch.arange(self.num_classes, device=labels.device)], 1)
        hidden = self.net(x)
        if self.patch is not None:
            return [self.one(hidden), self.patch(hidden).view(-1, 1, 3, 1)]
        logits = self.one(hidden)[:, 0]
        return DiscriminatorOutput(logits, features=[hidden]) if self.answer == "output" else logits


def build_toy(options: ToyOptions, data: DataInfo) -> Networks:
    return Networks(ToyGenerator(options, data), ToyDiscriminator(options, data), options.z_dim)


class ToyConv(nn.Module):
    """A G or a D of convolutions alone, which the engine lays out channels-last, for images ``[N, 1, 4, 4]``."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.first = nn.Conv2d(latent_dim or 1, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        if not self.latent_dim:
            return self.last(self.first(x).relu()).mean((1, 2, 3))
        return self.last(self.first(x[:, :, None, None].expand(-1, -1, 4, 4)).relu()).tanh()


def build_conv(options: NoOptions, data: DataInfo) -> Networks:
    return Networks(ToyConv(3), ToyConv(0), 3)


# ----------------------------------------------------------------------------
# Data.


@dataclass(frozen=True, kw_only=True)
class ArrayOptions:
    num: int = option(40, help="Items.", low=1)


class ToyArray:
    """Bytes ``[num, 1, 4, 4]``; all bytes of item i are i, and its label is i modulo 2."""

    def __init__(self, options: ArrayOptions) -> None:
        self.info = DataInfo(shape=(1, 4, 4), num_classes=2, num_items=options.num)
        self.data = torch.arange(options.num, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4).numpy()
        self.labels = (torch.arange(options.num) % 2).numpy()


class ToyPoints:
    """Endless points on a circle of radius 0.5."""

    def __init__(self, options: NoOptions) -> None:
        self.info = DataInfo(shape=(2,), modality="points")

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, None]:
        angle = torch.rand(n, generator=generator, device=generator.device) * 6.283185
        return 0.5 * torch.stack([angle.cos(), angle.sin()], 1), None


def lines(samples, info: DataInfo) -> dict[str, bytes]:
    assert samples.dtype == "float32"
    assert info.shape == (2,)
    return {"lines.txt": "".join(f"{x:.4f} {y:.4f}\n" for x, y in samples).encode()}


# ----------------------------------------------------------------------------
# Losses.


@dataclass(frozen=True, kw_only=True)
class AfterOptions:
    after: int = option(3, help="Number of D's updates before the NaN.", low=0)


class ToyPairs:
    """The relativistic pairing loss."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.reals: list[Tensor | None] = []

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return nn.functional.softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.reals.append(real)
        return nn.functional.softplus(real - fake).mean()


class ToyNaN(nn.Module):
    """The BCE loss, whose D term is NaN after some updates."""

    def __init__(self, options: AfterOptions, data: DataInfo) -> None:
        super().__init__()
        self.after = options.after
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.calls += 1
        loss = nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()
        return loss * float("nan") if self.calls > self.after else loss

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return nn.functional.softplus(-fake).mean()


# ----------------------------------------------------------------------------
# Regularizers and augmentations.


@dataclass(frozen=True, kw_only=True)
class GammaOptions:
    gamma: float = option(1.0, help="Weight.", low=0, schedulable=True)


class ToyR1(nn.Module):
    """R1 on D's inputs, from the update's own outputs; its `calls` are state."""

    def __init__(self, options: GammaOptions, data: DataInfo) -> None:
        super().__init__()
        self.gamma = options.gamma
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.steps: list[Step] = []
        self.prepared = self.after = 0

    def prepare(self, networks: Networks) -> None:
        self.prepared += 1

    def discriminator(self, step: Step) -> Tensor:
        self.calls += 1
        self.steps.append(step)
        (gradient,) = torch.autograd.grad(step.real_output.logits.sum(), step.real, create_graph=True)
        return self.gamma / 2 * gradient.square().flatten(1).sum(1).mean()

    def after_step(self, networks: Networks) -> None:
        self.after += 1


class ToyMeans:
    """A linear term for each network, whose gradient is easy to compute."""

    def __init__(self, options: GammaOptions, data: DataInfo) -> None:
        self.gamma = options.gamma
        self.steps: list[Step] = []

    def discriminator(self, step: Step) -> Tensor:
        return self.gamma * step.real_output.logits.mean()

    def generator(self, step: Step) -> Tensor:
        self.steps.append(step)
        return self.gamma * step.fake.mean()


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    strength: float = option(0.1, help="Strength of the noise.", low=0)


class ToyNoise(nn.Module):
    """Noise from torch's default generator; it becomes stronger if D's logits of real samples are positive."""

    def __init__(self, options: NoiseOptions, data: DataInfo) -> None:
        super().__init__()
        self.register_buffer("strength", torch.tensor(options.strength))
        self.samples: list[Tensor] = []
        self.logits: list[Tensor] = []

    def forward(self, samples: Tensor) -> Tensor:
        self.samples.append(samples)
        return samples + self.strength * torch.randn_like(samples)

    def update(self, real_logits: Tensor) -> None:
        self.logits.append(real_logits)
        self.strength += 0.01 * real_logits.sign().mean()

    def report(self) -> dict[str, Tensor]:
        return {"strength": self.strength}


class ToyMix:
    """Shows the fake instead of each second real sample."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.calls: list[tuple[Tensor, Tensor]] = []

    def mix(self, real: Tensor, fake: Tensor) -> Tensor:
        self.calls.append((real, fake))
        rows = torch.arange(len(real), device=real.device).reshape(-1, *[1] * (real.dim() - 1))
        return torch.where(rows % 2 == 1, fake, real)


# ----------------------------------------------------------------------------
# Observers.

EVENTS: list[tuple] = []


class ToyTracker:
    def __init__(self, options: NoOptions) -> None:
        pass

    def start(self, run) -> None:
        EVENTS.append(("start", run.path.name))

    def log(self, images, scalars) -> None:
        EVENTS.append(("log", images, dict(scalars)))

    def grid(self, images, path) -> None:
        EVENTS.append(("grid", images, path.name))

    def finish(self, status) -> None:
        EVENTS.append(("finish", status))


class ToyBroken:
    """A tracker and a metric that fail."""

    def __init__(self, options: NoOptions, data: DataInfo | None = None) -> None:
        pass

    def fail(self, *args):
        raise RuntimeError("out of order")

    start = log = grid = finish = reset = real = fake = compute = fail


class ToyMean:
    """The difference between the means of real and fake samples."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def reset(self) -> None:
        self.means = {"real": [], "fake": []}

    def real(self, batch: Tensor) -> None:
        self.means["real"].append(batch.mean())

    def fake(self, batch: Tensor) -> None:
        self.means["fake"].append(batch.mean())

    def compute(self) -> dict[str, float]:
        real, fake = (torch.stack(self.means[key]).mean() for key in ("real", "fake"))
        return {"difference": float(real - fake)}


# ----------------------------------------------------------------------------
# Specs.


def features_of(options: ToyOptions) -> tuple[str, ...]:
    return ("features",) if options.answer == "output" else ()


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="toy", summary="Two layers.", factory="toys:build_toy", options=ToyOptions, conditional="optional",
        modalities=("image", "points"), provides=features_of,
        recommended={"loss": "toy-bce", "train.batch": 16, "optim.d.lr": 1e-2, "optim.g.lr": 1e-2},
    )  # fmt: skip
    yield Architecture(
        name="toy-conv", summary="Two convolutions.", factory="toys:build_conv", recommended={"loss": "toy-bce"}
    )


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="toy-array", summary="Forty items.", factory="toys:ToyArray", options=ArrayOptions)
    yield Dataset(name="toy-points", summary="A circle.", factory="toys:ToyPoints")
    yield Dataset(name="toy-lines", summary="Points shown as text.", factory="toys:ToyPoints", show="toys:lines")


@hookimpl
def ganzoo_losses():
    yield Loss(name="toy-bce", summary="BCE.", factory="ganzoo_losses.losses:BCE", options=BCEOptions)
    yield Loss(name="toy-pairs", summary="Pairs.", factory="toys:ToyPairs", pairs=True)
    yield Loss(name="toy-nan", summary="NaN.", factory="toys:ToyNaN", options=AfterOptions)


@hookimpl
def ganzoo_regularizers():
    yield Regularizer(name="toy-r1", summary="R1.", factory="toys:ToyR1", options=GammaOptions, input_gradients=True)
    yield Regularizer(name="toy-means", summary="Means.", factory="toys:ToyMeans", options=GammaOptions)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="toy-noise", summary="Noise.", factory="toys:ToyNoise", options=NoiseOptions)
    yield Augmentation(name="toy-mix", summary="Fakes as reals.", factory="toys:ToyMix", mixes_fakes=True)


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="toy-tracker", summary="Notes.", factory="toys:ToyTracker")
    yield Tracker(name="toy-broken", summary="Fails.", factory="toys:ToyBroken")


@hookimpl
def ganzoo_metrics():
    yield Metric(name="toy-mean", summary="Means.", factory="toys:ToyMean", better={"difference": "higher"})
    yield Metric(name="toy-broken", summary="Fails.", factory="toys:ToyBroken")
