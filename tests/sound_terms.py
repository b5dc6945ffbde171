"""The regularizers of tests/planted/sound_regularizers.py, which must not import torch itself."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from planted_losses import sum_logits


class Term:
    def __init__(self, options, data):
        self.weight = options.weight


class LeCam(nn.Module):
    """Tseng et al. 2021: logits stay near running means."""

    def __init__(self, options, data):
        super().__init__()
        self.weight = options.weight
        self.register_buffer("means", torch.zeros(2))

    def discriminator(self, step):
        real, fake = sum_logits(step.real_output), sum_logits(step.fake_output)
        self.means.lerp_(torch.stack([real.detach().mean(), fake.detach().mean()]).float(), 0.01)
        return self.weight * ((real - self.means[1]).square() + (fake - self.means[0]).square()).mean()


class Clip(Term):
    """Arjovsky et al. 2017."""

    @torch.no_grad()
    def after_step(self, networks):
        for parameter in networks.discriminator.parameters():
            parameter.clamp_(-0.01, 0.01)


class Spectral(Term):
    """Miyato et al. 2018."""

    def prepare(self, networks):
        for module in list(networks.discriminator.modules()):
            if isinstance(module, (nn.Linear, nn.Conv2d)):
                nn.utils.parametrizations.spectral_norm(module)


class Orthogonal(Term):
    """Brock et al. 2019: a penalty of the weights alone."""

    def discriminator(self, step):
        total = 0
        for weight in (p.flatten(1) for p in step.discriminator.parameters() if p.dim() > 1):
            products = weight @ weight.T
            total = total + (products - products.diag().diag()).square().sum()
        return self.weight * total


class Path(nn.Module):
    """Karras et al. 2020: G's path lengths stay near their running mean."""

    def __init__(self, options, data):
        super().__init__()
        self.weight = options.weight
        self.register_buffer("mean", torch.zeros(()))

    def generator(self, step):
        w = step.generator.mapping(step.z, step.labels)
        samples = step.generator.synthesis(w)
        along = (samples * torch.randn_like(samples)).sum()
        (slopes,) = torch.autograd.grad(along, w, create_graph=True)
        lengths = slopes.square().sum(1).sqrt()
        self.mean.lerp_(lengths.detach().mean().float(), 0.01)
        return self.weight * (lengths - self.mean).square().mean()


class Features(Term):
    """Salimans et al. 2016: feature matching, which needs real samples in G's update."""

    def generator(self, step):
        pairs = zip(step.fake_output.features, step.real_output.features, strict=True)
        return self.weight * sum((fake.mean(0) - real.detach().mean(0)).square().sum() for fake, real in pairs)


class Classes(Term):
    """Odena et al. 2017: an auxiliary classifier."""

    def discriminator(self, step):
        outputs = step.real_output, step.fake_output
        return self.weight * sum(cross_entropy(output.class_logits, step.labels) for output in outputs)

    def generator(self, step):
        return self.weight * cross_entropy(step.fake_output.class_logits, step.labels)


class Flips(Term):
    """Zhang et al. 2020: D gives a mirrored sample the same logits."""

    def discriminator(self, step):
        flipped = sum_logits(step.discriminate(step.real_seen.flip(-1)))
        return self.weight * (flipped - sum_logits(step.real_output)).square().mean()


class Dragan(Term):
    """Kodali et al. 2017: D's gradient has length 1 near real samples; it makes its own inputs."""

    def discriminator(self, step):
        noise = 0.5 * torch.rand_like(step.real_seen) * step.real_seen.detach().std()
        near = (step.real_seen.detach() + noise).requires_grad_()
        (slopes,) = torch.autograd.grad(sum_logits(step.discriminate(near)).sum(), near, create_graph=True)
        return self.weight * (torch.linalg.vector_norm(slopes.flatten(1), dim=1) - 1).square().mean()


class Modes(Term):
    """Mao et al. 2019: samples are as far apart as their latents; it runs G itself."""

    def generator(self, step):
        z = torch.randn_like(step.z)
        apart = (step.fake - step.generator(z, step.labels)).abs().mean()
        return self.weight * (step.z - z).abs().mean() / (apart + 1e-5)


class Spectrum(Term):
    """Yamamoto et al. 2020: spectra of real and generated sound; it works for sound alone."""

    def generator(self, step):
        (made, real) = (torch.fft.rfft(x.flatten(0, 1)).abs() for x in (step.fake, step.real) if x.dim() == 3)
        return self.weight * (made.mean(0) - real.mean(0)).square().mean()


class Beside(Term):
    """Adds a parallel layer to each linear layer of D, in `prepare`, when D is in float32."""

    def prepare(self, networks):
        for module in list(networks.discriminator.modules()):
            if isinstance(module, nn.Linear):
                module.beside = nn.Linear(module.in_features, module.out_features)
                module.register_forward_hook(lambda module, given, answer: answer + module.beside(given[0]))


class Projected(nn.Module):
    """D's term works with any dtype, G's with float32 alone."""

    def __init__(self, options, data):
        super().__init__()
        self.weight = options.weight
        self.register_buffer("way", torch.linspace(-1, 1, torch.Size(data.shape).numel()))

    def discriminator(self, step):
        return self.weight * sum_logits(step.real_output).square().mean()

    def generator(self, step):
        return self.weight * (step.fake.flatten(1) @ self.way).square().mean()
