"""ADC-GAN: an auxiliary discriminative classifier (Hou, Cao, Shen, Pan & Cheng 2022, arXiv:2107.10060, section 4)."""

from __future__ import annotations

from torch import Tensor, nn

from ganzoo.layers import measure_embedding
from ganzoo.plugin import DataInfo, Networks, Step
from ganzoo_heads.heads import cross_entropy, make_linear, read_classes, read_fake, read_real
from ganzoo_heads.options import ADCOptions


class ADC(nn.Module):
    """C knows 2K classes: those of real samples, y+, and those of generated ones, y-.

    D: weight_d (E -log C(y+|x) + E -log C(y-|G(z, y)))
    G: weight_g (E -log C(y+|G(z, y)) - E -log C(y-|G(z, y))), which is weight_g E (c(y-) - c(y+)) of the logits c
    """

    classifier: nn.Linear

    def __init__(self, options: ADCOptions, data: DataInfo) -> None:
        super().__init__()
        self.options, self.data = options, data

    def prepare(self, networks: Networks) -> None:
        """Build the classifier. Its outputs are the K classes of real samples, then those of generated ones."""
        embedding = measure_embedding(networks.discriminator, self.data)
        self.classifier = make_linear(embedding, 2 * self.data.num_classes, self.options.spectral)

    def discriminator(self, step: Step) -> Tensor:
        """Return D's term, a scalar."""
        classes = read_classes(step)
        real = cross_entropy(self.classifier(read_real(step)), classes)
        fake = cross_entropy(self.classifier(read_fake(step)), classes + self.data.num_classes)
        return self.options.weight_d * (real + fake)

    def generator(self, step: Step) -> Tensor:
        """Return G's term, a scalar; it may be negative."""
        logits: Tensor = self.classifier(read_fake(step))  # [N, 2 K]
        plus, minus = logits.chunk(2, 1)
        return self.options.weight_g * (minus - plus).gather(1, read_classes(step)[:, None]).mean()
