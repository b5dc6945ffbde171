"""The recipe `auto`: networks, loss, penalties, augmentation and length that suit the data and the machine.

It is a table of what published trainings and our own measurements chose. Without a GPU: DCGAN's networks (Radford et
al. 2016, arXiv:1511.06434) with R3GAN's loss and penalties. With a GPU: FastGAN (Liu et al. 2021, arXiv:2101.04775) for
few images, R3GAN (Huang et al. 2024, arXiv:2501.05441) for more. DiffAugment (Zhao et al. 2020, arXiv:2006.10738) as
often as there are few images. For text, WGAN-GP's language model (Gulrajani et al. 2017, arXiv:1704.00028).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from ganzoo.plugin import DataFacts, DataInfo, Proposal, UsageError

POWERS = (8, 16, 32, 64, 128, 256, 512, 1024)
DCGAN, FASTGAN = POWERS[1:6], POWERS[2:]
LARGEST = {"cpu": 64}  # the size to which files are resized, by device
LARGEST_ON_GPU = 256
VERY_FEW, FEW, MANY = 500, 2_000, 20_000  # images
FEW_FOR_SHORT = 1_000  # images below which a run without a GPU augments
TIME, TIME_ON_GPU = {"cpu": "10min"}, "6h"
NOMINAL = 1_000_000  # images over which schedules are written; they follow the length
PER_CLASS = 20  # samples of the smallest class with which classes can be learned
TOLD = 0.1  # share of images above a half that are told from their mirror images, where left and right matter
# Of r1 and r2 at the start, by size in pixels: R3GAN's, and between them. Fewer than 20,000 images of 32 need 0.5.
GAMMA = {8: 0.5, 16: 0.5, 32: 0.5, 64: 2.0, 128: 10.0, 256: 150.0}
GAMMA_OF_MANY = 0.05  # of small images
# Rates of DCGAN's networks at the start and at the end. Digits are worse after a minute at 5e-4 and 4e-3. Of 64 pixels
# emoji fail at 2e-3; at a fifth in the end they are nearer by colours and textures, but cover less by SqueezeNet.
RATES, RATES_OF_LARGE = (2e-3, 4e-4), (1e-3, 5e-4)


@dataclass
class Draft:
    """Settings that come together, and the reasons for them."""

    settings: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def add(self, reason: str = "", **settings: Any) -> None:
        """Add settings, whose keys have "__" for a dot, and the reason for them."""
        self.settings |= {key.replace("__", "."): value for key, value in settings.items()}
        if reason:
            self.reasons.append(reason)


def choose_settings(data: DataInfo, device: str, facts: DataFacts) -> Proposal:
    """Return the settings for data on a device.

    Raises:
        UsageError: There are no networks for these data; the text says what to type.
    """
    draft = Draft()
    draft.add(train__time=TIME.get(device, TIME_ON_GPU), train__images=NOMINAL)
    if data.modality in ("points", "tabular"):
        _choose_for_vectors(draft)
    elif data.modality == "text":
        _choose_for_text(device, draft)
    elif data.modality == "image":
        _choose_for_images(data, device, facts, draft)
    else:
        raise UsageError(
            f"recipe 'auto' has no networks for {data.modality}: add --arch NAME of an architecture that has (`ganzoo "
            "list architectures` shows them)"
        )
    return Proposal(settings=draft.settings, reasons=tuple(f"auto: {line}" for line in draft.reasons))


def _choose_for_vectors(draft: Draft) -> None:
    draft.add("mlp with rpgan, r1 and r2: plain layers are enough for points and tables", arch="mlp")
    draft.reasons.append("expect all modes of a mixture within a minute or two")


def _choose_for_text(device: str, draft: Draft) -> None:
    """Choose WGAN-GP's language model: small with rates that fall for a processor, the paper's for a GPU."""
    if device == "cpu":
        rates: dict[str, Any] = {f"optim__{network}__lr": f"cosine(2e-3, 2e-5, images={NOMINAL})" for network in "gd"}
        sizes: dict[str, Any] = {"arch__blocks": 1, "train__d_steps": 1, "train__batch": 16}
    else:
        rates = {f"optim__{network}__lr": 1e-4 for network in "gd"}
        sizes = {"arch__width": 512, "train__d_steps": 10, "train__batch": 64}
    draft.add(
        "char-gan with wasserstein and wgan-gp: convolutions along the characters, and no draws in between",
        arch="char-gan", loss="wasserstein", reg=("wgan-gp",), **rates, **sizes,
        **{f"optim__{network}__betas": (0.5, 0.9) for network in "gd"}, **{"reg__wgan-gp__weight": 10.0},
        train__ema_half_life=2000,
    )  # fmt: skip
    draft.reasons.append("expect letters, pairs and short words of the text, but no sense (docs/text.md)")


def _choose_for_images(data: DataInfo, device: str, facts: DataFacts, draft: Draft) -> None:
    if data.labels_are_images:
        raise UsageError(
            "recipe 'auto' does not translate images: add --arch NAME of an architecture that does, with --conditional"
        )
    channels, height, width = data.shape
    size = _choose_size(height, width, device, facts, draft)
    num = data.num_items or MANY + 1
    if height != width or size not in POWERS:
        _choose_for_odd_shapes(channels, height, width, draft)
    elif device == "cpu":
        _choose_without_gpu(size, channels, num, draft)
    elif num < VERY_FEW and size in FASTGAN and channels in (1, 3):
        _choose_for_few(size, num, draft)
    else:
        _choose_r3gan(size, num, draft)
    told = facts.mirrored > 0.5 + max(TOLD, 1.5 / sqrt(max(1, facts.looked)))
    _choose_augmentation(num, size, told, device, facts, draft)
    if data.num_classes > 1 and draft.settings["arch"] != "fastgan":
        _choose_classes(data, facts, draft)
    _tell_what_to_expect(num, size, device, draft)


def _choose_size(height: int, width: int, device: str, facts: DataFacts, draft: Draft) -> int:
    """Return the size of images; choose a power of two that most files have, if the size may be chosen."""
    if not facts.resizable or not facts.shorter:
        return height
    largest = LARGEST.get(device, LARGEST_ON_GPU)
    size = 1 << max(16, min(facts.shorter, largest)).bit_length() - 1
    ratio = f", whose middle square is cut out of {facts.ratio:.2g}:1" if not 0.8 < facts.ratio < 1.25 else ""
    draft.add(
        f"size {size}, since the files have {facts.shorter} pixels{ratio}, and {device} trains {largest} at most",
        dataset__size=size,
    )
    return size


def _choose_for_odd_shapes(channels: int, height: int, width: int, draft: Draft) -> None:
    if channels * height * width > 3 * 64 * 64:
        raise UsageError(
            f"recipe 'auto' has no networks for images of {width}x{height}: add --size N with 16, 32, 64, 128 or 256, "
            "or --arch NAME of an architecture that takes this shape (`ganzoo list architectures` shows them)"
        )
    draft.add(
        f"mlp, since the images are {width}x{height}; a square of 16, 32 or 64 pixels has better networks", arch="mlp"
    )


def _choose_without_gpu(size: int, channels: int, num: int, draft: Draft) -> None:
    if size not in DCGAN or channels not in (1, 3):
        draft.add("r3gan with rpgan, r1 and r2, which takes this size and these channels", arch="r3gan")
        return
    gamma, (first, last) = GAMMA[size], RATES if size <= 32 else RATES_OF_LARGE
    shared = {"lr": f"cosine({first:g}, {last:g}, images={NOMINAL})", "betas": (0.0, 0.99)}
    draft.add(
        f"dcgan with rpgan, r1 and r2 (gamma {gamma:g}): small networks, and penalties that keep them stable",
        arch="dcgan", arch__norm_d="none", loss="rpgan", reg=("r1", "r2"),
        **{f"reg__{name}__gamma": gamma for name in ("r1", "r2")},
        **{f"reg__{name}__interval": 4 for name in ("r1", "r2")},
        **{f"optim__{network}__{key}": value for network in "gd" for key, value in shared.items()},
        train__batch=32 if channels == 1 else 16,  # colours need more updates than a short run has of larger batches
        train__ema_half_life=NOMINAL / 50,
    )  # fmt: skip


def _choose_for_few(size: int, num: int, draft: Draft) -> None:
    draft.add(
        f"fastgan with hinge: made for so few images as these {num:,}",
        arch="fastgan", arch__width=64 if size >= 128 else 32, arch__z_dim=256,
        loss="hinge", reg=("reconstruction", "lecam"),
        optim__g__lr=2e-4, optim__d__lr=2e-4, optim__g__betas=(0.5, 0.999), optim__d__betas=(0.5, 0.999),
        train__batch=8, train__ema_half_life=5541,
    )  # fmt: skip


def _choose_r3gan(size: int, num: int, draft: Draft) -> None:
    """Choose R3GAN, with the rates and penalties of its paper; smaller networks for fewer images."""
    width = 384 if num > MANY else 256
    steps = size.bit_length() - 3  # resolutions after 4x4
    widths = [max(64, width >> max(0, step - 3)) for step in range(steps + 1)]
    gamma = GAMMA.get(size, GAMMA[256] * (size / 256) ** 2) * (4 if num < VERY_FEW else 1)
    gamma = GAMMA_OF_MANY if num > MANY and size <= 32 else gamma
    optim = {"lr": f"cosine(2e-4, 5e-5, images={NOMINAL})", "betas": (0.0, f"cosine(0.9, 0.99, images={NOMINAL})")}
    draft.add(
        f"r3gan with rpgan, r1 and r2 (gamma {gamma:g}, a tenth of it at the end): stable without tuning",
        arch="r3gan", arch__widths=tuple(widths), loss="rpgan", reg=("r1", "r2"),
        **{f"reg__{name}__gamma": f"cosine({gamma:g}, {gamma / 10:g}, images={NOMINAL})" for name in ("r1", "r2")},
        **{f"optim__{network}__{key}": value for network in "gd" for key, value in optim.items()},
        train__batch=64 if size < 256 else 32,
        train__ema_half_life=500_000, train__ema_ramp=0.05,
    )  # fmt: skip


def _choose_augmentation(num: int, size: int, told: bool, device: str, facts: DataFacts, draft: Draft) -> None:
    """Choose what D sees changed: the more, the fewer images there are; no colours for grey images or for text.

    A short run without a GPU sees each image a few dozen times, or ten times at 64 pixels. Small ones in colour are
    learned by heart then; larger and grey ones, of which there are more than a few, are not.
    """
    if draft.settings["arch"] == "mlp":
        return
    grey = facts.grey > 0.9
    if device == "cpu":
        by_heart = num < VERY_FEW or (num < MANY and size <= 32 and not grey)
        p = 0.8 if by_heart else 0.3 if num < FEW_FOR_SHORT else 0.0
    else:
        p = 0.8 if num < FEW else 0.6 if num < MANY else 0.3
    if p:
        plain = told or grey
        policy = (*(() if plain else ("colour",)), "translation", *(() if grey else ("cutout",)))
        often = p if device == "cpu" else f"linear(0, {p:g}, images={NOMINAL})"
        draft.add(
            f"diffaugment with p {'' if device == 'cpu' else 'rising to '}{p:g} for {num:,} images"
            + (", without colours" if plain else ""),
            aug="diffaugment", **{"aug__diffaugment__policy": policy, "aug__diffaugment__p": often},
        )  # fmt: skip
    if not told:
        draft.add(
            "mirror images too, since a test does not tell them from the others (train.flip=false)", train__flip=True
        )
    else:
        draft.reasons.append(
            f"no mirror images: a test tells {facts.mirrored:.0%} of the images from theirs, as with text"
        )


def _choose_classes(data: DataInfo, facts: DataFacts, draft: Draft) -> None:
    if facts.smallest >= PER_CLASS or facts.largest == 0:
        draft.add(f"its {data.num_classes} classes are learned too (--unconditional for none)", train__conditional=True)
    else:
        draft.add(
            f"classes are not learned: one has only {facts.smallest} samples (--conditional learns them)",
            train__conditional=False,
        )


def _tell_what_to_expect(num: int, size: int, device: str, draft: Draft) -> None:
    if num < VERY_FEW:
        draft.reasons.append(
            f"expect copies: {num:,} images are few, and `ganzoo evaluate RUN --metric copying` says how many"
        )
    elif device == "cpu":
        draft.reasons.append("expect recognisable samples of simple pictures; photographs need a GPU")
    else:
        draft.reasons.append("expect good samples of one kind of picture after some hours")
