"""The body of a model card: use, requirements, training, measured values, data and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.package.config import DISCRIMINATOR, PICTURE, SOUND, TEXT, Config
from ganzoo.package.markdown import escape, format_code, format_table
from ganzoo.plugin import Component, Dataset, Recipe, options
from ganzoo.recipe.keys import COMPONENTS, FLAGS, NETWORKS, ONE
from ganzoo.recipe.settings import TrainOptions
from ganzoo.registry import Registry
from ganzoo.runs.scores import describe_protocol, format_score, mark_scores
from ganzoo.samples.show import CHANNELS


@dataclass(frozen=True)
class Address:
    """The address on the Hub at which a card is read.

    Args:
        repo: The repository, ``user/model``; empty while the package is a local directory.
        revision: The tag of the published commit; empty where there is none.
    """

    repo: str = ""
    revision: str = ""


UNPUBLISHED = Address()


def make_sections(config: Config, registry: Registry, files: list[str], address: Address) -> list[str]:
    """Return the paragraphs of a card's generated body."""
    sections = [f"# {escape(address.repo or make_title(config))}", _describe_model(config, registry)]
    if PICTURE in files:
        sections.append(f"![Samples of seed 0, none chosen]({PICTURE})")
    if SOUND in files:
        sections.append(f"[A sample of seed 0, not chosen]({SOUND})")
    if TEXT in files:
        sections.append(f"[Samples of seed 0, none chosen]({TEXT})")
    sections += ["## Use", _describe_usage(config, address), "## Requirements", _describe_requirements(config)]
    sections += ["## Training", format_table(("setting", "value"), _list_training(config, registry))]
    if config.imported:
        sections.append(f"It was trained elsewhere, with settings that are not known. {_describe_origin(config)}")
    if config.metrics:
        marks, lines = mark_scores(config.metrics)
        rows = [
            (entry["name"], f"{format_score(entry)} {mark}".strip(), _describe_protocol(entry))
            for entry, mark in zip(config.metrics, marks, strict=True)
        ]
        sections += ["## Metrics", format_table(("metric", "value", "protocol"), rows), *map(escape, lines)]
        sections.append(
            "Values are comparable where their fingerprints are equal, and not otherwise. The floor is the distance of "
            "other real samples; +- is half the width of a 95 % interval."
        )
    sections += ["## Data", _describe_data(config, registry), "## Limits", _describe_limits(config, files)]
    return sections


def _describe_model(config: Config, registry: Registry) -> str:
    arch = find_spec(registry, config, "arch")
    paper = f" ({escape(arch.paper)})" if arch and arch.paper else ""
    labels = f", in {config.data.num_classes} classes" if config.data.num_classes else ""
    if config.data.label_shape:
        labels = f" from labels of {' x '.join(map(str, config.data.label_shape))}"
    shape = " x ".join(map(str, config.data.shape))
    trained = (
        "trained elsewhere"
        if config.imported
        else f"trained on {format_code(get_bare_name(config, 'dataset'))} with ganzoo"
    )
    arch_name = format_code(get_bare_name(config, "arch"))
    return (
        f"The generator of a GAN, architecture {arch_name}{paper}, {trained}. It makes {config.data.modality} samples "
        f"of {shape}{labels}."
    )


def _describe_origin(config: Config) -> str:
    origin = {key: format_code(value) for key, value in config.imported.items()}
    notice = f" {escape(config.imported['notice'])}." if config.imported["notice"] else ""
    return (
        f"`ganzoo import` read the file {origin['file']} (format {origin['format']}, SHA-256 {origin['sha256']}). The "
        f"licence of that file applies to these weights.{notice}"
    )


def _describe_usage(config: Config, address: Address) -> str:
    what = address.repo or "path/to/this/directory"
    pinned = f', revision="{address.revision}"' if address.revision else ""
    if config.data.modality == "image" and config.data.shape[0] in CHANNELS:
        sampled = "images = generator.images(64, seed=0)  # a list of PIL images"
    else:
        as_bytes = config.data.modality == "image" and config.data.dtype == "uint8"
        kind = "uint8 [64, H, W, C]" if as_bytes else f"float32 {[64, *config.data.shape]}"
        sampled = f"samples = generator.sample(64, seed=0)  # {kind}"
    lines = ["import ganzoo", "", f'generator = ganzoo.load("{what}"{pinned})', sampled]
    if config.data.label_shape:
        sides = "H, W, C" if config.data.labels_are_images else ", ".join(map(str, config.data.label_shape))
        lines[-1] = f"samples = generator.apply(inputs)  # of inputs [N, {sides}]; or: ganzoo apply {what} IN OUT"
    note = "" if pinned or not address.repo else "\n\nPin the commit that `ganzoo pull` prints, as `revision=`."
    return "```python\n" + "\n".join(lines) + "\n```" + note


def list_requirements(config: Config) -> list[str]:
    """Return the distributions that a model needs, as pip takes them; invalid names and versions are skipped."""
    return [f"{name}>={version}" for name, version in config.requires if is_release(name, version)]


def _describe_requirements(config: Config) -> str:
    names = [f"'{requirement}'" for requirement in list_requirements(config)]
    return f"    python -m pip install {' '.join(names)}" if names else "A plugin that is not a distribution."


