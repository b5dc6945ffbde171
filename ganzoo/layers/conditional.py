"""Normalisation whose gain and bias follow from a condition: a class, or a vector such as an embedding or a style."""

from __future__ import annotations

from torch import Tensor, nn


class ConditionalBatchNorm2d(nn.Module):
    """``x [N, channels, H, W]`` to ``(1 + gain(c)) (x - mean) / std + bias(c)``, mean and std of each channel.

    Of a class, gain and bias are embeddings (de Vries et al. 2017, arXiv:1707.00683, section 3; Miyato & Koyama 2018);
    of a vector, linear maps without bias (BigGAN: Brock et al. 2019, arXiv:1809.11096, appendix B). They start at 0, so
    that it starts as plain batch normalisation.

    Args:
        channels: Of the maps.
        num_classes: c is ``int64 [N]`` and runs from 0 to this.
        dim: c is float ``[N, dim]``. With neither classes nor `dim`, c is None and gain and bias are parameters: the
            plain layer, so that one network serves with and without labels.
        eps: Added to the variance.
        momentum: Of the running statistics.

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
    """`ConditionalBatchNorm2d` with mean and std of each sample's own channels, in train and eval mode alike.

    Of a class it is Dumoulin et al. 2017 (arXiv:1610.07629, eq. 5); of a style w, StyleGAN's AdaIN (Karras et al. 2019,
    arXiv:1812.04948, eq. 1).

    Args:
        channels: Of the maps.
        num_classes: c is ``int64 [N]`` and runs from 0 to this.
        dim: c is float ``[N, dim]``. With neither, c is None and gain and bias are parameters.
        eps: Added to the variance.

    Raises:
        ValueError: Both `num_classes` and `dim` are given.
    """

    def __init__(self, channels: int, num_classes: int = 0, dim: int = 0, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels, eps, affine=not (num_classes or dim))
        self.gain, self.bias = _map(channels, num_classes, dim), _map(channels, num_classes, dim)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the maps, each normalised over its own pixels."""
        return _modulate(self.norm(x), self.gain, self.bias, condition)


def _map(channels: int, num_classes: int, dim: int) -> nn.Module | None:
    """Return what maps a condition to ``[N, channels]``, 0 at the start; None where there is no condition."""
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
    result: Tensor = x * scale.to(x.dtype) + shift.to(x.dtype)  # embeddings stay float32 under autocast; maps shall not
    return result
