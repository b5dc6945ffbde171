"""Importing weights of other projects: an architecture's table names the tensors of a file as its own."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.errors import Corrupt, NotFound, UsageError, suggest_names
from ganzoo.package import complete, package, tensors
from ganzoo.package import plan as planning
from ganzoo.package.config import FORMAT, MODEL
from ganzoo.package.pickles import unpickle
from ganzoo.package.tensors import TensorInfo
from ganzoo.plugin import Architecture, ImportedGenerator, Networks, options
from ganzoo.plugin.files import write_errors_explained
from ganzoo.plugin.options import list_options, make_unknown_key_error
from ganzoo.recipe import recipe
from ganzoo.recipe.nested import make_choice
from ganzoo.recipe.recipe import Choice
from ganzoo.registry import Registry
from ganzoo.registry.installed import RegisteredComponent


class Format(NamedTuple):
    """A format of weights files that an architecture reads.

    Args:
        name: The name of the format.
        architecture: The architecture that reads it.
    """

    name: str
    architecture: RegisteredComponent

    @property
    def qualified(self) -> str:
        """The unambiguous name, ``plugin:name``."""
        return f"{self.architecture.plugin.name}:{self.name}"

    @property
    def ignored(self) -> tuple[str, ...]:
        """The classes whose objects in a file are ignored (`Architecture.ignored_classes`)."""
        spec = self.architecture.spec
        return tuple(spec.ignored_classes.get(self.name, ())) if isinstance(spec, Architecture) else ()


def import_weights(
    file: Path,
    target: Path,
    registry: Registry,
    format: str,
    settings: Mapping[str, Any],
    device: torch.device,
    license: str = "",
) -> None:
    """Write the generator in a file of another project as a model package.

    Args:
        file: The weights file, written by ``torch.save``, ``pickle.dump`` or safetensors.
        target: The directory to write, as for `ganzoo package`.
        registry: The registry in which formats are looked up.
        format: The name of the file's format.
        settings: Options of the architecture by key, ``arch.*``. They override those that the weights imply.
        device: The device on which the generator is sampled.
        license: The licence of the weights, by its identifier on the Hub.

    Raises:
        UsageError: The format or an option is unknown, or the file has another format.
        NotFound: There is no such file.
        Corrupt: The file is damaged, or its tensors do not fit the architecture.
        GanzooError: The file contains more than tensors and plain values, or the package cannot be written.
    """
    complete.check_target(target)
    chosen = find_format(registry, format)
    weights = read_tensors(file, chosen.ignored)
    try:
        imported = chosen.architecture.import_weights(chosen.name, weights)
    except UsageError as error:
        raise UsageError(f"--format {chosen.name} does not read {file}: {error}") from error
    arch = make_choice(registry, chosen.architecture, _read_options(chosen.architecture, imported, settings), "arch.")
    with tensors.meta_device():
        networks: Networks = arch.build(imported.data)
    fitted = _fit_weights(imported.weights, tensors.describe_tensors(networks.generator), str(file))
    origin = {"format": chosen.qualified, "file": file.name, "sha256": _hash_file(file)}
    origin |= {"notice": imported.notice} if imported.notice else {}
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "package"
        config = _make_config(arch, imported, networks) | {"imported": origin}
        package.write_files(temporary, config, {MODEL: tensors.pack(fitted, planning.make_metadata(config))})
        complete.complete_package(temporary, target, registry, device, license=license)


def list_formats(registry: Registry) -> list[Format]:
    """Return all formats that the installed architectures read."""
    entries = [entry for entry in registry.components("architecture") if isinstance(entry.spec, Architecture)]
    return [Format(name, entry) for entry in entries for name in getattr(entry.spec, "imports", ())]


def find_format(registry: Registry, text: str) -> Format:
    """Return a format by its name, bare or qualified by its plugin.

    Raises:
        UsageError: There is no such format, or several architectures have one of that name.
    """
    known = list_formats(registry)
    found = [each for each in known if text in (each.name, each.qualified)]
    if len(found) == 1:
        return found[0]
    names = sorted({each.name for each in known})
    if found:
        choices = " or ".join(f"--format {each.qualified}" for each in found)
        raise UsageError(f"more than one architecture reads format {text!r}: write {choices}")
    what = f"unknown format {text!r}" if text else "no format was chosen: add --format NAME"
    raise UsageError(f"{what}{suggest_names(text, names)} (installed: {', '.join(names) or 'none'})")


# ----------------------------------------------------------------------------
# Reading the file.


def read_tensors(path: Path, ignored: tuple[str, ...]) -> dict[str, Tensor]:
    """Return all tensors in a file by name, on the CPU; nested names are joined by dots.

    Args:
        path: A file that ``torch.save``, ``pickle.dump`` or safetensors wrote.
        ignored: Prefixes of full class names. Objects of such classes are ignored; any other objects are refused.

    Raises:
        UsageError: The path is a directory, or the file contains no tensors.
        NotFound: There is no such file.
        Corrupt: The file is damaged, neither library wrote it, or a number is not finite.
        GanzooError: The file contains objects of other classes.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory: name the file with the weights in it")
    if not path.exists():
        raise NotFound(f"there is no file {path}")
    with write_errors_explained(path), path.open("rb") as file:
        start, size = file.read(64), path.stat().st_size
    if not size:
        raise Corrupt(f"{path} is empty: its download or copy failed, so fetch it again")
    if start[8:9] == b"{":
        content = path.read_bytes()
        tensors.read_header(content, str(path))
        stored: object = tensors.unpack(content, str(path))
    else:
        stored = unpickle(path, start, ignored)
    try:
        found = dict(_iterate_tensors(stored))
    except RecursionError:
        raise Corrupt(f"{path} is damaged: its mappings are nested without end") from None
    for name, tensor in found.items():
        _check_tensor(tensor, name, size, path)
    if not found:
        raise UsageError(f"{path} contains no tensors: name the file with the weights in it")
    return found


