"""Assembling a GAN: builds every component of a recipe, checks its contract, and moves it to the device."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.compute.device import move_to_device
from ganzoo.compute.digest import hash_network
from ganzoo.compute.streams import derive_seed, seeded
from ganzoo.engine.distributed import ALONE, World
from ganzoo.engine.gan import Gan
from ganzoo.engine.strength import AdaptiveStrength
from ganzoo.errors import GanzooError
from ganzoo.layers import Frozen
from ganzoo.package.plan import prepare_networks
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Networks, extract_samples
from ganzoo.plugin.networks import LATENT
from ganzoo.plugin.options import list_options
from ganzoo.plugin.schedule import Schedule
from ganzoo.recipe.check import hide_unused_labels
from ganzoo.recipe.check_training import list_strengths
from ganzoo.recipe.recipe import Choice, ResolvedRecipe
from ganzoo.registry.calling import METHODS, require_callable
from ganzoo.registry.failures import describe_error

# A regularizer has at least one of these methods; one that only reports would do nothing.
REGULARIZER = [name.rstrip("?") for name in METHODS["regularizer"] if name != "report?"]


def assemble(recipe: ResolvedRecipe, data: DataInfo, device: torch.device, world: World = ALONE) -> Gan:
    """Build all components that a recipe names, on the device.

    First weights depend on ``train.seed`` alone: they are drawn on the CPU, so that they are the same on every device.

    Args:
        recipe: The recipe, without ``auto``.
        data: The data that the components are built for.
        device: The device of the training.
        world: The processes that train the GAN together; by default this one alone.

    Raises:
        GanzooError: A component could not be built; the message names it and its plugin.
    """
    schedules: list[tuple[Tensor, Schedule]] = []
    data = hide_unused_labels(data, recipe.train)
    with seeded(derive_seed(recipe.train.seed, "weights")):
        networks = _build(recipe.arch, data, device, schedules)
        if not isinstance(networks, Networks):
            raise GanzooError(f"arch {recipe.arch.name!r} built {type(networks).__name__}, not ganzoo.plugin.Networks")
        loss = _build(recipe.loss, data, device, schedules)
        strengths: list[Tensor] | None = [] if recipe.train.auto_gamma else None
        regularizers = {choice.name: _build(choice, data, device, schedules, strengths) for choice in recipe.reg}
        augmentations = {choice.name: _build(choice, data, device, schedules) for choice in recipe.aug}
        for name, regularizer in regularizers.items():
            if not any(hasattr(regularizer, method) for method in REGULARIZER):
                raise GanzooError(f"regularizer {name!r} has none of {', '.join(REGULARIZER)}: it would do nothing")
        changing = prepare_networks(networks, regularizers)
    for regularizer in regularizers.values():
        if isinstance(regularizer, nn.Module):
            regularizer.to(device)  # with what `prepare` added
    if recipe.train.sync_batchnorm and world.size > 1:
        convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
        networks = replace(
            networks, generator=convert(networks.generator), discriminator=convert(networks.discriminator)
        )
    networks = replace(
        networks,
        generator=move_to_device(networks.generator, device, recipe.train.precision),
        discriminator=move_to_device(networks.discriminator, device, recipe.train.precision),
    )
    check_networks(recipe.arch, networks, data, device, min(recipe.train.batch, recipe.train.micro_batch or 1 << 30))
    weight = _on_device(recipe.train.adversarial_weight, device, schedules)
    top_k = _on_device(recipe.train.g_top_k, device, schedules)
    parts = {"generator": networks.generator, "discriminator": networks.discriminator}
    frozen = find_frozen(parts | {f"reg.{name}": each for name, each in regularizers.items()})
    recipe = replace(recipe, frozen=frozen, changes_d=changing)
    strength = AdaptiveStrength(strengths, device) if strengths else None
    return Gan(
        recipe, data, networks, loss, regularizers, augmentations, schedules, device, world, weight, top_k, strength
    )


def find_frozen(parts: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Return the name and the SHA-256 of each network that is used and not trained, by its path in the parts.

    Args:
        parts: Networks and terms by name. They are searched if they are modules; else their attributes are.
    """
    found = {}
    for name, part in parts.items():
        modules = {"": part} if isinstance(part, nn.Module) else getattr(part, "__dict__", {})
        for prefix, module in modules.items():
            for path, each in module.named_modules(prefix=prefix) if isinstance(module, nn.Module) else ():
                if isinstance(each, Frozen):
                    found[f"{name}.{path}"] = {"name": each.name, "sha256": hash_network(each.network)}
    return found


