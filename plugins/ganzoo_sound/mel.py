"""The term of G that compares a sound with the one whose spectrogram it was made from: `mel`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzoo.layers import MelSpectrogram
from ganzoo.plugin import DataInfo, Step
from ganzoo_sound.options import MelOptions
from ganzoo_sound.settings import choose_mel

SCALES = ((32, 5), (64, 10), (128, 20), (256, 40), (512, 80), (1024, 160), (2048, 320))  # values of a frame, and bands


class Mel(nn.Module):
    """weight E|m(x) - m(G(s))| over the mel bands m of a sound x and of the one that G makes of its spectrogram s.

    Kong, Kim & Bae 2020, arXiv:2010.05646, eq. 5: natural logarithms, up to half of the rate. With many scales, the
    means of the scales are added, of common logarithms (Kumar et al. 2023, arXiv:2306.06546, section 3.5); scales whose
    frames are longer than the sounds are left out.
    """

    def __init__(self, options: MelOptions, data: DataInfo) -> None:
        super().__init__()
        self.options = options
        chosen = choose_mel(data)
        if options.scales == "one":
            self.mels = nn.ModuleList([MelSpectrogram(**{**chosen, "f_max": None})])
            self.unit = 1.0
            return
        rate = chosen["rate"]
        fitting = [(size, num) for size, num in SCALES if size <= data.shape[-1]]
        self.mels = nn.ModuleList(MelSpectrogram(rate, num, size, size // 4) for size, num in fitting)
        self.unit = 1 / math.log(10)

    def generator(self, step: Step) -> Tensor:
        """Return the term, a scalar."""
        if step.real is None:
            raise ValueError("mel needs the real samples of the update")
        terms = [self.unit * (mel(step.fake) - mel(step.real)).abs().mean() for mel in self.mels]
        return self.options.weight * torch.stack(terms).sum()
