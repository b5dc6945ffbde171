"""Pulling models from the Hub: one commit, checked before its weights are fetched; every byte is verified."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganzoo.errors import Corrupt, GanzooError, NotFound, Unreachable, suggest_names
from ganzoo.hub.client import Hub, RemoteFile, hash_blob
from ganzoo.hub.failures import (
    describe_way_online,
    make_damaged_error,
    make_not_cached_error,
    suggest_included_models,
)
from ganzoo.package import config as configs
from ganzoo.package.config import CARD, CONFIG, DISCRIMINATOR, FILES, LARGEST, MODEL, Config, read_file
from ganzoo.registry import registry
from ganzoo.runs.where import Notify, Repo, ignore_line

if TYPE_CHECKING:
    from ganzoo.package.plan import Plan

LARGEST_EXTRA = 64 << 20  # bytes of a file other than the config and the weights


class PulledModel(NamedTuple):
    """A model in the local cache.

    Args:
        repo: The repository of the model on the Hub, ``user/model``.
        commit: The commit that was pulled.
        directory: The model's directory in the cache of the Hub's client. Read it, never write to it.
        offline: Whether the Hub was not asked, or did not answer.
    """

    repo: str
    commit: str
    directory: Path
    offline: bool = False


def pull(
    repo: Repo,
    *,
    names: Iterable[str] | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> PulledModel:
    """Fetch a model from the Hub, where it is not in the cache, and check it.

    All files come from one commit. The config is fetched first. Its architecture is built without memory and compared
    with the header of the weights, before the weights are fetched.

    Args:
        repo: The model on the Hub.
        names: Names of the files to fetch; None for all but the discriminator. Files that are not part of a package
            are never fetched.
        offline: Whether only the cache is read, without the network.
        notify: A function that shows one line to the user.

    Raises:
        NotFound: The model or the revision does not exist, or the user has no access.
        Unreachable: The Hub cannot be reached.
        MissingPlugin: The model's architecture is not installed.
        Corrupt: A file is damaged or not what a package contains.
    """
    requested = set(FILES) - {DISCRIMINATOR} if names is None else {CONFIG, *names}
    hub, wanted = Hub(offline, notify), [name for name in FILES if name in requested]
    try:
        if hub.offline:
            return _load_from_cache(hub, repo, wanted)
        return _pull_from_hub(hub, repo, wanted)
    except Unreachable as error:
        text = f"{error}{suggest_included_models()}"
        with contextlib.suppress(GanzooError):
            pulled = _load_from_cache(Hub(True), repo, wanted)
            _notify_commit(notify, repo, pulled.commit, ", from the cache")
            return pulled
    raise Unreachable(text)


def _notify_commit(notify: Notify, repo: Repo, commit: str, source: str = "") -> None:
    """Say which commit is used, unless the user named the commit itself."""
    if commit != repo.revision:
        notify(f"{repo.id} at {commit}{source}")


def fetch_config(hub: Hub, repo: str, commit: str, stored: Mapping[str, RemoteFile]) -> Config:
    """Return the config of a model on the Hub; `stored` lists the files in the commit."""
    if CONFIG not in stored:
        raise NotFound(f"{repo} is not a model that ganzoo made: it has no {CONFIG}")
    if stored[CONFIG].size > LARGEST:
        raise Corrupt(f"{CONFIG} of {repo} is not the config of a model package: it has more than {LARGEST:,} bytes")
    path = hub.fetch_file(repo, CONFIG, commit, stored[CONFIG])
    return configs.parse_config(path.read_bytes(), f"{CONFIG} of {repo}")


# ----------------------------------------------------------------------------
# From the Hub.


def _pull_from_hub(hub: Hub, repo: Repo, wanted: list[str]) -> PulledModel:
    commit = _resolve_commit(hub, repo)
    _notify_commit(hub.notify, repo, commit)
    stored = hub.list_files(repo.id, commit)
    config = fetch_config(hub, repo.id, commit, stored)
    weights = [name for name in wanted if name in (MODEL, DISCRIMINATOR) and name in config.files]
    if weights:
        from ganzoo.package import plan as planning  # imports torch, which reading a config alone does not need

        planned = planning.make_plan(config, registry(), f"{CONFIG} of {repo.id}")
    for name in wanted:
        if name in config.files:
            _check_remote_file(config, name, stored, repo.id)
    for name in weights:
        _check_weights(hub, planned, name, stored[name].size, repo.id, commit)
    present = [name for name in wanted if name in config.files or (name in (CONFIG, CARD) and name in stored)]
    paths = {name: hub.fetch_file(repo.id, name, commit, stored[name]) for name in present}
    for name, path in paths.items():  # checked again: a Hub could give two files the same name in the cache
        if name in config.files:
            read_file(path, config.files[name])
        elif not stored[name].matches(path.read_bytes()):
            raise make_damaged_error(repo.id, name)
    return PulledModel(repo.id, commit, paths[CONFIG].parent)


def _check_weights(hub: Hub, planned: Plan, name: str, size: int, repo: str, commit: str) -> None:
    """Raise Corrupt where the size or the header of weights does not fit the network; the header is fetched twice."""
    source = f"{name} of {repo}"
    try:
        planned.check_size(name, size, source)
        if hub.find_cached(repo, name, commit) is not None:
            return
        try:
            planned.check_header(name, hub.fetch_header(repo, name, commit), source)
        except Corrupt:  # the transfer may have damaged it
            planned.check_header(name, hub.fetch_header(repo, name, commit), source)
    except Corrupt as error:
        raise Corrupt(f"{error}; name another revision, or tell its author") from None


def _resolve_commit(hub: Hub, repo: Repo) -> str:
    """Return the commit of a revision; where there is none, the error suggests similar names."""
    try:
        return hub.resolve_commit(repo.id, repo.revision)
    except NotFound as error:
        if type(error) is not NotFound:
            raise
        text = str(error)
    if repo.revision and (near := _suggest_revisions(hub, repo)) is not None:
        raise NotFound(f"{repo.id} has no revision {repo.revision!r}{near}")
    raise NotFound(text + hub.suggest_names(repo.id))


def _suggest_revisions(hub: Hub, repo: Repo) -> str | None:
    """Return a hint with revisions similar to a missing one; None where the model itself is missing."""
    try:
        branches, tags, _ = hub.list_refs(repo.id)
    except GanzooError:
        return None
    names = sorted({**branches, **tags})
    return suggest_names(repo.revision or "", names) or f": there are {', '.join(map(repr, names[:8]))}"


def _check_remote_file(config: Config, name: str, stored: Mapping[str, RemoteFile], repo: str) -> None:
    """Raise Corrupt where a file on the Hub has another size or hash than the config says; checked before fetching."""
    if name not in stored:
        raise Corrupt(f"{repo} is incomplete: it has no {name}; name another revision, or tell its author")
    stated, present = config.files[name], stored[name]
    if present.size != stated.size or (present.sha256 and present.sha256 != stated.sha256):
        raise Corrupt(f"{name} of {repo} is not the file that its config describes: name another revision")
    if name not in (MODEL, DISCRIMINATOR) and present.size > LARGEST_EXTRA:
        raise Corrupt(f"{name} of {repo} is larger than ganzoo's files are ({present.size:,} bytes): it is not fetched")


# ----------------------------------------------------------------------------
# From the cache.


def _load_from_cache(hub: Hub, repo: Repo, wanted: list[str]) -> PulledModel:
    commit = hub.resolve_commit(repo.id, repo.revision)
    _notify_commit(hub.notify, repo, commit, ", from the cache")
    directory = _find_in_cache(hub, repo, CONFIG, commit).parent
    try:
        _check_config(directory / CONFIG)
        config = configs.read_config(directory)
        for name in wanted:
            if name in config.files:
                read_file(_find_in_cache(hub, repo, name, commit), config.files[name])
    except Corrupt as error:
        text = f"{error}, in the cache: {describe_way_online()} to download it again"
    else:
        return PulledModel(repo.id, commit, directory, offline=True)
    raise Corrupt(text)


def _find_in_cache(hub: Hub, repo: Repo, name: str, commit: str) -> Path:
    path = hub.find_cached(repo.id, name, commit)
    if path is None:
        raise make_not_cached_error(repo.id, repo.revision)
    return path


def _check_config(path: Path) -> None:
    """Raise Corrupt where the bytes of a cached config differ from the git hash in its file name."""
    name = path.resolve().name
    if len(name) == 40 and name != hash_blob(path.read_bytes()):
        raise Corrupt(f"{path} is damaged: its bytes differ from what was saved")
