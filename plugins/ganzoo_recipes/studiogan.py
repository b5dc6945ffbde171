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
    ):
        steps, updates = (2, 200_000) if settings["arch"] == "dcgan" else (5, 100_000)
        yield Recipe(
            name=f"{name}-cifar10",
            summary=f"StudioGAN's training of {what}.",
            similar_to={name: f"--recipe {name}-cifar10"},
            paper=f"{paper}; {STUDY}",
            source=SOURCE,
            dataset="cifar10",
            published=f"FID {fid} {PROTOCOL}" if fid else "",
            cost=f"{updates * steps * BATCH / 1e6:g} million images in batches of {BATCH}",
            settings={**make_common_settings(steps, updates), **settings},
        )


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
