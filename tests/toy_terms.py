"""A plugin of tiny regularizers, extractors and networks for what contracts allow beyond logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ganzoo.layers import extractor, logits
from ganzoo.plugin import (
    Architecture,
    DataInfo,
    DiscriminatorOutput,
    Extractor,
    GeneratorOutput,
    Networks,
    NoOptions,
    Regularizer,
    Step,
    hookimpl,
)
from toys import ToyDiscriminator, ToyGenerator, ToyOptions

# ----------------------------------------------------------------------------
# Terms.


class Reals:
    """Fakes are to have the values of reals, and the same logits."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def generator(self, step: Step) -> Tensor:
        real, fake = (logits(output)[0] for output in (step.real_output, step.fake_output))
        return mse_loss(step.fake, step.real) + mse_loss(fake, real)


class Code(nn.Module):
    """Chen et al. 2016, InfoGAN: latents are predicted from samples."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.head = nn.Linear(16, 4)

    def generator(self, step: Step) -> Tensor:
        return mse_loss(self.head(step.fake.flatten(1)), step.z)


class Rotation(nn.Module):
    """Chen et al. 2019, SSGAN: D's logits are to predict which samples are upside down."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)

    def discriminator(self, step: Step) -> Tensor:
        both = torch.cat([step.real_seen, step.real_seen.flip(2)])
        turned = torch.arange(2, device=both.device).repeat_interleave(len(step.real_seen))[:, None]
        labels = None if step.real_labels is None else step.real_labels.repeat(2)
        return mse_loss(self.head(logits(step.discriminate(both, labels))[0]), turned.to(both.dtype))


class Means(nn.Module):
    """Tseng et al. 2021, LeCam: logits stay near running means, equal in all processes; the weight grows with time."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(2))

    def discriminator(self, step: Step) -> Tensor:
        real, fake = (logits(output)[0] for output in (step.real_output, step.fake_output))
        self.means.lerp_(step.mean(torch.stack([real.mean(), fake.mean()])), 0.1)
        weight = (step.images / 64).to(real.dtype)
        return weight * (mse_loss(real, self.means[1].expand_as(real)) + mse_loss(fake, self.means[0].expand_as(fake)))


class Resampling:
    """Makes its own samples for D's term, and makes G follow its average."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def discriminator(self, step: Step) -> Tensor:
        more = step.augment(step.generate(step.z.flip(0), step.labels))
        return logits(step.discriminate(more, step.labels, float32=True))[0].square().mean()

    def generator(self, step: Step) -> Tensor:
        with torch.no_grad():
            wanted = step.average(step.z, step.labels)
        return mse_loss(step.generate(step.z, step.labels), wanted) + mse_loss(step.fake, wanted)


class Earlier(nn.Module):
    """Zhu et al. 2017, CycleGAN: D sees an earlier fake too, and the run's loss judges further outputs of a network."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.register_buffer("fake", torch.zeros(1, *data.shape))

    def replace_fakes(self, fake: Tensor) -> Tensor:
        earlier = self.fake.clone()
        self.fake.copy_(fake[-1:])
        return torch.cat([earlier.to(fake.dtype), fake[1:]])

    def discriminator(self, step: Step) -> Tensor:
        seen = (step.real_seen, step.fake_seen)
        return step.adversarial_loss(
            "discriminator", *(step.compute(step.discriminator, -x, step.labels) for x in seen)
        )

    def generator(self, step: Step) -> Tensor:
        seen = (step.real, step.fake)
        return step.adversarial_loss("generator", *(step.compute(step.discriminator, -x, step.labels) for x in seen))


class Perceptual(nn.Module):
    """A distance in the features of a network that is not trained."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.look = extractor("toy-pixels", data)

    def generator(self, step: Step) -> Tensor:
        return mse_loss(self.look(step.fake)["features"], self.look(step.real)["features"])


class Features:
    """Salimans et al. 2016, feature matching."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        pass

    def generator(self, step: Step) -> Tensor:
        (real,), (fake,) = step.real_output.features, step.fake_output.features
        return (real.mean(0) - fake.mean(0)).square().mean()


class Spectral:
    """Miyato et al. 2018, in D alone."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        self.steps = 0

    def prepare(self, networks: Networks) -> None:
        nn.utils.parametrizations.spectral_norm(networks.discriminator.one)

    def after_step(self, networks: Networks) -> None:
        assert networks.discriminator.one.weight.shape == (1, 8)
        self.steps += 1


