"""The GANs of StudioGAN's study (Kang, Shin & Park 2023, arXiv:2206.09479), and what each adds to common settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

BATCH = 64  # images of each update of D
HALF_LIFE = 6931  # updates of G, of an average with a decay of 0.9999: ln 0.5 / ln 0.9999
BIGGAN = (
    "Andrew Brock, Jeff Donahue & Karen Simonyan 2019, Large Scale GAN Training for High Fidelity Natural Image "
    "Synthesis, arXiv:1809.11096"
)
IMPROVED_CONSISTENCY = (
    "Zhengli Zhao, Sameer Singh, Honglak Lee, Zizhao Zhang, Augustus Odena & Han Zhang 2021, Improved Consistency "
    "Regularization for GANs, arXiv:2002.04724"
)

# ----------------------------------------------------------------------------
# Settings that several of the GANs share.

CONVOLUTIONS = {"arch": "dcgan", "arch.width": 128, "arch.z_dim": 128, "reg": "none"}
RESIDUAL = {"arch": "sngan", "arch.width_g": 64, "arch.width_d": 64, "reg": "none"}
LOGAN = {"reg.logan.alpha": 0.9, "reg.logan.beta": 0.1, "reg.logan.share": 0.8, "reg.logan.weight": 0.1}
UNNORMALISED = {**RESIDUAL, "arch.norm_d": "none", "loss": "wasserstein"}
HEADED = {"loss": "hinge", "arch.projection": False, "train.conditional": True}  # a head gives D the classes
PROJECTED = {**HEADED, "arch.projection": True}
LARGE = {
    "arch": "biggan",
    "arch.width_g": 96,
    "arch.width_d": 96,
    "arch.z_dim": 80,
    "arch.attention": (16,),
    "reg": "none",
    "train.ema_half_life": HALF_LIFE * 5 * BATCH,
    "train.ema_ramp": HALF_LIFE / 1000,  # the average starts after 1,000 updates of G
}
BALANCED = {"reg.bcr.weight_real": 10.0, "reg.bcr.weight_fake": 10.0}
MATCHING = {"train.adversarial_weight": 0.0, "reg.feature-matching.weight": 1.0}  # G follows D's head and features
LARGER_BATCH = {  # as many updates as the others
    "optim.g.lr": 2.8284271e-4,
    "optim.d.lr": 2.8284271e-4,
    "train.batch": 128,
    "train.images": 100_000 * 5 * 128,
    "train.ema_half_life": HALF_LIFE * 5 * 128,
}


def choose_head(name: str, *others: str, **options: float) -> dict[str, Any]:
    """Return the settings of a regularizer that is a head with spectral normalisation, as D.

    Args:
        name: The name of the head.
        others: The names of further regularizers.
        options: The options of the head.
    """
    return {
        "reg": (name, *others),
        **{f"reg.{name}.{key}": value for key, value in (("spectral", True), *options.items())},
    }


def adapt_augmentation(name: str) -> dict[str, Any]:
    """Return the settings of an augmentation whose probability adapts to the sign of D's logits."""
    options = {"target": 0.6, "images": 500_000, "interval": 4}
    return {"loss": "bce", "aug": name, **{f"aug.{name}.{key}": value for key, value in options.items()}}


class Gan(NamedTuple):
    """One GAN of the study.

    Args:
        name: The first part of the recipe's name.
        paper: The paper that proposes the GAN.
        fid: The FID that the study reports; None if this table has none.
        what: What is trained, and how it differs from the study's network if it does.
        settings: The settings that differ from `make_common_settings`.
        also: Other names that people know the GAN by.
    """

    name: str
    paper: str
    fid: float | None
    what: str
    settings: Mapping[str, Any]
    also: tuple[str, ...] = ()


# ----------------------------------------------------------------------------
# The GANs.


