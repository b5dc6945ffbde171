"""A recurrent GAN for text, and a metric of words. Both work with ganzoo's dataset `text`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import Architecture, DataInfo, Metric, hookimpl, option

EXAMPLE = DataInfo(shape=(4, 6), dtype="float32", modality="text", meta={"vocabulary": [" ", "a", "b", "c"]})


@dataclass(frozen=True, kw_only=True)
class GRUGANOptions:
    """The sizes of the networks."""

    width: int = option(64, help="Units of each network.", low=1)
    z_dim: int = option(32, help="Length of the normal latent z.", low=1)


@hookimpl
def ganzoo_architectures() -> Iterator[Architecture]:
    """Offer the architecture."""
    yield Architecture(
        name="gru-gan",
        summary="Gated recurrent units along the text; the generator ends in a softmax for each character.",
        factory="acme_textgan.networks:build",
        options=GRUGANOptions,
        paper="Press et al. 2017, Language Generation with Recurrent Generative Adversarial Networks without "
        "Pre-training, arXiv:1706.01399",
        modalities=("text",),
        examples=(EXAMPLE,),
        provides=("double-backward",),
        recommended={
            "loss": "wasserstein",
            "reg": ("wgan-gp",),
            "reg.wgan-gp.weight": 10,
            "optim.g.betas": (0.5, 0.9),
            "optim.d.betas": (0.5, 0.9),
        },
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Metric]:
    """Offer the metric."""
    yield Metric(
        name="known-words",
        summary="Share of the generated words that occur in the real samples.",
        factory="acme_textgan.words:KnownWords",
        better={"share": "higher"},
        modalities=("text",),
        examples=(EXAMPLE,),
        cases="acme_textgan.words:cases",
    )
