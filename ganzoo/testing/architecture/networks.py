"""Data, networks and inputs for the checks of an architecture."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from ganzoo.compute.streams import draw_latents, seeded
from ganzoo.layers import Frozen
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, extract_samples
from ganzoo.plugin.networks import LATENT
from ganzoo.registry.failures import locate_definition
from ganzoo.testing.checks import Failure, Trial, require

CLASSES = 5
SIZES, CHANNELS = (16, 28, 32, 64), (1, 3)  # tried if a spec accepts any
SHAPES: dict[str, tuple[int, ...]] = {"points": (2,), "tabular": (6,), "audio": (1, 1024), "text": (12, 16)}
ROUNDING = 1e-4  # of the largest value (see `compute_gap`): a change that the order of sums in float32 may cause


# ----------------------------------------------------------------------------
# Data.


def list_small_data(trial: Trial) -> list[DataInfo]:
    """Return the data for costly checks: the smallest of each modality, without labels and with them."""
    return [variant for base in _list_base_data(trial) for variant in _vary_labels(trial, base)]


def find_smallest_data(trial: Trial) -> DataInfo:
    """Return the data for the costliest checks: the smallest of all, with labels if the spec allows them."""
    return min(list_small_data(trial), key=lambda data: (math.prod(data.shape), not data.labelled))


def list_all_data(trial: Trial) -> list[DataInfo]:
    """Return data that together have all that the spec declares.

    Each size of images comes with each channel count, without labels and with them. The smallest images come with all
    combinations; at larger sizes every second one is left out, because most architectures have many sizes.
    """
    found: list[DataInfo] = []
    for base in _list_base_data(trial):
        shapes = _vary_shape(trial, base)
        smallest, channels = min(math.prod(data.shape[1:]) for data in shapes), len({data.shape[0] for data in shapes})
        for number, data in enumerate(shapes):
            variants = _vary_labels(trial, data)
            if channels > 1 and math.prod(data.shape[1:]) > smallest:
                variants = [variants[sum(divmod(number, channels)) % len(variants)]]
            found += variants
    return found


def list_labelled_data(trial: Trial) -> list[DataInfo]:
    """Return the data of `list_small_data` that have labels."""
    return [data for data in list_small_data(trial) if data.labelled]


def _list_base_data(trial: Trial) -> list[DataInfo]:
    """Return the trial's data; if it has none, the spec's examples and the smallest data of the other modalities."""
    if trial.data:
        return list(trial.data)
    missing = [name for name in trial.spec.modalities if name not in {data.modality for data in trial.spec.examples}]
    size, channels = min(trial.spec.sizes or SIZES), max(trial.spec.channels or CHANNELS)
    shapes = {**SHAPES, "image": (channels, size, size)}
    return [*trial.spec.examples, *(DataInfo(shape=shapes[name], modality=name) for name in missing)]


def _vary_labels(trial: Trial, data: DataInfo) -> list[DataInfo]:
    bare = replace(data, num_classes=0, label_shape=())
    full = data if data.labelled else replace(data, num_classes=CLASSES)
    return {"never": [bare], "optional": [bare, full], "always": [full]}[trial.spec.conditional]


def _vary_shape(trial: Trial, data: DataInfo) -> list[DataInfo]:
    example = data in trial.spec.examples
    if (
        trial.data
        or data.modality != "image"
        or (example and (data.labels_are_images or data.shape[1] != data.shape[2]))
    ):
        return [data]  # only the spec knows how a label's size depends on its sample's, and a width on a height
    channels = trial.spec.channels or ((data.shape[0],) if example else CHANNELS)
    sizes = trial.spec.sizes or ((data.shape[1],) if example else SIZES)
    return [replace(data, shape=(channel, size, size)) for size in sizes for channel in channels]


def join_first(names: list[str]) -> str:
    """Return the first three names, and the number of the others, as text."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def describe_data(data: DataInfo) -> str:
    """Return words for data that begin a sentence, such as ``Image [3, 8, 8] with 5 classes``."""
    labels = f" with {data.num_classes} classes" if data.num_classes else ""
    labels = f" with labels {list(data.label_shape)}" if data.label_shape else labels
    return f"{data.modality.capitalize()} {list(data.shape)}{labels}"


