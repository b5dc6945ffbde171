"""Checks of architectures: networks run on any device, in any memory layout, recorded and compiled."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping, MutableMapping
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from importlib import import_module
from io import StringIO
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from torch.utils.weak import WeakTensorKeyDictionary

from ganzoo.compute.device import read_precision_flag
from ganzoo.compute.streams import seeded
from ganzoo.engine import execution
from ganzoo.plugin import DataInfo, Networks, extract_samples
from ganzoo.testing.architecture.networks import (
    ROUNDING,
    Snapshot,
    build_networks,
    compute_gap,
    describe_data,
    discriminate,
    find_smallest_data,
    flatten_logits,
    generate,
    list_small_data,
    make_labels,
    make_latents,
    make_samples,
    name_tensors,
    share_networks,
)
from ganzoo.testing.architecture.pair import assemble_gan, make_recipe, require_alike, share_trained, train_rounds
from ganzoo.testing.checks import Failure, NotChecked, Skip, Trial, require
from ganzoo.testing.probes import NoReadback

META = torch.device("meta")
SEED = 1234
NUM_ROUNDS = 2  # the first is recorded, the second replays the record


def no_side_effects(trial: Trial) -> None:
    """Building and calling the networks changes nothing else in the process and prints nothing."""
    import_module(trial.spec.factory.partition(":")[0])
    for data in [find_smallest_data(trial)]:
        before = {name: read_precision_flag(get) for name, (get, _) in _SETTINGS.items()}
        try:
            with seeded(SEED), redirect_stdout(StringIO()) as output:
                networks = trial.build(data)
                _require_settings(before, f"{describe_data(data)}: built")
                z, x, chosen = make_latents(networks, 4), make_samples(data, 4), make_labels(data, 4)
                for training in (True, False):
                    networks.generator.train(training)(z, chosen)
                    networks.discriminator.train(training)(x, chosen)
                    _require_settings(before, f"{describe_data(data)}: called")
            words = f"{describe_data(data)}: they print {output.getvalue()[:40]!r}"
            require(not output.getvalue(), f"{words}: stdout is for the command's result.")
        finally:
            for name, (get, put) in _SETTINGS.items():
                if str(read_precision_flag(get)) != str(before[name]):
                    put(before[name])


def any_device(trial: Trial) -> None:
    """The networks run on any device: the code names none, and every tensor is a parameter or a buffer."""
    for data in list_small_data(trial):
        with META:
            drawn = name_tensors(build_networks(trial, data))
        astray = [f"{name} on {tensor.device}" for name, tensor in drawn.items() if tensor.device != META]
        words = f"{describe_data(data)}: built under torch.device('meta'), the networks have {', '.join(astray[:3])}."
        require(not astray, words)
        networks, chosen = share_networks(trial, data), make_labels(data, 2)
        chosen = None if chosen is None else chosen.to(META)
        made = make_samples(data, 2).to(META)
        for name, network, x in (
            ("generator", networks.generator, make_latents(networks, 2).to(META)),
            ("discriminator", networks.discriminator, made),
        ):
            with _OneDevice():  # type: ignore[no-untyped-call]
                answer = extract_samples(network.to(META)(x, chosen))
            found = answer if isinstance(answer, Tensor) else flatten_logits(discriminate(network, x, chosen))
            words = f"moved to another device, the {name} returns a tensor on {found.device}"
            require(found.device == META, f"{describe_data(data)}: {words}.")


def memory_layout(trial: Trial) -> None:
    """Channels-last weights and images give the same outputs as contiguous ones."""
    images = [data for data in list_small_data(trial) if data.modality == "image"]
    if not images:
        raise Skip("it makes no images")
    looked = False
    for data in images:
        gan, _ = share_trained(trial, data)
        z, x, chosen = make_latents(gan.networks, 2), make_samples(data, 2), make_labels(data, 2)
        drawing = [
            _draws_numbers(network, given, chosen) for network, given in ((gan.generator, z), (gan.discriminator, x))
        ]
        try:  # in float64, where the order of sums does not change the sign of a rectifier's input
            answers = _answer_in_both_layouts(gan.networks, z, x, chosen, torch.float64)
        except RuntimeError:  # the networks compute in float32 only
            answers = _answer_in_both_layouts(share_trained(trial, data)[0].networks, z, x, chosen, torch.float32)
        names = {"samples": drawing[0], "logits": drawing[1], "the gradient by samples": drawing[1]}
        for (name, draws), one, two in zip(names.items(), *answers, strict=True):
            looked, off = looked or not draws, compute_gap(one, two)
            words = f"{describe_data(data)}: channels-last {name} differ by {off:.2g} of the largest value."
            require(draws or off < ROUNDING, words)
    if not looked:
        raise Skip("its networks draw random numbers, which depend on the layout")


def _answer_in_both_layouts(
    networks: Networks, z: Tensor, x: Tensor, chosen: Tensor | None, dtype: torch.dtype
) -> list[list[Tensor]]:
    """Return samples, logits and D's gradient by `x`, once with contiguous and once with channels-last tensors."""
    generator, discriminator = (each.to(dtype).eval() for each in (networks.generator, networks.discriminator))
    chosen = chosen.to(dtype) if chosen is not None and chosen.is_floating_point() else chosen
    answers = []
    for layout in (torch.contiguous_format, torch.channels_last):
        for network in (generator, discriminator):
            network.to(memory_format=layout)  # type: ignore[call-overload]
        given = x.detach().to(dtype).to(memory_format=layout).requires_grad_()
        logits = flatten_logits(discriminate(discriminator, given, chosen))
        (gradient,) = torch.autograd.grad(logits.sum(), given)
        answers.append([generate(generator, z.to(dtype), chosen), logits, gradient])
    return answers


