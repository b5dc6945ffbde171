"""What several kinds of checks share: options to try, small networks, a GAN of the engine's own around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.engine.batches import Part
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks
from ganzoo.plugin.options import Option, evaluate_schedules, list_options
from ganzoo.testing.checks import Failure, Trial

# ----------------------------------------------------------------------------
# Options.


class Setup(NamedTuple):
    """Options that a component is tried with."""

    suffix: str  # what differs from the options under trial, as in " with mode=fd"; empty for those options
    options: Any


def list_setups(trial: Trial) -> Iterator[Setup]:
    """Yield the options under trial, then each that differs from them in one choice (a `Literal` or a bool)."""
    options = evaluate_schedules(trial.make_options(), 0)
    yield Setup("", options)
    hints = get_type_hints(type(options))
    for name in list_options(type(options)):
        choices = (True, False) if hints[name] is bool else get_args(hints[name])
        if hints[name] is not bool and get_origin(hints[name]) is not Literal:
            continue
        for choice in choices:
            if choice != getattr(options, name):
                other = replace(options, **{name: choice})
                if _can_build(trial, other):
                    yield Setup(f" with {name}={str(choice).lower() if choice in (True, False) else choice}", other)


def list_refills(options: Any) -> Iterator[tuple[str, Any, list[tuple[Tensor, float]], Any]]:
    """Yield what `Option.schedulable` promises, for each such option that holds numbers.

    Yields:
        Its name; the options with tensors in its place; those tensors, each with another number to refill it with;
        and the options as floats after that.
    """
    for name, option in list_options(type(options)).items():
        value = getattr(options, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if not option.schedulable or not numbers or not all(isinstance(number, float) for number in numbers):
            continue
        others = tuple(_pick_other_number(option, value, number) for number in numbers)
        tensors = tuple(torch.tensor(number, dtype=torch.float32) for number in numbers)
        one = not isinstance(value, tuple)
        given = replace(options, **{name: tensors[0] if one else tensors})
        wanted = replace(options, **{name: others[0] if one else others})
        yield name, given, list(zip(tensors, others, strict=True)), wanted


def _can_build(trial: Trial, options: Any) -> bool:
    """Whether a component takes this combination of options; one may be refused with a UsageError."""
    try:
        trial.build_with(options)
    except UsageError:
        return False
    return True


def _pick_other_number(option: Option, value: Any, number: float) -> float:
    """Return a number other than this one that the option takes."""
    for other in (number / 2, number + 0.5, number - 0.5, 0.25, 0.75):
        try:
            option.read((other,) * len(value) if isinstance(value, tuple) else other)
        except ValueError:
            continue
        if other != number:
            return other
    return number


# ----------------------------------------------------------------------------
# State: what an `nn.Module` keeps between updates may change its answers; nothing else may.


def copy_state(component: object) -> dict[str, Tensor]:
    """Return copies of a component's parameters and buffers; empty where it is no module."""
    if not isinstance(component, nn.Module):
        return {}
    return {name: tensor.detach().clone() for name, tensor in component.state_dict().items()}


def restore_state(component: object, state: Mapping[str, Tensor]) -> None:
    """Give a component the state that `copy_state` returned."""
    if isinstance(component, nn.Module):
        component.load_state_dict(state)


def has_changed(component: object, state: Mapping[str, Tensor]) -> bool:
    """Whether a component's state is no longer this: a running mean, say."""
    return any(not torch.equal(now, state[name]) for name, now in copy_state(component).items())


def require_untrained(component: object) -> None:
    """Raise `Failure` where something that is no network has parameters that wait for a gradient."""
    parameters = component.named_parameters() if isinstance(component, nn.Module) else ()
    names = [name for name, parameter in parameters if parameter.requires_grad]
    if names:
        raise Failure(f"Nobody trains its {', '.join(names)}: make it an option or a buffer, or freeze what is fixed.")


# ----------------------------------------------------------------------------
# Numbers.


