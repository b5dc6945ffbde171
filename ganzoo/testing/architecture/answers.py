"""Checks of architectures: the networks that they build, and the outputs of these."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from ganzoo.plugin import DataInfo, Networks, extract_samples
from ganzoo.registry.calling import require_callable
from ganzoo.registry.failures import describe_error
from ganzoo.testing.architecture.bare import build_bare, describe_bare, describe_tensors
from ganzoo.testing.architecture.networks import (
    build_networks,
    compute_gap,
    describe_data,
    discriminate,
    find_smallest_data,
    flatten_logits,
    generate,
    join_first,
    list_all_data,
    list_small_data,
    locate_forward,
    make_labels,
    make_latents,
    make_samples,
    name_tensors,
    share_networks,
)
from ganzoo.testing.checks import Failure, Skip, Trial, fatal_failures, require

USUAL_BATCHES = (64, 32, 16, 128)  # batch sizes that authors write into networks by mistake
MAX_PARAMETERS = 10_000_000  # parameters of both networks; larger ones get no real forward pass
MAX_NUMBERS = 2**18  # numbers of a sample, such as 3 x 256 x 256; larger ones get no real forward pass


def returns_networks(trial: Trial) -> None:
    """The factory returns `ganzoo.plugin.Networks`: a generator, a discriminator and their latents."""
    with fatal_failures():
        for data in trial.spec.examples:
            known = data.modality in trial.spec.modalities
            require(known, f"An example is {data.modality}, but the spec says modalities={trial.spec.modalities}.")
        for data in list_small_data(trial):
            networks = share_networks(trial, data)
            for name, given in (("generator", "z"), ("discriminator", "x")):
                require_callable(getattr(networks, name).forward, f"the {name}'s forward", given, "labels")
            theirs = set(map(id, networks.discriminator.parameters()))
            shared = [name for name, parameter in networks.generator.named_parameters() if id(parameter) in theirs]
            words = f"{describe_data(data)}: the discriminator has {join_first(shared)} of the generator too"
            require(not shared, f"{words}: while one of them learns, the other is frozen.")


def forward_and_backward(trial: Trial) -> None:
    """G turns latents into samples, D gives them logits, and a gradient flows from the logits back to both."""
    for data in list_small_data(trial):
        with fatal_failures():
            networks = share_networks(trial, data)
            _check_forward(networks, data)
            _check_backward(networks, data)


def every_declared_size(trial: Trial) -> None:
    """The networks can be built for every size, channel count and modality; without labels, for the smallest sizes."""
    every = list_all_data(trial)
    chosen = [*_list_smallest(trial), *([data for data in every if data.labelled] or every)]
    for data in {describe_data(data): data for data in chosen}.values():
        networks = build_bare(trial, data)
        _require_shapes(networks, data)
        describe_bare(trial, data, networks)
        _require_answers(networks, data, 2, torch.device("meta"))


def smallest_and_largest(trial: Trial) -> None:
    """For the smallest and the largest data, tensors and outputs have the same shapes as on the `meta` device."""
    chosen = {describe_data(data): data for data in [*_list_smallest(trial), *_find_largest(trial)]}
    for data in chosen.values():
        networks = share_networks(trial, data)
        bare, wanted = describe_bare(trial, data), describe_tensors(networks)
        other = [name for name in bare.keys() | wanted.keys() if bare.get(name) != wanted.get(name)]
        words = f"{describe_data(data)}: on meta, these have another shape or dtype: {join_first(sorted(other))}"
        require(not other, f"{words}.")
        networks.generator.eval()
        networks.discriminator.eval()
        _require_answers(networks, data, 1 if math.prod(data.shape) > 2**16 else 2)


def any_batch(trial: Trial) -> None:
    """Samples and logits have N rows for every batch size N. In eval mode N = 1 works too."""
    many = (
        (4, 8) if "batch-coupled-d" in trial.provides else (5, 8)
    )  # such a D may need even batches; 2 was tried above
    for data in list_small_data(trial):
        networks = share_networks(trial, data)
        for num in many:
            _require_answers(networks, data, num)
        networks.generator.eval()
        networks.discriminator.eval()
        _require_answers(networks, data, 1)


def finite_from_the_start(trial: Trial) -> None:
    """Weights, samples and logits of new networks are finite."""
    for data in list_small_data(trial):
        networks, chosen = share_networks(trial, data), make_labels(data, 4)
        for name, tensor in name_tensors(networks).items():
            _require_finite(data, name, tensor)
        made = generate(networks.generator, make_latents(networks, 4), chosen)
        _require_finite(data, "its samples", made)
        for x, name in ((made, "its logits of its samples"), (make_samples(data, 4), "its logits of real samples")):
            _require_finite(data, name, flatten_logits(discriminate(networks.discriminator, x, chosen)))


def samples_in_range(trial: Trial) -> None:
    """Images are in [-1, 1]. They are not in [0, 1], as after a sigmoid, and they are not bytes."""
    images = [data for data in list_small_data(trial) if data.modality == "image"]
    if not images:
        raise Skip("it makes no images")
    for data in images:
        networks = share_networks(trial, data)
        made = generate(networks.generator, make_latents(networks, 16), make_labels(data, 16))
        low, high = (float(value) for value in made.float().aminmax())
        words = f"{describe_data(data)}: the samples of a new generator are from {low:.3g} to {high:.3g}"
        words += locate_forward(networks.generator)
        require(low < 0 or high == low, f"{words}: end in tanh, or without an activation.")
        require(max(-low, high) < 100, f"{words}: images are from -1 (black) to 1 (white).")


def same_seed_same_weights(trial: Trial) -> None:
    """Weights come from torch's default generator: one seed gives the same weights, another seed others."""
    for data in list_small_data(trial):
        one, two = name_tensors(share_networks(trial, data)), name_tensors(share_networks(trial, data, again=True))
        require(one.keys() == two.keys(), f"{describe_data(data)}: two builds have different parameters.")
        changed = [name for name in one if not torch.equal(one[name], two[name])]
        require(not changed, f"{describe_data(data)}: with the same seed, {join_first(changed)} differ.")
    data = find_smallest_data(trial)
    one, other = name_tensors(share_networks(trial, data)), name_tensors(build_networks(trial, data, seed=1))
    for part in ("generator", "discriminator"):
        named = [name for name in one if name.startswith(part)]
        kept = named and all(torch.equal(one[name], other[name]) for name in named)
        require(not kept, f"{describe_data(data)}: with another seed, all weights of the {part} are the same.")


