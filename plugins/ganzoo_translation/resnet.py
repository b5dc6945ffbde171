"""The generator of CycleGAN, CUT and pix2pixHD: residual blocks (Zhu et al. 2017, arXiv:1703.10593, section 7.2)."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from ganzoo.layers import draw_normal_weights, has_bias, make_norm, require_labels
from ganzoo_translation.blocks import Norm, pad_to_multiple

ENCODED = 5  # residual blocks whose maps are encoded, of which the first and the last count


class ResNet(nn.Module):
    """Images ``[N, inputs, H, W]`` to images ``[N, outputs, H, W]`` in [-1, 1], by residual blocks on smaller maps.

    In the paper's words: c7s1-64, d128, d256, R256 times the number of blocks, u128, u64, c7s1-3. Borders are
    reflected in the stride-1 convolutions. With 4 layers d it is the global generator of pix2pixHD (Wang et al. 2018,
    arXiv:1711.11585, section 3.1 and appendix A).

    Args:
        inputs: The number of channels of the input images.
        outputs: The number of channels of the generated images.
        width: The number of channels at the images' resolution; each layer d doubles it.
        blocks: The number of residual blocks: 6 for 128 pixels and 9 for 256 in the paper.
        downs: The number of layers d, each of which halves both sides.
        norm: The kind of normalisation, as `make_norm` takes it.
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, downs: int, norm: Norm) -> None:
        super().__init__()
        widths, bias = [width * 2**down for down in range(downs + 1)], has_bias(norm)
        self.multiple = 2**downs
        self.first = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7, bias=bias), *make_norm(norm, width), nn.ReLU()
        )
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(small, large, 3, 2, 1, bias=bias), *make_norm(norm, large), nn.ReLU())
            for small, large in itertools.pairwise(widths)
        )
        self.blocks = nn.ModuleList(Block(widths[-1], norm) for _ in range(blocks))
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(large, small, 3, 2, 1, output_padding=1, bias=bias),
                *make_norm(norm, small),
                nn.ReLU(),
            )
            for large, small in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh())
        draw_normal_weights(self)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the images that labels ``[N, inputs, H, W]`` are translated to."""
        require_labels(labels, True)
        assert labels is not None
        return self.translate(labels)

    def translate(self, images: Tensor) -> Tensor:
        """Return the images ``[N, outputs, H, W]`` that images ``[N, inputs, H, W]`` are translated to."""
        x = self.first(pad_to_multiple(images, self.multiple, 2))  # a single pixel cannot be reflected
        for layer in (*self.down, *self.blocks, *self.up):
            x = layer(x)
        made: Tensor = self.last(x)[:, :, : images.shape[2], : images.shape[3]]
        return made

    def encode(self, images: Tensor) -> list[Tensor]:
        """Return the maps ``[N, C, h, w]`` of images by which `patchnce` compares them, the finest first.

        They are the pixels, the layers d before their normalisation, the first and the fifth residual block (Park et
        al. 2020, arXiv:2007.15651, appendix C.1).
        """
        x = pad_to_multiple(images, self.multiple, 2)
        maps = [x]
        x = self.first(x)
        for layers in self.down:
            for number, layer in enumerate(layers.children()):
                x = layer(x)
                if not number:
                    maps.append(x)
        for block in self.blocks[:ENCODED]:
            x = block(x)
            maps.append(x)
        inner = maps[len(self.down) + 1 :]
        return [*maps[: len(self.down) + 1], *(inner[:: len(inner) - 1] if len(inner) > 1 else inner)]


class Block(nn.Module):
    """x + f(x) for maps ``[N, channels, h, w]``, f being two 3x3 convolutions.

    Args:
        channels: The number of channels.
        norm: The kind of normalisation, as `make_norm` takes it.
    """

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        bias = has_bias(norm)
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), *make_norm(norm, channels), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), *make_norm(norm, channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y: Tensor = x + self.layers(x)
        return y