@hookimpl
def ganzoo_regularizers():
    def spec(name: str, of: type, **more) -> Regularizer:
        return Regularizer(name=name, summary=f"{name}.", factory=f"toy_terms:{of.__name__}", **more)

    yield spec("toy-reals", Reals, reals=True)
    yield spec("toy-code", Code, learns="generator")
    yield spec("toy-rotation", Rotation, learns="discriminator")
    yield spec("toy-lecam", Means)
    yield spec("toy-further", Resampling)
    yield spec("toy-earlier", Earlier, reals=True)
    yield spec("toy-perceptual", Perceptual, reals=True)
    yield spec("toy-features", Features, reals=True, needs=("features",))
    yield spec("toy-spectral", Spectral)


class Pixels(nn.Module):
    """An extractor with weights."""

    def __init__(self, options: NoOptions, data: DataInfo) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 3)

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        return {"features": self.layer(samples.flatten(1))}


class Prepared(Pixels):
    """An extractor that is first trained on the data."""

    def prepare(self, real) -> None:
        pass


def function(options: NoOptions, data: DataInfo):
    return lambda samples: {"features": samples.flatten(1)}


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="toy-pixels", summary="Pixels.", factory="toy_terms:Pixels")
    yield Extractor(name="toy-prepared", summary="Pixels.", factory="toy_terms:Prepared")
    yield Extractor(name="toy-function", summary="Pixels.", factory="toy_terms:function")


# ----------------------------------------------------------------------------
# Networks.


class LossGenerator(ToyGenerator):
    """Samples with losses and intermediates."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> GeneratorOutput:
        samples = super().forward(z, labels)
        half = samples / 2
        return GeneratorOutput(samples, {"commitment": samples.square().mean(), "kl": half.abs().mean()}, (half,))


class WeightedDiscriminator(ToyDiscriminator):
    """A list of two logits, of which the second has the weight 1/4, and an embedding."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        one, patches = super().forward(x, labels)
        return DiscriminatorOutput([one, patches], embedding=x.flatten(1), weights=(1.0, 0.25))


class ProjectedDiscriminator(nn.Module):
    """Sauer et al. 2021: D works on features of a network that is not trained."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.look, self.head = extractor("toy-pixels", data), nn.Linear(3, 1)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.head(self.look(x)["features"].tanh())


class PackedDiscriminator(nn.Module):
    """Lin et al. 2018, PacGAN: one logit for two samples together."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(32, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.net(x.reshape(len(x) // 2, 32))


class LabelGenerator(nn.Module):
    """A generator that makes samples from labels alone."""

    def __init__(self, data: DataInfo) -> None:
        super().__init__()
        self.shape, self.table = data.shape, nn.Embedding(data.num_classes, 16)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        assert z.shape == (len(labels), 0)
        return self.table(labels).tanh().view(-1, *self.shape)


def build_saying(options: ToyOptions, data: DataInfo) -> Networks:
    return Networks(LossGenerator(options, data), WeightedDiscriminator(options, data), options.z_dim)


def build_projected(options: ToyOptions, data: DataInfo) -> Networks:
    return Networks(ToyGenerator(options, data), ProjectedDiscriminator(data), options.z_dim)


def build_packed(options: ToyOptions, data: DataInfo) -> Networks:
    return Networks(ToyGenerator(options, data), PackedDiscriminator(), options.z_dim)


def build_labels(options: ToyOptions, data: DataInfo) -> Networks:
    return Networks(LabelGenerator(data), ToyDiscriminator(options, data), 0)


@hookimpl
def ganzoo_architectures():
    def spec(name: str, build: str, **more) -> Architecture:
        return Architecture(
            name=name, summary=f"{name}.", factory=f"toy_terms:{build}", options=ToyOptions,
            recommended={"loss": "toy-bce", "train.batch": 16, "optim.d.lr": 1e-2, "optim.g.lr": 1e-2}, **more,
        )  # fmt: skip

    yield spec("toy-saying", "build_saying")
    yield spec("toy-projected", "build_projected")
    yield spec("toy-packed", "build_packed", provides=("batch-coupled-d",))
    yield spec("toy-labels", "build_labels", conditional="always")
