"""What generated samples have in common with real ones: cheap numbers of a few samples, for any kind of data."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

SIDE = 8  # height and width that images are averaged to before distances are computed
NUMBERS = 4096  # numbers of a sample, evenly chosen, that distances of other samples are computed from
NEAREST = 0.01  # quantile of the distances of real samples to their nearest, below which generated ones are duplicates
LEAST = 1e-6  # standard deviation below which a channel is constant
VISIBLE = 0.005  # share of the variance of real images, below which energy in the highest band cannot be seen
SATURATED = 0.99  # absolute value above which a number of an image is saturated


class RealStatistics:
    """The statistics of real samples that generated samples are compared with.

    Args:
        real: Real samples ``[n, *shape]``, at least two, images in [-1, 1].
        modality: The kind of data, `DataInfo.modality`.
    """

    def __init__(self, real: Tensor, modality: str) -> None:
        self.modality = modality
        self.std, self.mean = _describe_channels(real)  # [C]
        self.varies = self.std > LEAST
        scale = torch.where(self.varies, self.std, torch.ones_like(self.std))
        self.scale = torch.ones_like(scale) if modality == "text" else scale
        distances = self._measure_distances(real)
        self.distance = _average_pairs(distances)
        self.nearest = torch.quantile(_find_nearest(distances), NEAREST)
        self.saturated = _measure_saturation(real)
        high = _measure_high_band(real) if modality == "image" else None
        self.high = None if high is None else torch.maximum(high, VISIBLE * self.std.square().mean())

    def compare(self, fake: Tensor) -> dict[str, Tensor]:
        """Return how generated samples ``[m, *shape]`` differ from the real ones, 0-dim tensors by name.

        Returns:
            ``pairwise``, the mean distance of two samples, and ``duplicates``, the share of samples whose nearest other
            is nearer than that of almost all real ones; ``std_ratio`` and ``mean_shift``, the means over channels or
            columns, for all but text; ``saturation`` and ``high_band``, for images alone. A value that cannot be
            measured is not finite.
        """
        distances = self._measure_distances(fake)
        found = {
            "pairwise": _average_pairs(distances) / self.distance,
            "duplicates": (_find_nearest(distances) < self.nearest).float().mean(),
        }
        if self.modality != "text":
            std, mean = _describe_channels(fake)
            found["std_ratio"] = self._average_channels(std / self.std)
            found["mean_shift"] = self._average_channels((mean - self.mean).abs() / self.std)
        if self.modality == "image":
            found["saturation"] = _measure_saturation(fake) - self.saturated
            if self.high is not None and (high := _measure_high_band(fake)) is not None:
                found["high_band"] = high / self.high
        return found

    def measure_difference(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the root mean square difference of samples ``[m, *shape]``, in the real ones' standard deviations."""
        return (self._normalise(one) - self._normalise(other)).square().mean().sqrt()

    def _average_channels(self, values: Tensor) -> Tensor:
        """Return the mean over the channels that vary; NaN if none does."""
        return torch.where(self.varies, values, torch.zeros_like(values)).sum() / self.varies.sum()

    def _normalise(self, samples: Tensor) -> Tensor:
        return samples.float() / self.scale.reshape(1, -1, *(1 for _ in samples.shape[2:]))

    def _measure_distances(self, samples: Tensor) -> Tensor:
        """Return the distance of each sample to each other one, ``[n, n]``."""
        small = self._normalise(samples)
        if self.modality == "image":
            small = adaptive_avg_pool2d(small, (min(SIDE, small.shape[2]), min(SIDE, small.shape[3]))).flatten(1)
        else:
            small = small.flatten(1)
            small = small[:, :: -(-small.shape[1] // NUMBERS)]
        return torch.cdist(small, small, compute_mode="donot_use_mm_for_euclid_dist")


def _describe_channels(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Return standard deviation and mean of each channel or column over all samples and positions, ``[C]`` each."""
    return torch.std_mean(samples.float().transpose(0, 1).flatten(1), 1, correction=0)


def _average_pairs(distances: Tensor) -> Tensor:
    num = len(distances)
    return distances.sum() / (num * (num - 1))


def _find_nearest(distances: Tensor) -> Tensor:
    """Return the distance of each sample to its nearest other one, ``[n]``."""
    own = torch.eye(len(distances), dtype=torch.bool, device=distances.device)
    return distances.masked_fill(own, torch.inf).amin(1)


def _measure_saturation(samples: Tensor) -> Tensor:
    return (samples.abs() > SATURATED).float().mean()


def _measure_high_band(images: Tensor) -> Tensor | None:
    """Return the energy of the finest checkerboards, ``(a - b - c + d) / 2`` of each 2x2 block; None for tiny images.

    It is the diagonal band of Haar's wavelets. A transposed convolution whose stride does not divide its kernel leaves
    energy there (Odena et al. 2016, Deconvolution and checkerboard artifacts).
    """
    height, width = (side // 2 * 2 for side in images.shape[2:])
    if min(height, width) < 4:
        return None
    even, odd = images[:, :, 0:height:2, :width], images[:, :, 1:height:2, :width]
    detail = (even[..., 0::2] - even[..., 1::2] - odd[..., 0::2] + odd[..., 1::2]) / 2
    return detail.float().square().mean()
