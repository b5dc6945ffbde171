"""StudioGAN's trainings on small images (Kang, Shin & Park 2023, arXiv:2206.09479).

A row of a data set has the name of a GAN, its scores, and what differs from the settings of the data set and of
`ganzoo_recipes.gans`. The numbers are those of the configurations in StudioGAN's repository, the scores those of the
tables in its README of version 0.3.
"""

from __future__ import annotations

from ganzoo_recipes.table import Course, Data, Networks, Row

RESIDUAL = {"arch": "sngan", "arch.width_g": 64, "arch.width_d": 64, "arch.init": "orthogonal"}
DIFFAUGMENT = {"aug": "diffaugment"}


def compare(weight: float, temperature: float, dim: int, positive: float) -> dict[str, float]:
    """Return the options of ReACGAN's head; in StudioGAN, the margins of cosines sum up to 1."""
    values = {"weight": weight, "temperature": temperature, "dim": dim, "positive": positive}
    return {f"reg.d2d-ce.{key}": value for key, value in (values | {"negative": round(1 - positive, 2)}).items()}


# ----------------------------------------------------------------------------
# CIFAR-10.

SMALL = Course(batch=64, d_steps=5, updates=100_000, lr_g=2e-4, lr_d=2e-4, betas=(0.5, 0.999))
LARGER_BATCH = {"batch": 128, "lr_g": 2.8284271e-4, "lr_d": 2.8284271e-4}  # as many updates as the others
CIFAR10 = Data(
    name="cifar10",
    folder="CIFAR10",
    size=32,
    protocol="(10,000 samples against the 10,000 test images)",
    networks={
        "plain": Networks(
            {"arch": "dcgan", "arch.width": 128, "arch.z_dim": 128},
            SMALL._replace(d_steps=2, updates=200_000),
            ", whose networks have fewer layers than StudioGAN's",
        ),
        "residual": Networks(RESIDUAL, SMALL),
        "large": Networks(
            {"arch": "biggan", "arch.width_g": 96, "arch.width_d": 48, "arch.z_dim": 80, "arch.attention": (16,)},
            SMALL._replace(average=1000),
        ),
        "deep": Networks(
            {"arch": "biggan-deep", "arch.width_g": 128, "arch.width_d": 128, "arch.attention": (16,)},
            SMALL._replace(d_steps=2, average=1000),
        ),
    },
    rows={
        "dcgan": Row(6.638, 49.030),
        "infogan": Row(),
        "lsgan": Row(5.577, 66.686),
        "ggan": Row(6.227, 42.714),
        "wgan-wc": Row(2.579, 159.090),
        "wgan-dra": Row(6.432, 41.586),
        "lgan": Row(settings={"reg.max-gp.weight": 10.0}, course={"betas": (0.0, 0.9)}),
        "sagan": Row(8.680, 14.009, {"arch.attention": (16,)}),
        "logan": Row(),
        "tacgan": Row(),
        "biggan-deep": Row(),
        "cr": Row(10.380, 7.178),
        "bcr": Row(),
        "icr": Row(10.153, 7.430),
        "biggan-lecam": Row(course={"updates": 200_000}),
        "biggan-ada": Row(settings={"loss": "bce", "train.flip": False}, course={"updates": 400_000}),
        "biggan-apa": Row(settings={"loss": "bce"}, course={"updates": 200_000}),
        "adcgan": Row(),
        "contragan": Row(9.729, 8.065, {"reg.contra.dim": 512}),
        "reacgan": Row(9.974, 7.792, compare(0.5, 0.5, 512, 0.98), course=LARGER_BATCH),
        "mhgan": Row(),
    },
)

# ----------------------------------------------------------------------------
# Tiny ImageNet. All networks are residual, those of DCGAN too.

TWO_RATES = Course(batch=256, d_steps=1, updates=100_000, lr_g=1e-4, lr_d=4e-4)
RESIDUAL_64 = Networks({**RESIDUAL, "arch.wide_d": True}, TWO_RATES)
TINY_IMAGENET = Data(
    name="tiny-imagenet",
    folder="Tiny_ImageNet",
    size=64,
    protocol="(10,000 samples against the 10,000 validation images)",
    networks={
        "plain": RESIDUAL_64._replace(what=", with residual networks"),
        "residual": RESIDUAL_64,
        "large": Networks(
            {
                "arch": "biggan",
                "arch.width_g": 80,
                "arch.multiples_g": (16, 8, 4, 2, 1),
                "arch.width_d": 80,
                "arch.z_dim": 100,
                "arch.attention": (32,),
            },
            TWO_RATES._replace(batch=1024, average=20_000),
        ),
    },
    rows={
        "dcgan": Row(5.640, 91.625),
        "lsgan": Row(5.381, 90.008),
        "ggan": Row(5.146, 102.094),
        "wgan-wc": Row(9.696, 41.454),
        "wgan-gp": Row(1.322, 311.805),
        "wgan-dra": Row(9.564, 40.655),
        "lgan": Row(settings={"reg.max-gp.weight": 1.0}),
        "acgan": Row(6.342, 78.513),
        "cgan-pd": Row(6.224, 89.175),
        "sngan": Row(8.412, 53.590),
        "sagan": Row(8.342, 51.414, {"arch.attention": (32,)}),
        "tacgan": Row(),
        "biggan": Row(11.998, 31.920),
        "cr": Row(14.887, 21.488),
        "icr": Row(5.605, 91.326),
        "biggan-diffaug": Row(17.075, 16.338),
        "biggan-ada": Row(course={"updates": 200_000}),
        "adcgan": Row(),
        "contragan": Row(13.494, 27.027, {"reg.contra.dim": 768}),
        "contragan-diffaug": Row(
            17.303, 15.755, {"reg.contra.dim": 768, **DIFFAUGMENT}, gan="contragan", what=", and DiffAugment"
        ),
        "reacgan": Row(14.162, 26.586, compare(0.75, 0.75, 768, 1.0)),
        "reacgan-diffaug": Row(
            20.479, 14.348, compare(0.75, 0.75, 768, 1.0) | DIFFAUGMENT, gan="reacgan", what=", and DiffAugment"
        ),
        "mhgan": Row(),
    },
)
