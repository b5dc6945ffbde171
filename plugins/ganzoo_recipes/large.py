"""StudioGAN's trainings on larger images (Kang, Shin & Park 2023, arXiv:2206.09479).

A row of a data set has the name of a GAN, its scores, and what differs from the settings of the data set and of
`ganzoo_recipes.gans`. The numbers are those of the configurations in StudioGAN's repository, the scores those of the
tables in its README of version 0.3.
"""

from __future__ import annotations

from typing import Any

from ganzoo_recipes.small import RESIDUAL_64, compare
from ganzoo_recipes.table import Course, Data, Networks, Row

SLOW = Course(batch=256, d_steps=2, updates=200_000, lr_g=5e-5, lr_d=2e-4)
RESIDUAL_128 = Networks(RESIDUAL_64.settings, SLOW)
SAGAN_128 = {"d_steps": 1, "lr_g": 1e-4, "lr_d": 4e-4}
LARGE_128 = {
    "arch": "biggan",
    "arch.width_g": 96,
    "arch.width_d": 96,
    "arch.z_dim": 120,
    "arch.attention": (64,),
}
HUGE_BATCH: dict[str, Any] = {"batch": 2048, "parts": 4}
SPECTRAL_ACGAN = {"arch.norm_d": "spectral", "reg.acgan.spectral": True}
BATCHES = ", in batches of 2,048"
SEEN = " after 200,000 updates of G"


IMAGENET = Data(
    name="imagenet-128",
    folder="ImageNet",
    size=128,
    protocol="(50,000 samples against the 50,000 validation images)",
    networks={
        "residual": RESIDUAL_128,
        "large": Networks(LARGE_128, SLOW._replace(average=20_000)),
        "deep": Networks(
            {**LARGE_128, "arch": "biggan-deep", "arch.width_g": 128, "arch.width_d": 128, "arch.z_dim": 128},
            SLOW._replace(**HUGE_BATCH, average=20_000),
        ),
    },
    rows={
        "sngan": Row(32.247, 26.792, course={"updates": 500_000}, scored=SEEN),
        "sagan": Row(29.848, 34.726, {"arch.attention": (64,)}, course={**SAGAN_128, "updates": 1_000_000}),
        "acgan": Row(networks="large", settings=SPECTRAL_ACGAN, what=", and BigGAN's networks"),
        "biggan": Row(28.633, 24.684),
        "biggan-batch-2048": Row(99.705, 7.893, course=HUGE_BATCH, gan="biggan", what=BATCHES),
        "biggan-deep": Row(),
        "contragan": Row(25.249, 25.161, {"reg.contra.dim": 1536}),
        "reacgan": Row(67.416, 13.907, compare(1.0, 0.5, 2048, 0.98), course={"updates": 500_000}, scored=SEEN),
        "reacgan-batch-2048": Row(
            96.299, 8.206, compare(0.5, 0.25, 2048, 0.9), course=HUGE_BATCH, gan="reacgan", what=BATCHES
        ),
        "mhgan": Row(),
    },
)

# ----------------------------------------------------------------------------
# The birds of CUB-200, with ImageNet's networks.

SHORT = SLOW._replace(updates=40_000)
CUB200 = Data(
    name="cub200-128",
    folder="CUB200",
    size=128,
    protocol="",
    networks={
        "residual": Networks(RESIDUAL_128.settings, SHORT),
        "large": Networks({**LARGE_128, "arch.width_g": 80, "arch.width_d": 80}, SHORT._replace(average=4000)),
    },
    rows={
        "sngan": Row(),
        "sagan": Row(settings={"arch.attention": (64,)}, course=SAGAN_128),
        "cgan-pd": Row(),
        "acgan": Row(networks="large", settings=SPECTRAL_ACGAN, what=", and BigGAN's networks"),
        "tacgan": Row(),
        "biggan": Row(),
        "adcgan": Row(),
        "contragan": Row(settings={"reg.contra.dim": 1024}),
        "reacgan": Row(settings=compare(0.25, 0.25, 1024, 0.95)),
        "mhgan": Row(),
    },
)

# ----------------------------------------------------------------------------
# The animal faces of AFHQv2, with BigGAN's networks without attention.

AFHQV2 = Data(
    name="afhqv2-256",
    folder="AFHQv2",
    size=256,
    protocol="",
    networks={
        "large": Networks(
            {"arch": "biggan", "arch.width_g": 96, "arch.width_d": 96, "arch.z_dim": 140},
            SLOW._replace(batch=64, average=20_000),
        )
    },
    rows=dict.fromkeys(("biggan", "biggan-diffaug", "biggan-ada", "biggan-apa"), Row()),
)
