"""Adversarial losses on logits: of single logits, and relativistic ones, which compare real with fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Loss, hookimpl, option

USUAL = ("gan", "vanilla", "standard", "logistic", "softplus", "nonsaturating", "ns", "cross-entropy")  # names of bce

# If the slope of D is too large, D wins before a small generator has learned anything. Its gradient is then useless.
# Spectral normalisation limits the slope. Losses of differences do not see a common shift of the logits; they also need
# a penalty.
BOUNDED = {"arch.norm_d": "spectral", "optim.g.lr": 4e-4, "optim.d.lr": 4e-4}
SATURATING = {"optim.g.lr": 8e-4}  # larger, because G's gradient is small while D wins
PAIRED = {
    "reg": ("r1", "r2"),
    "reg.r1.gamma": 20.0,
    "reg.r2.gamma": 20.0,
    "optim.g.betas": (0.0, 0.99),
    "optim.d.betas": (0.0, 0.99),
}
PENALISED = {
    "reg": "wgan-gp",
    "arch.norm_d": "none",
    "optim.g.lr": 5e-4,
    "optim.d.lr": 5e-4,
    "optim.g.betas": (0.0, 0.99),
    "optim.d.betas": (0.0, 0.99),
}

AVERAGE = (
    "Alexia Jolicoeur-Martineau 2018, The relativistic discriminator: a key element missing from standard GAN, "
    "arXiv:1807.00734, section 4"
)


@dataclass(frozen=True, kw_only=True)
class LSGANOptions:
    """Options of `lsgan`: its three targets for D's logits (Mao et al. 2017, section 3.2)."""

    a: float = option(0.0, help="Target of D for fakes.")
    b: float = option(1.0, help="Target of D for reals; 0.9 for one-sided label smoothing.")
    c: float = option(1.0, help="Target of G for D's logits of fakes.")


@dataclass(frozen=True, kw_only=True)
class BCEOptions:
    """Options of `bce` and `minimax`."""

    smoothing: float = option(
        0.0,
        low=0,
        high=0.5,
        schedulable=True,
        help="D's target for reals is 1 minus this: one-sided label smoothing, 0.1 in Salimans et al. 2016.",
    )


@dataclass(frozen=True, kw_only=True)
class HingeOptions:
    """Options of `hinge`."""

    jitter: float = option(
        0.0, low=0, high=1, help="Each logit's margin is drawn between 1 - jitter and 1; 0.2 in FastGAN's code."
    )
    bounded: bool = option(
        False, help="Whether G gets no gradient from a logit beyond 1 either, as in Vocos: E max(0, 1 - f)."
    )


