"""Searching and describing models on the Hub by their cards and configs, without their weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ganzoo.errors import GanzooError, Unreachable
from ganzoo.hub.client import Hub
from ganzoo.hub.pull import pull
from ganzoo.package.config import CONFIG, Config, read_config
from ganzoo.recipe.keys import ONE
from ganzoo.registry import registry
from ganzoo.runs.where import Notify, Repo, ignore_line

MOST = 50  # models that one search shows at most


class SearchResult(NamedTuple):
    """A model on the Hub as its card describes it; the text is the author's and is not checked.

    Args:
        repo: The repository of the model on the Hub, ``user/model``.
        downloads: The number of downloads in the last month.
        likes: The number of likes.
        arch: The name of the model's architecture.
        datasets: The datasets on the Hub that it was trained on.
        metrics: The measured values, by name.
        requires: The distributions that it needs, with the versions that wrote it, as pip takes them.
        license: The licence of the weights.
        scores: The measured values with name, number of samples, seed and fingerprint, as the card has them.
    """

    repo: str
    downloads: int
    likes: int
    arch: str
    datasets: tuple[str, ...]
    metrics: Mapping[str, float]
    requires: tuple[str, ...]
    license: str
    scores: tuple[Mapping[str, Any], ...] = ()


def search(
    text: str = "",
    *,
    dataset: str = "",
    author: str = "",
    arch: str = "",
    limit: int = MOST,
    notify: Notify = ignore_line,
) -> list[SearchResult]:
    """Return ganzoo's models on the Hub, the most downloaded first.

    Args:
        text: A part of the model's name; empty for any.
        dataset: The dataset of the training: a name in ganzoo, or ``user/name`` on the Hub; empty for any.
        author: The user or organisation that published it; empty for any.
        arch: The name of the architecture; empty for any.
        limit: The largest number of models that are returned.
        notify: A function that shows one line to the user, here that the Hub is asked again.

    Raises:
        Unreachable: The Hub cannot be reached.
    """
    trained_on = f"dataset:{dataset}" if "/" in dataset else dataset  # the Hub's tag, or the dataset's name in ganzoo
    tags = [tag for tag in ("ganzoo", arch, trained_on) if tag]
    query = {"filter": tags, "author": author, "search": text, "sort": "downloads", "limit": limit, "cardData": True}
    try:
        found = Hub(notify=notify).list_models({key: value for key, value in query.items() if value})
    except Unreachable as error:
        raise Unreachable(f"{error}; `ganzoo list models` lists the models that need no network") from None
    return [make_result(model) for model in found]


def make_result(model: Mapping[str, Any]) -> SearchResult:
    """Return the search result of one entry of the Hub's list; invalid values in its card are ignored."""
    card = model.get("cardData")
    card = card if isinstance(card, dict) else {}
    tags = _select_texts(model.get("tags"))
    scores = list(_read_scores(card.get("model-index")))
    usual = ("ganzoo", "gan", "safetensors", "model-index", card.get("pipeline_tag"))
    return SearchResult(
        repo=str(model.get("id")),
        downloads=_read_count(model.get("downloads")),
        likes=_read_count(model.get("likes")),
        arch=next((tag for tag in tags if ":" not in tag and tag not in usual), ""),
        datasets=_read_tags("dataset:", tags),
        metrics={score["name"]: score["value"] for score in scores},
        requires=_select_texts(card.get("requires")),
        license=", ".join(_read_tags("license:", tags)),
        scores=tuple(scores),
    )


def describe_model(repo: Repo, offline: bool = False, notify: Notify = ignore_line) -> dict[str, Any]:
    """Return the description of a model without its weights, as JSON.

    Raises:
        GanzooError: As in `ganzoo.hub.pull.pull`, except for a missing plugin, which the description names.
    """
    pulled = pull(repo, names=(CONFIG,), offline=offline, notify=notify)
    facts = {"repo": pulled.repo, "commit": pulled.commit} | describe_config(read_config(pulled.directory))
    if pulled.offline:
        return facts
    with contextlib.suppress(Unreachable):
        info = Hub(offline, notify).fetch_info(repo.id, pulled.commit)
        tags = _select_texts(info.tags)
        facts |= {"downloads": info.downloads, "likes": info.likes, "private": info.private, "gated": bool(info.gated)}
        facts |= {"license": ", ".join(_read_tags("license:", tags)), "datasets": list(_read_tags("dataset:", tags))}
    return facts


def describe_config(config: Config) -> dict[str, Any]:
    """Return the description of a package's config, as JSON."""
    recipe = config.recipe
    chosen = {key: _read_name(recipe.get(key)) for key in ONE}
    return {
        **chosen,
        "installed": _is_installed(str(recipe["arch"]["name"])),
        "data": config.data.to_json(),
        "latent": f"{config.latent} {config.latent_dim}",
        "images": config.images,
        "metrics": {str(entry["name"]): entry.get("value") for entry in config.metrics},
        "scores": list(config.metrics),
        "requires": [f"{name}>={version}" for name, version in config.requires],
        "files": {name: file.size for name, file in config.files.items()},
    }


def _is_installed(arch: str) -> bool:
    try:
        registry().resolve("architecture", arch)
    except GanzooError:
        return False
    return True


def _read_name(entry: object) -> str:
    return str(entry.get("name", "")) if isinstance(entry, Mapping) else ""


def _select_texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _read_scores(index: object) -> Iterator[dict[str, Any]]:
    """Yield the values in a card's ``model-index``, with all that it says of them; invalid parts of it are ignored."""
    for model in _select_dicts(index):
        for result in _select_dicts(model.get("results")):
            for metric in _select_dicts(result.get("metrics")):
                if isinstance(metric.get("type"), str) and type(metric.get("value")) in (int, float):
                    args = metric["args"] if isinstance(metric.get("args"), dict) else {}
                    yield {**args, "name": metric["type"], "value": float(metric["value"])}


def _read_tags(prefix: str, tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix))


def _read_count(value: object) -> int:
    return value if type(value) is int else 0


def _select_dicts(value: object) -> Iterable[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
