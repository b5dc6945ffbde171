"""Regularizers: penalties on D's gradient, terms of its logits, limits on weights, consistency, and terms of G."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Regularizer, hookimpl
from ganzoo_regularizers import options
from ganzoo_regularizers.generator_specs import list_terms_of_generator

MESCHEDER = (
    "Lars Mescheder, Andreas Geiger & Sebastian Nowozin 2018, Which Training Methods for GANs do actually Converge?, "
    "arXiv:1801.04406"
)
IMPROVED_CONSISTENCY = (
    "Zhengli Zhao, Sameer Singh, Honglak Lee, Zizhao Zhang, Augustus Odena & Han Zhang 2021, Improved Consistency "
    "Regularization for GANs, arXiv:2002.04724"
)


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the regularizers, a family at a time."""
    yield from list_penalties()
    yield from list_terms_of_logits()
    yield from list_limits_on_weights()
    yield from list_consistency()
    yield from list_terms_of_generator()


def list_penalties() -> Iterator[Regularizer]:
    """Yield the penalties on D's gradient."""
    yield Regularizer(
        name="r1",
        summary="Penalty on D's gradient at real samples, with which GANs converge near the equilibrium.",
        factory="ganzoo_regularizers.r1:R1",
        cases="ganzoo_regularizers.cases:r1",
        similar_to=dict.fromkeys(("gradient-penalty", "zero-centered"), "--reg r1"),
        options=options.ZeroCentredOptions,
        input_gradients=_needs_input_gradients,
        provides=_provides,
        paper=f"{MESCHEDER}, eq. 9",
    )
    yield Regularizer(
        name="r2",
        summary="Penalty on D's gradient at generated samples, as r1 at real ones.",
        factory="ganzoo_regularizers.r1:R2",
        cases="ganzoo_regularizers.cases:r2",
        options=options.ZeroCentredOptions,
        input_gradients=_needs_input_gradients,
        provides=_provides,
        paper=f"{MESCHEDER}, eq. 10",
    )
    yield Regularizer(
        name="wgan-gp",
        aliases=("gp",),
        summary="Penalty that pulls the norm of D's gradient to 1 between real and generated samples.",
        factory="ganzoo_regularizers.wgan_gp:WGANGP",
        cases="ganzoo_regularizers.cases:wgan_gp",
        similar_to=dict.fromkeys(("gradient-penalty", "wgan-lp"), "--reg wgan-gp"),
        options=options.WGANGPOptions,
        input_gradients=_needs_input_gradients,
        provides=_provides,
        refuses=("batchnorm-in-d",),
        paper="Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin & Aaron Courville 2017, Improved "
        "Training of Wasserstein GANs, arXiv:1704.00028, eq. 3",
    )
    yield Regularizer(
        name="zero-centred-gp",
        aliases=("zero-centered-gp",),
        summary="Penalty on D's gradient between real and generated samples, against D learning samples by heart.",
        factory="ganzoo_regularizers.zero_centred_gp:ZeroCentredGP",
        cases="ganzoo_regularizers.cases:zero_centred_gp",
        similar_to=dict.fromkeys(("0-gp", "gan-0-gp"), "--reg zero-centred-gp"),
        options=options.SlopeOptions,
        input_gradients=True,
        provides=_provides,
        refuses=("batchnorm-in-d",),
        paper="Hoang Thanh-Tung, Truyen Tran & Svetha Venkatesh 2019, Improving Generalization and Stability of "
        "Generative Adversarial Networks, arXiv:1902.03984",
    )
    yield Regularizer(
        name="max-gp",
        summary="Penalty on the largest gradient of D in a batch, between real and generated samples.",
        factory="ganzoo_regularizers.max_gp:MaxGP",
        cases="ganzoo_regularizers.cases:max_gp",
        similar_to=dict.fromkeys(("lgan", "lipschitz"), "--reg max-gp"),
        options=options.SlopeOptions,
        input_gradients=True,
        provides=_provides,
        refuses=("batchnorm-in-d",),
        paper="Zhiming Zhou, Jiadong Liang, Yuxuan Song, Lantao Yu, Hongwei Wang, Weinan Zhang, Yong Yu & Zhihua Zhang "
        "2019, Lipschitz Generative Adversarial Nets, arXiv:1902.05687",
    )
    yield Regularizer(
        name="dragan",
        summary="Penalty that pulls the norm of D's gradient to 1 near real samples.",
        factory="ganzoo_regularizers.dragan:Dragan",
        cases="ganzoo_regularizers.cases:dragan",
        similar_to={"wgan-dra": "--loss wasserstein --reg dragan"},
        options=options.DraganOptions,
        input_gradients=True,
        provides=_provides,
        paper="Naveen Kodali, Jacob Abernethy, James Hays & Zsolt Kira 2017, On Convergence and Stability of GANs, "
        "arXiv:1705.07215",
    )


