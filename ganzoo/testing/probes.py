"""Tools for checks of several kinds: options to try, state, gradients, and small networks with their inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.engine.batches import Part
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, DiscriminatorOutput, GeneratorOutput, Networks
from ganzoo.plugin.options import Option, evaluate_schedules, list_options
from ganzoo.testing.checks import Failure, Trial

# ----------------------------------------------------------------------------
# Options.


class Setup(NamedTuple):
    """Options to try a component with."""

    suffix: str  # the difference from the trial's options, such as " with mode=fd"; empty for the trial's options
    options: Any


def list_setups(trial: Trial) -> Iterator[Setup]:
    """Yield the trial's options, then all options that differ from them in one choice (a `Literal` or a bool)."""
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
    """Yield, for each schedulable option of numbers, how it is refilled with other numbers.

    Yields:
        The option's name; the options with tensors in place of its numbers; these tensors, each with the number to
        refill it with; and the options with the new numbers as floats.
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
    """Return whether a component accepts these options; it may refuse a combination with a UsageError."""
    try:
        trial.build_with(options)
    except UsageError:
        return False
    return True


def _pick_other_number(option: Option, value: Any, number: float) -> float:
    """Return a number that the option accepts and that differs from `number`."""
    for other in (number / 2, number + 0.5, number - 0.5, 0.25, 0.75):
        try:
            option.read((other,) * len(value) if isinstance(value, tuple) else other)
        except ValueError:
            continue
        if other != number:
            return other
    return number


# ----------------------------------------------------------------------------
# State: the buffers of an `nn.Module`. A component's own forward may change nothing else.


def copy_state(component: object) -> dict[str, Tensor]:
    """Return copies of a component's buffers, without parameters; empty if it is not a module."""
    if not isinstance(component, nn.Module):
        return {}
    parameters = dict(component.named_parameters())
    return {name: each.detach().clone() for name, each in component.state_dict().items() if name not in parameters}


def restore_state(component: object, state: Mapping[str, Tensor]) -> None:
    """Load a state of `copy_state` into a component."""
    if isinstance(component, nn.Module):
        component.load_state_dict(state, strict=False)


def has_changed(component: object, state: Mapping[str, Tensor]) -> bool:
    """Return whether a component's state differs from `state`, as a running mean does after an update."""
    return any(not torch.equal(now, state[name]) for name, now in copy_state(component).items())


def require_untrained(component: object) -> None:
    """Raise `Failure` if a component that is not a network has trainable parameters."""
    parameters = component.named_parameters() if isinstance(component, nn.Module) else ()
    names = [name for name, parameter in parameters if parameter.requires_grad]
    if names:
        raise Failure(f"Nothing trains its {', '.join(names)}: make it an option or a buffer, or freeze it.")


def require_scalars(reported: Any, taken: Iterable[str] = ()) -> None:
    """Raise `Failure` unless `report` of a component returned finite 0-dim tensors by name.

    Args:
        reported: The value that `report` returned.
        taken: Names that are not allowed, because the engine measures something else under them.
    """
    if not isinstance(reported, Mapping):
        raise Failure(f"It returned {type(reported).__name__}, not a mapping.")
    for key, value in reported.items():
        if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z][\w-]*", key) or key in taken:
            raise Failure(f"It reports {key!r}: choose another name of letters, digits, - and _.")
        if not isinstance(value, Tensor) or value.dim():
            form = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise Failure(f"{key!r} is {form}, not a 0-dim tensor.")
        if not value.isfinite():
            raise Failure(f"{key!r} is {value.item()}.")


# ----------------------------------------------------------------------------
# Numbers.


