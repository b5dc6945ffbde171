"""The discriminators of vocoders: of periods, of scales, and of the bands of spectra.

Sources: Kong, Kim & Bae 2020, HiFi-GAN, arXiv:2010.05646 (`mpd`, and `msd` after Kumar et al. 2019, MelGAN,
arXiv:1910.06711); Kumar et al. 2023, High-Fidelity Audio Compression with Improved RVQGAN, arXiv:2306.06546 (`mrd`).
The numbers of layers are those of the authors' code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from ganzoo.layers import measure_spectra, spectral_norm
from ganzoo.plugin import DataInfo, DiscriminatorOutput, UsageError
from ganzoo_sound.options import DiscriminatorOptions

SLOPE = 0.1  # of rectifiers below zero
NUM_SCALES = 3  # of msd
EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)  # of mrd's bands, as shares of the frequencies

Answer = tuple[Tensor, list[Tensor]]  # logits, and maps


class Discriminators(nn.Module):
    """Sounds ``[N, 1, T]`` to the logits and the features of several discriminators. They do not see the labels.

    The features are the maps after each layer, the last of which are the logits. The features of a member are
    multiplied by its weight, if that is not 1, so that a mean absolute difference of features is, too.

    Args:
        options: The options of the architecture.
        data: The description of the data.

    Raises:
        UsageError: An option does not fit the others, or the sounds are too short.
    """

    def __init__(self, options: DiscriminatorOptions, data: DataInfo) -> None:
        super().__init__()
        kinds = options.discriminators
        if not kinds or len(set(kinds)) < len(kinds):
            raise UsageError("arch.discriminators has no kind or one twice: use mpd, msd and mrd, each once")
        self.members, self.weights = nn.ModuleList(), list[float]()
        for kind in kinds:
            members = list(_make_members(kind, options, data.shape[1]))
            weight = options.mrd_weight if kind == "mrd" else 1.0
            self.members.extend(members)
            self.weights += [weight / (len(members) if options.heads == "mean" else 1)] * len(members)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Return the logits of all members, a list of ``[N, P]``."""
        answers: list[Answer] = [member(x) for member in self.members]
        pairs = zip(answers, self.weights, strict=True)
        maps = [m if weight == 1 else weight * m for (_, own), weight in pairs for m in own]
        weights = None if set(self.weights) == {1.0} else self.weights
        return DiscriminatorOutput([logits for logits, _ in answers], features=maps, weights=weights)


def _make_members(kind: str, options: DiscriminatorOptions, length: int) -> Iterator[nn.Module]:
    """Yield the discriminators of a kind, for sounds of a length."""
    width = options.width_d
    if kind == "mpd":
        if (longest := max(options.periods)) >= length:
            raise UsageError(f"arch.periods={longest} is longer than a sound of {length} values: use shorter periods")
        yield from (PeriodDiscriminator(period, width) for period in options.periods)
    elif kind == "msd":
        if width % 4:
            raise UsageError(f"arch.width_d={width} is not a multiple of 4, as msd needs: use {width + -width % 4}")
        yield from (ScaleDiscriminator(scale, width) for scale in range(NUM_SCALES))
    else:
        for window in options.windows:
            if window // 2 >= length:
                raise UsageError(
                    f"arch.windows={window} needs sounds of more than {window // 2} values, and these have {length}: "
                    "use smaller windows"
                )
            yield BandDiscriminator(window, width)


class PeriodDiscriminator(nn.Module):
    """D of the values of a sound that lie a period apart: a map of periods and of places in one (section 2.3).

    Args:
        period: The number of values p of the period.
        width: The number of channels of the first layer; they grow to 32 times as many.
    """

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        widths = (1, width, 4 * width, 16 * width, 32 * width, 32 * width)
        strides = (3, 3, 3, 3, 1)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (stride, 1), (2, 0)))
            for (a, b), stride in zip(pairwise(widths), strides, strict=True)
        )
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, x: Tensor) -> Answer:
        """Return the logits and maps of sounds ``[N, 1, T]``; a sound is continued by its mirror image to a period."""
        x = F.pad(x, (0, -x.shape[2] % self.period), mode="reflect")
        return _run(self.layers, self.last, x.reshape(len(x), 1, -1, self.period))  # [N, 1, T / p, p]


