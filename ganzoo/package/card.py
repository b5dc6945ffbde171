"""The model card: ``README.md`` with front matter that the Hub reads and a body that people read.

The generated body stands between two marks; what a person wrote before, behind and into the front matter is kept when
the card is written again. Every text that comes from a recipe or a plugin is escaped: a card is shown as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.package.config import DISCRIMINATOR, PICTURE, TEXT, Config
from ganzoo.plugin import Component, Dataset, options
from ganzoo.recipe.keys import COMPONENTS, FLAGS, NETWORKS, ONE
from ganzoo.recipe.settings import TrainOptions
from ganzoo.registry import Registry

BEGIN, END = "<!-- ganzoo: what is between these marks is written anew -->", "<!-- ganzoo: end -->"
PIPELINES = {"image": "unconditional-image-generation", "text": "text-generation"}  # by modality, as the Hub names them
OURS = ("library_name", "pipeline_tag", "datasets", "metrics", "model-index", "requires")  # keys that are written anew


@dataclass(frozen=True)
class Place:
    """Where a card will be read.

    Args:
        repo: ``user/model``; empty while it is a directory.
        revision: The tag that it will be found under; empty for none.
    """

    repo: str = ""
    revision: str = ""


NOWHERE = Place()


def card(
    config: Config,
    registry: Registry,
    files: Iterable[str],
    before: str = "",
    license: str = "",
    place: Place = NOWHERE,
) -> str:
    """Return the card of a package.

    Args:
        config: What the package says.
        registry: What is known of its components besides.
        files: Names of the package's files.
        before: The card so far; what a person wrote into it stays.
        license: Of the weights; empty for what the card says already.
        place: Where it will be read.
    """
    front, above, below = split(before)
    ours = front_matter(config, registry)
    stale = {entry.spec.name for kind in ("architecture", "dataset") for entry in registry.components(kind)}
    theirs = [tag for tag in _strings(front.get("tags")) if tag not in stale]  # of the model that was here before
    tags = list(dict.fromkeys([*ours.pop("tags"), *theirs]))
    merged = {**ours, "tags": tags} | {key: value for key, value in front.items() if key not in (*OURS, "tags")}
    if license:
        merged["license"] = license
    body = "\n\n".join(_sections(config, registry, list(files), place))
    parts = [above.strip(), f"{BEGIN}\n\n{body}\n\n{END}", below.strip()]
    return f"---\n{_yaml(merged)}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"


def decoded(content: bytes) -> str:
    """Return the text of a card; bytes of another encoding than UTF-8 are read as Latin-1, so none is lost."""
    text = content.decode("utf-8", "surrogateescape")  # such a byte is 0xDC00 higher
    return re.sub("[\udc80-\udcff]", lambda match: chr(ord(match[0]) - 0xDC00), text).replace("\r\n", "\n")


def split(text: str) -> tuple[dict[str, Any], str, str]:
    """Return a card's front matter, and what stands before and behind the generated body.

    In a card without marks, which a person wrote from scratch, everything stands behind it; so does, in one whose end
    mark is gone, all that might be a person's.
    """
    match = re.match(r"\ufeff?---[ \t]*\r?\n(.*?\r?\n|)---[ \t]*(?:\r?\n|$)", text, re.DOTALL)
    front = _read_yaml(match[1]) if match else {}
    rest = text[match.end() :] if match else text
    above, mark, tail = rest.partition(BEGIN)
    if not mark:
        return front, "", rest
    body, ended, below = tail.partition(END)
    return front, above, below if ended else body


def front_matter(config: Config, registry: Registry) -> dict[str, Any]:
    """Return what the Hub reads: library, task, tags, data and measured values (``model-index``)."""
    from huggingface_hub import EvalResult, ModelCardData

    arch, dataset = _spec(registry, config, "arch"), _spec(registry, config, "dataset")
    name = _title(config)
    results = [
        EvalResult(
            task_type=PIPELINES.get(config.data.modality, "other"),
            dataset_type=_bare(config, "dataset"),
            dataset_name=_bare(config, "dataset"),
            metric_type=entry["name"],
            metric_value=entry["value"],
            metric_args={key: value for key, value in entry.items() if key not in ("name", "value")},
        )
        for entry in config.metrics
    ]
    measured = sorted({entry["name"].partition("/")[0] for entry in config.metrics})
    data = ModelCardData(
        library_name="ganzoo",
        tags=["ganzoo", "gan", arch.name if arch else _bare(config, "arch"), *_named(dataset)],
        datasets=[dataset.hub] if isinstance(dataset, Dataset) and dataset.hub else None,
        metrics=measured or None,
        pipeline_tag=PIPELINES.get(config.data.modality),
        requires=requirements(config) or None,
        model_name=name if results else None,
        eval_results=results or None,
    )
    to_dict: Any = data.to_dict  # untyped there
    return {key: value for key, value in to_dict().items() if value is not None}


# ----------------------------------------------------------------------------
# The body.


def _sections(config: Config, registry: Registry, files: list[str], place: Place) -> list[str]:
    sections = [f"# {escaped(place.repo or _title(config))}", _what(config, registry)]
    if PICTURE in files:
        sections.append(f"![Samples of seed 0, none chosen]({PICTURE})")
    if TEXT in files:
        sections.append(f"[Samples of seed 0, none chosen]({TEXT})")
    sections += ["## Use", _usage(config, place), "## Requirements", _requirements(config)]
    sections += ["## Training", _table(("setting", "value"), _training(config))]
    if config.imported:
        sections.append(f"It was trained elsewhere, with settings that are not known. {_origin(config)}")
    if config.metrics:
        rows = [(entry["name"], f"{entry['value']:.6g}", _protocol(entry)) for entry in config.metrics]
        sections += ["## Metrics", _table(("metric", "value", "protocol"), rows)]
        sections.append("Values are comparable where their fingerprints are equal, and not otherwise.")
    sections += ["## Data", _data(config, registry), "## Limits", _limits(config, files)]
    return sections


def _what(config: Config, registry: Registry) -> str:
    arch = _spec(registry, config, "arch")
    paper = f" ({escaped(arch.paper)})" if arch and arch.paper else ""
    labels = f", in {config.data.num_classes} classes" if config.data.num_classes else ""
    shape = " x ".join(map(str, config.data.shape))
    trained = "trained elsewhere" if config.imported else f"trained on {_code(_bare(config, 'dataset'))} with ganzoo"
    return (
        f"The generator of a GAN, architecture {_code(_bare(config, 'arch'))}{paper}, {trained}. It makes "
        f"{config.data.modality} samples of {shape}{labels}."
    )


def _origin(config: Config) -> str:
    come = {key: _code(value) for key, value in config.imported.items()}
    return f"`ganzoo import` read the file {come['file']} (format {come['format']}, SHA-256 {come['sha256']})."


def _usage(config: Config, place: Place) -> str:
    what = place.repo or "path/to/this/directory"
    pinned = f', revision="{place.revision}"' if place.revision else ""
    kind = (
        "uint8 [64, H, W, C]"
        if config.data.modality == "image"
        else f"float32 [64, {', '.join(map(str, config.data.shape))}]"
    )
    lines = [
        "import ganzoo",
        "",
        f'generator = ganzoo.load("{what}"{pinned})',
        f"samples = generator.sample(64, seed=0)  # {kind}",
    ]
    note = "" if pinned or not place.repo else "\n\nPin the commit that `ganzoo pull` prints, as `revision=`."
    return "```python\n" + "\n".join(lines) + "\n```" + note


def requirements(config: Config) -> list[str]:
    """Return the distributions that a model needs, as pip takes them; what is none is left out."""
    return [f"{name}>={version}" for name, version in config.requires if is_release(name, version)]


def _requirements(config: Config) -> str:
    names = [f"'{requirement}'" for requirement in requirements(config)]
    return f"    python -m pip install {' '.join(names)}" if names else "A plugin that is no distribution."


def _training(config: Config) -> list[tuple[str, str]]:
    recipe = config.recipe
    rows = []
    for key in (entry for entry in COMPONENTS if entry.trains):
        chosen = recipe.get(key.name) or []
        rows.append((key.name, "; ".join(map(_choice, chosen if isinstance(chosen, list) else [chosen]))))
    optim, train = recipe.get("optim") or {}, recipe.get("train") or {}
    rows += [(f"optim.{key}", _options(optim.get(key) or {})) for key in NETWORKS]
    short, usual = {flag.key for flag in FLAGS}, options.to_json(TrainOptions())
    told = {f"train.{key}": value for key, value in train.items() if f"train.{key}" in short or value != usual.get(key)}
    rows += [(key, options.to_text(value)) for key, value in told.items() if value is not None]
    rows += [("images seen", "" if config.imported else f"{config.images:,}"), ("ganzoo", str(recipe.get("ganzoo")))]
    return [(key, value) for key, value in rows if value]


def _data(config: Config, registry: Registry) -> str:
    dataset = _spec(registry, config, "dataset")
    if "dataset" not in config.recipe:
        return "What it was trained on is not known, nor is its licence."
    if not isinstance(dataset, Dataset):
        return f"{_code(_bare(config, 'dataset'))}, whose plugin was not installed when this card was written."
    num = f" {config.data.num_items:,} items." if config.data.num_items else ""
    source = f" {escaped(dataset.paper)}." if dataset.paper else ""
    licence = f" Licence: {escaped(dataset.license)}." if dataset.license else " Its licence is not known to ganzoo."
    return f"{_code(dataset.name)}: {escaped(dataset.summary)}{num}{source}{licence}"


def _limits(config: Config, files: list[str]) -> str:
    words = [
        "Samples resemble the training data, with its gaps and its biases; single ones may come close to training "
        "samples. Nothing was done to prevent either."
    ]
    if not config.metrics:
        words.append("Its quality was not measured.")
    if DISCRIMINATOR in files:
        words.append("The discriminator is part of the package, for training that goes on from here (`--init`).")
    return " ".join(words)


# ----------------------------------------------------------------------------
# Words.


def escaped(text: object) -> str:
    """Return foreign text as Markdown that means just that text, on one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    return re.sub(r"([\\`*_{}\[\]<>|#~&!])", r"\\\1", line)


