"""Three correct augmentations: one whose strength may be scheduled, one that adapts, and one that mixes fakes in."""

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
    yield Augmentation(
        name="mixing", summary="Mix.", factory="sound_augmentation:Mixing", options=Options, mixes_fakes=True
    )


class Shift:
    """Adds a number to each sample with probability p."""

    def __init__(self, options, data):
        self.p = options.p

    def __call__(self, batch):
        return shifted(batch, self.p)


class Mixing:
    """Blends generated samples in, half and half, with probability p."""

    def __init__(self, options, data):
        self.p = options.p

    def mix(self, real, fake):
        import torch

        chosen = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device) < self.p
        return torch.where(chosen, (real + fake) / 2, real)


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

        def report(self):
            return {"p": self.p}

    return Adaptive()
