"""Convolutions of small maps with large weights as one product of matrices, on processors that are faster that way.

A library's convolution is made for maps of many pixels. At 8x8 to 4x4 pixels and 256 to 512 channels it reaches a third
of the speed of a product on an Intel processor with AVX-512 (``benchmarks/roofline.py``). Here the patches of a map
become the rows of a matrix, which is multiplied by the weight. Taking patches is linear, and its gradient is its
transpose, which adds patches up. The two classes below tell autograd so: every derivative is a product as well.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

from ganzoo.compute.processor import multiplies_fast

MOST_PIXELS = 16  # of the smaller map; with more, taking patches costs more than the product saves
LEAST_WEIGHTS = 2**19


class ProductConv2d(nn.Conv2d):
    """A `torch.nn.Conv2d` that is computed as a product where that is faster: the same function of the same weights."""

    def forward(self, input: Tensor) -> Tensor:
        """Return maps ``[N, out_channels, h, w]`` of maps ``[N, in_channels, H, W]``."""
        return _convolve_by_product(self, input) if _favours_products(self, input) else super().forward(input)


class ProductConvTranspose2d(nn.ConvTranspose2d):
    """A `torch.nn.ConvTranspose2d` that is computed as a product where that is faster, like `ProductConv2d`."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return maps ``[N, out_channels, H, W]`` of maps ``[N, in_channels, h, w]``."""
        if output_size is None and not any(self.output_padding) and _favours_products(self, input):
            return _transpose_by_product(self, input)
        return super().forward(input, output_size)


def _convolve_by_product(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Return what a convolution with square kernels and without groups returns for maps ``[N, C, H, W]``."""
    kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    assert isinstance(padding, int)
    height, width = ((side + 2 * padding - kernel) // stride + 1 for side in x.shape[2:])
    rows = _take_patches(x.permute(0, 2, 3, 1), kernel, stride, padding)  # [N h w, kernel kernel C]
    y = rows @ _flatten_weight(layer.weight).t()
    y = y if layer.bias is None else y + layer.bias
    return y.view(len(x), height, width, -1).permute(0, 3, 1, 2)


def _transpose_by_product(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """Return what a transposed convolution with square kernels and without groups returns for maps ``[N, C, h, w]``."""
    kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    assert isinstance(padding, int)
    height, width = ((side - 1) * stride - 2 * padding + kernel for side in x.shape[2:])
    rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]) @ _flatten_weight(layer.weight)  # [N h w, kernel kernel C]
    y = _add_patches(rows, (len(x), height, width, layer.out_channels), kernel, stride, padding)
    return (y if layer.bias is None else y + layer.bias).permute(0, 3, 1, 2)


# ----------------------------------------------------------------------------
# Patches, of maps [N, H, W, C].


class _TakePatches(Function):
    """Return the patches of maps as rows, ``[N, H, W, C] -> [N h w, kernel kernel C]``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
        ctx.rest = (tuple(x.shape), kernel, stride, padding)
        channels = x.shape[3]
        x = F.pad(x, (0, 0, padding, padding, padding, padding)).contiguous()
        height, width = ((side - kernel) // stride + 1 for side in x.shape[1:3])
        n, down, right, _ = x.stride()
        sizes, strides = (len(x), height, width, kernel), (n, stride * down, stride * right, down)
        # the pixels of a patch's row and their channels lie together in memory
        return x.as_strided((*sizes, kernel * channels), (*strides, 1)).reshape(-1, kernel * kernel * channels)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _add_patches(gradients[0], *ctx.rest), None, None, None


class _AddPatches(Function):
    """Add rows up where their patches lie, ``[N h w, kernel kernel C] -> [N, H, W, C]``: the transpose of the above."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, shape: tuple[int, int, int, int], kernel: int, stride: int, padding: int
    ) -> Tensor:
        ctx.rest = (kernel, stride, padding)
        num, height, width, channels = shape
        h, w = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        patches = rows.reshape(num, h, w, kernel, kernel, channels)
        result = rows.new_zeros(num, height + 2 * padding, width + 2 * padding, channels)
        for i in range(kernel):
            for j in range(kernel):
                result[:, i : i + stride * h : stride, j : j + stride * w : stride] += patches[:, :, :, i, j]
        return result[:, padding : padding + height, padding : padding + width].contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _take_patches(gradients[0], *ctx.rest), None, None, None, None


def _take_patches(x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    rows: Tensor = _TakePatches.apply(x, kernel, stride, padding)  # type: ignore[no-untyped-call]
    return rows


def _add_patches(rows: Tensor, shape: tuple[int, int, int, int], kernel: int, stride: int, padding: int) -> Tensor:
    maps: Tensor = _AddPatches.apply(rows, shape, kernel, stride, padding)  # type: ignore[no-untyped-call]
    return maps


def _flatten_weight(weight: Tensor) -> Tensor:
    """Return a weight ``[A, B, kernel, kernel]`` as ``[A, kernel kernel B]``; channels-last it is not copied."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


def _favours_products(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> bool:
    """Return whether a layer is faster as a product, and its form is one that this file computes.

    Without gradients torch's own convolution is used: samples are then the same on all processors of a kind, and an
    exporter finds a convolution.
    """
    kernel, stride, padding = layer.kernel_size, layer.stride, layer.padding
    weights = layer.in_channels * layer.out_channels * kernel[0] * kernel[1]
    if weights < LEAST_WEIGHTS or x.device.type != "cpu" or x.dim() != 4 or isinstance(padding, str):
        return False
    shrinks = isinstance(layer, nn.Conv2d)
    height, width = ((side + 2 * padding[0] - kernel[0]) // stride[0] + 1 if shrinks else side for side in x.shape[2:])
    square = kernel[0] == kernel[1] and stride[0] == stride[1] and padding[0] == padding[1]
    plain = square and layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
    full = x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return height * width <= MOST_PIXELS and plain and full and torch.is_grad_enabled() and multiplies_fast()