def _iterate_tensors(stored: object, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(stored, Tensor):
        yield prefix.removesuffix("."), stored.detach()
    elif isinstance(stored, Mapping):
        for key, value in stored.items():
            yield from _iterate_tensors(value, f"{prefix}{key}.")


def _check_tensor(tensor: Tensor, name: str, size: int, path: Path) -> None:
    """Raise Corrupt where the file does not contain each number of a tensor, or a number is not finite."""
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    if not plain or tensor.nbytes > size:
        raise Corrupt(f"{path} is damaged: tensor {name[:80]!a} has more numbers than the file contains")
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise Corrupt(f"{path} contains numbers that are not finite, in tensor {name[:80]!a}")


def _hash_file(path: Path) -> str:
    with write_errors_explained(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ----------------------------------------------------------------------------
# The package's config.


def _read_options(architecture: RegisteredComponent, imported: ImportedGenerator, settings: Mapping[str, Any]) -> Any:
    """Return the options that the weights imply, overridden by the user's settings."""
    spec = architecture.spec
    assert isinstance(spec, Architecture)
    known = [f"arch.{name}" for name in list_options(spec.options)]
    for key in settings:
        if key not in known:
            raise make_unknown_key_error(key, known, "an import")
    chosen = {key.removeprefix("arch."): value for key, value in settings.items()}
    return options.read(spec.options, {**imported.options, **chosen}, "arch.", f"arch {spec.name!r}")


def _fit_weights(weights: Mapping[str, Tensor], expected: Mapping[str, TensorInfo], source: str) -> dict[str, Tensor]:
    """Return copies of the weights in the network's precision; raise Corrupt where they do not fit the network."""
    copies = {
        name: (tensor.to(expected[name].dtype) if name in expected and tensor.is_floating_point() else tensor).clone()
        for name, tensor in weights.items()
    }
    found = {name: TensorInfo(tensor.dtype, tuple(tensor.shape)) for name, tensor in copies.items()}
    tensors.check_fit(found, expected, source)
    return {name: tensor.contiguous() for name, tensor in copies.items()}


def _make_config(arch: Choice, imported: ImportedGenerator, networks: Networks) -> dict[str, Any]:
    data = imported.data
    return {
        "format": FORMAT,
        "recipe": {"format": recipe.FORMAT, "ganzoo": metadata.version("ganzoo"), "arch": arch.to_json()},
        "requires": package.list_distributions(arch.plugins),
        "data": data.to_json(),
        "latent": {"dim": networks.latent_dim, "distribution": networks.latent},
        "range": [-1.0, 1.0] if data.modality == "image" else None,
        "images": 0,
        "metrics": [],
    }
