"""Metrics: distances and shares in the space of an extractor's features, and moments of the raw numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import DataInfo, Metric, hookimpl
from ganzoo_metrics.options import (
    C2STOptions,
    CASOptions,
    CopyingOptions,
    FidelityOptions,
    FrechetInfinityOptions,
    InceptionScoreOptions,
    KIDOptions,
    MINDOptions,
    MomentsOptions,
    PRDCOptions,
    SWDOptions,
    VendiOptions,
)

FRECHET = "--metric frechet, the same distance on another network (squeezenet, or random without a download)"
NOT_FID = "which is FID's only on the features of Inception"
TWO_MODES = DataInfo(
    shape=(2,), modality="points", num_classes=2, meta={"modes": [[-1.0, 0.0], [1.0, 0.0]], "sigma": 0.2}
)


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metrics."""
    yield Metric(
        name="pixel-moments",
        summary="Distances of means, standard deviations and covariances of the raw numbers: images, points, tables.",
        factory="ganzoo_metrics.moments:PixelMoments",
        options=MomentsOptions,
        better={"mean": "lower", "std": "lower", "fd": "lower"},
        distances=("mean", "std", "fd"),
        default=True,
        cases="ganzoo_metrics.cases:pixel_moments",
        paper="D. C. Dowson & B. V. Landau 1982, The Fréchet distance between multivariate normal distributions, "
        "doi:10.1016/0047-259X(82)90077-X; Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler & Sepp "
        "Hochreiter 2017, GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, "
        "arXiv:1706.08500, eq. 6",
    )
    yield Metric(
        name="frechet",
        summary="Frechet distance of the features of any network; fid is that of Inception.",
        aliases=("fd", "frechet-distance"),
        factory="ganzoo_metrics.frechet:Frechet",
        reads="statistics",
        better={"fd": "lower"},
        distances=("fd",),
        default=True,
        cases="ganzoo_metrics.cases:frechet",
        paper="Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler & Sepp Hochreiter 2017, GANs "
        "Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, arXiv:1706.08500, eq. 6",
    )
    yield Metric(
        name="fid",
        summary="FID: 50,000 samples against the whole training set, on the features of Inception alone.",
        aliases=("fid50k-full", "frechet-inception-distance"),
        similar_to={
            "clean-fid": "--metric fid, whose images are resized as TensorFlow 1 did",
            "fid50k": "--metric fid, against the whole training set",
        },
        factory="ganzoo_metrics.frechet:FID",
        reads="statistics",
        extractor="inception",
        needs=("fid-features",),
        whole=True,
        standard_num=50_000,
        instead=FRECHET,
        better={"fid*": "lower"},
        modalities=("image",),
        cases="ganzoo_metrics.cases:fid",
        paper="Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler & Sepp Hochreiter 2017, GANs "
        "Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, arXiv:1706.08500, eq. 6",
    )
    yield Metric(
        name="frechet-infinity",
        summary="Frechet distance of features, extrapolated to infinitely many generated samples.",
        aliases=("fd-infinity", "fd-inf"),
        similar_to=dict.fromkeys(("fid-infinity", "fid-inf"), f"--metric frechet-infinity, {NOT_FID}"),
        factory="ganzoo_metrics.frechet:FrechetInfinity",
        options=FrechetInfinityOptions,
        reads="features",
        better={"fd": "lower"},
        cases="ganzoo_metrics.cases:frechet_infinity",
        paper="Min Jin Chong & David Forsyth 2020, Effectively Unbiased FID and Inception Score and where to find "
        "them, arXiv:1911.07023, section 3.2",
    )
    yield Metric(
        name="kid",
        summary="Kernel distance of features, without bias for few samples.",
        aliases=("kernel-distance", "mmd"),
        factory="ganzoo_metrics.kid:KID",
        options=KIDOptions,
        reads="features",
        better={"kid": "lower"},
        cases="ganzoo_metrics.cases:kid",
        paper="Mikolaj Binkowski, Danica J. Sutherland, Michael Arbel & Arthur Gretton 2018, Demystifying MMD GANs, "
        "arXiv:1801.01401, section 3",
    )
    yield Metric(
        name="prdc",
        summary="Precision and density (are samples realistic?), recall and coverage (does nothing lack?).",
        aliases=("precision-recall", "density-coverage"),
        factory="ganzoo_metrics.prdc:PRDC",
        options=PRDCOptions,
        reads="features",
        better=dict.fromkeys(("precision", "recall", "density", "coverage"), "higher"),
        default=True,
        cases="ganzoo_metrics.cases:prdc",
        paper="Tuomas Kynkäänniemi, Tero Karras, Samuli Laine, Jaakko Lehtinen & Timo Aila 2019, Improved Precision "
        "and Recall Metric for Assessing Generative Models, arXiv:1904.06991; Muhammad Ferjad Naeem, Seong Joon Oh, "
        "Youngjung Uh, Yunjey Choi & Jaejun Yoo 2020, Reliable Fidelity and Diversity Metrics for Generative Models, "
        "arXiv:2002.09797",
    )
    yield Metric(
        name="mind",
        summary="Sliced transport distance of features; few samples are enough.",
        aliases=("sliced-wasserstein",),
        factory="ganzoo_metrics.sliced:MIND",
        options=MINDOptions,
        reads="features",
        better={"mind": "lower"},
        distances=("mind",),
        cases="ganzoo_metrics.cases:mind",
        paper="Quentin Berthet and others 2026, MIND: Monge Inception Distance for Generative Models Evaluation, "
        "arXiv:2605.06797",
    )
    yield Metric(
        name="vendi",
        summary="How many different samples there are; it compares with nothing.",
        aliases=("vendi-score",),
        factory="ganzoo_metrics.vendi:Vendi",
        options=VendiOptions,
        reads="features",
        better={"vendi": "higher", "real": "neither"},
        cases="ganzoo_metrics.cases:vendi",
        paper="Dan Friedman & Adji Bousso Dieng 2022, The Vendi Score: A Diversity Evaluation Metric for Machine "
        "Learning, arXiv:2210.02410",
    )
    yield Metric(
        name="inception-score",
        summary="Whether a classifier is sure of each sample and finds all classes; the known score is Inception's.",
        similar_to={"is": "--metric inception-score"},
        factory="ganzoo_metrics.classes:InceptionScore",
        options=InceptionScoreOptions,
        reads="features",
        needs=("probabilities",),
        better={"is": "higher", "std": "neither"},
        cases="ganzoo_metrics.cases:inception_score",
        paper="Tim Salimans, Ian Goodfellow, Wojciech Zaremba, Vicki Cheung, Alec Radford & Xi Chen 2016, Improved "
        "Techniques for Training GANs, arXiv:1606.03498, section 4",
    )
    yield Metric(
        name="class-shares",
        summary="Shares of the classes that a classifier finds, against those of the data: which are missing?",
        factory="ganzoo_metrics.classes:ClassShares",
        reads="features",
        extractor="in-place",
        needs=("probabilities",),
        better={"kl": "lower", "missing": "lower", "least": "higher", "found": "higher", "kl-equal": "neither"},
        cases="ganzoo_metrics.cases:class_shares",
    )
    yield Metric(
        name="c2st",
        summary="Whether a classifier can tell generated from real features (0.5: it cannot).",
        aliases=("two-sample-test",),
        factory="ganzoo_metrics.classifiers:C2ST",
        options=C2STOptions,
        reads="features",
        better={"accuracy": "lower", "sigmas": "lower"},
        standardised=("sigmas",),
        cases="ganzoo_metrics.cases:c2st",
        paper="David Lopez-Paz & Maxime Oquab 2017, Revisiting Classifier Two-Sample Tests, arXiv:1610.06545",
    )
    yield Metric(
        name="copying",
        summary="Whether generated samples are copies of real ones: authentic samples (AuthPct), and C_T.",
        aliases=("authpct", "ct-score", "memorization"),
        factory="ganzoo_metrics.copying:Copying",
        options=CopyingOptions,
        reads="features",
        held_out=True,
        better={"authpct": "higher", "ratio": "higher", "ct": "neither"},
        standardised=("ct",),
        cases="ganzoo_metrics.cases:copying",
        paper="Ahmed M. Alaa, Boris van Breugel, Evgeny Saveliev & Mihaela van der Schaar 2022, How Faithful is your "
        "Synthetic Data? Sample-level Metrics for Evaluating and Auditing Generative Models, arXiv:2102.08921; Casey "
        "Meehan, Kamalika Chaudhuri & Sanjoy Dasgupta 2020, A Non-Parametric Test to Detect Data-Copying in Generative "
        "Models, arXiv:2004.05675",
    )
    yield Metric(
        name="smoothness",
        summary="How evenly samples change along paths between latents, in the space of features.",
        similar_to=dict.fromkeys(
            ("ppl", "perceptual-path-length"), "--metric smoothness, on an extractor's features instead of LPIPS"
        ),
        factory="ganzoo_metrics.paths:Smoothness",
        reads="features",
        paths=True,
        better={"length": "lower"},
        cases="ganzoo_metrics.cases:smoothness",
        paper="Tero Karras, Samuli Laine & Timo Aila 2019, A Style-Based Generator Architecture for Generative "
        "Adversarial Networks, arXiv:1812.04948, section 4.1",
    )
    yield Metric(
        name="cas",
        summary="Accuracy on real samples of a classifier that is trained on generated ones.",
        aliases=("gan-train", "classification-accuracy"),
        factory="ganzoo_metrics.classifiers:CAS",
        options=CASOptions,
        labels=True,
        examples=(DataInfo(shape=(1, 8, 8), num_classes=2),),
        better={"accuracy": "higher"},
        cases="ganzoo_metrics.cases_of_samples:cas",
        paper="Suman Ravuri & Oriol Vinyals 2019, Classification Accuracy Score for Conditional Generative Models, "
        "arXiv:1905.10887",
    )
    yield Metric(
        name="swd",
        summary="Sliced Wasserstein distance of patches on each scale: textures, without a network.",
        factory="ganzoo_metrics.swd:SWD",
        options=SWDOptions,
        modalities=("image",),
        examples=(DataInfo(shape=(1, 8, 9)),),
        better={"*": "lower"},
        distances=("*",),
        cases="ganzoo_metrics.cases_of_samples:swd",
        paper="Tero Karras, Timo Aila, Samuli Laine & Jaakko Lehtinen 2018, Progressive Growing of GANs for Improved "
        "Quality, Stability, and Variation, arXiv:1710.10196, section 5",
    )
    yield Metric(
        name="modes",
        summary="Captured modes, near samples and their spread for mixtures of points (protocol modes-v1).",
        factory="ganzoo_metrics.modes:Modes",
        modalities=("points",),
        examples=(TWO_MODES,),
        better={
            "modes": "higher",
            "modes-any": "higher",
            "share": "neither",
            "kl": "lower",
            "std": "neither",
            "spread": "neither",
            "sliced-w2": "lower",
        },
        distances=("sliced-w2",),
        cases="ganzoo_metrics.cases_of_samples:modes",
        paper="Akash Srivastava, Lazar Valkov, Chris Russell, Michael U. Gutmann & Charles Sutton 2017, VEEGAN: "
        "Reducing Mode Collapse in GANs using Implicit Variational Learning, arXiv:1705.07761; Zinan Lin, Ashish "
        "Khetan, Giulia Fanti & Sewoong Oh 2018, PacGAN: The power of two samples in generative adversarial networks, "
        "arXiv:1712.04086",
    )
    yield Metric(
        name="psnr",
        summary="Peak signal-to-noise ratio in decibels: each sample against the real one of its label.",
        factory="ganzoo_metrics.fidelity:PSNR",
        options=FidelityOptions,
        modalities=("image",),
        pairs=True,
        better={"psnr": "higher"},
        cases="ganzoo_metrics.cases_of_samples:psnr",
        paper="Chao Dong, Chen Change Loy, Kaiming He & Xiaoou Tang 2014, Image Super-Resolution Using Deep "
        "Convolutional Networks, arXiv:1501.00092, section 4",
    )
    yield Metric(
        name="ssim",
        summary="Structural similarity, at most 1: each sample against the real one of its label.",
        factory="ganzoo_metrics.fidelity:SSIM",
        options=FidelityOptions,
        modalities=("image",),
        pairs=True,
        examples=(DataInfo(shape=(3, 16, 12)),),
        better={"ssim": "higher"},
        cases="ganzoo_metrics.cases_of_samples:ssim",
        paper="Zhou Wang, Alan C. Bovik, Hamid R. Sheikh & Eero P. Simoncelli 2004, Image Quality Assessment: From "
        "Error Visibility to Structural Similarity, doi:10.1109/TIP.2003.819861",
    )