def compute_gradients(value: Tensor, tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the gradients of a scalar by tensors; zeros for a tensor that it does not depend on.

    Raises:
        Failure: The scalar has no graph.
    """
    if not value.requires_grad:
        raise Failure("It has no graph: look for detach, no_grad, or a gradient without create_graph.")
    found = torch.autograd.grad(value, list(tensors), allow_unused=True, materialize_grads=True)
    return [slope.detach() for slope in found]


def flatten(tensors: Iterable[Tensor]) -> Tensor:
    """Return the numbers of all tensors as one vector."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


class NoReadback(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context in which reading a number back from a tensor raises: float(), .item(), ``if tensor``.

    Such a read makes the host wait for the device, and a recorded update would repeat the same number.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation; raise RuntimeError if it reads a number."""
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.equal.default):
            raise RuntimeError("a number was read back from a tensor: float(), .item() or a condition on its value")
        return func(*args, **(kwargs or {}))


# ----------------------------------------------------------------------------
# Small networks. They are smooth, so that finite differences and second derivatives are exact enough.

DATA = DataInfo(shape=(3, 8, 8))
NUM_SAMPLES = 6
Form = Literal["plain", "column", "patches", "list", "output"]
PROVIDED = {"class-logits", "features", "embedding", "style", "intermediates", "average", "double-backward"}


def encode_labels(labels: Tensor | None, data: DataInfo, like: Tensor) -> list[Tensor]:
    """Return a list with the labels as rows, one-hot ``[N, num_classes]`` or flat ``[N, L]``; empty without labels."""
    if labels is None:
        return []
    if data.num_classes:
        return [nn.functional.one_hot(labels, data.num_classes).to(like.dtype)]
    return [labels.flatten(1).to(like.dtype)]


class SmallDiscriminator(nn.Module):
    """A discriminator of two layers over flat samples.

    Args:
        data: The data of its samples and labels.
        form: The form of its output. ``plain``: ``[N]``; ``column``: ``[N, 1]``; ``patches``: a patch map; ``list``: a
            list of two; ``output``: a `DiscriminatorOutput` with features, an embedding and class logits (if there are
            classes).
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
        return DiscriminatorOutput(logits[:, 0], class_logits=classes, features=[hidden], embedding=hidden)


class SmallGenerator(nn.Module):
    """A generator of two layers: from latents to ``style``, and from there to samples.

    Args:
        data: The data of its samples and labels.
        norm: Whether it has BatchNorm.
        stages: Whether it returns a `GeneratorOutput` with a sample of an earlier stage; an image has half the size.
    """

    def __init__(self, data: DataInfo, norm: bool = False, stages: bool = False) -> None:
        super().__init__()
        self.data, self.stages = data, stages
        codes = data.num_classes or torch.Size(data.label_shape or (0,)).numel()
        self.first = nn.Linear(count_latents(data) + codes, 8)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.last = nn.Linear(8, torch.Size(data.shape).numel())

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the style vectors w ``[N, 8]`` of latents."""
        return torch.tanh(self.norm(self.first(torch.cat([z, *encode_labels(labels, self.data, z)], 1))))

    def synthesis(self, w: Tensor) -> Tensor:
        """Return the samples ``[N, *shape]`` of style vectors."""
        return torch.tanh(self.last(w)).view(len(w), *self.data.shape)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor | GeneratorOutput:
        """Return the samples ``[N, *shape]`` of latents."""
        w = self.mapping(z, labels)
        samples = self.synthesis(w)
        if not self.stages:
            return samples
        stage = self.synthesis(w / 2)
        return GeneratorOutput(samples, {}, (nn.functional.avg_pool2d(stage, 2) if stage.dim() == 4 else stage,))


def make_small_networks(
    data: DataInfo, form: Form = "plain", norm_g: bool = False, norm_d: bool = False, stages: bool = False
) -> Networks:
    """Return a small generator and discriminator, whose weights are always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        networks = SmallGenerator(data, norm_g, stages), SmallDiscriminator(data, form, norm_d)
    return Networks(*networks, latent_dim=count_latents(data))


def count_latents(data: DataInfo) -> int:
    """Return the number of the small generator's latents, that of a sample's numbers: some terms compare both."""
    return torch.Size(data.shape).numel()


def make_part(data: DataInfo, seed: int = 0) -> Part:
    """Return the input of an update of the small networks: N latents, samples in [-1, 1] and labels."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(NUM_SAMPLES, count_latents(data), generator=generator)
    real = torch.rand(NUM_SAMPLES, *data.shape, generator=generator) * 2 - 1
    labels = None
    if data.num_classes:
        labels = torch.randint(data.num_classes, (NUM_SAMPLES,), generator=generator)
    elif data.label_shape:
        labels = torch.rand(NUM_SAMPLES, *data.label_shape, generator=generator) * 2 - 1
    return Part(z, real, labels, 1.0)
