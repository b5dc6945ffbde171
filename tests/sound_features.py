"""The extractors of `planted/sound_extractors.py`."""

import torch
from torch import nn

from ganzoo.plugin import UsageError


class AtRandom(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(data.shape[0], 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )

    def forward(self, samples):
        return {"features": self.net(samples)}


class Learned(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        if not data.num_classes:
            raise UsageError("extractor 'learned' is trained on labels: choose a dataset that has classes")
        self.hidden = nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.ReLU(), nn.Dropout(0.1))
        self.hidden(torch.zeros(1, *data.shape))
        self.last = nn.Linear(8, data.num_classes)

    def prepare(self, real):
        optimizer = torch.optim.SGD(self.parameters(), 0.1)
        for _ in range(5):
            samples, labels = real[torch.randint(len(real), (16,))]
            loss = nn.functional.cross_entropy(self.last(self.hidden(samples)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def forward(self, samples):
        features = self.hidden(samples)
        return {"features": features, "probabilities": self.last(features).softmax(1)}
