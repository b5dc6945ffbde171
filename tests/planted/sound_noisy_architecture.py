"""A correct architecture for text: uniform latents, labels that are numbers, noise, dropout, spectral normalisation."""

from ganzoo.plugin import Architecture, DataInfo, Networks, hookimpl


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="planted", summary="Planted.", factory="sound_noisy_architecture:build", modalities=("text",),
        conditional="always", provides=("double-backward",), recommended={"train.update": "simultaneous"},
        examples=(DataInfo(shape=(5, 8), modality="text", label_shape=(2,)),),
    )  # fmt: skip


def build(options, data):
    import torch
    from torch import nn
    from torch.nn.utils.parametrizations import spectral_norm

    inputs = sum(data.label_shape) or data.num_classes

    def embedded(labels):
        return labels if data.label_shape else torch.eye(inputs, device=labels.device)[labels]

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(6 + inputs, 16), nn.Linear(16, data.shape[0] * data.shape[1])
            self.strength = nn.Parameter(torch.zeros(16))

        def forward(self, z, labels=None):
            hidden = self.first(torch.cat([z, embedded(labels)], 1)).relu()
            hidden = hidden + self.strength * torch.randn_like(hidden)
            return self.last(hidden).view(-1, *data.shape).softmax(1)

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = spectral_norm(nn.Conv1d(data.shape[0], 16, 3, padding=1))
            self.drop, self.last = nn.Dropout(0.3), spectral_norm(nn.Linear(16 + inputs, 1))

        def forward(self, x, labels=None):
            hidden = self.drop(self.first(x).relu()).mean(2)
            return self.last(torch.cat([hidden, embedded(labels)], 1))

    return Networks(Generator(), Discriminator(), 6, "uniform")
