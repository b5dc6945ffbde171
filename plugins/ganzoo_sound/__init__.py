"""Sounds: vocoders, which make a sound of its mel spectrogram, sounds from noise, and how sounds are compared."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Architecture, DataInfo, Metric, Recipe, Regularizer, hookimpl
from ganzoo_sound import papers
from ganzoo_sound.options import DACOptions, HiFiGANOptions, MelOptions, VocosOptions, WaveGANOptions
from ganzoo_sound.recipes import list_recipes

MEL = {"num": 8, "n_fft": 256, "hop": 64, "f_min": 0.0, "f_max": 4000.0}
SOUNDS = DataInfo(
    shape=(1, 1088), dtype="int16", modality="audio", label_shape=(8, 17), meta={"sample_rate": 8000, "mel": MEL}
)
COPIES = DataInfo(
    shape=(1, 1088),
    dtype="int16",
    modality="audio",
    label_shape=(1, 1088),
    label_dtype="int16",
    meta={"sample_rate": 8000},
)
NO_LABELS = {"discriminator-uses-labels": "its D sees sounds alone, as in the papers; the term mel compares them"}
OPTIM = {"lr": 2e-4, "betas": (0.8, 0.99)}
TRAINING = {
    "reg": ("mel", "feature-matching"),
    "reg.feature-matching.match": "pairs",
    **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in OPTIM.items()},
    "train.batch": 16,
    "train.update": "shared",
    "train.conditional": True,
    "train.ema_half_life": 2000,
}


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architectures."""
    yield Architecture(
        name="vocos",
        summary="A vocoder that makes spectra of frames, without upsampling: fast on a CPU.",
        factory="ganzoo_sound.vocos:build",
        options=VocosOptions,
        similar_to=dict.fromkeys(("vocoder", "istftnet", "mel-vocoder"), "--arch vocos"),
        paper="; ".join((papers.VOCOS, papers.DAC)),
        modalities=("audio",),
        channels=(1,),
        conditional="always",
        input_multiple=1,
        examples=(SOUNDS,),
        provides=("features", "double-backward"),
        excused=NO_LABELS,
        cases="ganzoo_sound.cases:vocos",
        recommended={"loss": "hinge", "loss.bounded": True, "reg.feature-matching.weight": 1.0, **TRAINING},
    )
    yield Architecture(
        name="hifigan",
        summary="A vocoder that upsamples mel spectrograms by convolutions; D sees periods and scales.",
        aliases=("hifi-gan",),
        factory="ganzoo_sound.hifigan:build",
        options=HiFiGANOptions,
        similar_to={
            "melgan": "--arch hifigan arch.discriminators=msd",
            "bigvgan": "--arch hifigan arch.activation=snakebeta arch.discriminators=mpd,mrd",
        },
        paper="; ".join((papers.HIFIGAN, papers.BIGVGAN)),
        modalities=("audio",),
        channels=(1,),
        conditional="always",
        input_multiple=1,
        examples=(SOUNDS,),
        provides=("features", "double-backward"),
        excused=NO_LABELS,
        cases="ganzoo_sound.cases:hifigan",
        imports={"hifi-gan": "ganzoo_sound.imports:hifi_gan"},
        recommended={
            "loss": "lsgan",
            "train.adversarial_weight": 2.0,  # the paper's squares are not halved
            "reg.feature-matching.weight": 2.0,
            **TRAINING,
        },
    )
    yield Architecture(
        name="dac",
        summary="A codec: an encoder, codebooks that quantise what is left by those before, and a decoder.",
        factory="ganzoo_sound.dac:build",
        options=DACOptions,
        similar_to=dict.fromkeys(
            ("codec", "soundstream", "encodec", "rvqgan", "audio-autoencoder"),
            "--arch dac --dataset audio dataset.labels=self",
        ),
        paper=papers.DAC,
        modalities=("audio",),
        channels=(1,),
        conditional="always",
        input_multiple=1,
        examples=(COPIES,),
        provides=("features", "double-backward", "autoencoder"),
        excused={
            "discriminator-uses-labels": "the label is the sound itself, which would show D the answer",
            "finite-differences": "the gradient of a code is passed to the latent that it replaces",
        },
        cases="ganzoo_sound.cases:dac",
        recommended={
            "loss": "lsgan",
            "train.adversarial_weight": 2.0,  # the authors' squares are not halved
            "reg.mel.scales": "many",
            "reg.mel.weight": 15.0,
            "reg.feature-matching.weight": 2.0,
            **TRAINING,
        },
    )
    yield Architecture(
        name="wavegan",
        summary="Sounds of one length from noise: one-dimensional convolutions that change the rate by 4.",
        factory="ganzoo_sound.wavegan:build",
        options=WaveGANOptions,
        similar_to=dict.fromkeys(("specgan", "sound-gan", "drums"), "--arch wavegan"),
        paper=papers.WAVEGAN,
        modalities=("audio",),
        provides=("double-backward",),
        cases="ganzoo_sound.cases:wavegan",
        recommended={
            "loss": "wasserstein",
            "reg": "wgan-gp",
            "optim.g.lr": 1e-4,
            "optim.d.lr": 1e-4,
            "optim.g.betas": (0.5, 0.9),
            "optim.d.betas": (0.5, 0.9),
            "train.d_steps": 5,
        },
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Regularizer]:
    """Offer the term that compares mel spectrograms."""
    yield Regularizer(
        name="mel",
        aliases=("mel-l1",),
        summary="A sound that G makes has the mel spectrogram of the one whose spectrogram it was made from.",
        factory="ganzoo_sound.mel:Mel",
        options=MelOptions,
        similar_to=dict.fromkeys(("multi-scale-mel", "spectrogram", "stft-loss"), "--reg mel reg.mel.scales=many"),
        paper=f"{papers.HIFIGAN}, eq. 5; {papers.DAC}, section 3.5",
        reals=True,
        modalities=("audio",),
        cases="ganzoo_sound.cases:mel",
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metrics of pairs of sounds."""
    yield Metric(
        name="mel-distance",
        summary="Mean absolute difference of the logarithms of mel bands: how near a vocoder comes to the sound.",
        factory="ganzoo_sound.metrics:MelDistance",
        pairs=True,
        modalities=("audio",),
        better={"mel": "lower"},
        cases="ganzoo_sound.cases:mel_distance",
        paper=papers.HIFIGAN,
    )
    yield Metric(
        name="stft-distance",
        summary="Spectral convergence and distance of logarithmic spectra, the mean of three resolutions.",
        aliases=("multi-resolution-stft",),
        factory="ganzoo_sound.metrics:STFTDistance",
        pairs=True,
        modalities=("audio",),
        examples=(SOUNDS,),
        better={"convergence": "lower", "log": "lower"},
        cases="ganzoo_sound.cases:stft_distance",
        paper=f"{papers.PARALLEL_WAVEGAN}, eqs. 4-6",
    )
    yield Metric(
        name="log-spectral-distance",
        summary="Root mean squared difference of the spectra of frames, in decibels.",
        aliases=("lsd",),
        factory="ganzoo_sound.metrics:LogSpectralDistance",
        pairs=True,
        modalities=("audio",),
        better={"decibel": "lower"},
        cases="ganzoo_sound.cases:log_spectral_distance",
        paper=papers.GRAY,
    )


@hookimpl
def ganzoo_recipes() -> Iterator[Recipe]:
    """Offer the settings of the papers' trainings, and of a small one."""
    yield from list_recipes()
