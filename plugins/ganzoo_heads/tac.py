"""TAC-GAN: twin auxiliary classifiers (Gong, Xu, Li, Zhang & Batmanghelich 2019, arXiv:1907.02690, section 3.2)."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import cross_entropy, make_linear, read_classes, read_fake, read_real
from ganzoo_heads.options import TACOptions


class TAC(nn.Module):
    """C learns the classes of real samples, and its twin those of generated ones, where G wants it to fail.

    With C alone, as in ACGAN, G prefers samples that are easy to classify. The twin measures how easy they are. Neither
    classifier learns from the samples of the other, as in the code of the authors and in StudioGAN.

    D: weight E -log C(y|x) + weight_twin_d E -log twin(y|G(z, y))
    G: weight E -log C(y|G(z, y)) - weight_twin_g E -log twin(y|G(z, y))
    """

    classifier: nn.Linear
    twin: nn.Linear

    def __init__(self, options: TACOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data

    def prepare(self, networks: Networks) -> None:
        """Build both classifiers."""
        embedding = measure_embedding(networks.discriminator, self.data)
        self.classifier, self.twin = (
            make_linear(embedding, self.data.num_classes, self.options.spectral) for _ in range(2)
        )

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        classes, options = read_classes(step), self.options
        real = cross_entropy(self.classifier(read_real(step)), classes)
        return options.weight * real + options.weight_twin_d * cross_entropy(self.twin(read_fake(step)), classes)

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar; it may be negative."""
        classes, fake, options = read_classes(step), read_fake(step), self.options
        own, twin = (cross_entropy(each(fake), classes) for each in (self.classifier, self.twin))
        return options.weight * own - options.weight_twin_g * twin
