"""The networks of `pix2pix`, `cyclegan` and `cut`, built for images that are translated."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.layers import PatchGAN
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, UsageError
from ganzoo_translation.blocks import require_images
from ganzoo_translation.options import Pix2PixOptions, UnpairedOptions
from ganzoo_translation.patchgan import build_discriminator
from ganzoo_translation.resnet import ResNet
from ganzoo_translation.unet import UNet

LEAST_LEVELS, MOST_LEVELS = 3, 8  # of a U-Net that has as many as the images allow; 8 for 256 pixels in the paper


def build_pix2pix(options: Pix2PixOptions, data: DataInfo) -> Networks:
    """Build the networks of `pix2pix`: D sees an image together with the input that it was made from.

    Raises:
        UsageError: Labels are not images of the samples' size, or these are too small.
    """
    require_images(data, "pix2pix")
    inputs, outputs = data.label_shape[0], data.shape[0]
    generator: nn.Module
    if options.generator == "unet":
        levels = options.levels or find_levels(data)
        if 2**levels >= 2 * max(data.shape[1:]):
            raise UsageError(
                f"arch 'pix2pix': arch.levels={levels} pads images of {data.shape[2]}x{data.shape[1]} to "
                f"{2**levels}x{2**levels}: use arch.levels={max(data.shape[1:]).bit_length() - 1}"
            )
        generator = UNet(inputs, outputs, options.width, levels, options.dropout, options.norm)
    else:
        generator = ResNet(inputs, outputs, options.width, options.blocks, options.downs, options.norm)
    discriminator = build_discriminator(options, data, inputs, "pix2pix", options.scales)
    return Networks(generator, discriminator, latent_dim=0)


def find_levels(data: DataInfo) -> int:
    """Return the number of layers with which a U-Net shrinks images to one pixel or to an odd number, at most 8.

    Raises:
        UsageError: The sides cannot be halved three times.
    """
    sides = data.shape[1:]
    levels = min((side & -side).bit_length() - 1 for side in sides)  # how often both can be halved
    if levels < LEAST_LEVELS:
        raise UsageError(
            f"arch 'pix2pix': images of {sides[1]}x{sides[0]} cannot be halved {LEAST_LEVELS} times: add "
            "arch.levels=5, with which they are padded, or choose a size that is a multiple of 32"
        )
    return min(levels, MOST_LEVELS)


def build_cut(options: UnpairedOptions, data: DataInfo) -> Networks:
    """Build the networks of `cut`: a generator whose maps are compared, and a discriminator of its images alone.

    Raises:
        UsageError: Labels are not images of the samples' size, or these are too small.
    """
    require_images(data, "cut")
    generator = build_resnet(options, data.label_shape[0], data.shape[0])
    return Networks(generator, build_patchgan(options, data, data.shape[0], "cut"), latent_dim=0)


def build_cyclegan(options: UnpairedOptions, data: DataInfo) -> Networks:
    """Build the networks of `cyclegan`, two of each kind.

    Raises:
        UsageError: Labels are not images of the samples' size, or these are too small.
    """
    require_images(data, "cyclegan")
    inputs, outputs = data.label_shape[0], data.shape[0]
    generator = TwoGenerators(build_resnet(options, inputs, outputs), build_resnet(options, outputs, inputs))
    judges = (build_patchgan(options, data, channels, "cyclegan") for channels in (outputs, inputs))
    return Networks(generator, TwoDiscriminators(*judges), latent_dim=0)


def build_resnet(options: UnpairedOptions, inputs: int, outputs: int) -> ResNet:
    """Return a generator from images of `inputs` channels to those of `outputs` channels."""
    return ResNet(inputs, outputs, options.width, options.blocks, options.downs, options.norm)


def build_patchgan(options: UnpairedOptions, data: DataInfo, channels: int, arch: str) -> PatchGAN:
    """Return a discriminator of images of so many channels, which sees no labels."""
    found = build_discriminator(options, DataInfo(shape=(channels, *data.shape[1:])), 0, arch)
    assert isinstance(found, PatchGAN)
    return found


class TwoGenerators(nn.Module):
    """G from inputs to images and F back (Zhu et al. 2017, arXiv:1703.10593, section 3). As a generator it is G.

    Args:
        forth: G, from inputs, the labels, to images.
        back: F, from images to inputs. The regularizer `cycle` trains it.
    """

    def __init__(self, forth: ResNet, back: ResNet) -> None:
        super().__init__()
        self.forth, self.back = forth, back

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images that labels ``[N, inputs, H, W]`` are translated to."""
        made: Tensor = self.forth(z, labels)
        return made


class TwoDiscriminators(nn.Module):
    """D of images and D of inputs (Zhu et al. 2017, section 3). As a discriminator it is D of images, without labels.

    Args:
        forth: D of images, which judges what G makes.
        back: D of inputs, which judges what F makes. The regularizer `cycle` trains it.
    """

    def __init__(self, forth: PatchGAN, back: PatchGAN) -> None:
        super().__init__()
        self.forth, self.back = forth, back

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return logits and features of images `x`."""
        found: DiscriminatorOutput = self.forth(x)
        return found
