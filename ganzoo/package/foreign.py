"""Weights of other projects as model packages: a file of tensors, and the table that its architecture has for it.

A pickle is read by ``torch.load(weights_only=True)`` and by nothing else: it makes tensors and plain values, and runs
no code of the file.
"""

from __future__ import annotations

import hashlib
import pickle
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.errors import Corrupt, GanzooError, NotFound, UsageError, suggest_names
from ganzoo.package import complete, package, tensors
from ganzoo.package import plan as planning
from ganzoo.package.config import FORMAT, MODEL
from ganzoo.package.tensors import TensorInfo
from ganzoo.plugin import Architecture, ImportedGenerator, Networks, options
from ganzoo.plugin.files import write_errors_explained
from ganzoo.plugin.options import list_options, make_unknown_key_error
from ganzoo.recipe import recipe
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent


class Format(NamedTuple):
    """A kind of file that an architecture reads.

    Args:
        name: Of the format.
        architecture: That reads it.
    """

    name: str
    architecture: RegisteredComponent

    @property
    def qualified(self) -> str:
        """The name that is never ambiguous, ``plugin:name``."""
        return f"{self.architecture.plugin.name}:{self.name}"


def import_weights(
    file: Path,
    target: Path,
    registry: Registry,
    format: str,
    said: Mapping[str, Any],
    device: torch.device,
    license: str = "",
) -> None:
    """Write the generator in a file of another project as a model package.

    Args:
        file: ``torch.save``'s, or safetensors.
        target: Where to, as for `ganzoo package`.
        registry: Where formats are looked up.
        format: Of the file, by name.
        said: Options of the architecture by key, ``arch.*``, over what the weights tell.
        device: Where it is sampled.
        license: Of the weights.

    Raises:
        UsageError: No such format or option, or a file of another kind.
        NotFound: There is no such file.
        Corrupt: It is damaged, or its tensors do not fit the architecture.
        GanzooError: It holds more than tensors and plain values, or the package cannot be written.
    """
    complete.check_target(target)
    chosen = find_format(registry, format)
    weights = read_tensors(file, inert=f"{chosen.name.replace('-', '_')}.")
    try:
        imported = chosen.architecture.import_weights(chosen.name, weights)
    except UsageError as error:
        raise UsageError(f"{file} is no file that --format {chosen.name} reads: {error}") from error
    arch = Choice(chosen.architecture, _read_options(chosen.architecture, imported, said))
    with tensors.meta_device():
        networks: Networks = arch.build(imported.data)
    fitted = _fit_weights(imported.weights, tensors.describe_tensors(networks.generator), str(file))
    origin = {"format": chosen.qualified, "file": file.name, "sha256": _hash_file(file)}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "package"
        config = _make_config(arch, imported, networks) | {"imported": origin}
        package.write_files(made, config, {MODEL: tensors.pack(fitted, planning.make_metadata(config))})
        complete.complete_package(made, target, registry, device, license=license)


def list_formats(registry: Registry) -> list[Format]:
    """Return all formats that the installed architectures read."""
    entries = [entry for entry in registry.components("architecture") if isinstance(entry.spec, Architecture)]
    return [Format(name, entry) for entry in entries for name in getattr(entry.spec, "imports", ())]


def find_format(registry: Registry, text: str) -> Format:
    """Return the format of a name, bare or qualified by its plugin.

    Raises:
        UsageError: There is none, or several architectures have one.
    """
    known = list_formats(registry)
    found = [each for each in known if text in (each.name, each.qualified)]
    if len(found) == 1:
        return found[0]
    names = sorted({each.name for each in known})
    if found:
        choices = " or ".join(f"--format {each.qualified}" for each in found)
        raise UsageError(f"format {text!r} is read by more than one architecture: write {choices}")
    what = f"no format {text!r}" if text else "no format was chosen: add --format NAME"
    raise UsageError(f"{what}{suggest_names(text, names)} (here: {', '.join(names) or 'none'})")


# ----------------------------------------------------------------------------
# Reading the file.


class IgnoredObject:
    """What stands for an object of another project: it takes any state, and does nothing."""

    def __new__(cls, *args: object, **keywords: object) -> IgnoredObject:
        """Return an object, whatever the file says that it is made from."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Drop the state."""