def _list_preset(config: Config, registry: Registry) -> list[tuple[str, str]]:
    """Return rows for the named recipe that the training started from: its name, its source, its published score."""
    name = config.recipe.get("preset", "")
    try:
        spec = registry.resolve("recipe", name).spec if name else None
    except GanzooError:
        spec = None
    about = (spec.source or spec.paper, spec.published) if isinstance(spec, Recipe) else ("", "")
    return list(zip(("recipe", "recipe from", "published"), (name, *about), strict=True))


def _list_training(config: Config, registry: Registry) -> list[tuple[str, str]]:
    recipe = config.recipe
    rows = _list_preset(config, registry)
    for key in (entry for entry in COMPONENTS if entry.trains):
        chosen = recipe.get(key.name) or []
        rows.append((key.name, "; ".join(map(_describe_component, chosen if isinstance(chosen, list) else [chosen]))))
    optim, train = recipe.get("optim") or {}, recipe.get("train") or {}
    rows += [(f"optim.{key}", _describe_options(optim.get(key) or {})) for key in NETWORKS]
    short, usual = {flag.key for flag in FLAGS}, options.to_json(TrainOptions())
    shown = {
        f"train.{key}": value for key, value in train.items() if f"train.{key}" in short or value != usual.get(key)
    }
    rows += [(key, options.to_text(value)) for key, value in shown.items() if value is not None]
    if config.profile is not None:
        rows.append(("averaged with", f"a power function of width {config.profile:g} (sigma_rel, arXiv:2312.02696)"))
    rows += [("images seen", "" if config.imported else f"{config.images:,}"), ("ganzoo", str(recipe.get("ganzoo")))]
    return [(key, value) for key, value in rows if value]


def _describe_data(config: Config, registry: Registry) -> str:
    dataset = find_spec(registry, config, "dataset")
    if "dataset" not in config.recipe:
        return "The training data and its licence are not known."
    if not isinstance(dataset, Dataset):
        name = format_code(get_bare_name(config, "dataset"))
        return f"{name}, whose plugin was not installed when this card was written."
    num = f" {config.data.num_items:,} items." if config.data.num_items else ""
    source = f" {escape(dataset.paper)}." if dataset.paper else ""
    licence = f" Licence: {escape(dataset.license)}." if dataset.license else " Its licence is not known to ganzoo."
    return f"{format_code(dataset.name)}: {escape(dataset.summary)}{num}{source}{licence}"


def _describe_limits(config: Config, files: list[str]) -> str:
    sentences = [
        "Samples resemble the training data, with its gaps and its biases; some may come close to training samples. "
        "Nothing was done to prevent either."
    ]
    if frozen := _list_frozen(config):
        sentences.append(
            f"Other networks helped in its training, which were not trained with it: {frozen}. What it learned depends "
            "on their data, and metrics with features like theirs give it better values than it would have otherwise."
        )
    if not config.metrics:
        sentences.append("Its quality was not measured.")
    if DISCRIMINATOR in files:
        sentences.append("The package includes the discriminator, for further training (`--init`).")
    return " ".join(sentences)


def _list_frozen(config: Config) -> str:
    """Return the names of the networks that were used in training and not trained, as text."""
    frozen = config.recipe.get("frozen")
    entries = frozen.values() if isinstance(frozen, Mapping) else ()
    names = {str(entry.get("name", "?")) for entry in entries if isinstance(entry, Mapping)}
    return ", ".join(format_code(name) for name in sorted(names))


# ----------------------------------------------------------------------------
# Texts and names.


def is_release(name: str, version: str) -> bool:
    """Whether a name and a version are those of a distribution (PEP 508, 440), and safe for pip and a shell."""
    from packaging.version import InvalidVersion, Version

    try:
        Version(version)
    except InvalidVersion:
        return False
    return version.isprintable() and bool(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name))


def _describe_component(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return ""
    values = _describe_options(entry.get("options") or {})
    return f"{str(entry.get('name', '?')).rpartition(':')[2]}{f' ({values})' if values else ''}"


def _describe_options(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items() if value is not None)


def _describe_protocol(entry: Mapping[str, Any]) -> str:
    """Return in words how a value was measured, and its fingerprint."""
    if not isinstance(entry.get("protocol"), Mapping):
        return ", ".join(f"{key} {value}" for key, value in entry.items() if key not in ("name", "value"))
    return f"{describe_protocol(entry['protocol'])}, fingerprint {entry.get('fingerprint', '?')}"


def make_title(config: Config) -> str:
    """Return the title of a model that has no repository."""
    return "-".join(get_bare_name(config, key) for key in ("arch", "dataset") if key in config.recipe)


def get_bare_name(config: Config, key: str) -> str:
    """Return the bare name of a stored component; ``?`` where the config does not name it."""
    entry = config.recipe.get(key)
    return str(entry.get("name", "?")).rpartition(":")[2] if isinstance(entry, Mapping) else "?"


def find_spec(registry: Registry, config: Config, key: str) -> Component | None:
    """Return the spec of a stored component; None where it is not installed."""
    try:
        return registry.resolve(ONE[key], config.recipe[key]["name"]).spec
    except (GanzooError, KeyError, TypeError, AttributeError):
        return None
