"""StudioGAN's trainings on CIFAR-10 (Kang, Shin & Park 2023, arXiv:2206.09479), one recipe for each GAN.

All have the same data, batch, optimizer and length, so that their scores can be compared. The numbers are those of the
configurations in its repository. What an entry adds is what its GAN adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Recipe

STUDY = (
    "Minguk Kang, Joonghyuk Shin & Jaesik Park 2023, StudioGAN: A Taxonomy and Benchmark of GANs for Image Synthesis, "
    "arXiv:2206.09479"
)
SOURCE = "https://github.com/POSTECH-CVLab/PyTorch-StudioGAN/tree/master/src/configs/CIFAR10"
PROTOCOL = "(10,000 samples against the 10,000 test images)"
BATCH = 64  # images of each update of D
HALF_LIFE = 6931  # updates of G, of an average with a decay of 0.9999: ln 0.5 / ln 0.9999

# ----------------------------------------------------------------------------
# Networks.

CONVOLUTIONS = {"arch": "dcgan", "arch.width": 128, "arch.z_dim": 128, "reg": "none"}
RESIDUAL = {"arch": "sngan", "arch.width_g": 64, "arch.width_d": 64, "reg": "none"}
LOGAN = {"reg.logan.alpha": 0.9, "reg.logan.beta": 0.1, "reg.logan.share": 0.8, "reg.logan.weight": 0.1}
UNNORMALISED = {**RESIDUAL, "arch.norm_d": "none", "loss": "wasserstein"}
HEADED = {"loss": "hinge", "arch.projection": False, "train.conditional": True}  # a head gives D the classes
LARGE = {
    **HEADED,
    "arch": "biggan",
    "arch.width_g": 96,
    "arch.width_d": 96,
    "arch.z_dim": 80,
    "arch.attention": (16,),
    "train.ema_half_life": HALF_LIFE * 5 * BATCH,
    "train.ema_ramp": HALF_LIFE / 1000,  # the average starts after 1,000 updates of G
}
IMPROVED_CONSISTENCY = {
    "reg.bcr.weight_real": 10.0,
    "reg.bcr.weight_fake": 10.0,
    "reg.zcr.weight_d": 20.0,
    "reg.zcr.weight_g": 0.5,
    "reg.zcr.sigma": 0.05,
}
MATCHING = {"train.adversarial_weight": 0.0, "reg.feature-matching.weight": 1.0}  # G follows D's head and features
LARGER_BATCH = {  # as many updates as the others
    "optim.g.lr": 2.8284271e-4,
    "optim.d.lr": 2.8284271e-4,
    "train.batch": 128,
    "train.images": 100_000 * 5 * 128,
    "train.ema_half_life": HALF_LIFE * 5 * 128,
}


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    for name, paper, fid, what, settings in (
        (
            "dcgan",
            "Alec Radford, Luke Metz & Soumith Chintala 2016, Unsupervised Representation Learning with Deep "
            "Convolutional Generative Adversarial Networks, arXiv:1511.06434",
            49.0,
            "DCGAN, whose D has half of StudioGAN's layers",
            {**CONVOLUTIONS, "loss": "bce"},
        ),
        (
            "lsgan",
            "Xudong Mao, Qing Li, Haoran Xie, Raymond Y. K. Lau, Zhen Wang & Stephen Paul Smolley 2017, Least Squares "
            "Generative Adversarial Networks, arXiv:1611.04076",
            66.7,
            "LSGAN, whose D has half of StudioGAN's layers",
            {**CONVOLUTIONS, "loss": "lsgan"},
        ),
        (
            "ggan",
            "Jae Hyun Lim & Jong Chul Ye 2017, Geometric GAN, arXiv:1705.02894",
            42.7,
            "Geometric GAN, whose D has half of StudioGAN's layers",
            {**CONVOLUTIONS, "loss": "hinge"},
        ),
        (
            "wgan-wc",
            "Martin Arjovsky, Soumith Chintala & Léon Bottou 2017, Wasserstein GAN, arXiv:1701.07875",
            159.0,
            "WGAN with clipped weights, kept for teaching",
            {**UNNORMALISED, "reg": "weight-clip", "reg.weight-clip.limit": 0.01},
        ),
        (
            "wgan-dra",
            "Naveen Kodali, Jacob Abernethy, James Hays & Zsolt Kira 2017, On Convergence and Stability of GANs, "
            "arXiv:1705.07215",
            None,
            "WGAN with DRAGAN's penalty",
            {**UNNORMALISED, "reg": "dragan", "reg.dragan.weight": 10.0},
        ),
        (
            "sagan",
            "Han Zhang, Ian Goodfellow, Dimitris Metaxas & Augustus Odena 2019, Self-Attention Generative Adversarial "
            "Networks, arXiv:1805.08318",
            14.0,
            "SAGAN with classes, attention at 16x16",
            {**RESIDUAL, "loss": "hinge", "arch.spectral_g": True, "arch.attention": (16,), "train.conditional": True},
        ),
        (
            "logan",
            "Yan Wu, Jeff Donahue, David Balduzzi, Karen Simonyan & Timothy Lillicrap 2019, LOGAN: Latent Optimisation "
            "for Generative Adversarial Networks, arXiv:1912.00953",
            None,
            "LOGAN, a step of natural gradient ascent for uniform latents",
            {**RESIDUAL, "loss": "hinge", "arch.latent": "uniform", "reg": "logan", **LOGAN},
        ),
        (
            "cr",
            "Han Zhang, Zizhao Zhang, Augustus Odena & Honglak Lee 2020, Consistency Regularization for Generative "
            "Adversarial Networks, arXiv:1910.12027",
            None,
            "CR-GAN with classes and BigGAN's networks",
            {**LARGE, "arch.projection": True, "reg": "cr", "reg.cr.weight": 10.0},
        ),
        (
            "icr",
            "Zhengli Zhao, Sameer Singh, Honglak Lee, Zizhao Zhang, Augustus Odena & Han Zhang 2021, Improved "
            "Consistency Regularization for GANs, arXiv:2002.04724",
            None,
            "ICR-GAN with classes and BigGAN's networks",
            {**LARGE, "arch.projection": True, "reg": ("bcr", "zcr"), **IMPROVED_CONSISTENCY},
        ),
        (
            "tacgan",
            "Mingming Gong, Yanwu Xu, Chunyuan Li, Kun Zhang & Kayhan Batmanghelich 2019, Twin Auxiliary Classifiers "
            "GAN, arXiv:1907.02690",
            None,
            "TAC-GAN with classes, whose D has spectral instead of batch normalisation",
            {**RESIDUAL, **HEADED, **choose_head("tac")},
        ),
        (
            "adcgan",
            "Liang Hou, Qi Cao, Huawei Shen, Siyuan Pan & Xueqi Cheng 2022, Conditional GANs with Auxiliary "
            "Discriminative Classifier, arXiv:2107.10060",
            None,
            "ADC-GAN with classes and BigGAN's networks",
            {**LARGE, **choose_head("adc")},
        ),
        (
            "contragan",
            "Minguk Kang & Jaesik Park 2020, ContraGAN: Contrastive Learning for Conditional Image Generation, "
            "arXiv:2006.12681",
            None,
            "ContraGAN with classes and BigGAN's networks",
            {**LARGE, **choose_head("contra", weight=1.0, temperature=1.0, dim=512)},
        ),
        (
            "reacgan",
            "Minguk Kang, Woohyeon Shim, Minsu Cho & Jaesik Park 2021, Rebooting ACGAN: Auxiliary Classifier GANs with "
            "Stable Training, arXiv:2111.01118",
            None,
            "ReACGAN with classes and BigGAN's networks",
            {**LARGE, **LARGER_BATCH, **choose_head("d2d-ce", weight=0.5, temperature=0.5, dim=512, positive=0.98)},
        ),
        (
            "mhgan",
            "Ilya Kavalerov, Wojciech Czaja & Rama Chellappa 2021, A Multi-Class Hinge Loss for Conditional GANs, "
            "arXiv:1912.04216",
            None,
            "MHGAN with classes and BigGAN's networks; D has a hinge loss too, and G matches squares of features",
            {**LARGE, **MATCHING, **choose_head("multi-hinge", "feature-matching", fakes=True, weight_g=0.05)},
        ),
    ):
        steps, updates = (2, 200_000) if settings["arch"] == "dcgan" else (5, 100_000)
        settings = {**make_common_settings(steps, updates), **settings}
        yield Recipe(
            name=f"{name}-cifar10",
            summary=f"StudioGAN's training of {what}.",
            similar_to={name: f"--recipe {name}-cifar10"},
            paper=f"{paper}; {STUDY}",
            source=SOURCE,
            dataset="cifar10",
            published=f"FID {fid} {PROTOCOL}" if fid else "",
            cost=f"{settings['train.images'] / 1e6:g} million images in batches of {settings['train.batch']}",
            settings=settings,
        )


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


def make_common_settings(d_steps: int, updates: int) -> Mapping[str, Any]:
    """Return the settings that all trainings share.

    Args:
        d_steps: The number of D's updates for each update of G.
        updates: The number of G's updates.
    """
    optim = {"lr": 2e-4, "betas": (0.5, 0.999)}
    return {
        **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
        "train.images": updates * d_steps * BATCH,
        "train.batch": BATCH,
        "train.d_steps": d_steps,
        "train.flip": True,
        "train.ema_half_life": 0,
        "dataset.size": 32,
    }
