"""The papers' trainings, and a small one for a CPU. Every command imports this, so it is light.

The published ones read crops at random places, all of which are equally likely (`dataset.margin`). The authors' code
draws a crop of each clip, so that values of short clips occur more often. Vocos's own mel spectrograms have centred
frames, so that there is one more, and triangles of equal height on another mel scale (HTK's).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_sound import papers

DAC_STEPS, DAC_BATCH = 400_000, 72  # updates, and crops in one
HIFIGAN_STEPS, HIFIGAN_EPOCH = 2_500_000, 809  # updates; an epoch is 12,950 clips of LJSpeech in batches of 16
MOS = {"v1": "4.36", "v2": "4.23", "v3": "4.05"}
TERMS = {"reg": ("mel", "feature-matching"), "reg.mel.weight": 45.0, "reg.feature-matching.match": "pairs"}
PAIRED = {"train.conditional": True, "train.update": "shared", "train.batch": 16}


def list_recipes() -> Iterator[Recipe]:
    """Yield the recipes."""
    for version, score in MOS.items():
        yield _make_hifigan(version, score)
    yield Recipe(
        name="vocos",
        summary="Vocos's training on speech of 24 kHz, from mel spectrograms of 100 bands.",
        paper=papers.VOCOS,
        source="https://github.com/gemelo-ai/vocos",
        dataset="audio",
        published="UTMOS 3.734 (recordings: 4.058) on the test set of LibriTTS",
        cost="16 million crops of 16,384 values in batches of 16",
        settings={
            "arch": "vocos",
            "arch.width": 512,
            "arch.depth": 8,
            "arch.width_d": 32,
            "loss": "hinge",
            "loss.bounded": True,
            **TERMS,
            "reg.feature-matching.weight": 1.0,
            **_choose_optimizer("cosine(5e-4, 0, images=16e6)", (0.8, 0.9)),
            **PAIRED,
            "train.images": 16_000_000,
            "train.ema_half_life": 0,
            **_choose_mel(24_000, 16_384, 100, 1024, 256, None),
        },
    )
    yield Recipe(
        name="vocos-small",
        summary="A small Vocos for speech of 8 kHz, such as that of telephones, which a processor can train.",
        paper=papers.VOCOS,
        dataset="audio",
        cost="ten minutes of one core",
        settings={
            "arch": "vocos",
            "arch.width": 96,
            "arch.depth": 4,
            "arch.width_d": 4,
            "arch.windows": (1024, 512, 256),
            "loss": "hinge",
            "loss.bounded": True,
            **TERMS,
            "reg.feature-matching.weight": 1.0,
            **_choose_optimizer("cosine(2e-3, 2e-5, images=64e3)", (0.8, 0.9)),
            "optim.d.lr": 5e-4,
            **PAIRED,
            "train.images": 64_000,
            "train.d_start": 56_000,
            "train.adversarial_start": 57_600,
            "train.ema_half_life": 1000,
            **_choose_mel(8000, 4096, 64, 512, 128, None),
            "dataset.margin": 2048,
            "dataset.hop": 2048,
        },
    )
    yield Recipe(
        name="dac-44khz",
        summary="DAC's training of a codec of 8 kbit/s for sounds of 44.1 kHz.",
        paper=papers.DAC,
        source="https://github.com/descriptinc/descript-audio-codec",
        dataset="audio",
        similar_to=dict.fromkeys(("dac", "codec"), "--recipe dac-44khz dataset.path=FOLDER"),
        published="none that a metric of ganzoo measures",
        cost="29 million crops of 0.38 s in batches of 72",
        settings={
            "arch": "dac",
            "arch.width": 64,
            "arch.rates": (2, 4, 8, 8),
            "arch.codebooks": 9,
            "arch.codes": 1024,
            "arch.code_width": 8,
            "arch.dropout": 0.5,
            "arch.width_d": 32,
            "loss": "lsgan",
            "train.adversarial_weight": 2.0,  # the authors' squares are not halved
            **TERMS,
            "reg.mel.weight": 15.0,
            "reg.mel.scales": "many",
            "reg.feature-matching.weight": 2.0,
            **_choose_optimizer(
                f"geometric(1e-4, {1e-4 * 0.999996**DAC_STEPS:.3g}, images={DAC_BATCH * DAC_STEPS})", (0.8, 0.99)
            ),
            **PAIRED,
            "train.batch": DAC_BATCH,
            "train.images": DAC_BATCH * DAC_STEPS,
            "train.ema_half_life": 0,
            "dataset.labels": "self",
            "dataset.rate": 44_100,
            "dataset.length": 16_896,  # 33 frames of 512 values
            "dataset.margin": 16_896,
            "dataset.hop": 16_896,
        },
    )
    yield Recipe(
        name="dac-small",
        summary="A first try of a small DAC for speech of 8 kHz, without a D; too short for good sounds.",
        paper=papers.DAC,
        dataset="audio",
        cost="a minute and a half of one core",
        settings={
            "arch": "dac",
            "arch.rates": (4, 4, 4),
            "arch.windows": (512, 256, 128),
            "loss": "lsgan",
            **TERMS,
            "reg.mel.weight": 15.0,
            "reg.mel.scales": "many",
            "reg.feature-matching.weight": 2.0,
            **_choose_optimizer("cosine(2e-3, 0, images=600)", (0.8, 0.99)),
            **PAIRED,
            "train.batch": 4,
            "train.images": 600,
            "train.d_start": 600,
            "train.adversarial_start": 600,
            "train.ema_half_life": 50,
            "dataset.labels": "self",
            "dataset.rate": 8000,
            "dataset.length": 2048,
            "dataset.margin": 2048,
            "dataset.hop": 2048,
        },
    )
    yield Recipe(
        name="wavegan",
        summary="WaveGAN's training on spoken digits or drums: a second of 16 kHz from noise.",
        paper=papers.WAVEGAN,
        source="https://github.com/chrisdonahue/wavegan",
        dataset="audio",
        published="Inception score 4.7 on SC09, of the paper's classifier of spoken digits",
        cost="64 million sounds in batches of 64",
        settings={
            "arch": "wavegan",
            "arch.width": 64,
            "loss": "wasserstein",
            "reg": "wgan-gp",
            "reg.wgan-gp.weight": 10.0,
            **{f"optim.{network}.lr": 1e-4 for network in ("g", "d")},
            **{f"optim.{network}.betas": (0.5, 0.9) for network in ("g", "d")},
            "train.batch": 64,
            "train.d_steps": 5,
            "train.images": 64 * 5 * 200_000,
            "train.ema_half_life": 0,
            "dataset.length": 16_384,
            "dataset.rate": 16_000,
        },
    )


def _make_hifigan(version: str, score: str) -> Recipe:
    images = 16 * HIFIGAN_STEPS
    last = 2e-4 * 0.999 ** (HIFIGAN_STEPS / HIFIGAN_EPOCH)
    return Recipe(
        name=f"hifigan-{version}",
        summary=f"HiFi-GAN's training of {version.upper()} on speech of 22 kHz, from mel spectrograms of 80 bands.",
        paper=papers.HIFIGAN,
        source="https://github.com/jik876/hifi-gan",
        dataset="audio",
        published=f"MOS {score} on LJSpeech (recordings: 4.45)",
        cost="40 million crops of 8,192 values in batches of 16",
        settings={
            "arch": "hifigan",
            "arch.version": version,
            "arch.width_d": 32,
            "loss": "lsgan",
            "train.adversarial_weight": 2.0,  # the paper's squares are not halved
            **TERMS,
            "reg.feature-matching.weight": 2.0,
            **_choose_optimizer(f"geometric(2e-4, {last:.3g}, images={images})", (0.8, 0.99)),
            **PAIRED,
            "train.images": images,
            "train.ema_half_life": 0,
            **_choose_mel(22_050, 8192, 80, 1024, 256, 8000.0),
        },
    )


def _choose_optimizer(rate: str, betas: tuple[float, float]) -> Mapping[str, Any]:
    """Return the optimizer of both networks, AdamW."""
    values = {"name": "adamw", "lr": rate, "betas": betas, "weight_decay": 0.01}
    return {f"optim.{network}.{key}": value for network in ("g", "d") for key, value in values.items()}


def _choose_mel(rate: int, length: int, num: int, n_fft: int, hop: int, f_max: float | None) -> Mapping[str, Any]:
    """Return the settings of the dataset: crops of a length, and their mel spectrograms."""
    values = {"rate": rate, "length": length, "mel": num, "n_fft": n_fft, "mel_hop": hop, "margin": length}
    values["hop"] = length  # of the pieces: all crops are equally likely
    return {f"dataset.{key}": value for key, value in values.items()} | {"dataset.f_max": f_max}