def is_release(name: str, version: str) -> bool:
    """Whether these are a distribution's name and version (PEP 508, 440), and nothing that pip or a shell acts on."""
    from packaging.version import InvalidVersion, Version

    try:
        Version(version)
    except InvalidVersion:
        return False
    return version.isprintable() and bool(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name))


def _code(text: object) -> str:
    """Return foreign text as inline code."""
    line = "".join(char if char.isprintable() and char not in "`|<>" else " " for char in str(text))
    return f"`{' '.join(line.split()) or '?'}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(_code(cell) for cell in row)} |" for row in rows)])


def _choice(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return ""
    values = _options(entry.get("options") or {})
    return f"{str(entry.get('name', '?')).rpartition(':')[2]}{f' ({values})' if values else ''}"


def _options(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items() if value is not None)


def _protocol(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in entry.items() if key not in ("name", "value"))


def _title(config: Config) -> str:
    return "-".join(_bare(config, key) for key in ("arch", "dataset") if key in config.recipe)


def _bare(config: Config, key: str) -> str:
    entry = config.recipe.get(key)
    return str(entry.get("name", "?")).rpartition(":")[2] if isinstance(entry, Mapping) else "?"


def _spec(registry: Registry, config: Config, key: str) -> Component | None:
    """Return the spec of a stored component, where it is installed."""
    try:
        return registry.resolve(ONE[key], config.recipe[key]["name"]).spec
    except (GanzooError, KeyError, TypeError, AttributeError):
        return None


def _named(dataset: Component | None) -> list[str]:
    """Return the tag by which models of a dataset are found; a folder's name says nothing of what is in it."""
    return [dataset.name] if isinstance(dataset, Dataset) and not dataset.path_option else []


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _yaml(values: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120)
    return text


def _read_yaml(text: str) -> dict[str, Any]:
    """Return front matter; an empty one where it is none that can be read."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, dict) else {}
