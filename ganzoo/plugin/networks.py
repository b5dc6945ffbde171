"""Data classes of the contracts in training: networks, their outputs, and the step. See `ganzoo.plugin`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

LATENT = r"normal(\+onehot[1-9]\d{0,6})?|uniform"  # the distributions that latents are drawn from


@dataclass(frozen=True)
class Networks:
    """The networks that an architecture builds.

    Args:
        generator: ``generator(z [N, latent_dim], labels=None)`` returns samples ``[N, *shape]``, images in [-1, 1], or
            a `GeneratorOutput`.
        discriminator: ``discriminator(x [N, *shape], labels=None)`` returns logits without output activation, whose
            first dimension is N (``[N]``, ``[N, 1]``, a patch map); a list of them (several scales); or a
            `DiscriminatorOutput`.
        latent_dim: The length of z; 0 if samples are generated from labels alone.
        latent: The distribution of z: ``normal`` N(0, 1), ``uniform`` U(-1, 1), or ``normal+onehotK``: N(0, 1), except
            that the last K of the `latent_dim` entries are a random one-hot code.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_dim: int
    latent: str = "normal"


@dataclass(frozen=True)
class GeneratorOutput:
    """A generator's output, if it is more than samples.

    Args:
        samples: The samples, ``[N, *shape]``.
        losses: Terms of G's loss that its own forward computes, scalars by name (commitment of a codebook, KL
            divergence), already weighted. They are added in G's update and measured as ``generator/NAME``.
        intermediates: Other tensors of the forward, for a regularizer that reads them. If the architecture provides
            ``intermediates``, they are samples of earlier stages: of the samples' shape, or smaller images.
        report: Numbers that are measured as ``generator/NAME`` and join no loss, scalars by name (how many codes of a
            codebook are used).
    """

    samples: Tensor
    losses: Mapping[str, Tensor] = field(default_factory=dict)
    intermediates: tuple[Tensor, ...] = ()
    report: Mapping[str, Tensor] = field(default_factory=dict)


def extract_samples(answer: Tensor | GeneratorOutput) -> Tensor:
    """Return the samples ``[N, *shape]`` of a generator's output."""
    return answer.samples if isinstance(answer, GeneratorOutput) else answer


@dataclass(frozen=True)
class DiscriminatorOutput:
    """A discriminator's output, if it is more than logits.

    Args:
        logits: The logits: a tensor whose first dimension is N, or a list of such tensors.
        class_logits: The logits of an auxiliary classifier, ``[N, num_classes]``.
        features: Inner activations, for feature matching.
        embedding: The features of each sample before the last layer, ``[N, E]``.
        weights: The weight in the loss of each member of a list of logits, numbers or 0-dim tensors; None for a weight
            of 1 each.
    """

    logits: Tensor | list[Tensor]
    class_logits: Tensor | None = None
    features: list[Tensor] | None = None
    embedding: Tensor | None = None
    weights: Sequence[float | Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """The part of an update that a regularizer sees. Later versions may add fields, but they do not change one.

    In G's update `real` and `real_output` are None, unless the loss pairs or a term reads reals (`Regularizer.reals`).
    Before ``train.d_start`` and ``train.adversarial_start`` G's update does not call D, so both outputs are None.

    Args:
        generator, discriminator: The two networks that are trained.
        average: The averaged generator, in eval mode, without gradients.
        images: The number of images seen before the update, a 0-dim float64 tensor.
        z: The latents of `fake`, ``[N, latent_dim]``.
        drawn_z: The latents as they were drawn, if a regularizer moved them to `z` (`Regularizer`); else None.
        labels: The labels of `real` and of `fake`: int64 ``[N]``, float ``[N, *label_shape]``, or None.
        real_labels, fake_labels: The labels that D saw with `real_seen` and `fake_seen`. They differ from `labels` only
            if labels are images and an augmentation moved them together with the samples.
        real: Real samples before augmentation, ``[N, *shape]``. In D's update they are a leaf that requires grad, if
            the spec asks for that (`Regularizer.input_gradients`), and generated samples may be among them
            (`Augmentation.mixes_fakes`).
        fake: Generated samples before augmentation, ``[N, *shape]``. In D's update they are such a leaf too, or have
            the graph of latents that were moved; in G's update they have G's graph.
        intermediates: The generator's other outputs for `fake` (`GeneratorOutput.intermediates`).
        real_seen, fake_seen: The samples that D saw, after augmentation.
        real_output, fake_output: D's outputs for them in this update, so that a penalty needs no other forward.
        generate: ``generate(z, labels=None) -> samples`` generates samples from other latents. In G's update they have
            G's graph.
        augment: ``augment(samples, labels=None) -> samples`` augments any number of other samples, with random numbers
            of its own. If labels are given, it returns samples and labels. They must be given if labels are images and
            an augmentation moves pixels, because it moves the labels too.
        discriminate: ``discriminate(samples, labels=None, float32=False) -> DiscriminatorOutput`` calls D on any number
            of other samples. The default of `labels` is the update's `real_labels`, if the number of samples is that
            of the update. ``float32=True`` computes in float32, without dropout and with fixed spectral norms, as a
            finite difference needs. For `real_seen` and `fake_seen` it costs no forward if the update's own forward
            was such a one.
        mean: ``mean(tensor) -> tensor`` returns the mean over all processes, without a graph. Use it for a running
            average, which is then the same in all processes. If the batch comes in parts (``train.micro_batch``), a
            term is called for each part, and a running average changes once for each part, by the mean of that part.
        compute: ``compute(part, *inputs)`` calls a part of a network, a module or a method of it, for terms that read
            its inner maps or use a second network in it.
        adversarial_loss: ``adversarial_loss(network, real, fake) -> scalar`` returns the run's loss of a network,
            ``discriminator`` or ``generator``, for further outputs of a discriminator. That of G is multiplied by
            ``train.adversarial_weight``, and reads `real` only if the loss pairs.

    `generate`, `discriminate` and `compute` compute in the precision of the update, except that `discriminate` uses
    float32 under fp16. Their results are float32. They do not change the statistics of BatchNorm.
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
    compute: Callable[..., Any]
    adversarial_loss: Callable[[str, Any, Any], Tensor]
    intermediates: tuple[Tensor, ...] = ()
    real_labels: Tensor | None = None
    fake_labels: Tensor | None = None
    drawn_z: Tensor | None = None


class LossFunction(Protocol):
    """The object that a loss's factory returns. It computes scalars from logits ``[N, P]`` of equal shapes."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the scalar that D minimises."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Return the scalar that G minimises; `real` is None unless the spec says ``pairs=True``."""
