"""The papers' trainings, and a small one for a CPU. Every command imports this, so it is light.

Other than in the authors' code, sounds are cut at fixed places (`dataset.hop`), not at random ones. Vocos's own mel
spectrograms have centred frames, so that there is one more, and triangles of equal height on another mel scale (HTK's).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Recipe
from ganzoo_sound import papers

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
        summary="A first try of a small Vocos for speech of 8 kHz; too short for good sounds.",
        paper=papers.VOCOS,
        dataset="audio",
        cost="four minutes of one core",
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
            **_choose_optimizer("cosine(2e-3, 0, images=16e3)", (0.8, 0.9)),
            **PAIRED,
            "train.images": 16_000,
            "train.d_start": 12_800,
            "train.adversarial_start": 13_600,
            "train.ema_half_life": 500,
            **_choose_mel(8000, 4096, 64, 512, 128, None),
            "dataset.hop": 1024,
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
    """Return the settings of the dataset: sounds of a length, and their mel spectrograms."""
    values = {"rate": rate, "length": length, "mel": num, "n_fft": n_fft, "mel_hop": hop}
    return {f"dataset.{key}": value for key, value in values.items()} | {"dataset.f_max": f_max}
