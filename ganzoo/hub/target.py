"""Where a package is to be published, what stands there, and what publishing would change."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ganzoo.errors import Conflict, Corrupt, Denied, NotFound, UsageError
from ganzoo.hub.client import Hub, Refs, RemoteFile
from ganzoo.package.config import CARD, CONFIG, FILES, LARGEST, MODEL, parse_config
from ganzoo.runs.where import REVISION, check_repository_name

MAIN = "main"


@dataclass(frozen=True)
class Target:
    """Where to publish.

    Args:
        repo: ``user/model``.
        private: Whether only its owner shall see it; what is there stays as public as it is.
        tag: To be put on the commit.
        branch: To commit to.
        message: Of the commit.
        create_pr: Offer it as a pull request, to a model of somebody else.
    """

    repo: str
    private: bool = False
    tag: str = ""
    branch: str = MAIN
    message: str = ""
    create_pr: bool = False

    def __post_init__(self) -> None:
        check_repository_name(self.repo)
        for name, value in (("tag", self.tag), ("revision", self.branch)):
            if value and (not REVISION.fullmatch(value) or re.fullmatch(r"[0-9a-f]{40}", value)):
                raise UsageError(f"--{name} {value!r}: use letters, digits, '.', '_', '-' and '/'")
        if self.create_pr and (self.tag or self.branch != MAIN or self.private):
            raise UsageError("--create-pr goes to the main branch of a model that is there: leave the others away")


class Head(NamedTuple):
    """What stands where it is to be published.

    Args:
        commit: That the new one follows; empty where the model is not there yet.
        files: Of the package's format, in that commit.
        refs: Branches, tags and pull requests.
        private: Whether only its owner sees it.
    """

    commit: str
    files: Mapping[str, RemoteFile]
    refs: Refs
    private: bool


NOTHING = Head("", {}, Refs({}, {}, {}), False)


class Change(NamedTuple):
    """What becomes of one file.

    Args:
        name: Of the file.
        what: ``new``, ``changed``, ``kept`` or ``deleted``.
        size: In bytes; 0 where it is deleted.
    """

    name: str
    what: str
    size: int


def read_head(hub: Hub, target: Target) -> Head:
    """Return what stands where it is to be published, unless it stands against it."""
    repo = target.repo
    try:
        info = hub.fetch_info(repo)
    except NotFound as error:
        if isinstance(error, Denied) or target.create_pr:
            raise
        return NOTHING
    refs = hub.list_refs(repo)
    if target.branch in refs.tags and target.branch not in refs.branches:
        raise UsageError(f"{target.branch!r} is a tag of {repo}, and a tag never moves: name a branch")
    if target.private and not info.private:
        raise Conflict(f"{repo} is there and public: leave --private away, or make it private in its settings first")
    commit = refs.branches.get(target.branch) or refs.branches[MAIN]
    files = hub.list_files(repo, commit)
    _check_ours(hub, repo, commit, files)
    return Head(commit, files, refs, bool(info.private))


def _check_ours(hub: Hub, repo: str, commit: str, files: Mapping[str, RemoteFile]) -> None:
    """Raise Conflict where what would be replaced was not made by ganzoo."""
    words = f"{repo} holds a model that ganzoo did not make: publish under another name"
    if CONFIG in files and files[CONFIG].size <= LARGEST:
        content = hub.fetch_file(repo, CONFIG, commit, files[CONFIG]).read_bytes()
        with contextlib.suppress(Corrupt, NotFound):
            parse_config(content, f"{CONFIG} of {repo}")
            return
    if CONFIG in files or MODEL in files:
        raise Conflict(words)


def read_card(hub: Hub, repo: str, head: Head) -> bytes | None:
    """Return the card that is there, whose text by a person stays."""
    stored = head.files.get(CARD)
    if stored is None:
        return None
    if stored.size > LARGEST:
        raise Conflict(f"the card of {repo} is longer than {LARGEST:,} bytes, and would be lost: shorten it first")
    return hub.fetch_file(repo, CARD, head.commit, stored).read_bytes()


def check_tag(target: Target, head: Head, files: Mapping[str, bytes]) -> None:
    """Raise Conflict where the tag is on something else already, or is a branch's name."""
    repo, tag, there = target.repo, target.tag, head.refs.tags.get(target.tag)
    if tag in (target.branch, *head.refs.branches):
        raise Conflict(f"{repo} has a branch {tag!r}, by which no tag would be found: take another tag")
    changed = any(change.what != "kept" for change in list_changes(files, head))
    if there and (changed or there != head.commit):
        raise Conflict(f"{repo} has a tag {tag!r} already, on {there[:12]}, and a tag never moves: take another")


def list_changes(files: Mapping[str, bytes], head: Head) -> tuple[Change, ...]:
    """Return what becomes of each file of the format."""
    changes = []
    for name in FILES:
        stored = head.files.get(name)
        if name in files:
            what = "new" if stored is None else "kept" if stored.matches(files[name]) else "changed"
            changes.append(Change(name, what, len(files[name])))
        elif stored is not None:
            changes.append(Change(name, "deleted", 0))
    return tuple(changes)


def holds_exactly(files: Mapping[str, bytes], stored: Mapping[str, RemoteFile]) -> bool:
    """Whether the files of the format on the Hub are just these."""
    return files.keys() == stored.keys() and all(stored[name].matches(content) for name, content in files.items())


def make_url(hub: Hub, target: Target) -> str:
    """Return the address at which people look at it."""
    return f"{hub.api.endpoint}/{target.repo}" + (f"/tree/{target.branch}" if target.branch != MAIN else "")