class ScaleDiscriminator(nn.Module):
    """D of a sound, or of its means over some values, by long convolutions in groups (section 2.3).

    Args:
        scale: The number of times that the rate of the sound is halved. At scale 0 the layers have spectral
            normalisation, at others weight normalisation.
        width: A quarter of the number of channels of the first layer; a multiple of 4.
    """

    def __init__(self, scale: int, width: int) -> None:
        super().__init__()
        norm = weight_norm if scale else spectral_norm
        self.pools = nn.ModuleList(nn.AvgPool1d(4, 2, 2) for _ in range(scale))
        shapes = (  # outputs in multiples of the width, kernel, stride, groups
            (4, 15, 1, 1), (4, 41, 2, 4), (8, 41, 2, 16), (16, 41, 4, 16), (32, 41, 4, 16), (32, 41, 1, 16),
            (32, 5, 1, 1),
        )  # fmt: skip
        self.layers, inputs = nn.ModuleList(), 1
        for multiple, kernel, stride, groups in shapes:
            conv = nn.Conv1d(inputs, multiple * width, kernel, stride, kernel // 2, groups=groups)
            self.layers.append(norm(conv))
            inputs = multiple * width
        self.last = norm(nn.Conv1d(inputs, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Answer:
        """Return the logits and maps of sounds ``[N, 1, T]``."""
        for pool in self.pools:
            x = pool(x)
        return _run(self.layers, self.last, x)


class BandDiscriminator(nn.Module):
    """D of a sound's complex spectra, whose bands of frequencies have layers of their own (section 3.4 of DAC).

    The sound has mean 0 and a largest value of 0.8 before.

    Args:
        window: The number of values of a frame; a frame begins each quarter of it.
        width: The number of channels.
    """

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.window = window
        bins = window // 2 + 1
        self.edges = [int(edge * bins) for edge in EDGES]
        self.bands = nn.ModuleList(nn.Sequential(*self._make_band(width)) for _ in pairwise(self.edges))
        self.last = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    @staticmethod
    def _make_band(width: int) -> Iterator[nn.Module]:
        yield weight_norm(nn.Conv2d(2, width, (3, 9), padding=(1, 4)))
        yield from (weight_norm(nn.Conv2d(width, width, (3, 9), (1, 2), (1, 4))) for _ in range(3))
        yield weight_norm(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Answer:
        """Return the logits and maps of sounds ``[N, 1, T]``."""
        x = x.flatten(1)
        x = x - x.mean(1, keepdim=True)
        x = 0.8 * x / (x.abs().amax(1, keepdim=True) + 1e-9)
        spectra = measure_spectra(x, self.window, self.window // 4).movedim(3, 1)  # [N, 2, frames, bins]
        ends, maps = [], list[Tensor]()
        for layers, (low, high) in zip(self.bands, pairwise(self.edges), strict=True):
            band = spectra[..., low:high]
            for layer in layers.children():
                band = F.leaky_relu(layer(band), SLOPE)
                maps.append(band)
            ends.append(band)
        logits = self.last(torch.cat(ends, 3))
        return logits.flatten(1), [*maps, logits]


def _run(layers: Sequence[nn.Module] | nn.ModuleList, last: nn.Module, x: Tensor) -> Answer:
    """Return the logits ``[N, P]`` of convolutions, and their maps."""
    maps = []
    for layer in layers:
        x = F.leaky_relu(layer(x), SLOPE)
        maps.append(x)
    logits = last(x)
    return logits.flatten(1), [*maps, logits]
