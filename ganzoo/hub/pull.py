"""Models from the Hub: one commit, looked at before its weights are fetched, and no byte taken on trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganzoo.errors import Corrupt, GanzooError, NotFound, Unreachable, suggest_names
from ganzoo.hub.client import Hub, RemoteFile, hash_blob
from ganzoo.hub.failures import make_damaged_error, make_not_cached_error
from ganzoo.package import config as configs
from ganzoo.package.config import CARD, CONFIG, DISCRIMINATOR, FILES, LARGEST, MODEL, Config, read_file
from ganzoo.registry import registry
from ganzoo.runs.where import Notify, Repo, ignore_line

if TYPE_CHECKING:
    from ganzoo.package.plan import Plan

LARGEST_EXTRA = 64 << 20  # bytes of a file that is neither config nor weights


class PulledModel(NamedTuple):
    """A model that is here now.

    Args:
        repo: Its name.
        commit: Which it is.
        directory: Where it is, in the cache of the Hub's client: to be read, never written.
    """

    repo: str
    commit: str
    directory: Path


def pull(
    repo: Repo,
    *,
    names: Iterable[str] | None = None,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> PulledModel:
    """Fetch a model from the Hub, where it is not in the cache yet, and check it.

    The commit is settled first and holds for all files. The config is read before anything else is fetched, its
    architecture looked up and built without memory, and the weights' header compared with it.

    Args:
        repo: Which.
        names: Of the files that are wanted; None for all but the discriminator, which is fetched where it is named.
            Only those of the package's format are ever asked for.
        offline: Take what is in the cache, and ask for nothing.
        notify: Gets lines that a person may want to see.

    Raises:
        NotFound: There is no such model or revision, or it may not be read.
        Unreachable: The network is down.
        MissingPlugin: Its architecture is not installed.
        Corrupt: A file is not what the model's author published.
    """
    asked = set(FILES) - {DISCRIMINATOR} if names is None else {CONFIG, *names}
    hub, wanted = Hub(offline, notify), [name for name in FILES if name in asked]
    try:
        if hub.offline:
            return _load_from_cache(hub, repo, wanted)
        return _pull_from_hub(hub, repo, wanted)
    except Unreachable as error:
        try:
            pulled = _load_from_cache(Hub(True), repo, wanted)
        except GanzooError:
            raise error from None
        notify(f"{error}; {repo} is taken as it is in the cache")
        notify(f"{repo.id} at {pulled.commit}")
        return pulled


def read_config(hub: Hub, repo: str, commit: str, stored: Mapping[str, RemoteFile]) -> Config:
    """Return the config of a model on the Hub, given what files it has."""
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
    hub.notify(f"{repo.id} at {commit}")
    stored = hub.list_files(repo.id, commit)
    config = read_config(hub, repo.id, commit, stored)
    weights = [name for name in wanted if name in (MODEL, DISCRIMINATOR) and name in config.files]
    if weights:
        from ganzoo.package import plan as planning  # with torch, which a config alone does not need

        planned = planning.make_plan(config, registry(), f"{CONFIG} of {repo.id}")
    for name in wanted:
        if name in config.files:
            _check_remote_file(config, name, stored, repo.id)
    for name in weights:
        _check_weights(hub, planned, name, stored[name].size, repo.id, commit)
    there = [name for name in wanted if name in config.files or (name in (CONFIG, CARD) and name in stored)]
    paths = {name: hub.fetch_file(repo.id, name, commit, stored[name]) for name in there}
    for name, path in paths.items():  # all of them once more: a Hub may give two files one name in the cache
        if name in config.files:
            read_file(path, config.files[name])
        elif not stored[name].matches(path.read_bytes()):
            raise make_damaged_error(repo.id, name)
    return PulledModel(repo.id, commit, paths[CONFIG].parent)


def _check_weights(hub: Hub, planned: Plan, name: str, size: int, repo: str, commit: str) -> None:
    """Raise Corrupt where weights are not the network's: by their size, or by a header that does not fit twice."""
    source = f"{name} of {repo}"
    try:
        planned.check_size(name, size, source)
        if hub.find_cached(repo, name, commit) is not None:
            return
        try:
            planned.check_header(name, hub.fetch_header(repo, name, commit), source)
        except Corrupt:  # it may have been damaged on its way
            planned.check_header(name, hub.fetch_header(repo, name, commit), source)
    except Corrupt as error:
        raise Corrupt(f"{error}; name another revision, or tell its author") from None


def _resolve_commit(hub: Hub, repo: Repo) -> str:
    """Return the commit that a revision means; where there is none, say what is near."""
    try:
        return hub.resolve_commit(repo.id, repo.revision)
    except NotFound as error:
        if type(error) is not NotFound:
            raise
        words = str(error)
    if repo.revision and (near := _suggest_revisions(hub, repo)) is not None:
        raise NotFound(f"{repo.id} has no revision {repo.revision!r}{near}")
    raise NotFound(words + hub.suggest_names(repo.id))


def _suggest_revisions(hub: Hub, repo: Repo) -> str | None:
    """Return the revisions near one that is not there, as a hint; None where the model itself is not there."""
    try:
        branches, tags, _ = hub.list_refs(repo.id)
    except GanzooError:
        return None
    names = sorted({**branches, **tags})
    return suggest_names(repo.revision or "", names) or f": there are {', '.join(map(repr, names[:8]))}"


def _check_remote_file(config: Config, name: str, stored: Mapping[str, RemoteFile], repo: str) -> None:
    """Raise Corrupt where the Hub holds another file than the config vouches for, before it is fetched."""
    if name not in stored:
        raise Corrupt(f"{repo} is incomplete: it has no {name}; name another revision, or tell its author")
    said, there = config.files[name], stored[name]
    if there.size != said.size or (there.sha256 and there.sha256 != said.sha256):
        raise Corrupt(f"{name} of {repo} is not the file that its config vouches for: name another revision")
    if name not in (MODEL, DISCRIMINATOR) and there.size > LARGEST_EXTRA:
        raise Corrupt(f"{name} of {repo} has {there.size:,} bytes, which none of ganzoo's has: it is not fetched")


# ----------------------------------------------------------------------------
# From the cache.


def _load_from_cache(hub: Hub, repo: Repo, wanted: list[str]) -> PulledModel:
    commit = hub.resolve_commit(repo.id, repo.revision)
    hub.notify(f"{repo.id} at {commit}, as it is in the cache")
    directory = _find_in_cache(hub, repo, CONFIG, commit).parent
    try:
        _check_config(directory / CONFIG)
        config = configs.read_config(directory)
        for name in wanted:
            if name in config.files:
                read_file(_find_in_cache(hub, repo, name, commit), config.files[name])
    except Corrupt as error:
        words = f"{error}, in the cache: run this once without --offline, which fetches it anew"
    else:
        return PulledModel(repo.id, commit, directory)
    raise Corrupt(words)


def _find_in_cache(hub: Hub, repo: Repo, name: str, commit: str) -> Path:
    path = hub.find_cached(repo.id, name, commit)
    if path is None:
        raise make_not_cached_error(repo.id, repo.revision)
    return path


def _check_config(path: Path) -> None:
    """Raise Corrupt where the client keeps the config under git's name of other bytes than it has."""
    name = path.resolve().name
    if len(name) == 40 and name != hash_blob(path.read_bytes()):
        raise Corrupt(f"{path} is damaged: its bytes are not those that were fetched")
