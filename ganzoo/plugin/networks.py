"""What crosses the contracts in training: networks, their answers, what an update shows. See `ganzoo.plugin`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

LATENT = r"normal(\+onehot[1-9]\d{0,6})?|uniform"  # the distributions that latents are drawn from


@dataclass(frozen=True)
class Networks:
    """What an architecture builds.

    Args:
        generator: ``generator(z [N, latent_dim], labels=None) -> samples [N, *shape]``, images in [-1, 1].
        discriminator: ``discriminator(x [N, *shape], labels=None)`` -> logits with leading N and no output activation
            (``[N]``, ``[N, 1]``, a patch map), a list of them (several scales), or a `DiscriminatorOutput`.
        latent_dim: Length of z; 0 where samples are made of labels alone.
        latent: Its distribution: ``normal`` N(0, 1), ``uniform`` U(-1, 1), ``normal+onehotK``: the last K of
            `latent_dim` entries are a random one-hot code.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_dim: int
    latent: str = "normal"


@dataclass(frozen=True)
class GeneratorOutput:
    """A generator's answer that is more than samples.

    Args:
        samples: As a bare answer would be, ``[N, *shape]``.
        losses: Terms that G's loss has from its own pass, scalars by name (commitment of a codebook, KL divergence),
            weighted already. They are added in G's update and measured as ``generator/NAME``.
        intermediates: Samples of lower scales, or other stages of the pass, for a regularizer that reads them.
    """

    samples: Tensor
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    intermediates: tuple[Tensor, ...] = ()


def extract_samples(answer: Tensor | GeneratorOutput) -> Tensor:
    """Return the samples ``[N, *shape]`` of what a generator answered."""
    return answer.samples if isinstance(answer, GeneratorOutput) else answer


@dataclass(frozen=True)
class DiscriminatorOutput:
    """A discriminator's answer that is more than logits.

    Args:
        logits: As a bare answer would be: a tensor with leading N, or a list of them.
        class_logits: ``[N, num_classes]`` of an auxiliary classifier.
        features: Inner activations for feature matching.
        embedding: ``[N, E]``, what it makes of a sample before the last layer.
        weights: What each member of a list of logits counts for in the loss, a number or a 0-dim tensor each; None for
            1 each.
    """

    logits: Tensor | list[Tensor]
    class_logits: Tensor | None = None
    features: list[Tensor] | None = None
    embedding: Tensor | None = None
    weights: Sequence[float | Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a regularizer sees of the update that it is part of. Fields may be added; none changes.

    In G's update `real` and `real_output` are there where the loss pairs or a term says so (`Regularizer.reals`).
    Before ``train.d_start`` and ``train.adversarial_start`` D is not asked in G's update: the outputs are None then.

    Args:
        generator, discriminator: The networks.
        average: The averaged generator, in eval mode; it has no gradients.
        images: Images seen before the update, a 0-dim float64 tensor.
        z: Latents of `fake`, ``[N, latent_dim]``.
        labels: ``int64 [N]``, float ``[N, *label_shape]`` or None; of `real` and of `fake`.
        real_labels, fake_labels: The same as D saw them with `real_seen` and `fake_seen`: where labels are images, an
            augmentation that moves pixels moved both. Else they are `labels`.
        real: Real samples before augmentation, ``[N, *shape]``; in D's update a leaf that requires grad where the spec
            asks for it (`Regularizer.input_gradients`).
        fake: Generated samples before augmentation, likewise; in G's update they carry G's graph.
        intermediates: What the generator gave with `fake` (`GeneratorOutput.intermediates`).
        real_seen, fake_seen: What D saw of them, after augmentation.
        real_output, fake_output: D's answers in this very update, so that a penalty needs no forward of its own.
        generate: ``generate(z, labels=None) -> samples``: what G makes of other latents; in G's update with G's graph.
        augment: ``augment(samples, labels=None) -> samples``: other samples, any number of them, as D would see them,
            by a draw of their own. Where labels are given it returns both. They must be given where labels are images
            and an augmentation moves pixels, for it moves the labels too.
        discriminate: ``discriminate(samples, labels=None, float32=False) -> DiscriminatorOutput``: D's answer to other
            samples, any number of them. Labels are the update's `real_labels` where none are given and the number is
            that of the update. With ``float32=True`` it is computed in float32 products with dropout off and spectral
            norms held, as a difference of answers needs it; for `real_seen` and `fake_seen` themselves that costs no
            forward where the update's own was such a one.
        mean: ``mean(tensor) -> tensor``: its mean over all processes, without a graph: what a running average is fed,
            so that it is the same in each. Where the batch comes in parts (``train.micro_batch``) a term is called for
            each of them, so that a running average moves once a part, by that part's mean.

    `generate` and `discriminate` compute in the update's precision, under fp16 `discriminate` in float32, and leave the
    statistics of BatchNorm as they are.
    """

    generator: nn.Module
    discriminator: nn.Module
    average: nn.Module
    images: Tensor
    z: Tensor
    labels: Tensor | None
    real: Tensor | None
    fake: Tensor
    real_seen: Tensor | None
    fake_seen: Tensor
    real_output: DiscriminatorOutput | None
    fake_output: DiscriminatorOutput | None
    generate: Callable[..., Tensor]
    augment: Callable[..., Any]
    discriminate: Callable[..., DiscriminatorOutput]
    mean: Callable[[Tensor], Tensor]
    intermediates: tuple[Tensor, ...] = ()
    real_labels: Tensor | None = None
    fake_labels: Tensor | None = None


class LossFunction(Protocol):
    """What a loss's factory returns: two scalars from logits ``[N, P]``, elementwise on equal shapes."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what D minimises."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Return what G minimises; `real` is None unless the spec says ``pairs=True``."""
