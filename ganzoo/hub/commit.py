"""Publishing a package in one commit with a tag. Where an answer is lost, the Hub is asked for its state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from ganzoo.errors import Conflict, Corrupt, GanzooError, Interrupted
from ganzoo.hub.client import Hub
from ganzoo.hub.target import MAIN, Change, Head, Target, holds_exactly, list_changes, make_url

UNKNOWN = "it is not known whether"  # a change was made, because the answer was lost


class Publication(NamedTuple):
    """A published package.

    Args:
        repo: The repository of the model on the Hub, ``user/model``.
        commit: The commit of the package; empty for a dry run.
        url: The address of the model's page, or of the pull request.
        tag: The tag of the commit; empty where there is none.
        changes: The change of each file.
    """

    repo: str
    commit: str
    url: str
    tag: str
    changes: tuple[Change, ...]


def send(hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]) -> Publication:
    """Commit the files that differ from those on the Hub, tag the commit, and return the publication."""
    repo, tag, new = target.repo, target.tag, not (head.commit or target.create_pr)
    if new:
        hub.call(lambda: hub.api.create_repo(repo, private=target.private, exist_ok=True), repo, writing=True)
    try:
        if not target.create_pr:
            head = _create_missing(hub, target, head, files)
        changes, commit, url = _send_changes(hub, target, head, files)
    except GanzooError as error:
        if not new or isinstance(error, (Conflict, Corrupt)) or UNKNOWN in str(error):
            raise
        page = f"{hub.api.endpoint}/{repo}/settings"
        text = f"{error}; {repo} is new and still empty: run this again to fill it, or delete it at {page}"
        kind = type(error)
    else:
        if tag and head.refs.tags.get(tag) != commit:
            _tag(hub, repo, tag, commit)
        return Publication(repo, commit, url, tag, changes)
    raise kind(text)


def _create_missing(hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]) -> Head:
    """Return the state of a repository that exists; create the branch where it is missing."""
    api, repo = hub.api, target.repo
    hub.call(lambda: api.auth_check(repo, write=True), repo, writing=True)
    if not head.commit:
        refs = hub.list_refs(repo)
        present = hub.list_files(repo, commit := refs.branches[MAIN])
        if present and not holds_exactly(files, present):
            raise Conflict(f"{repo}: somebody else published there at the same time: check it, then run this again")
        head = Head(commit, present, refs, target.private)
    if target.branch not in head.refs.branches:
        hub.call(
            lambda: api.create_branch(repo, branch=target.branch, revision=head.commit, exist_ok=True),
            repo,
            writing=True,
        )
    return head


def _send_changes(
    hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]
) -> tuple[tuple[Change, ...], str, str]:
    """Commit the files that differ; return the changes, the commit, and the address of its page."""
    repo, changes = target.repo, list_changes(files, head)
    if all(change.what == "kept" for change in changes):
        hub.notify(f"{repo} has this package already: nothing to send")
        return changes, head.commit, make_url(hub, target)
    commit, url = _commit(hub, target, head, files, changes)
    if not holds_exactly(files, hub.list_files(repo, commit)):
        raise Corrupt(f"the files in {repo} at {commit} differ from those that were sent: run this again")
    return changes, commit, url


def _commit(
    hub: Hub, target: Target, head: Head, files: Mapping[str, bytes], changes: Iterable[Change]
) -> tuple[str, str]:
    """Make the commit; return it and the address of its page."""
    api, repo = hub.api, target.repo
    sent = [change for change in changes if change.what != "kept"]
    deleted = [change.name for change in sent if change.what == "deleted"]
    size = sum(change.size for change in sent) / 1e6
    text = f"sending {len(sent) - len(deleted)} files ({size:.1f} MB) to {repo}"
    hub.notify(f"{text}, and deleting {' and '.join(deleted)}" if deleted else text)

    def commit_files() -> tuple[str, str]:
        info = api.create_commit(
            repo,
            [
                CommitOperationDelete(change.name)
                if change.what == "deleted"
                else CommitOperationAdd(change.name, files[change.name])
                for change in sent
            ],
            commit_message=target.message or "A model, by ganzoo",
            revision=None if target.create_pr else target.branch,
            parent_commit=head.commit,
            create_pr=target.create_pr,
        )
        return info.oid, info.pr_url or make_url(hub, target)

    def find_commit() -> tuple[str, str] | None:
        refs = hub.list_refs(repo)
        if target.create_pr:
            found = {name: commit for name, commit in refs.requests.items() if name not in head.refs.requests}
        else:
            found = {"": refs.branches[target.branch]}
        for name, commit in found.items():
            if commit != head.commit and holds_exactly(files, hub.list_files(repo, commit)):
                page = f"{api.endpoint}/{repo}/discussions/{name.rpartition('/')[2]}"
                return commit, page if name else make_url(hub, target)
        return None

    with contextlib.suppress(KeyboardInterrupt):
        return hub.call(commit_files, repo, writing=True, find_result=_admit_unknown(find_commit, repo))
    raise Interrupted(f"interrupted; {UNKNOWN} {repo} was changed: run this again to find out")


def _tag(hub: Hub, repo: str, tag: str, commit: str) -> None:
    """Put a tag on a commit."""

    def find_tag() -> bool | None:
        tagged = hub.list_refs(repo).tags.get(tag)
        if tagged not in (None, commit):
            raise Conflict(
                f"{repo} was published at {commit}, but somebody else put the tag {tag!r} on another commit: use "
                "another tag"
            )
        return True if tagged else None

    def create_tag() -> bool:
        hub.api.create_tag(repo, tag=tag, revision=commit)
        return True

    try:
        hub.call(create_tag, repo, writing=True, find_result=find_tag)
    except Conflict:
        raise
    except GanzooError as error:
        text = f"{repo} was published at {commit}, but without its tag {tag!r}: {error}; run this again to set the tag"
        kind = type(error)
    else:
        return
    raise kind(text)


def _admit_unknown(
    find_commit: Callable[[], tuple[str, str] | None], repo: str
) -> Callable[[], tuple[str, str] | None]:
    """Return `find_commit` with an error that admits an unknown result where the Hub cannot be asked any more."""

    def find_or_admit() -> tuple[str, str] | None:
        try:
            return find_commit()
        except GanzooError as error:
            text = f"{error}; {UNKNOWN} {repo} was changed: run this again to find out"
            kind = type(error)
        raise kind(text)

    return find_or_admit