@torch.no_grad()
def check_networks(arch: Choice, networks: Networks, data: DataInfo, device: torch.device, batch: int = 2) -> None:
    """Check an architecture's contract with one forward of two samples. The networks are in train mode afterwards.

    A discriminator that couples samples (``batch-coupled-d``) gets a whole batch.

    Args:
        arch: The architecture that built the networks.
        networks: The architecture's networks, on the device.
        data: The data that the networks were built for.
        device: The device of the networks.
        batch: The number of samples that D gets at a time in an update.

    Raises:
        GanzooError: A forward failed, samples do not have the data's shape, the logits' first dimension is not N, or
            logits and their weights differ in number.
    """
    title = f"arch {arch.name!r} of plugin {arch.component.plugin.name!r}"
    if not re.fullmatch(LATENT, networks.latent):
        raise GanzooError(f"{title}: latent {networks.latent!r} is not one of 'normal', 'uniform', 'normal+onehotK'")
    generator, discriminator = networks.generator.eval(), networks.discriminator.eval()
    if shared := set(generator.parameters()) & set(discriminator.parameters()):
        raise GanzooError(
            f"{title}: its networks share parameters ({len(shared)}): give each network its own, since one is frozen "
            "while the other learns"
        )
    packed = "batch-coupled-d" in arch.provides
    num = batch if packed else 2
    z, labels = torch.zeros(num, networks.latent_dim, device=device), None
    if data.labelled:
        labels = torch.zeros(
            num, *data.label_shape, dtype=torch.float32 if data.label_shape else torch.int64, device=device
        )
    with seeded(0, device):
        samples = extract_samples(_run_forward(title, generator, z, labels))
        if not isinstance(samples, Tensor) or tuple(samples.shape) != (num, *data.shape):
            wanted = [num, *data.shape]
            form = _describe_form(samples)
            raise GanzooError(f"{title}: its generator returned {form} for {num} latents, not {wanted}")
        answer = _run_forward(title, discriminator, samples, labels)
    output = answer if isinstance(answer, DiscriminatorOutput) else DiscriminatorOutput(answer)
    members = output.logits if isinstance(output.logits, (list, tuple)) and output.logits else [output.logits]
    for logits in members:
        fits = isinstance(logits, Tensor) and logits.dim() and len(logits)
        if not fits or (num % len(logits) if packed else len(logits) != num):
            answers = f"[{num} / k, ...]" if packed else f"[{num}, ...]"
            raise GanzooError(
                f"{title}: its discriminator returned {_describe_form(logits)} for {num} samples, not {answers}"
            )
    if output.weights is not None and len(output.weights) != len(members):
        raise GanzooError(
            f"{title}: its discriminator returned {len(output.weights)} weights for {len(members)} tensors of logits, "
            "not one for each"
        )
    generator.train()
    discriminator.train()


def _describe_form(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _run_forward(title: str, network: nn.Module, *args: Tensor | None) -> Any:
    try:
        require_callable(network.forward, "forward", "samples", "labels")
        return network(*args)
    except GanzooError:
        raise
    except Exception as error:
        raise GanzooError(f"{title} failed in its first forward: {describe_error(error)}") from error


def _build(
    choice: Choice,
    data: DataInfo,
    device: torch.device,
    schedules: list[tuple[Tensor, Schedule]],
    strengths: list[Tensor] | None = None,
) -> Any:
    """Build a component on the device. Its scheduled options become tensors, which are added to `schedules`.

    If there is a list of `strengths`, options that are strengths become tensors too and are added to both.
    """
    values = {name: getattr(choice.options, name) for name in list_options(type(choice.options))}
    adapted = [] if strengths is None else list_strengths(choice)
    plain = [name for name in adapted if isinstance(values[name], float)]
    values |= {name: Schedule("constant", values[name], values[name], 1) for name in plain}
    values = {name: _on_device(value, device, schedules) for name, value in values.items()}
    if strengths is not None:
        strengths += [values[name] for name in adapted]
    part = choice.component.build(replace(choice.options, **values), data)
    return part.to(device) if isinstance(part, nn.Module) else part


def _on_device(value: Any, device: torch.device, schedules: list[tuple[Tensor, Schedule]]) -> Any:
    """Return an option's value, with every schedule replaced by a tensor."""
    if isinstance(value, tuple):
        return tuple(_on_device(each, device, schedules) for each in value)
    if not isinstance(value, Schedule):
        return value
    tensor = torch.tensor(value.at(0), dtype=torch.float32, device=device)
    schedules.append((tensor, value))
    return tensor
