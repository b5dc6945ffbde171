"""Two correct extractors: a network with random weights, and a classifier that is trained on the data."""

from ganzoo.plugin import Extractor, hookimpl


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="at-random", summary="Random.", factory="sound_features:AtRandom", modalities=("image",))
    yield Extractor(name="learned", summary="Learned.", factory="sound_features:Learned", provides=("probabilities",))