# ----------------------------------------------------------------------------
# Networks and their inputs.


def build_networks(trial: Trial, data: DataInfo, seed: int = 0) -> Networks:
    """Build networks for this data, in train mode, with weights drawn from this seed."""
    with seeded(seed):
        networks = trial.build(data)
    require(isinstance(networks, Networks), f"{describe_data(data)}: it returns {type(networks).__name__}.")
    for name in ("generator", "discriminator"):
        found = getattr(networks, name)
        require(
            isinstance(found, nn.Module), f"{describe_data(data)}: its {name} is {type(found).__name__}, not a Module."
        )
    require_latents(networks)
    return Networks(networks.generator.train(), networks.discriminator.train(), networks.latent_dim, networks.latent)


def share_networks(trial: Trial, data: DataInfo, again: bool = False) -> Networks:
    """Return networks that checks share, restored to their state after building; `again`: of a second, equal build."""

    def make() -> tuple[Networks, Snapshot]:
        networks = build_networks(trial, data)
        return networks, Snapshot(networks.generator, networks.discriminator)

    networks, snapshot = trial.keep(("standing", repr(data), again), make)
    snapshot.restore()
    return networks  # type: ignore[no-any-return]


class Snapshot:
    """A copy of the state of modules, which it can restore: parameters, buffers, modes and ``requires_grad``.

    Args:
        modules: The modules whose state is copied.
        loose: Further tensors to copy and restore, such as those of an optimizer.
    """

    def __init__(self, *modules: nn.Module, loose: Iterable[Tensor] = ()) -> None:
        self.loose = [(tensor, tensor.detach().clone()) for tensor in loose]
        self.modules = [
            (each, each.training, [*_copy_tensors(each._parameters), *_copy_tensors(each._buffers)])
            for module in modules
            for each in _list_modules(module)
        ]

    @torch.no_grad()
    def restore(self) -> None:
        """Restore the state of all modules and tensors."""
        for tensor, value in self.loose:
            tensor.copy_(value)
        for module, training, noted in self.modules:
            module.training = training
            for registry, name, tensor, value, learns in noted:
                registry[name] = tensor
                if (tensor.dtype, tensor.device, tensor.stride()) == (value.dtype, value.device, value.stride()):
                    tensor.copy_(value)
                else:  # it was moved to another dtype or layout
                    tensor.data = value.clone()
                if tensor.is_leaf:
                    tensor.requires_grad_(learns)


def _list_modules(module: nn.Module) -> Iterator[nn.Module]:
    """Yield a module and all modules in it, also those of frozen networks, which torch does not list."""
    for each in module.modules():
        yield each
        if isinstance(each, Frozen):
            yield from _list_modules(each.network)


def _copy_tensors(registered: dict[str, Any]) -> list[tuple[dict[str, Any], str, Tensor, Tensor, bool]]:
    return [
        (registered, name, tensor, tensor.detach().clone(), tensor.requires_grad)
        for name, tensor in registered.items()
        if tensor is not None and not isinstance(tensor, UninitializedBuffer | UninitializedParameter)
    ]


def require_latents(networks: Networks) -> None:
    """Raise `Failure` unless ``latent`` and ``latent_dim`` name latents that can be drawn."""
    dim, latent = networks.latent_dim, str(networks.latent)
    require(type(dim) is int and dim >= 0, f"Its latent_dim is {dim!r}, not a whole number.")
    require(re.fullmatch(LATENT, latent), f"Its latent is {networks.latent!r}, not normal, uniform or normal+onehotK.")
    fits = int(latent.partition("onehot")[2] or 0) <= dim
    require(fits, f"Its latent is {networks.latent!r}, but a z has only {dim} entries.")


def make_latents(networks: Networks, num: int, seed: int = 0) -> Tensor:
    """Return `num` random latents ``[num, latent_dim]``."""
    return draw_latents(networks.latent, torch.Generator().manual_seed(seed), num, networks.latent_dim)


