"""Copies of what a regularizer's term might change in an update, to be compared, and the operations of its graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.engine.gan import Gan
from ganzoo.plugin import Step
from ganzoo.testing.probes import flatten

NETWORKS = ("discriminator", "generator")


def _collect(gan: Gan, of: Callable[[nn.Module], Any]) -> dict[str, Any]:
    """Return the pairs (name, value) of ``of(network)`` for both networks, each name after its network's name."""
    return {f"{n}.{name}": value for n in NETWORKS for name, value in of(getattr(gan, n))}


def copy_buffers(gan: Gan, step: Step) -> dict[str, Any]:
    """Return copies of D's buffers by name."""
    return {f"discriminator.{name}": buffer.clone() for name, buffer in gan.discriminator.named_buffers()}


def collect_gradients(gan: Gan, step: Step) -> dict[str, Any]:
    """Return the ``.grad`` of all parameters, and of the step's tensors that are leaves."""
    grads = {name: parameter.grad for name, parameter in _collect(gan, nn.Module.named_parameters).items()}
    leaves = {f"step.{name}": getattr(step, name) for name in ("z", "real", "fake")}
    return grads | {name: leaf.grad for name, leaf in leaves.items() if leaf is not None and leaf.is_leaf}


def copy_structure(gan: Gan, step: Step) -> dict[str, Any]:
    """Return copies of all parameters, their ``requires_grad``, and each module's mode and number of hooks."""
    found: dict[str, Any] = {}
    for name, parameter in _collect(gan, nn.Module.named_parameters).items():
        found[name] = parameter.detach().clone()
        found[f"requires_grad of {name}"] = parameter.requires_grad
    for name, module in _collect(gan, partial(nn.Module.named_modules, memo=None)).items():
        found[f"the mode (train or eval) of {name.rstrip('.')}"] = module.training
        found[f"the hooks of {name.rstrip('.')}"] = len(module._forward_hooks) + len(module._forward_pre_hooks)
    return found


def copy_step(gan: Gan, step: Step) -> dict[str, Any]:
    """Return copies of the step's samples, latents, labels and logits, which other terms read too."""
    found = {name: getattr(step, name) for name in ("z", "labels", "real", "fake", "real_seen", "fake_seen")}
    for name in ("real_output", "fake_output"):
        output = getattr(step, name)
        if output is not None:
            logits = output.logits if isinstance(output.logits, list) else [output.logits]
            found |= {f"{name}.logits": flatten(logits)}
    return {name: value.detach().clone() for name, value in found.items() if value is not None}


def are_equal(one: Any, other: Any) -> bool:
    """Return whether two copied values are equal; tensors are compared number by number."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    return one is None and other is None if isinstance(one, Tensor) or isinstance(other, Tensor) else one == other


def list_operations(value: Tensor) -> set[str]:
    """Return the names of all operations in a tensor's autograd graph."""
    seen, todo = set(), [value.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [following for following, _ in node.next_functions]
    return {node.name() for node in seen}
