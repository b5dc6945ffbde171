"""Specs of the terms of G, and of the latents that it is trained on. It is imported by every command: nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Regularizer
from ganzoo_regularizers import options


def list_terms_of_generator() -> Iterator[Regularizer]:
    """Yield the terms of G, and `logan`."""
    yield from list_terms_of_targets()
    yield Regularizer(
        name="path-length",
        summary="A step in the style space of G changes its samples by about the same everywhere.",
        factory="ganzoo_regularizers.path_length:PathLength",
        cases="ganzoo_regularizers.cases_of_generator:path_length",
        similar_to=dict.fromkeys(("ppl", "plr", "pl"), "--reg path-length"),
        options=options.PathLengthOptions,
        needs=("style",),
        modalities=("image",),
        paper="Tero Karras, Samuli Laine, Miika Aittala, Janne Hellsten, Jaakko Lehtinen & Timo Aila 2020, Analyzing "
        "and Improving the Image Quality of StyleGAN, arXiv:1912.04958, eq. 4",
    )
    yield Regularizer(
        name="feature-matching",
        summary="G's samples have the same features in D as real samples, on average or pair by pair.",
        factory="ganzoo_regularizers.feature_matching:FeatureMatching",
        cases="ganzoo_regularizers.cases_of_generator:feature_matching",
        similar_to={
            "fm": "--reg feature-matching",
            "pix2pixhd": "--reg feature-matching reg.feature-matching.match=pairs",
        },
        options=options.FeatureMatchingOptions,
        needs=("features",),
        reals=True,
        paper="Tim Salimans, Ian Goodfellow, Wojciech Zaremba, Vicki Cheung, Alec Radford & Xi Chen 2016, Improved "
        "Techniques for Training GANs, arXiv:1606.03498, section 3.1; Ting-Chun Wang, Ming-Yu Liu, Jun-Yan Zhu, Andrew "
        "Tao, Jan Kautz & Bryan Catanzaro 2018, High-Resolution Image Synthesis and Semantic Manipulation with "
        "Conditional GANs, arXiv:1711.11585, eq. 4",
    )
    yield Regularizer(
        name="embedding-matching",
        summary="G's samples have the same mean embedding in D as real samples.",
        factory="ganzoo_regularizers.feature_matching:EmbeddingMatching",
        cases="ganzoo_regularizers.cases_of_generator:embedding_matching",
        options=options.EmbeddingMatchingOptions,
        needs=("embedding",),
        reals=True,
        paper="Ilya Kavalerov, Wojciech Czaja & Rama Chellappa 2021, A Multi-Class Hinge Loss for Conditional GANs, "
        "arXiv:1912.04216",
    )
    yield Regularizer(
        name="sd",
        aliases=("self-distillation",),
        summary="The averaged generator teaches G: for the same latents their samples are alike, which damps cycles.",
        factory="ganzoo_regularizers.sd:SD",
        cases="ganzoo_regularizers.cases_of_generator:sd",
        similar_to=dict.fromkeys(("sd-gan", "sdgan", "ema-teacher"), "--reg sd"),
        options=options.SDOptions,
        needs=("average",),
        paper="Antoni Nowinowski & Krzysztof Krawiec 2026, Improving Generative Adversarial Networks with "
        "Self-Distillation, arXiv:2605.08577",
    )
    yield Regularizer(
        name="ot",
        aliases=("optimal-transport",),
        summary="G moves its latents as little as it can, for a G whose latents have the shape of its samples.",
        factory="ganzoo_regularizers.ot:OptimalTransport",
        cases="ganzoo_regularizers.cases_of_generator:ot",
        similar_to=dict.fromkeys(("afm", "adversarial-flow", "transport"), "--reg ot"),
        options=options.OTOptions,
        paper="Shanchuan Lin, Ceyuan Yang, Zhijie Lin, Hao Chen & Haoqi Fan 2025, Adversarial Flow Models, "
        "arXiv:2511.22475",
    )
    yield Regularizer(
        name="intermediate-consistency",
        summary="The samples of earlier stages of G show the final sample, at their size.",
        factory="ganzoo_regularizers.intermediate_consistency:IntermediateConsistency",
        cases="ganzoo_regularizers.cases_of_generator:intermediate_consistency",
        similar_to={"cat": "--reg intermediate-consistency"},
        options=options.IntermediateConsistencyOptions,
        needs=("intermediates",),
        excused={"gradients": "the final sample is the target, and no gradient flows into it"},
        paper="Sangeek Hyun, MinKyu Lee & Jae-Pil Heo 2026, Cross-scale Aligned Supervision for Training GANs, "
        "arXiv:2605.26449",
    )
    yield Regularizer(
        name="logan",
        aliases=("latent-optimisation",),
        summary="Both networks are trained on latents that are first moved to where D likes the samples better.",
        factory="ganzoo_regularizers.logan:Logan",
        cases="ganzoo_regularizers.cases_of_generator:logan",
        similar_to=dict.fromkeys(("latent-optimization", "lo"), "--reg logan"),
        options=options.LoganOptions,
        input_gradients=True,
        paper="Yan Wu, Jeff Donahue, David Balduzzi, Karen Simonyan & Timothy Lillicrap 2019, LOGAN: Latent "
        "Optimisation for Generative Adversarial Networks, arXiv:1912.00953, algorithm 1",
    )


def list_terms_of_targets() -> Iterator[Regularizer]:
    """Yield the terms by which each sample is compared with the real one that belongs to its label."""
    yield Regularizer(
        name="l1",
        summary="Each sample is near the real one that belongs to its label, number by number.",
        factory="ganzoo_regularizers.targets:L1",
        cases="ganzoo_regularizers.cases_of_generator:l1",
        similar_to=dict.fromkeys(("mae", "pixel-loss", "pixel", "reconstruction-l1"), "--reg l1"),
        options=options.L1Options,
        reals=True,
        paper="Phillip Isola, Jun-Yan Zhu, Tinghui Zhou & Alexei A. Efros 2017, Image-to-Image Translation with "
        "Conditional Adversarial Networks, arXiv:1611.07004, eq. 3",
    )
    yield Regularizer(
        name="perceptual",
        summary="Each sample is near the real one that belongs to its label, in the maps of a trained network.",
        factory="ganzoo_regularizers.targets:Perceptual",
        cases="ganzoo_regularizers.cases_of_generator:perceptual",
        similar_to=dict.fromkeys(("vgg", "lpips", "content-loss", "vgg-loss"), "--reg perceptual"),
        options=options.PerceptualOptions,
        reals=True,
        modalities=("image",),
        excused={"gradients": "a network of rectifiers has kinks, at which differences are not the gradient"},
        paper="Justin Johnson, Alexandre Alahi & Li Fei-Fei 2016, Perceptual Losses for Real-Time Style Transfer and "
        "Super-Resolution, arXiv:1603.08155; Xintao Wang, Ke Yu, Shixiang Wu, Jinjin Gu, Yihao Liu, Chao Dong, Yu Qiao "
        "& Chen Change Loy 2018, ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, arXiv:1809.00219, "
        "section 3.3",
    )
