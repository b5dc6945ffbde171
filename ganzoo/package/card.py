"""The model card: ``README.md`` with front matter that the Hub reads and a body that people read.

The generated body stands between two marks. When the card is written again, all text that people wrote before it, after
it and into the front matter is kept. Text from recipes and plugins is escaped, because a card is shown as HTML.
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
from ganzoo.recipe.resolve import HUB_NAME
from ganzoo.registry import Registry

BEGIN, END = "<!-- ganzoo: what is between these marks is written anew -->", "<!-- ganzoo: end -->"
PIPELINES = {"image": "unconditional-image-generation", "text": "text-generation"}  # the Hub's task, by modality
FROM_LABELS = {
    "image": "image-to-image",
    "audio": "audio-to-audio",
}  # the Hub's task where labels are arrays, by modality
GENERATED = (
    "library_name",
    "pipeline_tag",
    "datasets",
    "metrics",
    "model-index",
    "requires",
)  # keys of the front matter that ganzoo writes


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
        config: The config of the package that the card describes.
        registry: The registry, which describes the package's components.
        files: Names of the package's files.
        before: The old card, whose text by people is kept; empty where there is none.
        license: The licence of the weights; empty to keep the licence in the old card.
        address: The address on the Hub at which the card is read; `UNPUBLISHED` while it is a local directory.
    """
    front, above, below = split_card(before)
    generated = make_front_matter(config, registry)
    # Tags of the old model's architecture and dataset are dropped.
    replaced = {entry.spec.name for kind in ("architecture", "dataset") for entry in registry.components(kind)}
    own_tags = [tag for tag in _select_strings(front.get("tags")) if tag not in replaced]
    tags = list(dict.fromkeys([*generated.pop("tags"), *own_tags]))
    merged = {**generated, "tags": tags} | {
        key: value for key, value in front.items() if key not in (*GENERATED, "tags")
    }
    if license:
        merged["license"] = license
    body = "\n\n".join(make_sections(config, registry, list(files), address))
    parts = [above.strip(), f"{BEGIN}\n\n{body}\n\n{END}", below.strip()]
    return f"---\n{_dump_yaml(merged)}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"


def decode_card(content: bytes) -> str:
    """Return the text of a card in UTF-8; other bytes are read as Latin-1, so that none is lost."""
    text = content.decode("utf-8", "surrogateescape")  # such a byte is 0xDC00 higher
    return re.sub("[\udc80-\udcff]", lambda match: chr(ord(match[0]) - 0xDC00), text).replace("\r\n", "\n")


def split_card(text: str) -> tuple[dict[str, Any], str, str]:
    """Return a card's front matter, the text before the generated body and the text after it.

    A card without marks was written by a person: all its text counts as text after the body. Where the end mark alone
    is missing, the text after the begin mark counts as text after the body.
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
    """Return the front matter that the Hub reads: library, task, tags, data and measured values (``model-index``)."""
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
    measured = sorted({_name_metric(entry["name"]) for entry in config.metrics})
    data = ModelCardData(
        library_name="ganzoo",
        tags=["ganzoo", "gan", arch.name if arch else get_bare_name(config, "arch"), *_list_dataset_tags(dataset)],
        datasets=_list_hub_datasets(config, dataset) or None,
        metrics=measured or None,
        pipeline_tag=_choose_pipeline(config),
        requires=list_requirements(config) or None,
        model_name=name if results else None,
        eval_results=results or None,
    )
    to_dict: Any = data.to_dict  # untyped there
    return {key: value for key, value in to_dict().items() if value is not None}


def _name_metric(name: str) -> str:
    """Return the metric of a value ``METRIC/KEY``; the key if it names another number of samples, ``fid-10k``."""
    metric, _, key = name.partition("/")
    return key if re.fullmatch(rf"{re.escape(metric)}-\d+k?", key) else metric


def _list_dataset_tags(dataset: Component | None) -> list[str]:
    """Return the tags that lead to models of a dataset; none for a dataset of the user's own files."""
    if not isinstance(dataset, Dataset) or (dataset.path_option and dataset.opens_paths) or dataset.hub_option:
        return []
    return [dataset.name]


def _list_hub_datasets(config: Config, dataset: Component | None) -> list[str]:
    """Return the identifier on the Hub of the dataset that a model was trained with; nothing for other data."""
    if not isinstance(dataset, Dataset):
        return []
    chosen = config.recipe["dataset"]["options"].get(dataset.hub_option) if dataset.hub_option else dataset.hub
    return [chosen] if isinstance(chosen, str) and HUB_NAME.fullmatch(chosen) else []


def _select_strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _dump_yaml(values: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120)
    return text


def _read_yaml(text: str) -> dict[str, Any]:
    """Return front matter as a mapping; an empty one where it cannot be read."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, dict) else {}


def _choose_pipeline(config: Config) -> str | None:
    """Return the Hub's name of the model's task; None where it has none."""
    kinds = FROM_LABELS if len(config.data.label_shape) > 1 else PIPELINES
    return kinds.get(config.data.modality)