@hookimpl
def ganzoo_losses() -> Iterator[Loss]:
    """Offer the losses."""
    yield Loss(
        name="bce",
        summary="Binary cross-entropy with the non-saturating generator: the original GAN as it is trained.",
        factory="ganzoo_losses.losses:BCE",
        cases="ganzoo_losses.cases:bce",
        provides=("signed-logits",),
        similar_to=dict.fromkeys(USUAL, "--loss bce") | {"label-smoothing": "--loss bce loss.smoothing=0.1"},
        recommended=BOUNDED,
        options=BCEOptions,
        paper="Ian Goodfellow, Jean Pouget-Abadie, Mehdi Mirza, Bing Xu, David Warde-Farley, Sherjil Ozair, Aaron "
        "Courville & Yoshua Bengio 2014, Generative Adversarial Networks, arXiv:1406.2661, section 3",
    )
    yield Loss(
        name="minimax",
        summary="Binary cross-entropy with the saturating generator: the original GAN as a zero-sum game.",
        factory="ganzoo_losses.losses:Minimax",
        cases="ganzoo_losses.cases:minimax",
        provides=("signed-logits",),
        similar_to=dict.fromkeys(("saturating", "zero-sum", "mm"), "--loss minimax"),
        recommended=BOUNDED | SATURATING,
        options=BCEOptions,
        paper="Ian Goodfellow, Jean Pouget-Abadie, Mehdi Mirza, Bing Xu, David Warde-Farley, Sherjil Ozair, Aaron "
        "Courville & Yoshua Bengio 2014, Generative Adversarial Networks, arXiv:1406.2661, eq. 1",
    )
    yield Loss(
        name="lsgan",
        aliases=("mse",),
        summary="Least squares to the targets a (D, fake), b (D, real) and c (G, fake).",
        factory="ganzoo_losses.losses:LSGAN",
        cases="ganzoo_losses.cases:lsgan",
        provides=lambda options: ("signed-logits",) if options.a + options.b == 0 < options.b else (),
        similar_to=dict.fromkeys(("least-squares", "ls", "l2"), "--loss lsgan"),
        recommended=BOUNDED,
        options=LSGANOptions,
        paper="Xudong Mao, Qing Li, Haoran Xie, Raymond Y. K. Lau, Zhen Wang & Stephen Paul Smolley 2017, Least "
        "Squares Generative Adversarial Networks, arXiv:1611.04076, eq. 2",
    )
    yield Loss(
        name="hinge",
        summary="Hinge loss: D gets no gradient from a logit beyond its margin of 1.",
        factory="ganzoo_losses.losses:Hinge",
        cases="ganzoo_losses.cases:hinge",
        provides=("signed-logits",),
        options=HingeOptions,
        recommended=BOUNDED,
        paper="Jae Hyun Lim & Jong Chul Ye 2017, Geometric GAN, arXiv:1705.02894; Takeru Miyato, Toshiki Kataoka, "
        "Masanori Koyama & Yuichi Yoshida 2018, Spectral Normalization for Generative Adversarial Networks, "
        "arXiv:1802.05957, eqs. 16-17",
    )
    yield Loss(
        name="wasserstein",
        aliases=("wgan",),
        summary="Difference of mean logits; D must be Lipschitz, by wgan-gp for example.",
        factory="ganzoo_losses.losses:Wasserstein",
        cases="ganzoo_losses.cases:wasserstein",
        similar_to={"wgan-gp": "--loss wasserstein, which adds --reg wgan-gp", "emd": "--loss wasserstein"},
        recommended=PENALISED,
        wants={"bounded-slope": "nothing limits the slope of D, so its logits grow without end"},
        paper="Martin Arjovsky, Soumith Chintala & Léon Bottou 2017, Wasserstein GAN, arXiv:1701.07875, eq. 2",
    )
    yield Loss(
        name="rpgan",
        aliases=("rsgan",),
        summary="Relativistic loss on pairs: D says which of two samples is the real one.",
        factory="ganzoo_losses.relativistic:RpGAN",
        cases="ganzoo_losses.cases:rpgan",
        similar_to=dict.fromkeys(("relativistic", "rgan"), "--loss rpgan"),
        recommended=BOUNDED | PAIRED,
        pairs=True,
        paper="Alexia Jolicoeur-Martineau 2018, The relativistic discriminator: a key element missing from standard "
        "GAN, arXiv:1807.00734, RSGAN; Yiwen Huang, Aaron Gokaslan, Volodymyr Kuleshov & James Tompkin 2024, The GAN "
        "is dead; long live the GAN! A Modern GAN Baseline, arXiv:2501.05441, section 2",
    )
    yield Loss(
        name="rphinge",
        summary="Hinge loss on pairs: D gets no gradient from a pair that it separates by more than 1.",
        factory="ganzoo_losses.relativistic:RpHinge",
        cases="ganzoo_losses.cases:rphinge",
        recommended=BOUNDED | PAIRED,
        pairs=True,
        paper="Alexia Jolicoeur-Martineau 2019, On Relativistic f-Divergences, arXiv:1901.02474, section 3",
    )
    yield Loss(
        name="ragan",
        aliases=("rasgan",),
        summary="Relativistic average loss: D says whether a sample is more real than the average of the other kind.",
        factory="ganzoo_losses.relativistic:RaGAN",
        cases="ganzoo_losses.cases:ragan",
        similar_to={"esrgan": "--loss ragan"},
        recommended=BOUNDED | PAIRED,
        pairs=True,
        batch_coupled=True,
        paper=AVERAGE,
    )
    yield Loss(
        name="ralsgan",
        summary="Relativistic average least squares: a real logit is 1 above the average of fake ones, a fake 1 below.",
        factory="ganzoo_losses.relativistic:RaLSGAN",
        cases="ganzoo_losses.cases:ralsgan",
        recommended=BOUNDED | PAIRED,
        pairs=True,
        batch_coupled=True,
        paper=AVERAGE,
    )
    yield Loss(
        name="rahinge",
        summary="Relativistic average hinge loss: a margin of 1 from the average logit of the other kind.",
        factory="ganzoo_losses.relativistic:RaHinge",
        cases="ganzoo_losses.cases:rahinge",
        recommended=BOUNDED | PAIRED,
        pairs=True,
        batch_coupled=True,
        paper=AVERAGE,
    )
    yield Loss(
        name="dual-contrast",
        summary="Dual contrastive loss: D finds each real sample among a batch of fakes, and each fake among reals.",
        factory="ganzoo_losses.relativistic:DualContrast",
        cases="ganzoo_losses.cases:dual_contrast",
        similar_to={"dual-contrastive": "--loss dual-contrast"},
        recommended=BOUNDED | PAIRED | SATURATING,
        pairs=True,
        batch_coupled=True,
        paper="Ning Yu, Guilin Liu, Aysegul Dundar, Andrew Tao, Bryan Catanzaro, Larry Davis & Mario Fritz 2021, Dual "
        "Contrastive Loss and Attention for GANs, arXiv:2103.16748, section 3",
    )
