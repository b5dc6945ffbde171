"""Reading pickles of other projects: tensors by name, and nothing else.

A file of ``torch.save`` is read by ``torch.load(weights_only=True)``, which runs no code from the file. A plain pickle
(of ``pickle.dump``) may contain whole objects. Python's unpickler reads it, but every name in it means a class of this
module. None of these classes does anything, nothing is imported, and the source text of a class is not run.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import Corrupt, GanzooError

MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"  # the number at the start of a file in torch's older format
# What pickles of any networks contain besides tensors.
PLAIN = ("builtins.frozenset", "builtins.set", "collections.OrderedDict")
PACKAGES = ("numpy.", "torch.")


def unpickle(path: Path, start: bytes, ignored: tuple[str, ...]) -> object:
    """Return the content of a pickle: nested mappings with tensors.

    Args:
        path: A file of ``torch.save`` or ``pickle.dump``.
        start: The first bytes of the file, at least 40 if it has as many.
        ignored: Prefixes of full class names. Objects of such classes are ignored.

    Raises:
        Corrupt: The file is damaged, or it is not a pickle.
        GanzooError: The file contains objects of other classes.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            plain = start[:1] == b"\x80" and MAGIC not in start
            stored = _read_plain(path, ignored) if plain else _read_of_torch(path, ignored)
            _require_few_values(stored, path.stat().st_size)
            return _restore(stored) if plain else stored
    except GanzooError:
        raise
    except Exception as error:  # a damaged file may make the readers raise any error
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):  # a name that is not torch's own
            raise make_refusal(path) from error
        raise Corrupt(f"{path} is damaged, or was not written by torch.save or safetensors") from error


def make_refusal(path: Path, name: str = "") -> GanzooError:
    """Return the error for a file with an object whose class has a name; empty if it is not known."""
    what = f"objects of {ascii(name)[:80]}" if name else "objects"
    return GanzooError(
        f"{path} contains {what} besides tensors. They could run code, so the file is not read: in the project that "
        "wrote it, save the weights alone with torch.save(generator.state_dict(), FILE)"
    )


def _read_of_torch(path: Path, ignored: tuple[str, ...]) -> object:
    """Return the content of a file of ``torch.save``."""
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # a file of torch's older format, or not a file of torch
        named = [name for name in _list_older_names(path) if name.startswith(ignored)]  # torch refuses others
    if others := [name for name in named if not name.startswith(ignored)]:
        raise make_refusal(path, others[0])
    stand_ins: list[Any] = [(StandIn, name) for name in named]
    with torch.serialization.safe_globals(stand_ins):
        return torch.load(path, map_location="cpu", weights_only=True)


def _list_older_names(path: Path) -> list[str]:
    """Return the names in a file of torch's older format, whose fourth pickle is the content; none if it is damaged."""
    try:
        with path.open("rb") as file:
            opcodes = [each for _ in range(4) for each in pickletools.genops(file)]
    except ValueError:
        return []
    return [str(argument).replace(" ", ".") for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"]


# ----------------------------------------------------------------------------
# Plain pickles.


class Inert:
    """An object that ignores what a file says about it.

    The file can also set a state on the class itself. The method is then called with too few arguments, which fails.
    """

    def __setstate__(self, state: object) -> None:
        """Ignore the state."""


class StandIn(Inert, dict[Any, Any]):
    """A mapping in the place of an object of any class: of a module it has parameters, buffers and modules by name."""

    def __init__(self, *args: object, **keywords: object) -> None:
        """Ignore the arguments in the file."""
        super().__init__()

    def __setstate__(self, state: object) -> None:
        """Keep the parts of the state in which a module has tensors."""
        for part in ("_parameters", "_buffers", "_modules"):
            found = state.get(part) if isinstance(state, dict) else None
            self.update(found if isinstance(found, dict) else {})


class Persisted(StandIn):
    """The stand-in for an object that was pickled with the source text of its class. Only its state is read."""

    def __init__(self, meta: object = None) -> None:
        super().__init__()
        self.__setstate__(meta.get("state") if isinstance(meta, dict) else None)


class Storage(Inert):
    """The memory of tensors, in a file of ``torch.save`` of its own."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> Tensor:
        """Return the numbers in a row."""
        content = io.BytesIO(self.content)
        storage = torch.load(content, map_location="cpu", weights_only=True)
        return torch.empty(0, dtype=storage.dtype).set_(storage)


class StoredTensor(Inert):
    """A tensor: some numbers of a storage."""

    def __init__(
        self, storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: object
    ) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def read(self) -> Tensor:
        """Return the tensor; raise an error if the storage has too few numbers."""
        return torch.as_strided(self.storage.read(), self.size, self.stride, self.offset)


class Parameter(Inert):
    """The stand-in for the function that makes a parameter of a tensor: the tensor itself."""

    def __new__(cls, data: Any, *rest: object) -> Any:
        """Return the tensor."""
        return data


CLASSES = {
    "torch._utils._rebuild_tensor_v2": StoredTensor,
    "torch._utils._rebuild_parameter": Parameter,
    "torch.storage._load_from_bytes": Storage,
    "torch_utils.persistence._reconstruct_persistent_obj": Persisted,
}


class Unpickler(pickle.Unpickler):
    """An unpickler for which each name is one of the classes above; other names are refused."""

    path: Path
    ignored: tuple[str, ...]

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return the class that takes the place of a name."""
        name = f"{module_name}.{global_name}"
        if name not in PLAIN and not name.startswith(PACKAGES + self.ignored):
            raise make_refusal(self.path, name)
        return CLASSES.get(name, StandIn)


def _read_plain(path: Path, ignored: tuple[str, ...]) -> object:
    """Return the mappings in a plain pickle, whose tensors are not read yet."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "LONG_BINPUT" and (argument or 0) > size:  # the unpickler would allocate as many places
                raise pickle.UnpicklingError("more objects than bytes")
        file.seek(0)
        unpickler = Unpickler(file)
        unpickler.path, unpickler.ignored = path, ignored
        return unpickler.load()


def _require_few_values(stored: object, size: int) -> None:
    """Raise UnpicklingError if nested mappings have more values than a file has bytes: one is in many others."""
    waiting = [stored]
    for _ in range(size):
        if not waiting:
            return
        value = waiting.pop()
        waiting.extend(value.values() if isinstance(value, dict) else ())
    if waiting:
        raise pickle.UnpicklingError("more values than bytes")


def _restore(stored: object) -> object:
    """Return the tensors in nested mappings; other values become None."""
    if isinstance(stored, dict):
        return {key: _restore(value) for key, value in stored.items()}
    return stored.read() if isinstance(stored, StoredTensor) else None
