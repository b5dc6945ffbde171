"""The model card: ``README.md`` with front matter that the Hub reads and a body that people read.

The generated body stands between two marks; what a person wrote before, behind and into the front matter is kept when
the card is written again. Every text that comes from a recipe or a plugin is escaped: a card is shown as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ganzoo.package.body import (
    UNPUBLISHED,
    Address,
    find_spec,
    get_bare_name,
    list_requirements,
    make_sections,
    make_title,
)
from ganzoo.package.config import Config
from ganzoo.plugin import Component, Dataset
from ganzoo.registry import Registry

BEGIN, END = "<!-- ganzoo: what is between these marks is written anew -->", "<!-- ganzoo: end -->"
PIPELINES = {"image": "unconditional-image-generation", "text": "text-generation"}  # by modality, as the Hub names them
FROM_LABELS = {"image": "image-to-image", "audio": "audio-to-audio"}  # where labels are arrays of that kind
OURS = ("library_name", "pipeline_tag", "datasets", "metrics", "model-index", "requires")  # keys that are written anew


def make_card(
    config: Config,
    registry: Registry,
    files: Iterable[str],
    before: str = "",
    license: str = "",
    address: Address = UNPUBLISHED,
) -> str:
    """Return the card of a package.

    Args:
        config: What the package says.
        registry: What is known of its components besides.
        files: Names of the package's files.
        before: The card so far; what a person wrote into it stays.
        license: Of the weights; empty for what the card says already.
        address: The address on the Hub at which the card is read; `UNPUBLISHED` while it is a local directory.
    """
    front, above, below = split_card(before)
    ours = make_front_matter(config, registry)
    stale = {entry.spec.name for kind in ("architecture", "dataset") for entry in registry.components(kind)}
    theirs = [
        tag for tag in _select_strings(front.get("tags")) if tag not in stale
    ]  # of the model that was here before
    tags = list(dict.fromkeys([*ours.pop("tags"), *theirs]))
    merged = {**ours, "tags": tags} | {key: value for key, value in front.items() if key not in (*OURS, "tags")}
    if license:
        merged["license"] = license
    body = "\n\n".join(make_sections(config, registry, list(files), address))
    parts = [above.strip(), f"{BEGIN}\n\n{body}\n\n{END}", below.strip()]
    return f"---\n{_dump_yaml(merged)}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"


def decode_card(content: bytes) -> str:
    """Return the text of a card; bytes of another encoding than UTF-8 are read as Latin-1, so none is lost."""
    text = content.decode("utf-8", "surrogateescape")  # such a byte is 0xDC00 higher
    return re.sub("[\udc80-\udcff]", lambda match: chr(ord(match[0]) - 0xDC00), text).replace("\r\n", "\n")


def split_card(text: str) -> tuple[dict[str, Any], str, str]:
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


def make_front_matter(config: Config, registry: Registry) -> dict[str, Any]:
    """Return what the Hub reads: library, task, tags, data and measured values (``model-index``)."""
    from huggingface_hub import EvalResult, ModelCardData

    arch, dataset = find_spec(registry, config, "arch"), find_spec(registry, config, "dataset")
    name = make_title(config)
    results = [
        EvalResult(
            task_type=_choose_pipeline(config) or "other",
            dataset_type=get_bare_name(config, "dataset"),
            dataset_name=get_bare_name(config, "dataset"),
            metric_type=entry["name"],
            metric_value=entry["value"],
            metric_args={key: value for key, value in entry.items() if key not in ("name", "value")},
        )
        for entry in config.metrics
    ]
    measured = sorted({entry["name"].partition("/")[0] for entry in config.metrics})
    data = ModelCardData(
        library_name="ganzoo",
        tags=["ganzoo", "gan", arch.name if arch else get_bare_name(config, "arch"), *_list_dataset_tags(dataset)],
        datasets=[dataset.hub] if isinstance(dataset, Dataset) and dataset.hub else None,
        metrics=measured or None,
        pipeline_tag=_choose_pipeline(config),
        requires=list_requirements(config) or None,
        model_name=name if results else None,
        eval_results=results or None,
    )
    to_dict: Any = data.to_dict  # untyped there
    return {key: value for key, value in to_dict().items() if value is not None}


def _list_dataset_tags(dataset: Component | None) -> list[str]:
    """Return the tag by which models of a dataset are found; a folder's name says nothing of what is in it."""
    return [dataset.name] if isinstance(dataset, Dataset) and not dataset.path_option else []


def _select_strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _dump_yaml(values: Mapping[str, Any]) -> str:
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


def _choose_pipeline(config: Config) -> str | None:
    """Return what the model does, as the Hub names it."""
    kinds = FROM_LABELS if len(config.data.label_shape) > 1 else PIPELINES
    return kinds.get(config.data.modality)
