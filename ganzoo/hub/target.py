"""The target of a publication, its current state, and the changes that publishing makes."""

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
    """The repository, branch and tag that a package is published to.

    Args:
        repo: The repository to publish to, ``user/model``.
        private: Whether a new repository is private. The visibility of an existing one does not change.
        tag: The tag of the commit; empty for none.
        branch: The branch to commit to.
        message: The message of the commit; empty for a default one.
        create_pr: Whether the package is offered as a pull request, to a model of somebody else.
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
            raise UsageError(
                "--create-pr works on the main branch of an existing model: remove --tag, --revision and --private"
            )


class Head(NamedTuple):
    """The current state of a target.

    Args:
        commit: The newest commit of the branch; empty where the repository does not exist.
        files: The package files in that commit.
        refs: The repository's branches, tags and pull requests.
        private: Whether the repository is private.
    """

    commit: str
    files: Mapping[str, RemoteFile]
    refs: Refs
    private: bool


NOTHING = Head("", {}, Refs({}, {}, {}), False)


class Change(NamedTuple):
    """The change of one file.

    Args:
        name: The name of the file.
        what: ``new``, ``changed``, ``kept`` or ``deleted``.
        size: The size in bytes; 0 where the file is deleted.
    """

    name: str
    what: str
    size: int


def read_head(hub: Hub, target: Target) -> Head:
    """Return the current state of a target; raise an error where it does not allow publishing."""
    repo = target.repo
    try:
        info = hub.fetch_info(repo)
    except NotFound as error:
        if isinstance(error, Denied) or target.create_pr:
            raise
        return NOTHING
    refs = hub.list_refs(repo)
    if target.branch in refs.tags and target.branch not in refs.branches:
        raise UsageError(f"{target.branch!r} is a tag of {repo}, and tags never move: name a branch")
    if target.private and not info.private:
        raise Conflict(f"{repo} exists and is public: remove --private, or make it private in its settings first")
    commit = refs.branches.get(target.branch) or refs.branches[MAIN]
    files = hub.list_files(repo, commit)
    _check_made_by_ganzoo(hub, repo, commit, files)
    return Head(commit, files, refs, bool(info.private))


def _check_made_by_ganzoo(hub: Hub, repo: str, commit: str, files: Mapping[str, RemoteFile]) -> None:
    """Raise Conflict where publishing would replace a model that ganzoo did not make."""
    text = f"{repo} contains a model that ganzoo did not make: publish under another name"
    if CONFIG in files and files[CONFIG].size <= LARGEST:
        content = hub.fetch_file(repo, CONFIG, commit, files[CONFIG]).read_bytes()
        with contextlib.suppress(Corrupt, NotFound):
            parse_config(content, f"{CONFIG} of {repo}")
            return
    if CONFIG in files or MODEL in files:
        raise Conflict(text)


def read_card(hub: Hub, repo: str, head: Head) -> bytes | None:
    """Return the bytes of the existing card, whose text by people is kept; None where there is none."""
    stored = head.files.get(CARD)
    if stored is None:
        return None
    if stored.size > LARGEST:
        raise Conflict(f"the card of {repo} has more than {LARGEST:,} bytes, and would be lost: shorten it first")
    return hub.fetch_file(repo, CARD, head.commit, stored).read_bytes()


def check_tag(target: Target, head: Head, files: Mapping[str, bytes]) -> None:
    """Raise Conflict where the tag exists on another commit, or a branch has its name."""
    repo, tag, tagged = target.repo, target.tag, head.refs.tags.get(target.tag)
    if tag in (target.branch, *head.refs.branches):
        raise Conflict(f"{repo} has a branch {tag!r}, which would hide a tag of that name: use another tag")
    changed = any(change.what != "kept" for change in list_changes(files, head))
    if tagged and (changed or tagged != head.commit):
        raise Conflict(f"{repo} has a tag {tag!r} already, on {tagged[:12]}, and tags never move: use another tag")


def list_changes(files: Mapping[str, bytes], head: Head) -> tuple[Change, ...]:
    """Return the change of each package file."""
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
    """Whether the package files on the Hub are exactly these."""
    return files.keys() == stored.keys() and all(stored[name].matches(content) for name, content in files.items())


def make_url(hub: Hub, target: Target) -> str:
    """Return the address of the target's page."""
    return f"{hub.api.endpoint}/{target.repo}" + (f"/tree/{target.branch}" if target.branch != MAIN else "")