def read_tensors(path: Path, inert: str) -> dict[str, Tensor]:
    """Return all tensors in a file by name, on the CPU; nested names are joined by dots.

    Args:
        path: A file that ``torch.save`` or safetensors wrote.
        inert: Objects of classes whose full name begins so are passed over; any others are refused.

    Raises:
        UsageError: It is a directory, or holds no tensors.
        NotFound: It is not there.
        Corrupt: It is damaged, or none of either, or a number is not finite.
        GanzooError: It holds objects of other classes.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory: name the file with the weights in it")
    if not path.exists():
        raise NotFound(f"there is no file {path}")
    with write_errors_explained(path), path.open("rb") as file:
        start, size = file.read(9), path.stat().st_size
    if not size:
        raise Corrupt(f"{path} is empty: its download or copy did not succeed")
    if start[8:] == b"{":
        content = path.read_bytes()
        tensors.read_header(content, str(path))
        stored: object = tensors.unpack(content, str(path))
    else:
        stored = _unpickle(path, inert)
    try:
        found = dict(_iterate_tensors(stored))
    except RecursionError:
        raise Corrupt(f"{path} is damaged: it nests without end") from None
    for name, tensor in found.items():
        _check_tensor(tensor, name, size, path)
    if not found:
        raise UsageError(f"{path} holds no tensors: name the file with the weights in it")
    return found


def _unpickle(path: Path, inert: str) -> object:
    """Return what is in a file of ``torch.save``; objects of classes of the prefix `inert` are passed over."""
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # an old file, of the form before zip files, or none of torch's
        named = []
    if others := [name for name in named if not name.startswith(inert)]:
        raise _make_refusal(path, others[0])
    stand_ins: list[Any] = [(IgnoredObject, name) for name in named]
    try:
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error):  # a name that is none of torch's own
            raise _make_refusal(path) from error
        raise Corrupt(f"{path} is damaged, or no file that torch.save or safetensors wrote") from error
    except Exception as error:  # whatever a damaged file makes of the reader
        raise Corrupt(f"{path} is damaged, or no file that torch.save or safetensors wrote") from error


def _make_refusal(path: Path, name: str = "") -> GanzooError:
    what = f"objects of {ascii(name)[:80]}" if name else "objects"
    return GanzooError(
        f"{path} holds {what} besides tensors, which could run code, so it is not read: save the weights alone, "
        "torch.save(generator.state_dict(), FILE), where it was made"
    )


def _iterate_tensors(stored: object, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(stored, Tensor):
        yield prefix.removesuffix("."), stored.detach()
    elif isinstance(stored, Mapping):
        for key, value in stored.items():
            yield from _iterate_tensors(value, f"{prefix}{key}.")


def _check_tensor(tensor: Tensor, name: str, size: int, path: Path) -> None:
    """Raise Corrupt where a tensor's numbers are not in the file, one by one, or one of them is not finite."""
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    if not plain or tensor.nbytes > size:
        raise Corrupt(f"{path} is damaged: tensor {name[:80]!a} is more than its numbers in the file")
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise Corrupt(f"{path} holds numbers that are not finite, in tensor {name[:80]!a}")


def _hash_file(path: Path) -> str:
    with write_errors_explained(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ----------------------------------------------------------------------------
# What the package says.


def _read_options(architecture: RegisteredComponent, imported: ImportedGenerator, said: Mapping[str, Any]) -> Any:
    """Return the options that the weights tell, and over them those that a person said."""
    spec = architecture.spec
    assert isinstance(spec, Architecture)
    known = [f"arch.{name}" for name in list_options(spec.options)]
    for key in said:
        if key not in known:
            raise make_unknown_key_error(key, known, "an import")
    spoken = {key.removeprefix("arch."): value for key, value in said.items()}
    return options.read(spec.options, {**imported.options, **spoken}, "arch.", f"arch {spec.name!r}")


def _fit_weights(weights: Mapping[str, Tensor], forms: Mapping[str, TensorInfo], source: str) -> dict[str, Tensor]:
    """Return copies of the weights, in the network's precision, once they are what it asks for."""
    made = {
        name: (tensor.to(forms[name].dtype) if name in forms and tensor.is_floating_point() else tensor).clone()
        for name, tensor in weights.items()
    }
    stated = {name: TensorInfo(tensor.dtype, tuple(tensor.shape)) for name, tensor in made.items()}
    tensors.check_fit(stated, forms, source)
    return {name: tensor.contiguous() for name, tensor in made.items()}


def _make_config(arch: Choice, imported: ImportedGenerator, networks: Networks) -> dict[str, Any]:
    plugin, data = arch.component.plugin, imported.data
    named = [{"distribution": plugin.distribution, "version": plugin.version}] if plugin.distribution else []
    return {
        "format": FORMAT,
        "recipe": {"format": recipe.FORMAT, "ganzoo": metadata.version("ganzoo"), "arch": arch.to_json()},
        "requires": named,
        "data": data.to_json(),
        "latent": {"dim": networks.latent_dim, "distribution": networks.latent},
        "range": [-1.0, 1.0] if data.modality == "image" else None,
        "images": 0,
        "metrics": [],
    }
