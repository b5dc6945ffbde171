"""Each layer as the engine uses it: differentiated twice, recorded, in any layout and precision."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from ganzoo import layers as L
from ganzoo.layers.products import _convolve_by_product, _transpose_by_product

LABELS, VECTORS = torch.tensor([1, 0, 2]), torch.linspace(-1, 1, 15).view(3, 5)
IMAGES = (3, 4, 4, 4)
ROW = torch.tensor([0.2, 0.6, 0.2])


class Call(nn.Module):
    """A function, or a layer with a condition, as a module of x alone."""

    def __init__(self, call: Callable[..., Any], *condition: Tensor) -> None:
        super().__init__()
        self.call = call
        for index, value in enumerate(condition):
            self.register_buffer(f"condition{index}", value.clone())

    def forward(self, x: Tensor) -> Tensor:
        given = [value.to(x.dtype) if value.is_floating_point() else value for value in self.buffers(recurse=False)]
        answer = self.call(x, *given)
        return answer if isinstance(answer, Tensor) else L.sum_of_logits(answer)


def attention() -> nn.Module:
    layer = L.SelfAttention2d(4, ratio=2)
    nn.init.constant_(layer.gamma, 0.7)
    return layer


def conditional(kind: type[nn.Module], **condition: int) -> nn.Module:
    layer = kind(4, **condition)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


class Patches(nn.Conv2d):
    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(x)


class By(nn.Module):
    """A convolution that is computed as a product, whatever its size."""

    def __init__(self, call: Callable[[Any, Tensor], Tensor], layer: nn.Module) -> None:
        super().__init__()
        self.call, self.layer = call, layer

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.layer, x)


class Plain(nn.Conv2d):
    """A convolution with a 3x3 kernel."""

    def __init__(self) -> None:
        super().__init__(4, 2, 3, padding=1)


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "attention": (attention, IMAGES),
    "batch norm of classes": (lambda: Call(conditional(L.ConditionalBatchNorm2d, num_classes=3), LABELS), IMAGES),
    "batch norm of vectors": (lambda: Call(conditional(L.ConditionalBatchNorm2d, dim=5), VECTORS), IMAGES),
    "instance norm of classes": (lambda: Call(conditional(L.ConditionalInstanceNorm2d, num_classes=3), LABELS), IMAGES),
    "instance norm of vectors": (lambda: Call(conditional(L.ConditionalInstanceNorm2d, dim=5), VECTORS), IMAGES),
    "projection": (lambda: Call(L.ProjectionHead(6, 3), LABELS), (3, 6)),
    **{f"down by {taps}": (lambda taps=taps: Call(lambda x: L.downsample(x, taps)), IMAGES) for taps in (2, 3, 4)},
    **{f"up by {taps}": (lambda taps=taps: Call(lambda x: L.upsample(x, taps)), IMAGES) for taps in (2, 3, 4)},
    "low pass": (lambda: Call(lambda x: L.low_pass(x, 4, padding=2)), IMAGES),
    "interpolation": (lambda: Call(lambda x, kernel: L.interpolate(x, kernel, 2, crop=1), ROW), IMAGES),
    "decimation": (lambda: Call(lambda x, kernel: L.decimate(x, kernel, 2), ROW), IMAGES),
    "decimation by a square": (lambda: Call(lambda x, kernel: L.decimate(x, kernel, 1), ROW[:, None] * ROW), IMAGES),
    "equalised linear": (lambda: L.EqualisedLinear(6, 2, rate=0.5), (3, 6)),
    "equalised convolution": (lambda: L.EqualisedConv2d(4, 2, 3, stride=2, padding=1, gain=1.5, rate=0.5), IMAGES),
    "pixel norm": (lambda: Call(L.pixel_norm), IMAGES),
    "minibatch deviation": (lambda: Call(lambda x: L.minibatch_deviation(x, channels=2)), IMAGES),
    "spectral norm": (lambda: L.spectral_norm(nn.Conv2d(4, 2, 3)), IMAGES),
    "convolution as a product": (lambda: By(_convolve_by_product, nn.Conv2d(4, 2, 3, 2, 1)), IMAGES),
    "transposed as a product": (lambda: By(_transpose_by_product, nn.ConvTranspose2d(4, 2, 4, 2, 1)), IMAGES),
    "convolution and pooling": (lambda: By(lambda conv, x: L.convolve_and_pool(x, conv), Plain()), IMAGES),
    "doubling and convolution": (lambda: By(lambda conv, x: L.double_and_convolve(x, conv), Plain()), IMAGES),
    "spectra": (lambda: Call(lambda x: L.measure_spectra(x, 8, 3)), (3, 32)),
    "inverse spectra": (lambda: Call(lambda x: L.invert_spectra(x.view(3, 4, 5, 2), 8, 3)), (3, 40)),
    "mel spectrogram": (lambda: L.MelSpectrogram(8000, 3, 16, 4), (3, 1, 32)),
    "patches": (lambda: Call(L.PatchGAN(2, 0, 2, 1, "instance")), (2, 2, 13, 12)),
    "scales": (lambda: Call(L.MultiScale([Patches(4, 1, 2), Patches(4, 1, 1)])), IMAGES),
}  # fmt: skip


@pytest.fixture(params=LAYERS)
def layer(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return LAYERS[request.param][0]()


@pytest.fixture
def x(request: pytest.FixtureRequest, layer: nn.Module) -> Tensor:
    shape = LAYERS[request.node.callspec.params["layer"]][1]
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_first_and_second_derivatives_are_right(layer: nn.Module, x: Tensor) -> None:
    layer = layer.double().eval()  # so that batch statistics and the power iteration stay the same
    given = x.double().requires_grad_()
    assert torch.autograd.gradcheck(layer, (given,), fast_mode=True)
    assert torch.autograd.gradgradcheck(layer, (given,), fast_mode=True)


def test_a_penalty_has_finite_gradients_by_input_and_weights(layer: nn.Module, x: Tensor) -> None:
    given = x.requires_grad_()
    slopes = L.input_gradients(layer(given).tanh(), given)
    penalty = slopes.square().sum()
    parameters = [parameter for parameter in layer.parameters() if parameter.dim() > 1]
    for gradient in torch.autograd.grad(penalty, [given, *parameters], materialize_grads=True, allow_unused=True):
        assert gradient.isfinite().all()


def test_it_is_the_same_in_channels_last_and_close_in_bf16(layer: nn.Module, x: Tensor) -> None:
    layer = layer.eval()
    wanted = layer(x)
    if x.dim() == 4:
        twin = copy.deepcopy(layer).to(memory_format=torch.channels_last)
        assert torch.allclose(twin(x.contiguous(memory_format=torch.channels_last)), wanted, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(layer(x).float(), wanted, rtol=0.05, atol=0.05 * wanted.abs().max().item())
        if wanted.shape[1:] == x.shape[1:]:
            assert layer(x.bfloat16()).dtype == torch.bfloat16  # maps stay as small as they are


def test_it_is_built_and_run_on_meta(layer: nn.Module, x: Tensor, request: pytest.FixtureRequest) -> None:
    build, _ = LAYERS[request.node.callspec.params["layer"]]
    with torch.device("meta"):
        empty = build()
    assert empty.to("meta")(x.to("meta")).shape == layer(x).shape
    assert {name: value.shape for name, value in empty.state_dict().items()} == {
        name: value.shape for name, value in layer.state_dict().items()
    }


def test_it_can_be_recorded_with_its_penalty(layer: nn.Module, x: Tensor) -> None:
    layer = layer.eval()

    def penalty(given: Tensor) -> Tensor:
        return L.input_gradients(layer(given).square(), given).square().sum()

    recorded = make_fx(penalty)(x.clone().requires_grad_())
    other = x.flip(0).contiguous().requires_grad_()
    assert torch.allclose(recorded(other), penalty(other), rtol=1e-4)
