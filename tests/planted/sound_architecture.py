"""A correct architecture: conditional, a tied weight, a branch that starts at 0, and all words that it may provide."""

from ganzoo.plugin import Architecture, DataInfo, DiscriminatorOutput, Networks, UsageError, hookimpl

WORDS = ("style", "truncation", "class-logits", "features", "double-backward", "batch-coupled-d", "batchnorm-in-d")


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="sound_architecture:build", sizes=(8, 16, 32), channels=(1, 2),
        modalities=("image", "audio"), conditional="optional", provides=WORDS,
        untrained=("generator.spare.*", "discriminator.classes.*"), recommended={"optim.g.lr": 1e-3, "train.batch": 16},
        examples=(DataInfo(shape=(1, 64), modality="audio", label_shape=(3,)),),
    )  # fmt: skip


def build(options, data):
    import torch
    from torch import nn
    from torch.nn import functional as F

    if data.label_shape and data.modality == "image":
        raise UsageError("planted takes classes as labels of images, not numbers")
    image = data.modality == "image"
    channels, size = data.shape[0], data.shape[-1]
    conv = nn.Conv2d if image else nn.Conv1d
    inputs = data.num_classes or sum(data.label_shape)

    def embedded(labels):
        return torch.eye(inputs, device=labels.device)[labels] if data.num_classes else labels

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(6 + inputs, 8)
            self.mixing, self.again = nn.Linear(8, 8), nn.Linear(8, 8)
            self.again.weight = self.mixing.weight
            self.branch = nn.Linear(8, 8)
            nn.init.zeros_(self.branch.weight)
            self.spare = nn.Linear(2, 2)
            self.register_buffer("places", torch.randn(8, *data.shape[1:]))
            self.register_buffer("centre", torch.zeros(8))
            self.norm, self.last = nn.BatchNorm1d(8), conv(8, channels, 3, padding=1)

        def mapping(self, z, labels=None):
            z = z if labels is None else torch.cat([z, embedded(labels)], 1)
            w = F.leaky_relu(self.norm(self.first(z)), 0.2)
            w = self.again(F.leaky_relu(self.mixing(w), 0.2))
            if self.training:
                with torch.no_grad():
                    self.centre.lerp_(w.float().mean(0), 0.1)
            return w

        def synthesis(self, w):
            w = w + self.branch(F.leaky_relu(w, 0.2))
            return self.last(w.reshape(*w.shape, *[1] * self.places[0].dim()) * self.places)

        def forward(self, z, labels=None, truncation=1.0):
            w = self.mapping(z, labels)
            return self.synthesis(w if truncation == 1 else self.centre.lerp(w, truncation))

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = conv(channels, 8, 3, padding=1), conv(8, 8, 3, padding=1)
            self.first.bias.requires_grad_(False)
            self.norm = nn.BatchNorm1d(9)
            self.last, self.coarse = nn.Linear(9 + inputs, 1), nn.Linear(9, 3)
            self.classes = nn.Linear(9, data.num_classes) if data.num_classes else None

        def forward(self, x, labels=None):
            x = F.leaky_relu(self.first(x), 0.2)
            features = [x, F.leaky_relu(self.second(x), 0.2)]
            pooled = features[1].flatten(2).mean(2)
            spread = (pooled - pooled.mean(0)).square().mean().sqrt().expand(len(x), 1)
            pooled = self.norm(torch.cat([pooled, spread], 1))
            whole = pooled if labels is None else torch.cat([pooled, embedded(labels)], 1)
            classes = None if self.classes is None else self.classes(pooled)
            return DiscriminatorOutput([self.last(whole)[:, 0], self.coarse(pooled)], classes, features)

    assert size % 8 == 0
    return Networks(Generator(), Discriminator(), 6, "normal+onehot2")
