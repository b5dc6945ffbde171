"""Two correct augmentations: one whose strength may be scheduled, and one that adapts."""

from dataclasses import dataclass

from ganzoo.plugin import Augmentation, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class Options:
    p: float = option(0.5, help="Probability for each sample.", low=0, high=1, schedulable=True)


@dataclass(frozen=True, kw_only=True)
class AdaptiveOptions:
    p: float = option(0.0, help="Probability at the start.", low=0, high=1)


@hookimpl
def ganzoo_augmentations():
    yield Augmentation(name="shift", summary="Shift.", factory="sound_augmentation:Shift", options=Options)
    yield Augmentation(
        name="adaptive-shift", summary="Adapt.", factory="sound_augmentation:adaptive", options=AdaptiveOptions
    )


class Shift:
    """Adds a number to each sample with probability p."""

    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, batch):
        return shifted(batch, self.p)


def shifted(batch, p):
    import torch

    chosen, amount = torch.rand(2, len(batch), *[1] * (batch.dim() - 1), device=batch.device)
    return batch + torch.where(chosen < p, amount - 0.5, 0).to(batch.dtype)


def adaptive(options, data):
    import torch

    class Adaptive(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("p", torch.tensor(options.p))

        def forward(self, batch):
            return shifted(batch, self.p)

        def update(self, real_logits):
            self.p.add_(0.1 * real_logits.sign().mean()).clamp_(0, 1)

    return Adaptive()
