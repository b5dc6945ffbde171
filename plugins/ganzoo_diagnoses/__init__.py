"""Diagnoses: rules that find what goes wrong in a run. Each says it in one line, with settings to try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import Diagnosis, hookimpl
from ganzoo_diagnoses import options

ADA = (
    "Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training Generative "
    "Adversarial Networks with Limited Data, arXiv:2006.06676"
)
PERFECT_D = (
    "Martin Arjovsky & Léon Bottou 2017, Towards Principled Methods for Training Generative Adversarial Networks, "
    "arXiv:1701.04862"
)
WGAN_GP = (
    "Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin & Aaron Courville 2017, Improved Training of "
    "Wasserstein GANs, arXiv:1704.00028"
)
CONVERGE = (
    "Lars Mescheder, Andreas Geiger & Sebastian Nowozin 2018, Which Training Methods for GANs do actually Converge?, "
    "arXiv:1801.04406"
)
BIRTHDAY = (
    "Sanjeev Arora & Yi Zhang 2017, Do GANs actually learn the distribution? An empirical study, arXiv:1706.08224"
)
VEEGAN = (
    "Akash Srivastava, Lazar Valkov, Chris Russell, Michael U. Gutmann & Charles Sutton 2017, VEEGAN: Reducing Mode "
    "Collapse in GANs using Implicit Variational Learning, arXiv:1705.07761"
)
COPYING = (
    "Casey Meehan, Kamalika Chaudhuri & Sanjoy Dasgupta 2020, A Non-Parametric Test to Detect Data-Copying in "
    "Generative Models, arXiv:2004.05675"
)
CAS = (
    "Suman Ravuri & Oriol Vinyals 2019, Classification Accuracy Score for Conditional Generative Models, "
    "arXiv:1905.10887"
)
BATCHNORM = (
    "Sergey Ioffe & Christian Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing "
    "Internal Covariate Shift, arXiv:1502.03167"
)
DECONVOLUTION = (
    "Augustus Odena, Vincent Dumoulin & Chris Olah 2016, Deconvolution and Checkerboard Artifacts, "
    "doi:10.23915/distill.00003"
)
STUDIOGAN = (
    "Minguk Kang, Joonghyuk Shin & Jaesik Park 2022, StudioGAN: A Taxonomy and Benchmark of GANs for Image Synthesis, "
    "arXiv:2206.09479"
)


@hookimpl
def ganzoo_diagnoses() -> Iterator[Diagnosis]:
    """Offer the diagnoses; of one stage, those that explain others come first."""

    def rule(name: str, summary: str, factory: str, cases: str = "", **fields: Any) -> Diagnosis:
        path = f"ganzoo_diagnoses.cases:{cases}" if cases else ""
        return Diagnosis(name=name, summary=summary, factory=f"ganzoo_diagnoses.{factory}", cases=path, **fields)

    data: dict[str, Any] = {"stage": "data"}
    yield rule("range-mismatch", "Images lie in a part of the range from -1 to 1.", "data:RangeMismatch", **data)
    yield rule(
        "data-duplicates", "Many samples are equal to another one.", "data:Duplicates",
        options=options.DuplicatesOptions, paper=COPYING, **data,
    )  # fmt: skip
    yield rule(
        "data-unreadable", "Some files cannot be read.", "data:Unreadable", options=options.UnreadableOptions, **data
    )
    yield rule("data-grey", "All images are grey although they have three channels.", "data:Grey", **data)
    yield rule("data-constant", "Some images have one colour only.", "data:Constant", **data)
    yield rule(
        "data-imbalance", "The classes have very different numbers of samples.", "data:Imbalance",
        options=options.BalanceOptions, **data,
    )  # fmt: skip
    yield rule(
        "few-pictures", "There are so few pictures that D learns them by heart.", "data:FewPictures",
        options=options.FewPicturesOptions, paper=ADA, **data,
    )  # fmt: skip

    networks: dict[str, Any] = {"stage": "networks"}
    yield rule(
        "lipschitz-violation", "Nothing limits the slope of D, or a penalty misses its target.", "balance:Lipschitz",
        "lipschitz", options=options.LipschitzOptions, paper=WGAN_GP, **networks,
    )  # fmt: skip
    yield rule(
        "g-dead", "G has no gradient, or flat samples.", "generator:GDead", "g_dead", options=options.GDeadOptions,
        paper=PERFECT_D, **networks,
    )  # fmt: skip
    yield rule(
        "z-ignored", "G makes the same sample of every latent.", "generator:ZIgnored", "z_ignored",
        options=options.ZIgnoredOptions, **networks,
    )  # fmt: skip
    yield rule(
        "eval-mismatch", "G makes other samples in evaluation than in training.", "generator:EvalMismatch",
        "eval_mismatch", options=options.EvalOptions, paper=BATCHNORM, **networks,
    )  # fmt: skip
    yield rule(
        "ema-stale", "The average of G is far behind G.", "generator:EmaStale", "ema_stale",
        options=options.StaleOptions, paper=ADA, **networks,
    )  # fmt: skip
    yield rule(
        "aug-leak", "Fakes look augmented, because D sees nothing else.", "data:AugLeak", "aug_leak",
        options=options.LeakOptions, paper=ADA, **networks,
    )  # fmt: skip
    yield rule(
        "labels-ignored", "G makes the same sample for every label.", "generator:LabelsIgnored", "labels_ignored",
        options=options.LabelsOptions, paper=CAS, **networks,
    )  # fmt: skip

    yield rule(
        "numeric-blowup", "A number is not finite, huge, or suddenly much larger.", "numbers:NumericBlowup",
        "numeric_blowup", options=options.NumericOptions, aliases=("huge-loss",), stage="numbers",
    )  # fmt: skip

    yield rule(
        "overregularised", "A penalty outweighs the loss, so that D is flat.", "discriminator:Overregularised",
        "overregularised", options=options.OverregularisedOptions, paper=CONVERGE,
    )  # fmt: skip
    yield rule(
        "d-overfit", "D knows its training samples by heart.", "discriminator:DOverfit", "d_overfit",
        options=options.DOverfitOptions, paper=ADA,
    )  # fmt: skip
    yield rule(
        "d-too-strong", "D is sure of its answers, so that G learns little from them.", "discriminator:DTooStrong",
        "d_too_strong", options=options.DTooStrongOptions, aliases=("winning-discriminator", "d-wins"),
        paper=PERFECT_D,
    )  # fmt: skip
    yield rule(
        "d-too-weak", "D cannot tell fakes that are evidently different.", "discriminator:DTooWeak", "d_too_weak",
        options=options.DTooWeakOptions, paper=PERFECT_D,
    )  # fmt: skip
    yield rule(
        "oscillation", "The networks turn around an equilibrium.", "balance:Oscillation", "oscillation",
        options=options.OscillationOptions, paper=CONVERGE,
    )  # fmt: skip

    samples: dict[str, Any] = {"stage": "samples"}
    yield rule(
        "memorising", "The fakes are copies of training samples.", "modes:Memorising", "memorising",
        options=options.MemorisingOptions, paper=COPYING, **samples,
    )  # fmt: skip
    yield rule(
        "mode-collapse", "The fakes are alike.", "modes:ModeCollapse", "mode_collapse",
        options=options.CollapseOptions, paper=BIRTHDAY, **samples,
    )  # fmt: skip
    yield rule(
        "mode-drop", "Some kinds of samples are missing.", "modes:ModeDrop", "mode_drop", options=options.DropOptions,
        paper=VEEGAN, **samples,
    )  # fmt: skip
    yield rule(
        "checkerboard", "Fakes have a pattern of single pixels.", "generator:Checkerboard", "checkerboard",
        options=options.CheckerboardOptions, paper=DECONVOLUTION, **samples,
    )  # fmt: skip
    yield rule(
        "score-regression", "A measured score was much better before.", "score:ScoreRegression", "score_regression",
        options=options.RegressionOptions, paper=STUDIOGAN, stage="score",
    )  # fmt: skip
