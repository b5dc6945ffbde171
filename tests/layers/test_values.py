"""The values that layers compute, compared with closed forms and with torch."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from ganzoo import layers as L
from ganzoo.plugin import DiscriminatorOutput

# ----------------------------------------------------------------------------
# Attention.


def test_attention_starts_as_the_identity_and_learns() -> None:
    layer, x = L.SelfAttention2d(16), torch.randn(2, 16, 4, 4)
    assert torch.equal(layer(x), x)
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), layer.gamma)
    assert gradient != 0


@pytest.mark.parametrize("pool", [False, True])
def test_attention_equals_torchs(pool: bool) -> None:
    torch.manual_seed(0)
    layer, x = L.SelfAttention2d(8, ratio=2, pool=pool).double(), torch.randn(2, 8, 4, 6, dtype=torch.float64)
    nn.init.constant_(layer.gamma, 0.5)
    q, k, v = layer.theta(x), layer.phi(x), layer.g(x)
    if pool:
        k, v = F.max_pool2d(k, 2), F.max_pool2d(v, 2)
    rows = [part.flatten(2).transpose(1, 2) for part in (q, k, v)]  # [N, positions, channels]
    seen = F.scaled_dot_product_attention(*rows, scale=1.0).transpose(1, 2).reshape(2, 4, 4, 6)
    assert torch.allclose(layer(x), x + 0.5 * layer.o(seen), atol=1e-12)


def test_attention_needs_channels() -> None:
    with pytest.raises(ValueError, match="8 channels or more, not 4"):
        L.SelfAttention2d(4)


# ----------------------------------------------------------------------------
# Conditional normalisation.


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("condition", ["class", "vector"])
def test_conditional_batch_norm_equals_torchs_with_the_gain_of_each_label(condition: str, training: bool) -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(4, 3, 2, 2), torch.tensor([1, 0, 2, 1])
    layer = L.ConditionalBatchNorm2d(3, **({"num_classes": 3} if condition == "class" else {"dim": 3})).train(training)
    gains, biases = torch.randn(3, 3), torch.randn(3, 3)
    with torch.no_grad():
        layer.gain.weight.copy_(gains if condition == "class" else gains.t())
        layer.bias.weight.copy_(biases if condition == "class" else biases.t())
    mean, var = torch.zeros(3), torch.ones(3)
    plain = F.batch_norm(x, mean, var, training=training)
    wanted = plain * (1 + gains[labels])[:, :, None, None] + biases[labels][:, :, None, None]
    found = layer(x, labels if condition == "class" else L.one_hot(labels, 3))
    assert torch.allclose(found, wanted, atol=1e-5)
    assert torch.allclose(layer.norm.running_mean, mean)
    assert torch.allclose(layer.norm.running_var, var)


@pytest.mark.parametrize("kind", [L.ConditionalBatchNorm2d, L.ConditionalInstanceNorm2d])
def test_conditional_norms_start_plain_and_check_their_condition(kind: type[nn.Module]) -> None:
    x = torch.randn(4, 3, 2, 2)
    plain = F.instance_norm(x) if kind is L.ConditionalInstanceNorm2d else F.batch_norm(x, None, None, training=True)
    assert torch.allclose(kind(3, num_classes=2)(x, torch.tensor([0, 1, 1, 0])), plain)
    assert torch.allclose(kind(3)(x), plain)
    assert {name for name, _ in kind(3).named_parameters()} == {"norm.weight", "norm.bias"}
    assert {name for name, _ in kind(3, dim=2).named_parameters()} == {"gain.weight", "bias.weight"}
    with pytest.raises(ValueError, match="pass labels or a vector"):
        kind(3, num_classes=2)(x)
    with pytest.raises(ValueError, match="pass None"):
        kind(3)(x, torch.tensor([0, 1, 1, 0]))
    with pytest.raises(ValueError, match="not both"):
        kind(3, num_classes=2, dim=2)


# ----------------------------------------------------------------------------
# Projection.


def test_projection_is_the_product_with_the_labels_embedding_and_absent_classes_get_no_gradient() -> None:
    torch.manual_seed(0)
    head, phi, labels = L.ProjectionHead(5, 4).double(), torch.randn(3, 5, dtype=torch.float64), torch.tensor([2, 0, 2])
    wanted = head.psi(phi).squeeze(1) + (L.one_hot(labels, 4, torch.float64) @ head.embedding.weight * phi).sum(1)
    assert torch.allclose(head(phi, labels), wanted, atol=1e-12)
    (gradient,) = torch.autograd.grad(head(phi, labels).sum(), head.embedding.weight)
    assert torch.equal(gradient[[1, 3]], torch.zeros(2, 5, dtype=torch.float64))
    assert torch.allclose(gradient[2], phi[0] + phi[2])
    logits, of_all = head.score(phi, labels)
    assert of_all.shape == (3, 4)
    for label in range(4):
        assert torch.allclose(of_all[:, label], head(phi, torch.full_like(labels, label)), atol=1e-12)
    assert torch.equal(logits, head(phi, labels))
    assert L.ProjectionHead(5)(phi.float()).shape == (3,)
    assert L.ProjectionHead(5).score(phi.float())[1] is None
    with pytest.raises(ValueError, match="pass labels"):
        head(phi)


def test_a_projection_with_spectral_normalisation_makes_one_step_of_its_iteration() -> None:
    once, read = (
        L.spectral_norm_all(L.ProjectionHead(5, 4), kinds=(torch.nn.Linear, torch.nn.Embedding)) for _ in range(2)
    )
    read.load_state_dict(once.state_dict())
    once.score(torch.randn(3, 5), torch.tensor([2, 0, 2]))
    assert read.embedding.weight.shape == (4, 5)  # one reading
    normalised = (head.embedding.parametrizations.weight[0] for head in (once, read))
    assert torch.equal(*(each._u for each in normalised))


# ----------------------------------------------------------------------------
# Resampling.

KERNELS = {2: [1.0, 1.0], 3: [1.0, 2.0, 1.0], 4: [1.0, 3.0, 3.0, 1.0]}


def binomial(taps: int, channels: int) -> Tensor:
    row = torch.tensor(KERNELS[taps], dtype=torch.float64)
    kernel = torch.outer(row, row) / row.sum() ** 2
    return kernel.expand(channels, 1, taps, taps)


def differentiate_twice(call: object, x: Tensor) -> list[Tensor]:
    """Return a result, a gradient of it, and a gradient of that gradient."""
    given = x.clone().requires_grad_()
    y = call(given)
    (first,) = torch.autograd.grad(y.pow(3).sum(), given, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), given)
    return [y, first, second]


@pytest.mark.parametrize("size", [(6, 8), (2, 2), (5, 7)])
@pytest.mark.parametrize("taps", [2, 3, 4])
def test_resampling_is_the_binomial_convolution_with_its_gradients(taps: int, size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    kernel, padding = binomial(taps, 3), (taps - 1) // 2

    def down(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel, stride=2, padding=padding, groups=3)

    def up(x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, 4 * kernel, stride=2, padding=padding, output_padding=taps % 2, groups=3)

    for ours, plain in ((L.downsample, down), (L.upsample, up)):
        ours, results = partial(ours, taps=taps), differentiate_twice(plain, x)
        for found, wanted in zip(differentiate_twice(ours, x), results, strict=True):
            assert found.shape == wanted.shape
            assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_a_low_pass_is_the_binomial_convolution(taps: int) -> None:
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    for padding in (0, 2):
        wanted = F.conv2d(x, binomial(taps, 3), padding=padding, groups=3)
        assert torch.allclose(L.low_pass(x, taps, padding), wanted, atol=1e-12)


def test_a_penalty_on_resampled_maps_runs_depthwise_convolutions_alone() -> None:
    x = torch.randn(2, 8, 4, 4, requires_grad=True)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        L.input_gradients(L.downsample(x).square(), x).square().sum().backward()
    calls = {event.key: event.count for event in seen.key_averages()}
    assert calls["aten::convolution"] == 4  # down, its gradient, and the transposes of both
    assert "aten::convolution_backward" not in calls


@pytest.mark.parametrize(("size", "factor", "crop"), [((4, 5), 2, 0), ((5, 3), 4, 3), ((7, 7), 2, 7)])
@pytest.mark.parametrize("separable", [True, False])
def test_interpolation_and_decimation_are_convolutions(size, factor, crop, separable) -> None:
    x, row = torch.randn(2, 3, *size, dtype=torch.float64), torch.tensor([-1, 3, 6, 6, 3, -1]).double() / 16
    square = row[:, None] * row
    kernel, given = square.expand(3, 1, 6, 6), row if separable else square

    def up(x: Tensor) -> Tensor:
        y = F.conv_transpose2d(x, factor**2 * kernel, stride=factor, groups=3)
        return y[..., crop : y.shape[-2] - crop, crop : y.shape[-1] - crop]

    def down(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel, stride=factor, groups=3)

    for ours, plain, maps in (
        (partial(L.interpolate, kernel=given, factor=factor, crop=crop), up, x),
        (partial(L.decimate, kernel=given, factor=factor), down, F.pad(x, (5, 5, 5, 5))),
    ):
        for found, wanted in zip(differentiate_twice(ours, maps), differentiate_twice(plain, maps), strict=True):
            assert found.shape == wanted.shape
            assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_constant_maps_keep_their_value_away_from_the_borders(taps: int) -> None:
    ones = torch.ones(1, 1, 8, 8)
    assert torch.allclose(L.downsample(ones, taps)[..., 1:-1, 1:-1], torch.ones(1, 1, 2, 2))
    assert torch.allclose(L.upsample(ones, taps)[..., 1:-1, 1:-1], torch.ones(1, 1, 14, 14))
    assert torch.allclose(L.low_pass(ones, taps), torch.ones(()))


def test_other_numbers_of_taps_are_refused() -> None:
    for call in (L.downsample, L.upsample, L.low_pass):
        with pytest.raises(ValueError, match="a filter has 2, 3 or 4 taps, not 5"):
            call(torch.ones(1, 1, 4, 4), taps=5)


# ----------------------------------------------------------------------------
# Equalised layers, pixel normalisation, minibatch deviation.


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_equalised_layers_equal_plain_layers_with_the_effective_weight(rate: float) -> None:
    torch.manual_seed(0)
    gain = math.sqrt(2)
    linear, x = L.EqualisedLinear(200, 300, gain=gain, rate=rate), torch.randn(4, 200)
    conv, images = L.EqualisedConv2d(20, 30, 3, stride=2, padding=1, gain=gain, rate=rate), torch.randn(2, 20, 6, 6)
    for layer in (linear, conv):
        assert layer.weight.std().item() == pytest.approx(1 / rate, rel=0.02)
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))
        nn.init.normal_(layer.bias)
    weight = linear.weight * rate * gain / math.sqrt(200)
    assert torch.allclose(linear(x), F.linear(x, weight, linear.bias * rate), atol=1e-5)
    weight = conv.weight * rate * gain / math.sqrt(20 * 9)
    assert torch.allclose(conv(images), F.conv2d(images, weight, conv.bias * rate, 2, 1), atol=1e-5)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 180), rel=0.02)
    assert L.EqualisedLinear(2, 3, bias=False).bias is None


def test_pixels_have_mean_square_1() -> None:
    for x in (torch.randn(2, 8, 3, 3, dtype=torch.float64) * 100, torch.randn(4, 8)):
        assert torch.allclose(L.pixel_norm(x).square().mean(1), torch.ones((), dtype=x.dtype))
    assert torch.equal(L.pixel_norm(torch.zeros(2, 3)), torch.zeros(2, 3))
    assert L.pixel_norm(torch.full((1, 4), 1e4, dtype=torch.float16)).isfinite().all()


def test_deviation_equals_values_computed_by_hand() -> None:
    ones = torch.ones(4, 2, 3, 3)
    assert torch.allclose(L.minibatch_deviation(ones)[:, 2], torch.tensor(1e-4))
    signs = torch.tensor([1.0, -1, 1, -1]).view(4, 1, 1, 1) * ones
    assert torch.allclose(L.minibatch_deviation(signs)[:, 2], torch.tensor(1.0))
    assert torch.equal(L.minibatch_deviation(signs)[:, :2], signs)
    two = L.minibatch_deviation(torch.tensor([0.0, 1, 2, 5]).view(4, 1, 1, 1), group=2)  # samples 0 and 2, 1 and 3
    assert torch.allclose(two[:, 1].flatten(), torch.tensor([1.0, 2, 1, 2]))
    each = L.minibatch_deviation(torch.stack([ones[:, 0], signs[:, 0] * 3], 1), channels=2)
    assert torch.allclose(each[:, 2:].mean((0, 2, 3)), torch.tensor([1e-4, 3]))
    with pytest.raises(ValueError, match="do not divide"):
        L.minibatch_deviation(ones, channels=3)


@pytest.mark.parametrize(("n", "groups"), [(8, 2), (6, 2), (10, 5), (7, 1), (1, 1), (3, 1)])
def test_groups_divide_any_batch(n: int, groups: int) -> None:
    values = L.minibatch_deviation(torch.randn(n, 1, 2, 2, dtype=torch.float64))[:, 1, 0, 0]
    assert len(values.unique()) == groups
    assert n == 1 or (values > 1e-3).all()


# ----------------------------------------------------------------------------
# Heads and first weights.


def test_scales_see_smaller_samples_and_their_outputs_are_joined() -> None:
    seen = []

    class Member(nn.Module):
        def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
            seen.append((x, labels))
            return DiscriminatorOutput(x.mean(1), features=[x])

    x, images, classes = torch.randn(2, 3, 8, 8), torch.randn(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)
    output = L.MultiScale([Member(), Member()])(x, images)
    assert torch.equal(seen[1][0], L.downsample(x))
    assert torch.equal(seen[1][1], L.downsample(images))
    assert [tuple(each.shape) for each in output.logits] == [(2, 8, 8), (2, 4, 4)]
    assert len(output.features) == 2
    L.MultiScale([Member(), Member()], shrink=nn.AvgPool2d(2))(x, classes)
    assert torch.equal(seen[3][0], F.avg_pool2d(x, 2))
    assert seen[3][1] is classes
    mixed = L.join_answers([x, [x, x], DiscriminatorOutput(x)])
    assert len(mixed.logits) == 4
    assert mixed.features is None
    classifies = DiscriminatorOutput(x, class_logits=x)
    assert L.join_answers([x, classifies]).class_logits is x
    with pytest.raises(ValueError, match="2 members of a discriminator have class logits"):
        L.join_answers([classifies, classifies])


def test_joined_answers_keep_weights_and_the_one_embedding() -> None:
    x = torch.randn(2, 1)
    weighed = DiscriminatorOutput([x, x], weights=(0.5, 0.25), embedding=x)
    joined = L.join_answers([x, weighed, DiscriminatorOutput(x)])
    assert joined.weights == [1.0, 0.5, 0.25, 1.0]
    assert joined.embedding is x
    assert L.join_answers([x, x]).weights is None
    with pytest.raises(ValueError, match="2 members of a discriminator have an embedding"):
        L.join_answers([weighed, weighed])


def test_weights_under_spectral_norm_are_drawn_too() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Embedding(4, 4), L.spectral_norm(nn.Linear(4, 4)))
    assert L.draw_weights(network) is network
    for weight in (network[0].weight, network[2].weight, network[3].parametrizations.weight.original):
        assert torch.allclose(weight @ weight.t(), torch.eye(4), atol=1e-5)
    assert torch.equal(network[3].bias, torch.zeros(4))
    L.draw_weights(network, nn.init.zeros_)
    assert torch.equal(network[0].weight, torch.zeros(4, 4))
    assert torch.equal(network[1].weight, torch.ones(4))
