"""Numbers of parameters of the published autoencoders, and the value of the adaptive weight, for `ganzoo check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ganzoo.plugin import Case, DataInfo

PHOTOS = DataInfo(shape=(3, 256, 256), label_shape=(3, 256, 256))


def vqgan() -> Iterator[Case]:
    """Yield the counts of VQGAN with 16x16 latents and of the KL autoencoder with 32x32, both of 256x256 pixels.

    The generator is the encoder, the decoder, a 1x1 convolution on each side of the bottleneck, and the codebook.
    """
    given = {"data": PHOTOS}
    options = {"width": 128, "blocks": 2, "width_d": 64, "layers_d": 3}
    patches = count_patchgan(3, 64, 3)
    vq = {"multipliers": (1, 1, 2, 2, 4), "attention": "lowest", "latent_channels": 256, "codes": 1024}
    ends = 2 * count_convolution(256, 256, 1) + 1024 * 256
    both = count_encoder(3, 256, 128, (1, 1, 2, 2, 4), 2, True) + count_decoder(256, 3, 128, (1, 1, 2, 2, 4), 2, True)
    counts = {"generator": both + ends, "discriminator": patches}
    yield Case(name="VQGAN", options={**options, **vq}, given=given, expected=counts)
    kl = {"quantiser": "kl", "multipliers": (1, 2, 4, 4), "latent_channels": 4}
    ends = count_convolution(8, 8, 1) + count_convolution(4, 4, 1)
    both = count_encoder(3, 8, 128, (1, 2, 4, 4), 2, False) + count_decoder(4, 3, 128, (1, 2, 4, 4), 2, False)
    counts = {"generator": both + ends, "discriminator": patches}  # 83,653,863 in AutoencoderKL of Stable Diffusion
    yield Case(name="KL with 32x32 latents", options={**options, **kl}, given=given, expected=counts)


def count_convolution(inputs: int, outputs: int, side: int = 3) -> int:
    """Return the number of parameters of a convolution with biases."""
    return side * side * inputs * outputs + outputs


def count_block(inputs: int, outputs: int) -> int:
    """Return the number of parameters of a residual block."""
    norms = 2 * inputs + 2 * outputs
    skip = 0 if inputs == outputs else count_convolution(inputs, outputs, 1)
    return norms + count_convolution(inputs, outputs) + count_convolution(outputs, outputs) + skip


def count_attention(channels: int) -> int:
    """Return the number of parameters of a layer of attention."""
    return 2 * channels + 4 * count_convolution(channels, channels, 1)


def count_middle(channels: int) -> int:
    """Return the number of parameters of the blocks between the levels and the other end."""
    return 2 * count_block(channels, channels) + count_attention(channels)


def count_encoder(inputs: int, outputs: int, w: int, multipliers: Sequence[int], blocks: int, lowest: bool) -> int:
    """Return the number of parameters of an encoder; with attention at the `lowest` level or not."""
    total, before = count_convolution(inputs, w), w
    for level, channels in enumerate(w * factor for factor in multipliers):
        last = level == len(multipliers) - 1
        total += count_block(before, channels) + (blocks - 1) * count_block(channels, channels)
        total += blocks * count_attention(channels) if last and lowest else 0
        total += 0 if last else count_convolution(channels, channels)
        before = channels
    return total + count_middle(before) + 2 * before + count_convolution(before, outputs)


def count_decoder(inputs: int, outputs: int, w: int, multipliers: Sequence[int], blocks: int, lowest: bool) -> int:
    """Return the number of parameters of a decoder; with attention at the `lowest` level or not."""
    before = w * multipliers[-1]
    total = count_convolution(inputs, before) + count_middle(before)
    for level, channels in enumerate(w * factor for factor in reversed(multipliers)):
        total += count_block(before, channels) + blocks * count_block(channels, channels)
        total += (blocks + 1) * count_attention(channels) if not level and lowest else 0
        total += count_convolution(before, before) if level else 0
        before = channels
    return total + 2 * before + count_convolution(before, outputs)


def count_patchgan(channels: int, w: int, layers: int) -> int:
    """Return the number of parameters of a discriminator of patches with batch normalisation."""
    widths = [w * min(1 << layer, 8) for layer in range(layers + 1)]
    inner = sum(16 * b * c + 2 * c for b, c in pairwise(widths))
    return 16 * channels * w + w + inner + 16 * widths[-1] + 1
