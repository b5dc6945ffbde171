"""A correct extractor."""

from ganzoo.plugin import Extractor, UsageError, hookimpl


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="thirds", summary="Pixels, averaged.", factory="sound_extractor:build")


def build(options, data):
    import torch

    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 12, generator=generator)

    def extract(batch):
        if batch.dim() != 4 or batch.shape[1] != 3:
            raise UsageError(f"extractor 'thirds' takes colour images, not samples {list(batch.shape[1:])}")
        return {"features": torch.nn.functional.adaptive_avg_pool2d(batch, 2).flatten(1) @ weight.T}

    return extract
