"""Diffusion models as generators of one step: trained denoisers, and discriminators on their maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Architecture, DataInfo, Regularizer, hookimpl
from ganzoo_diffusion.options import DenoisingOptions, DiffusersOptions, DistillationOptions, OneStepOptions

EDM = (
    "Tero Karras, Miika Aittala, Timo Aila & Samuli Laine 2022, Elucidating the Design Space of Diffusion-Based "
    "Generative Models, arXiv:2206.00364"
)
ADD = (
    "Axel Sauer, Dominik Lorenz, Andreas Blattmann & Robin Rombach 2023, Adversarial Diffusion Distillation, "
    "arXiv:2311.17042"
)
LADD = (
    "Axel Sauer, Frederic Boesel, Tim Dockhorn, Andreas Blattmann, Patrick Esser & Robin Rombach 2024, Fast "
    "High-Resolution Image Synthesis with Latent Adversarial Diffusion Distillation, arXiv:2403.12015"
)
APT = (
    "Shanchuan Lin, Xin Xia, Yuxi Ren, Ceyuan Yang, Xuefeng Xiao & Lu Jiang 2025, Diffusion Adversarial Post-Training "
    "for One-Step Video Generation, arXiv:2501.08316"
)
COMMON: dict[str, Any] = {
    "square": False,
    "conditional": "optional",
    "recommended": {
        "loss": "hinge",
        "optim.g.lr": 1e-4,
        "optim.d.lr": 4e-4,
        "optim.g.betas": (0.0, 0.99),
        "optim.d.betas": (0.0, 0.99),
        "train.batch": 64,
        "train.ema_half_life": 10_000,
    },
}
TRAINED = ("frozen-denoiser", "trained-denoiser")
NO_DENOISER = "its generator starts from random weights, and its discriminator knows nothing"


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="one-step",
        summary="A denoiser of ganzoo's own generates in one step; D judges its maps of samples with noise.",
        factory="ganzoo_diffusion.one_step:build",
        options=OneStepOptions,
        settle="ganzoo_diffusion.sources:settle_own",
        similar_to=dict.fromkeys(
            ("diffusion", "edm", "ddpm", "ladd", "apt", "dmd", "one-step-diffusion"), "--arch one-step"
        ),
        paper=f"{LADD}; {APT}; {EDM}",
        examples=(DataInfo(shape=(1, 4, 6)),),
        provides=_provide,
        wants={"trained-denoiser": NO_DENOISER},
        untrained=("discriminator.backbone.unet.norm.*", "discriminator.backbone.unet.last.*"),  # maps come before
        **COMMON,
    )
    yield Architecture(
        name="one-step-diffusers",
        summary="A denoiser that diffusers stored generates in one step; D judges its maps of samples with noise.",
        factory="ganzoo_diffusion.one_step_diffusers:build",
        options=DiffusersOptions,
        requires=("diffusers>=0.30",),
        settle="ganzoo_diffusion.one_step_diffusers:settle",
        similar_to=dict.fromkeys(("diffusers", "unet2dmodel", "ddpmpipeline"), "--arch one-step-diffusers"),
        paper=f"{LADD}; {APT}",
        provides=_provide_diffusers,
        wants={"trained-denoiser": NO_DENOISER},
        untrained=("discriminator.backbone.unet.conv_norm_out.*", "discriminator.backbone.unet.conv_out.*"),
        **COMMON,
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the terms."""
    yield Regularizer(
        name="distillation",
        summary="Samples of G are like those that D's frozen denoiser sees behind noise (ADD).",
        factory="ganzoo_diffusion.distillation:Distillation",
        options=DistillationOptions,
        similar_to=dict.fromkeys(("add", "sds", "score-distillation", "teacher"), "--reg distillation"),
        paper=f"{ADD}, eq. 4",
        needs=("frozen-denoiser",),
        modalities=("image",),
    )
    yield Regularizer(
        name="denoising",
        summary="G predicts real samples from noisy ones: this trains a denoiser, without D.",
        factory="ganzoo_diffusion.denoising:Denoising",
        options=DenoisingOptions,
        similar_to=dict.fromkeys(("diffusion", "denoiser", "score-matching"), "--reg denoising"),
        paper=f"{EDM}, eq. 8",
        needs=("preconditioned",),
        provides=("trained-denoiser",),
        reals=True,
        modalities=("image",),
    )


def _provide(options: OneStepOptions) -> tuple[str, ...]:
    return ("double-backward", "preconditioned", *(TRAINED if options.denoiser else ()))


def _provide_diffusers(options: DiffusersOptions) -> tuple[str, ...]:
    return ("no-double-backward", *(TRAINED if options.denoiser else ()))  # its attention is fused