def list_terms_of_logits() -> Iterator[Regularizer]:
    """Yield the terms of D's logits."""
    yield Regularizer(
        name="drift",
        summary="Keeps D's logits of real samples near 0, for losses that leave their level free.",
        factory="ganzoo_regularizers.drift:Drift",
        cases="ganzoo_regularizers.cases_of_terms:drift",
        options=options.DriftOptions,
        paper="Tero Karras, Timo Aila, Samuli Laine & Jaakko Lehtinen 2018, Progressive Growing of GANs for Improved "
        "Quality, Stability, and Variation, arXiv:1710.10196, appendix A.1",
    )
    yield Regularizer(
        name="logit-centring",
        aliases=("logit-centering",),
        summary="Keeps the middle between D's logits of real and of generated samples near 0.",
        factory="ganzoo_regularizers.logit_centring:LogitCentring",
        cases="ganzoo_regularizers.cases_of_terms:logit_centring",
        similar_to=dict.fromkeys(("centring", "centering", "cp"), "--reg logit-centring"),
        options=options.CentringOptions,
        provides=lambda chosen: ("signed-logits",) if chosen.weight else (),
        paper="Shanchuan Lin, Ceyuan Yang, Zhijie Lin, Hao Chen & Haoqi Fan 2025, Adversarial Flow Models, "
        "arXiv:2511.22475",
    )
    yield Regularizer(
        name="lecam",
        summary="Pulls D's logits of real samples to the running mean of fake ones and vice versa, for little data.",
        factory="ganzoo_regularizers.lecam:LeCam",
        cases="ganzoo_regularizers.cases_of_terms:lecam",
        options=options.LeCamOptions,
        paper="Hung-Yu Tseng, Lu Jiang, Ce Liu, Ming-Hsuan Yang & Weilong Yang 2021, Regularizing Generative "
        "Adversarial Networks under Limited Data, arXiv:2104.03310, eq. 3",
    )
    yield Regularizer(
        name="ucd",
        summary="D's logits with all labels also classify samples, so that D looks at more than whether a label fits.",
        factory="ganzoo_regularizers.ucd:UCD",
        cases="ganzoo_regularizers.cases_of_terms:ucd",
        similar_to=dict.fromkeys(("unconditional-discriminator",), "--reg ucd --conditional"),
        options=options.UCDOptions,
        classes=True,
        needs=("class-logits",),
        paper="Mengfei Xia, Nan Xue, Jiapeng Zhu & Yujun Shen 2025, UCD: Unconditional Discriminator Promotes Nash "
        "Equilibrium in GANs, arXiv:2510.00624, eqs. 8-10",
    )


def list_limits_on_weights() -> Iterator[Regularizer]:
    """Yield the limits on the weights of a network."""
    yield Regularizer(
        name="weight-clip",
        summary="Clips the parameters of D after each step; the first Wasserstein GAN, kept for teaching.",
        factory="ganzoo_regularizers.weight_clip:WeightClip",
        cases="ganzoo_regularizers.cases_of_terms:weight_clip",
        similar_to={"wgan-wc": "--loss wasserstein --reg weight-clip", "clipping": "--reg weight-clip"},
        options=options.WeightClipOptions,
        provides=("bounded-slope",),
        paper="Martin Arjovsky, Soumith Chintala & Léon Bottou 2017, Wasserstein GAN, arXiv:1701.07875, algorithm 1",
    )
    yield Regularizer(
        name="spectral-norm",
        summary="Divides the weights of any D by their largest singular value, which bounds its slope.",
        factory="ganzoo_regularizers.spectral_norm:SpectralNormalisation",
        cases="ganzoo_regularizers.cases_of_terms:spectral_norm",
        similar_to=dict.fromkeys(("spectral-normalization", "spectral", "sn"), "--reg spectral-norm"),
        provides=("bounded-slope",),
        paper="Takeru Miyato, Toshiki Kataoka, Masanori Koyama & Yuichi Yoshida 2018, Spectral Normalization for "
        "Generative Adversarial Networks, arXiv:1802.05957, eq. 8",
    )
    yield Regularizer(
        name="orthogonal",
        summary="Keeps the weights of each layer near orthogonal to each other, in G as in BigGAN, or in D.",
        factory="ganzoo_regularizers.orthogonal:build_orthogonal",
        cases="ganzoo_regularizers.cases_of_terms:orthogonal",
        similar_to=dict.fromkeys(("ortho", "orthogonal-regularization"), "--reg orthogonal"),
        options=options.OrthogonalOptions,
        paper="Andrew Brock, Jeff Donahue & Karen Simonyan 2019, Large Scale GAN Training for High Fidelity Natural "
        "Image Synthesis, arXiv:1809.11096, section 3.1",
    )


def list_consistency() -> Iterator[Regularizer]:
    """Yield the terms that compare D's logits of a sample and of a changed one."""
    yield Regularizer(
        name="cr",
        summary="D gives a real image and the same image mirrored and shifted the same logits.",
        factory="ganzoo_regularizers.consistency:CR",
        cases="ganzoo_regularizers.cases_of_terms:cr",
        similar_to=dict.fromkeys(("consistency", "crgan", "cr-gan"), "--reg cr"),
        options=options.CROptions,
        modalities=("image",),
        paper="Han Zhang, Zizhao Zhang, Augustus Odena & Honglak Lee 2020, Consistency Regularization for Generative "
        "Adversarial Networks, arXiv:1910.12027, eq. 3",
    )
    yield Regularizer(
        name="bcr",
        summary="Consistency of D's logits as cr, for real and for generated images.",
        factory="ganzoo_regularizers.consistency:BCR",
        cases="ganzoo_regularizers.cases_of_terms:bcr",
        similar_to={"icr": "--reg bcr --reg zcr"},
        options=options.BCROptions,
        modalities=("image",),
        paper=f"{IMPROVED_CONSISTENCY}, algorithm 1",
    )
    yield Regularizer(
        name="zcr",
        summary="For a small change of the latent, D's logits change little and G's samples much.",
        factory="ganzoo_regularizers.consistency:ZCR",
        cases="ganzoo_regularizers.cases_of_terms:zcr",
        options=options.ZCROptions,
        paper=f"{IMPROVED_CONSISTENCY}, algorithm 2",
    )


def _needs_input_gradients(chosen: options.ZeroCentredOptions | options.WGANGPOptions) -> bool:
    return chosen.mode == "exact"


def _provides(chosen: Any) -> tuple[str, ...]:
    strength = chosen.gamma if isinstance(chosen, options.ZeroCentredOptions) else chosen.weight
    return ("bounded-slope",) if strength else ()
