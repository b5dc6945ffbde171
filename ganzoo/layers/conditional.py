"""Normalisation whose gain and bias depend on a condition: a class, or a vector such as an embedding or a style."""

from __future__ import annotations

from torch import Tensor, nn


class ConditionalBatchNorm2d(nn.Module):
    """``x [N, channels, H, W]`` to ``(1 + gain(c)) (x - mean) / std + bias(c)``, with the mean and std of each channel.

    For a class, gain and bias are embeddings (de Vries et al. 2017, arXiv:1707.00683, section 3; Miyato & Koyama 2018).
    For a vector, they are linear maps without bias (BigGAN: Brock et al. 2019, arXiv:1809.11096, appendix B). They
    start at 0, so the layer starts as plain batch normalisation.

    Args:
        channels: Number of channels of the maps.
        num_classes: Number of classes, for a condition c that is a class, ``int64 [N]``. 0 for any other condition.
        dim: Length of the vector, for a condition c that is a vector, float ``[N, dim]``. 0 for any other condition.
            Where `num_classes` and `dim` are both 0, c is None and gain and bias are parameters: plain batch
            normalisation, so that one network works with and without labels.
        eps: Number that is added to the variance.
        momentum: Weight of the present batch in the running statistics.

    Raises:
        ValueError: Both `num_classes` and `dim` are given.
    """

    def __init__(
        self, channels: int, num_classes: int = 0, dim: int = 0, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps, momentum, affine=not (num_classes or dim))
        self.gain, self.bias = _map(channels, num_classes, dim), _map(channels, num_classes, dim)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the maps, normalised over the batch."""
        return _modulate(self.norm(x), self.gain, self.bias, condition)


class ConditionalInstanceNorm2d(nn.Module):
    """`ConditionalBatchNorm2d` with the mean and std of each channel of each sample, in train and in eval mode.

    For a class it is the layer of Dumoulin et al. 2017 (arXiv:1610.07629, eq. 5); for a style w, StyleGAN's AdaIN
    (Karras et al. 2019, arXiv:1812.04948, eq. 1).

    Args:
        channels: Number of channels of the maps.
        num_classes: Number of classes, for a condition c that is a class, ``int64 [N]``. 0 for any other condition.
        dim: Length of the vector, for a condition c that is a vector, float ``[N, dim]``. 0 for any other condition.
            Where `num_classes` and `dim` are both 0, c is None and gain and bias are parameters.
        eps: Number that is added to the variance.

    Raises:
        ValueError: Both `num_classes` and `dim` are given.
    """

    def __init__(self, channels: int, num_classes: int = 0, dim: int = 0, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels, eps, affine=not (num_classes or dim))
        self.gain, self.bias = _map(channels, num_classes, dim), _map(channels, num_classes, dim)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the maps, each normalised over its pixels."""
        return _modulate(self.norm(x), self.gain, self.bias, condition)


def _map(channels: int, num_classes: int, dim: int) -> nn.Module | None:
    """Return a layer from a condition to ``[N, channels]`` that starts at 0; None without a condition."""
    if num_classes and dim:
        raise ValueError(f"a condition is a class or a vector, not both: num_classes={num_classes}, dim={dim}")
    if not (num_classes or dim):
        return None
    layer = nn.Embedding(num_classes, channels) if num_classes else nn.Linear(dim, channels, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


def _modulate(x: Tensor, gain: nn.Module | None, bias: nn.Module | None, condition: Tensor | None) -> Tensor:
    """Return ``x [N, C, H, W]`` with the gain and bias of a condition."""
    if gain is None or bias is None:
        if condition is not None:
            raise ValueError("this layer was built without a condition: pass None")
        return x
    if condition is None:
        raise ValueError("this layer was built for a condition: pass labels or a vector")
    scale, shift = 1 + gain(condition)[:, :, None, None], bias(condition)[:, :, None, None]  # [N, C, 1, 1]
    result: Tensor = x * scale.to(x.dtype) + shift.to(x.dtype)  # embeddings are float32 under autocast, maps are not
    return result
