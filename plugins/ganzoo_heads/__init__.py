"""Heads: regularizers with layers of their own on D's embedding, which give D something to find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Regularizer, hookimpl
from ganzoo_heads import options


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the heads: those that give D the classes of the data, then the others."""
    yield from list_heads_of_classes()
    yield _make_head(
        name="infogan",
        summary="D predicts codes in the latent from G's samples, so that the codes come to mean something.",
        factory="ganzoo_heads.infogan:InfoGAN",
        options=options.InfoGANOptions,
        similar_to={"mutual-information": "--reg infogan"},
        paper="Xi Chen, Yan Duan, Rein Houthooft, John Schulman, Ilya Sutskever & Pieter Abbeel 2016, InfoGAN: "
        "Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets, arXiv:1606.03657",
    )
    yield _make_head(
        name="ssgan",
        summary="D finds out by how much an image is turned, so that it does not forget what images look like.",
        factory="ganzoo_heads.ssgan:SSGAN",
        options=options.SSGANOptions,
        similar_to=dict.fromkeys(("rotation", "self-supervised"), "--reg ssgan"),
        modalities=("image",),
        paper="Ting Chen, Xiaohua Zhai, Marvin Ritter, Mario Lucic & Neil Houlsby 2019, Self-Supervised GANs via "
        "Auxiliary Rotation Loss, arXiv:1811.11212",
    )
    yield _make_head(
        name="kd",
        aliases=("knowledge-distillation",),
        summary="D predicts a trained network's features of real samples, and so learns what is worth looking at.",
        factory="ganzoo_heads.kd:KD",
        options=options.KDOptions,
        similar_to=dict.fromkeys(("dino", "teacher", "feature-distillation", "repa"), "--reg kd"),
        paper="Sangeek Hyun, MinKyu Lee & Jae-Pil Heo 2025, Scalable GANs with Transformers, arXiv:2509.24935",
    )


def list_heads_of_classes() -> Iterator[Regularizer]:
    """Yield the heads that give D the classes of the data."""
    classes: Any = {"classes": True, "refuses": ("labels-in-embedding",)}
    yield _make_head(
        name="acgan",
        summary="D also finds the class of samples, and G makes samples whose class it finds.",
        factory="ganzoo_heads.acgan:ACGAN",
        options=options.ACGANOptions,
        similar_to=dict.fromkeys(("ac", "auxiliary-classifier"), "--reg acgan --conditional"),
        paper="Augustus Odena, Christopher Olah & Jonathon Shlens 2017, Conditional Image Synthesis With Auxiliary "
        "Classifier GANs, arXiv:1610.09585",
        **classes,
    )
    yield _make_head(
        name="tac",
        summary="As acgan, with a twin classifier of G's samples that keeps them as diverse as real ones.",
        factory="ganzoo_heads.tac:TAC",
        options=options.TACOptions,
        similar_to=dict.fromkeys(("tac-gan", "tacgan", "twin-auxiliary-classifier"), "--reg tac --conditional"),
        paper="Mingming Gong, Yanwu Xu, Chunyuan Li, Kun Zhang & Kayhan Batmanghelich 2019, Twin Auxiliary "
        "Classifiers GAN, arXiv:1907.02690",
        **classes,
    )
    yield _make_head(
        name="adc",
        summary="D finds the class of samples and whether they are real, with one classifier of both.",
        factory="ganzoo_heads.adc:ADC",
        options=options.ADCOptions,
        similar_to=dict.fromkeys(("adc-gan", "adcgan"), "--reg adc --conditional"),
        paper="Liang Hou, Qi Cao, Huawei Shen, Siyuan Pan & Xueqi Cheng 2022, Conditional GANs with Auxiliary "
        "Discriminative Classifier, arXiv:2107.10060",
        **classes,
    )
    yield _make_head(
        name="contra",
        aliases=("conditional-contrastive",),
        summary="D puts samples of a class near each other and near their class.",
        factory="ganzoo_heads.contra:Contra",
        options=options.ContraOptions,
        similar_to=dict.fromkeys(("2c", "contra-gan", "contragan", "contrastive"), "--reg contra --conditional"),
        paper="Minguk Kang & Jaesik Park 2020, ContraGAN: Contrastive Learning for Conditional Image Generation, "
        "arXiv:2006.12681",
        **classes,
    )
    yield _make_head(
        name="d2d-ce",
        summary="D puts samples near their class and far from samples of other classes, as far as is needed.",
        factory="ganzoo_heads.d2d_ce:D2DCE",
        options=options.D2DCEOptions,
        similar_to={"reacgan": "--reg d2d-ce --conditional"},
        paper="Minguk Kang, Woohyeon Shim, Minsu Cho & Jaesik Park 2021, Rebooting ACGAN: Auxiliary Classifier GANs "
        "with Stable Training, arXiv:2111.01118",
        **classes,
    )
    yield _make_head(
        name="multi-hinge",
        summary="As acgan, with a hinge loss, which leaves samples alone whose class is clear.",
        factory="ganzoo_heads.multi_hinge:MultiHinge",
        options=options.MultiHingeOptions,
        similar_to=dict.fromkeys(("mh", "mhgan", "mhingegan", "crammer-singer"), "--reg multi-hinge --conditional"),
        paper="Ilya Kavalerov, Wojciech Czaja & Rama Chellappa 2021, A Multi-Class Hinge Loss for Conditional GANs, "
        "arXiv:1912.04216",
        **classes,
    )


def _make_head(name: str, **fields: Any) -> Regularizer:
    """Return the spec of a regularizer whose layers on D's embedding learn with D."""
    cases = f"ganzoo_heads.cases:{name.replace('-', '_')}"
    return Regularizer(name=name, learns="discriminator", needs=("embedding",), cases=cases, **fields)
