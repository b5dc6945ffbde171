"""The options of the engine: `train.*`, and `optim.g.*` and `optim.d.*` for each optimizer of torch.

They are options classes like those of components. The progress and the periods of a run are counted in images seen by
the discriminator; intervals inside the algorithm are counted in updates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ganzoo.plugin.options import option


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The keys of ``train.``."""

    images: int = option(
        150_000, help="Length of the run: real images that the discriminator sees; repeats count.", low=1
    )
    time: str | None = option(
        None,
        help="Time that the training may take, such as 90s, 20min or 1.5h: a few updates are measured, and "
        "train.images becomes the number of images that fit. none: train.images says how long.",
    )
    batch: int = option(64, help="Real images in one update of the discriminator.", low=1)
    micro_batch: int | None = option(
        None, help="Images in one forward; gradients are accumulated over train.batch. none: all.", low=1
    )
    d_steps: int = option(1, help="Updates of the discriminator in a round.", low=1)
    g_steps: int = option(1, help="Updates of the generator in a round, after the discriminator's.", low=1)
    g_batch: int | None = option(None, help="Images in one update of the generator; none for train.batch.", low=1)
    update: Literal["alternating", "shared", "simultaneous"] = option(
        "alternating",
        help="Order of updates. alternating: D, then G on fresh latents; shared: G reuses D's fakes; simultaneous: "
        "both gradients before either step.",
    )
    d_reg_interval: int = option(
        1, help="Apply D's regularizers every so many updates; above 1, in an optimizer step of their own.", low=1
    )
    g_reg_interval: int = option(
        1, help="Apply G's regularizers every so many updates; above 1, in an optimizer step of their own.", low=1
    )
    auto_gamma: bool = option(
        False,
        help="Adapt the strengths of penalties on D (reg.r1.gamma ...): one factor doubles where D tells more than 99 "
        "of 100 pairs of real and generated samples apart, and halves below 55.",
    )
    d_start: int = option(0, help="Images seen before the discriminator is used and trained.", low=0)
    adversarial_start: int = option(
        0, help="Images seen before the adversarial term enters G's loss; D is trained before that.", low=0
    )
    adversarial_weight: float = option(1.0, help="Weight of the adversarial term in G's loss.", low=0, schedulable=True)
    g_top_k: float = option(
        1.0,
        help="Share of the fakes in G's batch whose adversarial loss trains G: those with the highest logits.",
        low=0,
        high=1,
        schedulable=True,
    )
    ema_half_life: float = option(
        10_000.0, help="Half-life of the averaged generator, in images; 0 for no averaging.", low=0
    )
    ema_ramp: float | None = option(
        0.05,
        help="Limit of the half-life, as a share of the images seen so far; none for no limit.",
        low=0,
        used_with="average",
    )
    ema_profiles: tuple[float, ...] | None = option(
        None,
        help="Widths (sigma_rel) of further averages of G, such as 0.05,0.1, which are stored at each checkpoint; "
        "`ganzoo package --profile` makes an average of any width of them.",
        low=0.001,
        high=0.28,
    )
    precision: Literal["auto", "fp32", "tf32", "bf16", "fp16"] = option(
        "auto", help="Precision of the networks; losses and penalties are always computed in fp32."
    )
    execution: Literal["auto", "eager", "compile", "cuda-graph"] = option(
        "auto", help="How updates are executed; the mathematics is the same."
    )
    checkpoint_activations: bool = option(
        False,
        help="Keep only the inputs of the networks' blocks and compute the rest again for gradients: less memory, more "
        "time, the same mathematics; train.execution is eager then.",
    )
    deterministic: bool = option(
        False,
        help="Use only deterministic convolutions of cuDNN, so that a resumed run on CUDA ends as an unbroken one; "
        "otherwise the fastest ones are found by trial.",
    )
    threads: int | None = option(
        None,
        help="Number of CPU threads; none: 1 for small networks, else a fair share of the cores.",
        low=1,
    )
    sync_batchnorm: bool = option(
        False, help="Compute BatchNorm over the batches of all processes instead of each process alone; on CUDA."
    )
    seed: int = option(0, help="Seed of all random numbers.", low=0)
    init: str | None = option(
        None, help="Model package to start from the weights of: a directory, or a model on the Hub."
    )
    conditional: bool = option(False, help="Whether the networks see the labels.")
    flip: bool = option(False, help="Mirror each real image with probability 1/2.")
    dequantise: bool = option(
        False, help="Add uniform noise of one grey level to real images, so that D does not see that they are bytes."
    )
    grid_every: int = option(
        20_000, help="Images between two grids; in the first five minutes more come, by time.", low=1
    )
    checkpoint_every: int = option(50_000, help="Images between two checkpoints.", low=1)
    metric_every: int | None = option(
        None,
        help="Images between two measurements of the metrics; none for one at each checkpoint.",
        low=1,
        used_with="metrics",
    )
    metric_samples: int = option(
        1024,
        help="Number of real samples (at most all) and of generated samples in a measurement.",
        low=2,
        used_with="metrics",
    )
    keep: int = option(2, help="Number of checkpoints to keep.", low=1)
    best: str | None = option(None, help="METRIC/KEY: also keep the checkpoint with the best value of this metric.")
    patience: int = option(
        0, help="Finish early after so many measurements without a better value of train.best; 0: never.", low=0
    )
    on_regression: Literal["keep", "stop"] = option(
        "keep",
        help="What happens if train.best is worse than 1.5 times its best in two measurements running. keep: the run "
        "goes on; stop: it finishes early.",
    )
    on_nan: Literal["stop", "rollback"] = option(
        "stop",
        help="What happens if a loss or a weight is not a finite number. rollback: the run goes on from its last good "
        "checkpoint with lower learning rates.",
    )
    rollbacks: int = option(3, help="The most rollbacks of a run with train.on_nan=rollback.", low=1)
    rollback_factor: float = option(
        0.5, help="Factor of both learning rates at each rollback of train.on_nan=rollback.", low=0, high=1
    )