def compute_gradients(value: Tensor, tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the gradients of a scalar by tensors, zeros where it does not depend on one.

    Raises:
        Broken: It depends on nothing.
    """
    if not value.requires_grad:
        raise Failure("It has no graph: something cut it off (detach, no_grad, a gradient without create_graph).")
    found = torch.autograd.grad(value, list(tensors), allow_unused=True, materialize_grads=True)
    return [slope.detach() for slope in found]


def flatten(tensors: Iterable[Tensor]) -> Tensor:
    """Return tensors as one vector."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


class NoReadback(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside it, a number that is read back from a tensor raises where that happens: float(), .item(), ``if tensor``.

    Reading one makes the host wait for the device, and in a recorded update it would be the same for ever.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, unless it reads a number."""
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.equal.default):
            raise RuntimeError("a number was read back from a tensor: float(), .item() or a condition on its value")
        return func(*args, **(kwargs or {}))


# ----------------------------------------------------------------------------
# Small networks, smooth so that differences and second derivatives mean something.

DATA = DataInfo(shape=(3, 8, 8))
NUM_SAMPLES = 6
Form = Literal["plain", "column", "patches", "list", "output"]
PROVIDED = {"class-logits", "features", "style", "double-backward"}


def encode_labels(labels: Tensor | None, data: DataInfo, like: Tensor) -> list[Tensor]:
    """Return labels as rows to put beside others: one-hot ``[N, num_classes]``, flat ``[N, L]``, or none at all."""
    if labels is None:
        return []
    if data.num_classes:
        return [nn.functional.one_hot(labels, data.num_classes).to(like.dtype)]
    return [labels.flatten(1).to(like.dtype)]


class SmallDiscriminator(nn.Module):
    """Two layers over flat samples.

    Args:
        data: What it judges.
        form: Of its answer: ``[N]``, ``[N, 1]``, a patch map, a list of two, or a `DiscriminatorOutput` with features
            (and class logits, where there are classes).
        norm: Whether it has BatchNorm.
    """

    def __init__(self, data: DataInfo, form: Form = "plain", norm: bool = False) -> None:
        super().__init__()
        self.data, self.form = data, form
        size = torch.Size(data.shape).numel() + (data.num_classes or torch.Size(data.label_shape or (0,)).numel())
        self.first = nn.Linear(size, 8)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.last = nn.Linear(8, 4)
        self.classes = nn.Linear(8, max(data.num_classes, 1))
        with torch.no_grad():
            self.first.weight.normal_(0, 2 / size**0.5)
            self.last.weight.normal_(0, 2)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        """Return logits of samples ``[N, *shape]``."""
        hidden = torch.tanh(self.norm(self.first(torch.cat([x.flatten(1), *encode_labels(labels, self.data, x)], 1))))
        logits = self.last(hidden)  # [N, 4]
        match self.form:
            case "plain":
                return logits[:, 0]
            case "column":
                return logits[:, :1]
            case "patches":
                return logits.view(-1, 1, 2, 2)
            case "list":
                return [logits[:, :1], logits[:, 1:].view(-1, 1, 1, 3)]
        classes = self.classes(hidden) if self.data.num_classes else None
        return DiscriminatorOutput(logits[:, 0], class_logits=classes, features=[hidden])


class SmallGenerator(nn.Module):
    """A layer from latents to ``style``, and one from there to samples."""

    def __init__(self, data: DataInfo, norm: bool = False, latent_dim: int = 4) -> None:
        super().__init__()
        self.data = data
        codes = data.num_classes or torch.Size(data.label_shape or (0,)).numel()
        self.first = nn.Linear(latent_dim + codes, 8)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.last = nn.Linear(8, torch.Size(data.shape).numel())

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return w ``[N, 8]``."""
        return torch.tanh(self.norm(self.first(torch.cat([z, *encode_labels(labels, self.data, z)], 1))))

    def synthesis(self, w: Tensor) -> Tensor:
        """Return samples ``[N, *shape]``."""
        return torch.tanh(self.last(w)).view(len(w), *self.data.shape)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return samples ``[N, *shape]``."""
        return self.synthesis(self.mapping(z, labels))


def make_small_networks(data: DataInfo, form: Form = "plain", norm_g: bool = False, norm_d: bool = False) -> Networks:
    """Return both, with weights that are always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        networks = SmallGenerator(data, norm_g), SmallDiscriminator(data, form, norm_d)
    return Networks(*networks, latent_dim=4)


def make_part(data: DataInfo, seed: int = 0) -> Part:
    """Return what an update of the small networks is fed: N latents, samples in [-1, 1] and labels."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(NUM_SAMPLES, 4, generator=generator)
    real = torch.rand(NUM_SAMPLES, *data.shape, generator=generator) * 2 - 1
    labels = None
    if data.num_classes:
        labels = torch.randint(data.num_classes, (NUM_SAMPLES,), generator=generator)
    elif data.label_shape:
        labels = torch.rand(NUM_SAMPLES, *data.label_shape, generator=generator) * 2 - 1
    return Part(z, real, labels, 1.0)
