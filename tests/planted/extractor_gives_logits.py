"""It returns logits under the name of probabilities."""

from torch import nn

from ganzoo.plugin import Extractor, hookimpl

CAUGHT_BY = ["extractor/planted/gives-probabilities"]


@hookimpl
def ganzoo_extractors():
    yield Extractor(
        name="planted",
        summary="Planted.",
        factory="extractor_gives_logits:Planted",
        modalities=("image",),
        provides=("probabilities",),
    )


class Planted(nn.Module):
    def __init__(self, options, data):
        super().__init__()
        self.last = nn.Linear(data.shape[0], 3)

    def forward(self, samples):
        features = samples.flatten(2).mean(2)
        return {"features": features, "probabilities": self.last(features)}