def make_labels(data: DataInfo, num: int, shift: int = 0) -> Tensor | None:
    """Return labels for `num` samples, or None; another `shift` gives every sample another label."""
    if data.label_shape:
        return torch.randn(num, *data.label_shape, generator=torch.Generator().manual_seed(shift))
    return (torch.arange(num) + shift) % data.num_classes if data.num_classes else None


def list_labels(data: DataInfo) -> Tensor:
    """Return every class; of more than 128 classes the first, the last and some between; 8 labels that are arrays."""
    num = data.num_classes
    if num > 128:  # likely mistakes: c // 2, c clamped to less than the last, c % 100
        return torch.cat([torch.arange(32), torch.linspace(32, num - 33, 64).long(), torch.arange(num - 32, num)])
    if num:
        return torch.arange(num)
    found = make_labels(data, 8)
    assert found is not None
    return found


@torch.no_grad()
def perturb(network: nn.Module) -> nn.Module:
    """Change every parameter of a network a little, so that nothing is equal only because it starts equal."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        scale = 0.1 * parameter.abs().mean() + 1e-3
        parameter.add_(torch.randn(parameter.shape, generator=generator).to(parameter.dtype) * scale)
    return network


def make_samples(data: DataInfo, num: int, seed: int = 0) -> Tensor:
    """Return random samples ``[num, *shape]`` in place of real ones."""
    generator = torch.Generator().manual_seed(seed)
    if data.modality == "image":
        return torch.rand(num, *data.shape, generator=generator) * 2 - 1
    noise = torch.randn(num, *data.shape, generator=generator)
    return torch.zeros_like(noise).scatter_(1, noise.argmax(1, keepdim=True), 1) if data.modality == "text" else noise


@torch.no_grad()
def generate(network: nn.Module, z: Tensor, labels: Tensor | None, seed: int = 0, **more: Any) -> Tensor:
    """Return a generator's samples; the random numbers that it draws come from this seed."""
    with seeded(seed):
        found = extract_samples(network(z, labels, **more))
    if not isinstance(found, Tensor):
        raise Failure(f"Its generator returns {type(found).__name__}, not a tensor{locate_forward(network)}.")
    return found


def discriminate(network: nn.Module, x: Tensor, labels: Tensor | None, seed: int = 0) -> DiscriminatorOutput:
    """Return a discriminator's output with its logits as a list; the random numbers it draws come from this seed."""
    with seeded(seed):
        answer = network(x, labels)
    answer = answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)
    found: Any = [answer.logits] if isinstance(answer.logits, Tensor) else answer.logits
    tensors = isinstance(found, (list, tuple)) and all(isinstance(one, Tensor) for one in found)
    if not (tensors and found):
        raise Failure(f"Its discriminator returns {type(found).__name__}, not logits{locate_forward(network)}.")
    return replace(answer, logits=list(found))


def locate_forward(network: nn.Module) -> str:
    """Return where a network's forward is written, to follow what it did wrong: `` (file:line)``."""
    line = locate_definition(type(network).forward)
    return f" ({line})" if line else ""


def flatten_logits(output: DiscriminatorOutput) -> Tensor:
    """Return all logits of a discriminator's output as one tensor ``[N, P]``."""
    return torch.cat([logits.flatten(1) if logits.dim() > 1 else logits[:, None] for logits in output.logits], 1)


def compute_gap(a: Tensor, b: Tensor) -> float:
    """Return the largest difference of two tensors relative to the largest value of `a`; infinite if shapes differ."""
    if a.shape != b.shape:
        return math.inf
    a, b = a.detach().double(), b.detach().double()
    return float((a - b).abs().max() / a.abs().max().clamp(min=1e-12)) if a.numel() else 0.0


def name_tensors(networks: Networks) -> dict[str, Tensor]:
    """Return the parameters and buffers of both networks by name, ``generator.NAME`` and ``discriminator.NAME``."""
    parts = {"generator": networks.generator, "discriminator": networks.discriminator}
    return {
        f"{part}.{name}": tensor
        for part, network in parts.items()
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]
    }


def list_live(found: Mapping[str, Tensor | None]) -> set[str]:
    """Return the names of the gradients that exist and are not all zeros."""
    return {name for name, gradient in found.items() if gradient is not None and gradient.any()}