def same_seed_same_answers(trial: Trial) -> None:
    """Outputs depend on the inputs, the state and torch's default generator alone."""
    for data in list_small_data(trial):
        networks, chosen = share_networks(trial, data), make_labels(data, 4)
        z, x = make_latents(networks, 4), make_samples(data, 4)
        networks.generator.eval()
        networks.discriminator.eval()
        off = compute_gap(*(generate(networks.generator, z, chosen) for _ in range(2)))
        require(off == 0, f"{describe_data(data)}: the same latents give samples that differ by {off:.2g}.")
        off = compute_gap(*(flatten_logits(discriminate(networks.discriminator, x, chosen)) for _ in range(2)))
        require(off == 0, f"{describe_data(data)}: the same samples give logits that differ by {off:.2g}.")


def same_keys_in_every_build(trial: Trial) -> None:
    """Parameters and buffers have the same names in every build, because models are stored by these names."""
    for data in list_small_data(trial):
        one, two = share_networks(trial, data), share_networks(trial, data, again=True)
        for part in ("generator", "discriminator"):
            keys, others = (list(getattr(each, part).state_dict()) for each in (one, two))
            new = [name for name in others if name not in keys]
            require(not new, f"{describe_data(data)}: the second {part} has {join_first(new)}, and the first does not.")
            require(keys == others, f"{describe_data(data)}: the second {part} has its names in another order.")
        _require_answers(one, data, 2)
        for part in ("generator", "discriminator"):
            keys, others = (list(getattr(each, part).state_dict()) for each in (two, one))
            require(keys == others, f"{describe_data(data)}: the first forward pass changes the {part}'s names.")


def modes_unchanged(trial: Trial) -> None:
    """A forward pass leaves every module in its mode: only the engine calls `train()` and `eval()`."""
    for data in list_small_data(trial):
        networks = share_networks(trial, data)
        parts = {"generator": networks.generator, "discriminator": networks.discriminator}
        for name, network in parts.items():
            before = _read_modes(network)
            in_training = [key or "itself" for key, on in _read_modes(network.eval()).items() if on]
            require(
                not in_training,
                f"{describe_data(data)}: after eval(), the {name} has in train mode: {join_first(in_training)}.",
            )
            require(
                _read_modes(network.train()) == before,
                f"{describe_data(data)}: train() does not put the whole {name} into train mode.",
            )
        for training in (True, False):
            modes = {name: _read_modes(network.train(training)) for name, network in parts.items()}
            _require_answers(networks, data, 2)
            for name, network in parts.items():
                moved = [key or "itself" for key, on in _read_modes(network).items() if on != modes[name][key]]
                require(
                    not moved,
                    f"{describe_data(data)}: a forward pass of the {name} changes the mode of: {join_first(moved)}.",
                )


