"""Reading pickled arrays without unpickling objects.

Python's pickles are programs that can call anything. Here, the few names that occur in files of arrays lead to inert
classes of this module; every other name is refused. numpy itself sees bytes alone.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Type:
    """A dtype in a pickle: its name."""

    def __init__(self, name: object = "", *_: object) -> None:
        self.name = name.decode("ascii", "replace") if isinstance(name, bytes) else name

    def __setstate__(self, state: object) -> None:
        """Ignore byte order and the rest: only bytes are read."""


class _Array:
    """An array in a pickle: its state, which is version, shape, dtype, order and bytes."""

    state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


def _make_array(*_: object) -> _Array:
    return _Array()


def _encode(text: object, codec: object = "latin1") -> bytes:
    """Return the bytes that Python 3 pickles as text in old protocols."""
    if not isinstance(text, str) or codec != "latin1":
        raise pickle.UnpicklingError("text in an unexpected code")
    return text.encode("latin1")


ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _make_array,
    ("numpy._core.multiarray", "_reconstruct"): _make_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    """An unpickler that finds the names in `ADMITTED` alone."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which such a file does not need")
        return ADMITTED[module, name]


def read_pickled(content: bytes) -> dict[str, Any]:
    """Return a pickled dictionary of numbers, texts, lists and arrays of bytes. Keys and texts may be bytes.

    Raises:
        ValueError: The file is damaged, is not of this kind, or asks for anything else.
    """
    try:
        values = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise any
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(values, dict):
        raise ValueError("it is not a dictionary")
    return {
        key.decode("ascii", "replace") if isinstance(key, bytes) else str(key): _convert(values[key]) for key in values
    }


def _convert(value: Any) -> Any:
    return _read_array(value) if isinstance(value, _Array) else value


def _read_array(array: _Array) -> NDArray[np.uint8]:
    """Return an array of bytes."""
    match array.state:
        case (_, tuple(shape), _Type(name="u1" | "uint8" | "|u1"), False, bytes(content)):
            if all(isinstance(side, int) and side >= 0 for side in shape) and math.prod(shape) == len(content):
                return np.frombuffer(content, np.uint8).reshape(shape)
    raise ValueError("it has an array that does not consist of bytes")
