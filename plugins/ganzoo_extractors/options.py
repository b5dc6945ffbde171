"""Options of the extractors."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.plugin import option


@dataclass(frozen=True, kw_only=True)
class RandomOptions:
    """Options of `random`."""

    size: int = option(64, help="Images with a longer side are shrunk to this size, in pixels.", low=8)
    seed: int = option(0, help="The seed of the weights; another seed is another network.", low=0)


@dataclass(frozen=True, kw_only=True)
class SqueezeNetOptions:
    """Options of `squeezenet`."""

    size: int = option(128, help="Images are resized to squares of this size, in pixels.", low=32)


@dataclass(frozen=True, kw_only=True)
class MobileNetOptions:
    """Options of `mobilenet`."""

    size: int = option(224, help="Images are resized to squares of this size, in pixels.", low=32)


@dataclass(frozen=True, kw_only=True)
class InPlaceOptions:
    """Options of `in-place`."""

    accuracy: float = option(
        0.95, help="Share of held-out samples that it must classify correctly to be believed.", low=0, high=1
    )


@dataclass(frozen=True, kw_only=True)
class ChannelsOptions:
    """Options of `stacked-channels`."""

    accuracy: float = option(
        0.98, help="Share of held-out images that it must classify correctly to be believed.", low=0, high=1
    )


WEIGHTS = "Path of the file of weights, or hf://USER/REPO/FILE on the Hugging Face Hub."


@dataclass(frozen=True, kw_only=True)
class InceptionOptions:
    """Options of `inception`."""

    weights: str = option("", help=f"{WEIGHTS} If empty, a file that was downloaded before.")
    download: bool = option(False, help="Whether torch-fidelity's file, 91 MB, may be downloaded from GitHub.")


@dataclass(frozen=True, kw_only=True)
class ONNXOptions:
    """Options of `onnx`. The defaults of `mean` and `std` are those of most networks of ImageNet."""

    weights: str = option("", help=f"{WEIGHTS} It contains the network too.")
    output: str = option("", help="Name of the output that is the features; empty for the first.")
    size: int = option(0, help="Images are resized to squares of this size, if the file takes any; 0 for not.", low=0)
    mean: tuple[float, float, float] = option(
        (0.485, 0.456, 0.406), help="Subtracted from red, green and blue, which are 0 to 1."
    )
    std: tuple[float, float, float] = option(
        (0.229, 0.224, 0.225), help="By which red, green and blue are divided after that.", low=1e-6
    )
    bgr: bool = option(False, help="Whether the network takes blue, green and red; mean and std are in its order.")


@dataclass(frozen=True, kw_only=True)
class DINOv2Options:
    """Options of `dinov2`. The default network is that of published distances on DINOv2."""

    network: str = option("vit_large_patch14_dinov2.lvd142m", help="The network's name in timm.")
    weights: str = option("", help=WEIGHTS)
    size: int = option(224, help="Images are resized to squares of this size; 0 for that of the network.", low=0)


@dataclass(frozen=True, kw_only=True)
class CLIPOptions:
    """Options of `clip`."""

    network: str = option("vit_base_patch32_clip_224.openai", help="The network's name in timm.")
    weights: str = option("", help=WEIGHTS)
    size: int = option(0, help="Images are resized to squares of this size; 0 for that of the network.", low=0)
