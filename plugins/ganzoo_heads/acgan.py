"""ACGAN: a classifier in the discriminator (Odena, Olah & Shlens 2017, arXiv:1610.09585, section 3)."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import cross_entropy, make_linear, read_classes, read_fake, read_real
from ganzoo_heads.options import ACGANOptions


class ACGAN(nn.Module):
    """C is a linear classifier on D's embedding; both networks want samples whose class it finds (L_C in the paper).

    D: weight_d (E -log C(y|x) + E -log C(y|G(z, y))), the second term if `fakes`
    G: weight_g E -log C(y|G(z, y))
    """

    classifier: nn.Linear

    def __init__(self, options: ACGANOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data

    def prepare(self, networks: Networks) -> None:
        """Build the classifier."""
        embedding = measure_embedding(networks.discriminator, self.data)
        self.classifier = make_linear(embedding, self.data.num_classes, self.options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        classes = read_classes(step)
        loss = cross_entropy(self.classifier(read_real(step)), classes)
        if self.options.fakes:
            loss = loss + cross_entropy(self.classifier(read_fake(step)), classes)
        return self.options.weight_d * loss

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar."""
        return self.options.weight_g * cross_entropy(self.classifier(read_fake(step)), read_classes(step))
