"""The options of the engine itself: `train.*`, and `optim.g.*` and `optim.d.*` for each optimizer of torch.

They are options classes like any component's; DESIGN's words hold: progress and periods of the run are counted in
images seen by the discriminator, intervals inside the algorithm in updates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin.options import option


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The keys of ``train.``."""

    images: int = option(150_000, help="Length of the run, in images seen.", low=1)
    batch: int = option(64, help="Real images of one update of the discriminator.", low=1)
    micro_batch: int | None = option(None, help="Images at a time, gradients accumulated to train.batch.", low=1)
    d_steps: int = option(1, help="Updates of the discriminator before each round of the generator's.", low=1)
    g_steps: int = option(1, help="Updates of the generator in a round.", low=1)
    g_batch: int | None = option(None, help="Images of one update of the generator; none for train.batch.", low=1)
    update: Literal["alternating", "shared", "simultaneous"] = option(
        "alternating",
        help="Order of the updates: each on latents of its own; G's on those that D saw; both at the same point.",
    )
    d_reg_interval: int = option(
        1, help="D's regularizers every so many updates; above 1 in a step of their own.", low=1
    )
    g_reg_interval: int = option(1, help="G's regularizers likewise.", low=1)
    d_start: int = option(0, help="Images before the discriminator is trained and asked.", low=0)
    adversarial_start: int = option(
        0, help="Images before the adversarial term of the generator; the discriminator learns already.", low=0
    )
    adversarial_weight: float = option(
        1.0, help="Weight of the adversarial term of the generator.", low=0, schedulable=True
    )
    ema_half_life: float = option(10_000.0, help="Half-life of the averaged generator, in images; 0 for none.", low=0)
    ema_ramp: float | None = option(0.05, help="Half-life at most this share of the images seen so far.", low=0)
    precision: Literal["auto", "fp32", "tf32", "bf16", "fp16"] = option(
        "auto", help="Numbers that the networks compute in; losses and penalties are in fp32 always."
    )
    execution: Literal["auto", "eager", "compile", "cuda-graph"] = option(
        "auto", help="How an update is run; the maths is the same."
    )
    threads: int | None = option(
        None,
        help="Threads that compute on the CPU; none for one where the networks are small, else a fair share.",
        low=1,
    )
    sync_batchnorm: bool = option(
        False, help="BatchNorm over the total batch of all processes, instead of each one's own; on CUDA."
    )
    seed: int = option(0, help="Every random number follows from it.", low=0)
    init: str | None = option(
        None, help="Model package whose weights training starts from: a directory, or a model on the Hub."
    )
    conditional: bool = option(False, help="Whether the networks see the labels.")
    flip: bool = option(False, help="Mirror every other real image, at random; on the device.")
    grid_every: int = option(20_000, help="Images between two grids.", low=1)
    checkpoint_every: int = option(50_000, help="Images between two checkpoints.", low=1)
    metric_every: int | None = option(
        None, help="Images between two measurements by the metrics; none for one at each checkpoint.", low=1
    )
    metric_samples: int = option(
        1024, help="Real samples of a measurement, where there are as many, and generated ones.", low=2
    )
    keep: int = option(2, help="How many checkpoints are kept.", low=1)
    best: str | None = option(
        None, help="METRIC/KEY: keep the checkpoint where this value is best, besides the last ones."
    )


# ----------------------------------------------------------------------------
# Optimizers, by their name in lower case. The class torch.optim.X takes the fields as its keywords, all but `clip`.
# Left out are those that need a closure (LBFGS), sparse gradients (SparseAdam), or parameters of one kind (Muon).

_LR = "Learning rate."
_BETAS = "Decay rates of the first and the second moment."
_EPS = "Added to the denominator."
_DECAY = "Weight decay."
_CLIP = "Largest norm of a step's gradient, which is made so short; none for any."


@dataclass(frozen=True, kw_only=True)
class _OptimizerOptions:
    lr: float = option(2e-4, help=_LR, low=0, schedulable=True)
    clip: float | None = option(None, help=_CLIP, low=0)
    weight_decay: float = option(0.0, help=_DECAY, low=0)


@dataclass(frozen=True, kw_only=True)
class Adam(_OptimizerOptions):
    """Kingma & Ba 2015."""

    betas: tuple[float, float] = option((0.9, 0.999), help=_BETAS, low=0, high=0.9999999, schedulable=True)
    eps: float = option(1e-8, help=_EPS, low=0)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Loshchilov & Hutter 2019."""

    weight_decay: float = option(0.01, help=_DECAY, low=0)


@dataclass(frozen=True, kw_only=True)
class SGD(_OptimizerOptions):
    """Stochastic gradient descent, with momentum where it is above 0."""

    momentum: float = option(0.0, help="Momentum.", low=0, high=1)
    nesterov: bool = option(False, help="Nesterov's form of the momentum.")


@dataclass(frozen=True, kw_only=True)
class RMSprop(_OptimizerOptions):
    """Hinton 2012, lecture 6e."""

    alpha: float = option(0.99, help="Decay rate of the squared gradient.", low=0, high=1)
    eps: float = option(1e-8, help=_EPS, low=0)
    momentum: float = option(0.0, help="Momentum.", low=0, high=1)
    centered: bool = option(False, help="Whether the gradient's mean is taken off its square.")


@dataclass(frozen=True, kw_only=True)
class Adagrad(_OptimizerOptions):
    """Duchi, Hazan & Singer 2011."""

    lr_decay: float = option(0.0, help="Decay of the learning rate.", low=0)
    eps: float = option(1e-10, help=_EPS, low=0)


@dataclass(frozen=True, kw_only=True)
class Adafactor(_OptimizerOptions):
    """Shazeer & Stern 2018."""

    beta2_decay: float = option(-0.8, help="Power of the second moment's decay.", high=0)
    d: float = option(1.0, help="Threshold of an update's clipping.", low=0)


@dataclass(frozen=True, kw_only=True)
class Adadelta(_OptimizerOptions):
    """Zeiler 2012."""

    rho: float = option(0.9, help="Decay rate of the running averages.", low=0, high=1)
    eps: float = option(1e-6, help=_EPS, low=0)


@dataclass(frozen=True, kw_only=True)
class ASGD(_OptimizerOptions):
    """Polyak & Juditsky 1992."""

    lambd: float = option(1e-4, help="Decay term.", low=0)
    alpha: float = option(0.75, help="Power of the learning rate's decay.", low=0)
    t0: float = option(1e6, help="Step at which averaging starts.", low=0)


@dataclass(frozen=True, kw_only=True)
class Rprop:
    """Riedmiller & Braun 1993. Its learning rate is that of the first step alone, so no schedule can change it."""

    lr: float = option(2e-4, help="Size of the first step.", low=0)
    clip: float | None = option(None, help=_CLIP, low=0)
    etas: tuple[float, float] = option((0.5, 1.2), help="Factors of a step's decrease and increase.", low=0)


OPTIMIZERS: dict[str, type[Any]] = {
    "adam": Adam, "adamw": AdamW, "adamax": Adam, "nadam": Adam, "radam": Adam, "sgd": SGD, "rmsprop": RMSprop,
    "adafactor": Adafactor, "adagrad": Adagrad, "adadelta": Adadelta, "asgd": ASGD, "rprop": Rprop,
}  # fmt: skip
