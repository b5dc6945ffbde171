"""A plugin of tiny translators, images to images and curves to sound: labels are arrays, and there are no latents."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.plugin import Architecture, DataInfo, Dataset, Item, Networks, NoOptions, UsageError, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    height: int = option(8, help="In pixels.", low=4)
    width: int = option(8, help="In pixels.", low=4)
    num: int = option(12, help="Pairs.", low=1)
    alpha: bool = option(False, help="Samples have a fourth channel, and labels are the other three.")


def scene(options: SceneOptions, number: int) -> np.ndarray:
    """Return a colour image, uint8 ``[3, H, W]``, whose left half differs from its right half."""
    draw = np.random.default_rng(number)
    picture = np.zeros((3, options.height, options.width), np.uint8)
    picture[:, :, : options.width // 2] = draw.integers(20, 255, (3, 1, 1))
    return picture


def sample(options: SceneOptions, number: int) -> np.ndarray:
    """Return a scene, uint8 ``[3, H, W]``; with alpha ``[4, H, W]``, where bright pixels cover."""
    picture = scene(options, number)
    return np.concatenate([picture, picture.max(0, keepdims=True)]) if options.alpha else picture


def outline(options: SceneOptions, number: int) -> np.ndarray:
    """Return the label of a scene: its brightness, uint8 ``[1, H, W]``; with alpha its colours ``[3, H, W]``."""
    picture = scene(options, number)
    return picture if options.alpha else picture.max(0, keepdims=True)


class Scenes:
    def __init__(self, options: SceneOptions) -> None:
        self.options = options
        size, channels = (options.height, options.width), ((4, 3) if options.alpha else (3, 1))
        self.info = DataInfo(
            shape=(channels[0], *size), num_items=options.num, label_shape=(channels[1], *size), label_dtype="uint8"
        )

    def items(self) -> list[Item]:
        return [
            Item(name=str(i), load=partial(sample, self.options, i), target=partial(outline, self.options, i))
            for i in range(self.options.num)
        ]


class Tones:
    """Sound of 16 bits, int16 ``[20, 1, 64]``; the label is its loudness over time ``[1, 16]``, with some noise."""

    def __init__(self, options: NoOptions) -> None:
        time = np.arange(64) / 8000
        tones = [np.sin(2 * np.pi * (200 + 40 * i) * time + i) * (0.1 + 0.04 * i) for i in range(20)]
        self.data = (np.stack(tones)[:, None] * 32767).astype(np.int16)
        self.info = DataInfo(shape=(1, 64), dtype="int16", modality="audio", label_shape=(1, 16), meta={"rate": 8000})

    def condition(self, real: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.rand(len(real), 1, 16, generator=generator, device=real.device)
        return nn.functional.avg_pool1d(real.abs(), 4) + 1e-3 * noise


class Translator(nn.Module):
    """Turns labels ``[n, *label]`` into samples, of any size that is a multiple of 2."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.up = data.shape[-1] // data.label_shape[-1]
        conv = nn.Conv2d if data.modality == "image" else nn.Conv1d
        self.first = conv(data.label_shape[0], 8, 3, padding=1)
        self.last = conv(8, data.shape[0], 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None
        hidden = self.first(labels).relu().repeat_interleave(self.up, -1)
        return self.last(hidden).tanh()


class PatchDiscriminator(nn.Module):
    """Gives pairs of a sample and its label patches of logits."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        conv = nn.Conv2d if data.modality == "image" else nn.Conv1d
        self.up = data.shape[-1] // data.label_shape[-1]
        self.first = conv(data.shape[0] + data.label_shape[0], 8, 4, 2, 1)
        self.last = conv(8, 1, 3, padding=1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None
        pair = torch.cat([x, labels.repeat_interleave(self.up, -1)], 1)
        return self.last(nn.functional.leaky_relu(self.first(pair), 0.2))


def sounds(samples: np.ndarray, info: DataInfo) -> dict[str, bytes]:
    """Return a WAV file of 16 bits for each sound."""
    files = {}
    for number, sample in enumerate(samples):
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(info.meta["rate"])
            file.writeframes((sample.clip(-1, 1) * 32767).astype("<i2").tobytes())
        files[f"{number:02d}.wav"] = buffer.getvalue()
    return files


def loudness(path: str, info: DataInfo) -> np.ndarray:
    """Read a WAV file and return its loudness over time, float32 ``[1, T]``."""
    with wave.open(path, "rb") as file:
        if file.getframerate() != info.meta["rate"]:
            raise UsageError(f"{path} has {file.getframerate()} samples a second: resample it to {info.meta['rate']}")
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    return np.abs(sound[: len(sound) // 4 * 4]).reshape(1, -1, 4).mean(2)


def build(options: NoOptions, data: DataInfo) -> Networks:
    if len(data.label_shape) != len(data.shape):
        raise UsageError("toy-translator takes labels of as many sides as samples have: choose such a dataset")
    return Networks(Translator(data), PatchDiscriminator(data), latent_dim=0)


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="toy-translator", summary="Two convolutions.", factory="toy_pairs:build", conditional="always",
        modalities=("image", "audio"),
        recommended={"loss": "lsgan", "train.batch": 4, "train.conditional": True},
        examples=(
            DataInfo(shape=(3, 8, 12), label_shape=(1, 8, 12)),
            DataInfo(shape=(1, 64), modality="audio", label_shape=(1, 16)),
        ), square=False, input_multiple=2,
    )  # fmt: skip


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="toy-scenes", summary="Pairs.", factory="toy_pairs:Scenes", options=SceneOptions)
    yield Dataset(
        name="toy-tones",
        summary="Sounds.",
        factory="toy_pairs:Tones",
        show="toy_pairs:sounds",
        read="toy_pairs:loudness",
    )
