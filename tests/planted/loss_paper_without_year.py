"""The citation of the paper lacks its year."""

from ganzoo.plugin import Loss, hookimpl

CAUGHT_BY = ["loss/planted/paper-becomes-bibtex"]


@hookimpl
def ganzoo_losses():
    paper = "Goodfellow et al., Generative Adversarial Networks, arXiv:1406.2661"
    yield Loss(name="planted", summary="A loss.", factory="planted_losses:BCE", paper=paper)