# ----------------------------------------------------------------------------
# Optimizers, by their name in lower case. The fields, except `clip`, are keyword arguments of the class torch.optim.X.
# Missing are optimizers that need a closure (LBFGS), sparse gradients (SparseAdam) or 2-D parameters (Muon).

_LR = "Learning rate."
_BETAS = "Decay rates of the first and the second moment."
_EPS = "Small number that is added to the denominator."
_DECAY = "Coefficient of the weight decay."
_CLIP = "Largest norm of the gradient in a step; a longer one is scaled down. none for no limit."


@dataclass(frozen=True, kw_only=True)
class _OptimizerOptions:
    lr: float = option(2e-4, help=_LR, low=0, schedulable=True)
    clip: float | None = option(None, help=_CLIP, low=0)
    weight_decay: float = option(0.0, help=_DECAY, low=0)


@dataclass(frozen=True, kw_only=True)
class _Moments(_OptimizerOptions):
    """Optimizers with running averages of the gradient and of its square."""

    betas: tuple[float, float] = option((0.9, 0.999), help=_BETAS, low=0, high=0.9999999, schedulable=True)
    eps: float = option(1e-8, help=_EPS, low=0)


@dataclass(frozen=True, kw_only=True)
class Adam(_Moments):
    """Kingma & Ba 2015."""

    eps_hat: bool = option(
        False,
        help="Whether eps is the paper's epsilon-hat, as in TensorFlow and Keras: it is added to the second moment's "
        "root before the bias correction, not after it.",
    )


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Loshchilov & Hutter 2019."""

    weight_decay: float = option(0.01, help=_DECAY, low=0)


@dataclass(frozen=True, kw_only=True)
class SGD(_OptimizerOptions):
    """Stochastic gradient descent, optionally with momentum."""

    momentum: float = option(0.0, help="Factor of the momentum.", low=0, high=1)
    nesterov: bool = option(False, help="Whether to use Nesterov's form of the momentum.")


@dataclass(frozen=True, kw_only=True)
class RMSprop(_OptimizerOptions):
    """Hinton 2012, lecture 6e."""

    alpha: float = option(0.99, help="Decay rate of the squared gradient.", low=0, high=1)
    eps: float = option(1e-8, help=_EPS, low=0)
    momentum: float = option(0.0, help="Factor of the momentum.", low=0, high=1)
    centered: bool = option(False, help="Whether to divide by the gradient's variance instead of its square.")


@dataclass(frozen=True, kw_only=True)
class Adagrad(_OptimizerOptions):
    """Duchi, Hazan & Singer 2011."""

    lr_decay: float = option(0.0, help="Decay of the learning rate with each step.", low=0)
    eps: float = option(1e-10, help=_EPS, low=0)


@dataclass(frozen=True, kw_only=True)
class Adafactor(_OptimizerOptions):
    """Shazeer & Stern 2018."""

    beta2_decay: float = option(-0.8, help="Exponent of the decay rate of the second moment.", high=0)
    d: float = option(1.0, help="Largest root mean square of an update.", low=0)


@dataclass(frozen=True, kw_only=True)
class Adadelta(_OptimizerOptions):
    """Zeiler 2012."""

    rho: float = option(0.9, help="Decay rate of the running averages.", low=0, high=1)
    eps: float = option(1e-6, help=_EPS, low=0)


@dataclass(frozen=True, kw_only=True)
class ASGD(_OptimizerOptions):
    """Polyak & Juditsky 1992."""

    lambd: float = option(1e-4, help="Coefficient of the decay of the learning rate.", low=0)
    alpha: float = option(0.75, help="Exponent of the decay of the learning rate.", low=0)
    t0: float = option(1e6, help="Number of the step at which averaging starts.", low=0)


@dataclass(frozen=True, kw_only=True)
class Rprop:
    """Riedmiller & Braun 1993. Its learning rate is the size of the first step only, so it cannot be a schedule."""

    lr: float = option(2e-4, help="Size of the first step.", low=0)
    clip: float | None = option(None, help=_CLIP, low=0)
    etas: tuple[float, float] = option(
        (0.5, 1.2), help="Factors by which the size of a step decreases and increases.", low=0
    )


OPTIMIZERS: dict[str, type[Any]] = {
    "adam": Adam, "adamw": AdamW, "adamax": _Moments, "nadam": _Moments, "radam": _Moments, "sgd": SGD,
    "rmsprop": RMSprop, "adafactor": Adafactor, "adagrad": Adagrad, "adadelta": Adadelta, "asgd": ASGD, "rprop": Rprop,
}  # fmt: skip