GANS = (
    Gan(
        "dcgan",
        "Alec Radford, Luke Metz & Soumith Chintala 2016, Unsupervised Representation Learning with Deep "
        "Convolutional Generative Adversarial Networks, arXiv:1511.06434",
        49.0,
        "DCGAN, whose D has half of StudioGAN's layers",
        {**CONVOLUTIONS, "loss": "bce"},
    ),
    Gan(
        "lsgan",
        "Xudong Mao, Qing Li, Haoran Xie, Raymond Y. K. Lau, Zhen Wang & Stephen Paul Smolley 2017, Least Squares "
        "Generative Adversarial Networks, arXiv:1611.04076",
        66.7,
        "LSGAN, whose D has half of StudioGAN's layers",
        {**CONVOLUTIONS, "loss": "lsgan"},
    ),
    Gan(
        "ggan",
        "Jae Hyun Lim & Jong Chul Ye 2017, Geometric GAN, arXiv:1705.02894",
        42.7,
        "Geometric GAN, whose D has half of StudioGAN's layers",
        {**CONVOLUTIONS, "loss": "hinge"},
    ),
    Gan(
        "wgan-wc",
        "Martin Arjovsky, Soumith Chintala & Léon Bottou 2017, Wasserstein GAN, arXiv:1701.07875",
        159.0,
        "WGAN with clipped weights, kept for teaching",
        {**UNNORMALISED, "reg": "weight-clip", "reg.weight-clip.limit": 0.01},
    ),
    Gan(
        "wgan-dra",
        "Naveen Kodali, Jacob Abernethy, James Hays & Zsolt Kira 2017, On Convergence and Stability of GANs, "
        "arXiv:1705.07215",
        None,
        "WGAN with DRAGAN's penalty",
        {**UNNORMALISED, "reg": "dragan", "reg.dragan.weight": 10.0},
    ),
    Gan(
        "sagan",
        "Han Zhang, Ian Goodfellow, Dimitris Metaxas & Augustus Odena 2019, Self-Attention Generative Adversarial "
        "Networks, arXiv:1805.08318",
        14.0,
        "SAGAN with classes, attention at 16x16",
        {**RESIDUAL, "loss": "hinge", "arch.spectral_g": True, "arch.attention": (16,), "train.conditional": True},
    ),
    Gan(
        "logan",
        "Yan Wu, Jeff Donahue, David Balduzzi, Karen Simonyan & Timothy Lillicrap 2019, LOGAN: Latent Optimisation "
        "for Generative Adversarial Networks, arXiv:1912.00953",
        None,
        "LOGAN, a step of natural gradient ascent for uniform latents",
        {**RESIDUAL, "loss": "hinge", "arch.latent": "uniform", "reg": "logan", **LOGAN},
    ),
    Gan(
        "tacgan",
        "Mingming Gong, Yanwu Xu, Chunyuan Li, Kun Zhang & Kayhan Batmanghelich 2019, Twin Auxiliary Classifiers "
        "GAN, arXiv:1907.02690",
        None,
        "TAC-GAN with classes, whose D has spectral instead of batch normalisation",
        {**RESIDUAL, **HEADED, **choose_head("tac")},
    ),
    Gan(
        "biggan-deep",
        BIGGAN,
        None,
        "BigGAN-deep with classes",
        {
            **LARGE,
            **PROJECTED,
            "arch": "biggan-deep",
            "arch.width_g": 128,
            "arch.width_d": 128,
            "arch.z_dim": 128,
        },
    ),
    Gan(
        "cr",
        "Han Zhang, Zizhao Zhang, Augustus Odena & Honglak Lee 2020, Consistency Regularization for Generative "
        "Adversarial Networks, arXiv:1910.12027",
        None,
        "BigGAN with classes and consistency regularization",
        {**LARGE, **PROJECTED, "reg": "cr", "reg.cr.weight": 10.0},
        also=("crgan",),
    ),
    Gan(
        "bcr",
        IMPROVED_CONSISTENCY,
        None,
        "BigGAN with classes and the balanced part of ICR, of which it has no training of its own",
        {**LARGE, **PROJECTED, "reg": "bcr", **BALANCED},
        also=("bcrgan",),
    ),
    Gan(
        "icr",
        IMPROVED_CONSISTENCY,
        None,
        "BigGAN with classes and improved consistency regularization",
        {
            **LARGE,
            **PROJECTED,
            "reg": ("bcr", "zcr"),
            **BALANCED,
            "reg.zcr.sigma": 0.05,
            "reg.zcr.weight_d": 20.0,
            "reg.zcr.weight_g": 0.5,
        },
        also=("icrgan",),
    ),
    Gan(
        "biggan-lecam",
        "Hung-Yu Tseng, Lu Jiang, Ce Liu, Ming-Hsuan Yang & Weilong Yang 2021, Regularizing Generative Adversarial "
        "Networks under Limited Data, arXiv:2104.03310",
        None,
        "BigGAN with classes, and with LeCam from the first update",
        {**LARGE, **PROJECTED, "reg": "lecam", "reg.lecam.weight": 0.3, "reg.lecam.decay": 0.9},
        also=("lecamgan", "lecam-biggan"),
    ),
    Gan(
        "biggan-ada",
        "Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training "
        "Generative Adversarial Networks with Limited Data, arXiv:2006.06676",
        None,
        "BigGAN with classes and ADA",
        {
            **LARGE,
            **PROJECTED,
            **adapt_augmentation("ada"),
            "train.images": 400_000 * 5 * BATCH,
            "train.flip": False,
        },
        also=("adagan", "ada-biggan"),
    ),
    Gan(
        "biggan-apa",
        "Liming Jiang, Bo Dai, Wayne Wu & Chen Change Loy 2021, Deceive D: Adaptive Pseudo Augmentation for GAN "
        "Training with Limited Data, arXiv:2111.06849",
        None,
        "BigGAN with classes and APA",
        {**LARGE, **PROJECTED, **adapt_augmentation("apa"), "train.images": 200_000 * 5 * BATCH},
        also=("apagan", "apa-biggan"),
    ),
    Gan(
        "adcgan",
        "Liang Hou, Qi Cao, Huawei Shen, Siyuan Pan & Xueqi Cheng 2022, Conditional GANs with Auxiliary "
        "Discriminative Classifier, arXiv:2107.10060",
        None,
        "ADC-GAN with classes and BigGAN's networks",
        {**LARGE, **HEADED, **choose_head("adc")},
    ),
    Gan(
        "contragan",
        "Minguk Kang & Jaesik Park 2020, ContraGAN: Contrastive Learning for Conditional Image Generation, "
        "arXiv:2006.12681",
        None,
        "ContraGAN with classes and BigGAN's networks",
        {**LARGE, **HEADED, **choose_head("contra", weight=1.0, temperature=1.0, dim=512)},
    ),
    Gan(
        "reacgan",
        "Minguk Kang, Woohyeon Shim, Minsu Cho & Jaesik Park 2021, Rebooting ACGAN: Auxiliary Classifier GANs with "
        "Stable Training, arXiv:2111.01118",
        None,
        "ReACGAN with classes and BigGAN's networks",
        {
            **LARGE,
            **HEADED,
            **LARGER_BATCH,
            **choose_head("d2d-ce", weight=0.5, temperature=0.5, dim=512, positive=0.98),
        },
    ),
    Gan(
        "mhgan",
        "Ilya Kavalerov, Wojciech Czaja & Rama Chellappa 2021, A Multi-Class Hinge Loss for Conditional GANs, "
        "arXiv:1912.04216",
        None,
        "MHGAN with classes and BigGAN's networks; D has a hinge loss too, and G matches squares of features",
        {**LARGE, **HEADED, **MATCHING, **choose_head("multi-hinge", "feature-matching", fakes=True, weight_g=0.05)},
    ),
)
