"""The options of the plugin's components. Every command imports this module, so it imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganzoo.plugin import option

MEAN = "Mean of the logarithm of the noise levels, which are standard deviations beside samples in [-1, 1]."
STD = "Standard deviation of the logarithm of the noise levels."


@dataclass(frozen=True, kw_only=True)
class JudgeOptions:
    """Options of the discriminator."""

    width_d: int = option(64, low=1, help="Channels of D's heads, one for each resolution of the denoiser's maps.")
    noise_mean: float = option(0.0, low=-10, high=10, help=f"{MEAN} D sees samples with such noise.")
    noise_std: float = option(1.0, low=0, high=10, help=STD)


@dataclass(frozen=True, kw_only=True)
class OneStepOptions(JudgeOptions):
    """Options of `one-step`. With a denoiser, the network is as large as that, whatever the options were."""

    denoiser: str = option(
        "",
        help="The trained denoiser that G starts from and whose maps D judges: a run or a package of this "
        "architecture; empty to train one, or to train without one.",
    )
    width: int = option(16, low=2, help="Channels of the network at full resolution.")
    multipliers: tuple[int, ...] = option(
        (1, 2), low=1, help="Channels of each level as multiples of width; each level but the first halves the sides."
    )
    blocks: int = option(1, low=1, help="Residual blocks of each level, before and after the middle.")
    sigma_data: float = option(0.5, low=0.01, help="Standard deviation of the samples, about which the network scales.")
    sigma_max: float = option(80.0, low=1, help="Standard deviation of the noise that samples are made from.")


@dataclass(frozen=True, kw_only=True)
class DiffusersOptions(JudgeOptions):
    """Options of `one-step-diffusers`."""

    denoiser: str = option(
        "", help="The folder of a pipeline of diffusers, with a UNet2DModel in safetensors and its scheduler."
    )
    config: str = option(
        "", help="The networks and the noise levels as JSON; a run reads it from the folder and stores it."
    )


@dataclass(frozen=True, kw_only=True)
class DistillationOptions:
    """Options of `distillation`."""

    weight: float = option(2.5, low=0, schedulable=True, help="Weight of the term, lambda in the paper.")
    weighting: Literal["exponential", "sds", "uniform"] = option(
        "exponential",
        help="Weight of a noise level. exponential: the share of the sample in what is seen, so that much noise counts "
        "little; sds: that of score distillation sampling; uniform: 1.",
    )
    noise_mean: float = option(0.0, low=-10, high=10, help=MEAN)
    noise_std: float = option(1.0, low=0, high=10, help=STD)


@dataclass(frozen=True, kw_only=True)
class DenoisingOptions:
    """Options of `denoising`. The defaults are those of the paper."""

    weight: float = option(1.0, low=0, schedulable=True, help="Weight of the term.")
    noise_mean: float = option(-1.2, low=-10, high=10, help=MEAN)
    noise_std: float = option(1.2, low=0, high=10, help=STD)