def recorded_equals_plain(trial: Trial) -> None:
    """Updates can be recorded and replayed: they compute with tensors and read no number back from them."""
    _require_same_updates(trial, find_smallest_data(trial), _RecordedExecution)


def compiled_equals_plain(trial: Trial) -> None:
    """Compiled updates (``train.execution=compile``) give the same numbers as plain ones."""
    if not trial.full:
        raise NotChecked("it takes minutes: --full runs it")
    _require_same_updates(trial, find_smallest_data(trial), execution.Compiled)


# ----------------------------------------------------------------------------
# Helpers.


class _RecordedExecution(execution.RecordedExecution):
    """An execution that records the operations of each piece of an update, and replays them."""

    def first(self, key: tuple[Hashable, ...], piece: execution.Replay, tensors: list[Tensor]) -> Any:
        """Run a piece and record its operations."""
        try:
            with _OperationRecorder(tensors) as recorder:
                result = piece(tensors)
        except Exception as error:
            self.fall_back(key, error)
        self.records[key] = recorder.make_record(result)
        return result

    def fall_back(self, key: tuple[Hashable, ...], error: Exception) -> None:
        """Raise the error: the piece cannot be recorded."""
        raise error


class _TensorNumber(int):
    """The number of a tensor, which takes its place among the arguments of a recorded operation."""