# ----------------------------------------------------------------------------
# Helpers.


def _check_forward(networks: Networks, data: DataInfo) -> None:
    """Check a forward pass of 2 samples; if it fails and one of a usual batch size works, say so in the failure."""
    try:
        _require_answers(networks, data, 2)
    except Exception as error:
        num = next((num for num in USUAL_BATCHES if _can_answer(networks, data, num)), 0)
        if not num:
            raise
        words = (
            f"{describe_data(data)}: a batch of {num} samples works, and one of 2 does not ({describe_error(error)})"
        )
        raise Failure(f"{words}: a batch may have any size.") from error


def _can_answer(networks: Networks, data: DataInfo, num: int) -> bool:
    """Return whether the networks' outputs for `num` samples are right."""
    try:
        _require_answers(networks, data, num)
    except Exception:
        return False
    return True


def _check_backward(networks: Networks, data: DataInfo) -> None:
    """Check that gradients flow from the logits to the samples, and from the samples to the generator."""
    chosen = make_labels(data, 2)
    made = extract_samples(networks.generator(make_latents(networks, 2), chosen))
    learns = any(parameter.requires_grad for parameter in networks.generator.parameters())
    words = "its samples carry no gradient to the generator: look in it for detach, or for code outside torch"
    require(made.requires_grad or not learns, f"{describe_data(data)}: {words}{locate_forward(networks.generator)}.")
    given = made.detach().requires_grad_()
    total = flatten_logits(discriminate(networks.discriminator, given, chosen)).sum()
    words = "look in the discriminator for detach, or for code outside torch" + locate_forward(networks.discriminator)
    require(total.requires_grad, f"{describe_data(data)}: its logits carry no gradient: {words}.")
    (gradient,) = torch.autograd.grad(total, given, allow_unused=True)
    require(
        gradient is not None,
        f"{describe_data(data)}: its logits carry no gradient to the samples, and so to G: {words}.",
    )


def _list_smallest(trial: Trial) -> list[DataInfo]:
    """Return the smallest data of each modality, with every channel count, without labels and with them."""
    least = {data.modality: math.prod(data.shape[1:]) for data in reversed(list_small_data(trial))}
    return [data for data in list_all_data(trial) if math.prod(data.shape[1:]) <= least[data.modality]]


def _find_largest(trial: Trial) -> list[DataInfo]:
    """Return a list of the largest data that are small enough for a real forward pass; empty if none are."""
    found = [data for data in list_all_data(trial) if math.prod(data.shape) <= MAX_NUMBERS]
    for data in sorted(found, key=lambda data: math.prod(data.shape), reverse=True):
        if sum(math.prod(info.shape) for info in describe_bare(trial, data).values()) < MAX_PARAMETERS:
            return [data]
    return []


def _require_shapes(networks: Networks, data: DataInfo) -> None:
    for name, tensor in name_tensors(networks).items():
        known = not isinstance(tensor, UninitializedParameter)
        require(
            known,
            f"{describe_data(data)}: {name} has no shape before the first forward pass: lazy modules cannot be loaded.",
        )


@torch.no_grad()
def _require_answers(networks: Networks, data: DataInfo, num: int, device: torch.device | None = None) -> None:
    z, chosen = make_latents(networks, num).to(device), make_labels(data, num)
    chosen = None if chosen is None else chosen.to(device)
    made = generate(networks.generator, z, chosen)
    wanted = [num, *data.shape]
    if list(made.shape) != wanted:
        words = f"{describe_data(data)}: from {num} latents it makes {list(made.shape)}, not {wanted}"
        raise Failure(f"{words}{locate_forward(networks.generator)}.")
    for part in discriminate(networks.discriminator, made, chosen).logits:
        if part.dim() == 0 or len(part) != num:
            words = f"{describe_data(data)}: for a batch of {num} the logits are {list(part.shape)}, not [{num}, ...]"
            raise Failure(f"{words}{locate_forward(networks.discriminator)}.")


def _require_finite(data: DataInfo, name: str, tensor: Tensor) -> None:
    wrong = int((~tensor.isfinite()).sum()) if tensor.is_floating_point() else 0
    require(not wrong, f"{describe_data(data)}: {wrong} of {tensor.numel()} numbers of {name} are not finite.")


def _read_modes(network: nn.Module) -> dict[str, bool]:
    return {name: module.training for name, module in network.named_modules()}
