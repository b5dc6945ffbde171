"""The trainings of ESRGAN and Real-ESRGAN, and a short one. This module is imported by every command: nothing heavy.

A training has two stages. In the first one, G learns the distance `l1` alone: `train.d_start` is its length, so that D
is never used. The second one starts from it (`train.init=RUN`). Distances of pixels are in a range of 2 here and in a
range of 1 in the papers, so their weights are half of those there. In place of VGG19's features, of which no package
has the weights, `perceptual` compares those of `squeezenet` by their directions, with the papers' weights of the whole.
Learning rates fall along a cosine where the authors halve them at some steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Recipe

ESRGAN = (
    "Xintao Wang, Ke Yu, Shixiang Wu, Jinjin Gu, Yihao Liu, Chao Dong, Yu Qiao & Chen Change Loy 2018, ESRGAN: "
    "Enhanced Super-Resolution Generative Adversarial Networks, arXiv:1809.00219"
)
REAL_ESRGAN = (
    "Xintao Wang, Liangbin Xie, Chao Dong & Ying Shan 2021, Real-ESRGAN: Training Real-World Blind Super-Resolution "
    "with Pure Synthetic Data, arXiv:2107.10833"
)
BASICSR = "https://github.com/XPixelGroup/BasicSR/tree/master/options/train/ESRGAN"
REAL_SOURCE = "https://github.com/xinntao/Real-ESRGAN/tree/master/options"
NETWORKS = {"arch": "rrdb", "arch.width": 64, "arch.growth": 32, "arch.blocks": 23, "arch.width_d": 64}
EMA = 692.8  # updates: 0.999 ** 692.8 is 1/2
SHORT = 24_000  # images of the short training: D learns after a fifth of them, and G hears of it after two fifths


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes, the first stage of each before the second."""
    data = {"dataset": "upscaling", "dataset.scale": 4, "dataset.size": 128, "train.flip": True}
    yield Recipe(
        name="esrgan-l1",
        summary="ESRGAN's first stage: its generator learns l1 alone, which gives the highest PSNR and blurs details.",
        paper=ESRGAN,
        source=BASICSR,
        published="PSNR 32.73 dB on Set5, 28.99 on Set14 (luma, four times enlarged)",
        cost="16 million images of 128x128",
        similar_to=dict.fromkeys(("psnr", "rrdb", "rrdbnet", "srresnet"), "--recipe esrgan-l1"),
        settings={**NETWORKS, **data, **_make_first_stage(16, 1_000_000), "arch.d": "vgg"},
    )
    yield Recipe(
        name="esrgan",
        summary="ESRGAN's second stage, which adds details; start it from the first: train.init=RUN.",
        paper=ESRGAN,
        source=BASICSR,
        published="first place of region 3 in the PIRM challenge of 2018, by the perceptual index",
        cost="6.4 million images of 128x128",
        settings={
            **NETWORKS,
            **data,
            "arch.d": "vgg",
            "loss": "ragan",
            **_make_second_stage(16, 400_000, {"l1": 0.005, "perceptual": 1.0}),
            "train.adversarial_weight": 0.005,
        },
    )
    data |= {"dataset.size": 256, "dataset.degradation": "real"}
    yield Recipe(
        name="real-esrgan-l1",
        summary="Real-ESRGAN's first stage (Real-ESRNet), for photographs of unknown blur, noise and compression.",
        paper=REAL_ESRGAN,
        source=REAL_SOURCE,
        similar_to=dict.fromkeys(("real-esrnet", "realesrnet"), "--recipe real-esrgan-l1"),
        published="none for this stage",
        cost="48 million images of 256x256, on 4 V100",
        settings={**NETWORKS, **data, **_make_first_stage(48, 1_000_000)},
    )
    yield Recipe(
        name="real-esrgan",
        summary="Real-ESRGAN's second stage, which adds details; start it from the first: train.init=RUN.",
        paper=REAL_ESRGAN,
        source=REAL_SOURCE,
        published="NIQE on seven sets of photographs, in a table of the paper",
        cost="19.2 million images of 256x256, on 4 V100",
        settings={
            **NETWORKS,
            **data,
            "loss": "bce",
            **_make_second_stage(48, 400_000, {"l1": 0.5, "perceptual": 1.0}),
            "train.adversarial_weight": 0.1,
            "train.ema_half_life": 48 * EMA,
        },
    )
    yield Recipe(
        name="compact-upscaling",
        summary="Four times larger by a small network, both stages in one run that a processor can train.",
        paper=REAL_ESRGAN,
        published="none for these settings",
        cost="half an hour of one core",
        similar_to=dict.fromkeys(("compact", "upscaling", "super-resolution"), "--recipe compact-upscaling"),
        settings={
            "arch": "compact",
            "arch.convs": 8,
            "arch.width": 32,
            "dataset": "upscaling",
            "dataset.scale": 4,
            "dataset.size": 64,
            "loss": "bce",
            **_make_second_stage(8, SHORT // 8, {"l1": 1.0, "perceptual": 0.2}),
            "optim.g.lr": f"cosine(1e-3, 5e-5, images={SHORT})",
            "optim.d.lr": f"cosine(2e-4, 2e-5, images={SHORT})",  # at 1e-3 its logits become 0
            "train.d_start": SHORT // 5,
            "train.adversarial_start": SHORT * 2 // 5,
            "train.adversarial_weight": 0.005,
            "train.ema_half_life": 4_000,
            "train.flip": True,
        },
    )


def _make_first_stage(batch: int, updates: int) -> dict[str, Any]:
    """Return the settings of a training of G by `l1` alone."""
    images = batch * updates
    return {
        "reg": "l1",
        "metric": ("psnr", "ssim"),
        "optim.g.lr": f"cosine(2e-4, 1e-7, images={images})",
        "optim.g.betas": (0.9, 0.99),
        "train.batch": batch,
        "train.images": images,
        "train.d_start": images,
        "train.ema_half_life": batch * EMA,
    }


def _make_second_stage(batch: int, updates: int, weights: dict[str, float]) -> dict[str, Any]:
    """Return the settings of a training against D, with terms that have these weights."""
    images = batch * updates
    return {
        "reg": tuple(weights),
        **{f"reg.{name}.weight": weight for name, weight in weights.items()},
        "reg.perceptual.extractor": "squeezenet",
        "metric": ("psnr", "ssim"),
        **{f"optim.{network}.lr": f"cosine(1e-4, 1e-5, images={images})" for network in "gd"},
        **{f"optim.{network}.betas": (0.9, 0.99) for network in "gd"},
        "train.batch": batch,
        "train.images": images,
    }