class _OperationRecorder(NoReadback):  # type: ignore[no-untyped-call]
    """Records the operations that run inside its context. State and constants are kept as the tensors themselves.

    Args:
        given: The tensors that are replaced by others in a replay.
    """

    def __init__(self, given: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.numbers: MutableMapping[Tensor, _TensorNumber] = WeakTensorKeyDictionary()
        self.calls: list[tuple[Any, list[Any], Any, list[int]]] = []  # operation, arguments, their form, results
        self.count = 0
        for tensor in given:
            self._number(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and record it."""
        leaves, form = tree_flatten((args, kwargs or {}))
        arguments = [self.numbers.get(leaf, leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        result = super().__torch_dispatch__(func, types, args, kwargs)
        self.calls.append((func, arguments, form, [self._number(tensor) for tensor in _list_tensors(result)]))
        return result

    def make_record(self, result: Mapping[str, Tensor]) -> execution.Replay:
        """Return a function that replays the recorded operations with other tensors, and returns such a result."""
        wanted = {name: self.numbers[tensor] for name, tensor in result.items()}
        later, over = set(wanted.values()), []  # numbers that later calls use; numbers to forget after each call
        for _, arguments, _, made in reversed(self.calls):
            used = {each for each in arguments if isinstance(each, _TensorNumber)} | set(made)
            over.append(used - later)
            later |= used

        @torch.no_grad()
        def replay(given: list[Tensor]) -> dict[str, Tensor]:
            values = dict(enumerate(given))
            for (func, arguments, form, made), last in zip(self.calls, reversed(over), strict=True):
                filled = [values[each] if isinstance(each, _TensorNumber) else each for each in arguments]
                args, kwargs = tree_unflatten(filled, form)
                values.update(zip(made, _list_tensors(func(*args, **kwargs)), strict=True))
                for number in last:
                    del values[number]
            return {name: values[number] for name, number in wanted.items()}

        return replay

    def _number(self, tensor: Tensor) -> _TensorNumber:
        if tensor not in self.numbers:
            self.numbers[tensor], self.count = _TensorNumber(self.count), self.count + 1
        return self.numbers[tensor]


def _list_tensors(values: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]


class _OneDevice(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operations on tensors of several devices, as a GPU does; 0-dim tensors may be on any device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.dim()]
        devices = sorted({str(tensor.device) for tensor in given})
        moves = func._schema.name in ("aten::copy_", "aten::index", "aten::index_put_", "aten::index_put")
        if len(devices) > 1 and not moves:
            raise RuntimeError(f"{func} got tensors on {' and '.join(devices)}, for inputs on {META}")
        return func(*args, **(kwargs or {}))


def _require_same_updates(trial: Trial, data: DataInfo, way: Callable[..., execution.RecordedExecution]) -> None:
    """Compare each update of an execution with a plain update from the same state."""
    chosen = make_recipe(trial, data, optimizer="sgd", batch=2)  # SGD has no state
    gan, batches = assemble_gan(chosen, data)
    start, z, labelling = Snapshot(*gan.modules.values()), make_latents(gan.networks, 4), make_labels(data, 4)
    plain = [train_rounds(gan, batches, 1, index) for index in range(NUM_ROUNDS)]
    wanted = generate(gan.ema.network, z, labelling)
    start.restore()
    gan.recipe = replace(chosen, train=replace(chosen.train, execution="compile"))
    execution.install(gan, _fail)
    gan.execute = way(gan, _fail)
    for index, stats in enumerate(plain):
        for one, two in zip(stats, train_rounds(gan, batches, 1, index), strict=True):
            require_alike(one, two, f"{describe_data(data)}: in update {index + 1}")
    off = compute_gap(wanted, generate(gan.ema.network, z, labelling))
    words = f"{describe_data(data)}: afterwards, samples differ by {off:.2g} of the largest value."
    require(off < 10 * ROUNDING, words)


def _fail(line: str) -> None:
    raise Failure(f"{line}.")


def _draws_numbers(network: nn.Module, given: Tensor, chosen: Tensor | None) -> bool:
    """Return whether a network draws random numbers in eval mode."""
    with seeded(0), torch.no_grad():
        before = torch.get_rng_state()
        network.eval()(given, chosen)
        return not torch.equal(before, torch.get_rng_state())


def _require_settings(before: Mapping[str, Any], where: str) -> None:
    """Raise `Failure` if a global setting changed, or if torch's default generator was seeded again."""
    for name, (get, _) in _SETTINGS.items():
        old, new = str(before[name]), str(read_precision_flag(get))
        words = f"changed {name} from {old} to {new}" if len(old) < 40 else f"changed the state of {name}"
        require(old == new, f"{where}, the networks {words}.")
    seed = torch.initial_seed()
    require(seed == SEED, f"{where}, the networks seeded torch's default generator again, with {seed}.")


def _cudnn_flag(name: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    return partial(getattr, torch.backends.cudnn, name), partial(setattr, torch.backends.cudnn, name)


_CUDNN = ("enabled", "benchmark", "deterministic", "allow_tf32")
_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "Python's random": (random.getstate, random.setstate),
    "NumPy's global generator": (np.random.get_state, np.random.set_state),
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": (torch.get_default_device, torch.set_default_device),
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "anomaly detection": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "deterministic algorithms": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "the precision of float32 products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    **{f"torch.backends.cudnn.{name}": _cudnn_flag(name) for name in _CUDNN},
}
