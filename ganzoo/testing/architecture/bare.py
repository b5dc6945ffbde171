"""Networks on the ``meta`` device, whose tensors have shapes and no numbers."""

from __future__ import annotations

from ganzoo.package.tensors import TensorInfo, meta_device
from ganzoo.plugin import DataInfo, Networks
from ganzoo.testing.architecture.networks import build_networks, name_tensors
from ganzoo.testing.checks import Trial


def build_bare(trial: Trial, data: DataInfo) -> Networks:
    """Build networks for this data as `build_networks` does, on the ``meta`` device."""
    with meta_device():
        return build_networks(trial, data)


def describe_bare(trial: Trial, data: DataInfo, networks: Networks | None = None) -> dict[str, TensorInfo]:
    """Return the dtype and shape of each tensor of networks on the ``meta`` device, which are built once.

    Args:
        trial: The architecture and its options.
        data: The data that the networks are built for.
        networks: The networks of `build_bare`, if the caller has them.
    """
    found: dict[str, TensorInfo] = trial.keep(
        ("bare", repr(data)), lambda: describe_tensors(networks or build_bare(trial, data))
    )
    return found


def describe_tensors(networks: Networks) -> dict[str, TensorInfo]:
    """Return the dtype and shape of each parameter and buffer of both networks, by the names of `name_tensors`."""
    return {name: TensorInfo(tensor.dtype, tuple(tensor.shape)) for name, tensor in name_tensors(networks).items()}
