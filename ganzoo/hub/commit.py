"""The one commit by which a package is published, and its tag; where an answer is lost, what the Hub holds says it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from ganzoo.errors import Conflict, Corrupt, GanzooError, Interrupted
from ganzoo.hub.client import Hub
from ganzoo.hub.target import MAIN, Change, Head, Target, holds_exactly, list_changes, make_url


class Publication(NamedTuple):
    """What was published.

    Args:
        repo: ``user/model``.
        commit: That holds it; empty where it was only tried (`dry_run`).
        url: To look at it; of the pull request, where it is one.
        tag: That names the commit; empty for none.
        changes: What became of each file.
    """

    repo: str
    commit: str
    url: str
    tag: str
    changes: tuple[Change, ...]


def send(hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]) -> Publication:
    """Commit what differs from what stands there, put the tag on it, and return what is there now."""
    repo, tag = target.repo, target.tag
    if not target.create_pr:
        head = _create_missing(hub, target, head, files)
    changes = list_changes(files, head)
    if all(change.what == "kept" for change in changes):
        hub.notify(f"{repo} holds just this already: nothing to send")
        commit, url = head.commit, make_url(hub, target)
    else:
        commit, url = _commit(hub, target, head, files, changes)
        if not holds_exactly(files, hub.list_files(repo, commit)):
            raise Corrupt(f"{repo} holds something else than was sent, at {commit}: run this again")
    if tag and head.refs.tags.get(tag) != commit:
        _tag(hub, repo, tag, commit)
    return Publication(repo, commit, url, tag, changes)


def _create_missing(hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]) -> Head:
    """Create the repository and the branch where they are missing; return what stands there then."""
    api, repo = hub.api, target.repo
    if not head.commit:
        hub.call(lambda: api.create_repo(repo, private=target.private, exist_ok=True), repo, writing=True)
    hub.call(lambda: api.auth_check(repo, write=True), repo, writing=True)
    if not head.commit:
        refs = hub.list_refs(repo)
        there = hub.list_files(repo, commit := refs.branches[MAIN])
        if there and not holds_exactly(files, there):
            raise Conflict(f"{repo}: somebody else published there at the same time: look at it, then run this again")
        head = Head(commit, there, refs, target.private)
    if target.branch not in head.refs.branches:
        hub.call(
            lambda: api.create_branch(repo, branch=target.branch, revision=head.commit, exist_ok=True),
            repo,
            writing=True,
        )
    return head


def _commit(
    hub: Hub, target: Target, head: Head, files: Mapping[str, bytes], changes: Iterable[Change]
) -> tuple[str, str]:
    """Make the one commit; return it, and where to look at it."""
    api, repo = hub.api, target.repo
    sent = [change for change in changes if change.what != "kept"]
    gone = [change.name for change in sent if change.what == "deleted"]
    size = sum(change.size for change in sent) / 1e6
    words = f"sending {len(sent) - len(gone)} files ({size:.1f} MB) to {repo}"
    hub.notify(f"{words}, where {' and '.join(gone)} is deleted" if gone else words)

    def made() -> tuple[str, str]:
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

    def landed() -> tuple[str, str] | None:
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
        return hub.call(made, repo, writing=True, landed=_admit_unknown(landed, repo))
    raise Interrupted(f"interrupted; whether {repo} was changed is not known: run this again, which finds out")


def _tag(hub: Hub, repo: str, tag: str, commit: str) -> None:
    """Put a tag on a commit."""

    def landed() -> bool | None:
        there = hub.list_refs(repo).tags.get(tag)
        if there not in (None, commit):
            raise Conflict(
                f"{repo} was published at {commit}, but somebody else put the tag {tag!r} elsewhere: take another tag"
            )
        return True if there else None

    def made() -> bool:
        hub.api.create_tag(repo, tag=tag, revision=commit)
        return True

    try:
        hub.call(made, repo, writing=True, landed=landed)
    except Conflict:
        raise
    except GanzooError as error:
        words = f"{repo} was published at {commit}, but without its tag {tag!r}: {error}; run this again for the tag"
        kind = type(error)
    else:
        return
    raise kind(words)


def _admit_unknown(landed: Callable[[], tuple[str, str] | None], repo: str) -> Callable[[], tuple[str, str] | None]:
    """Say what is not known where the Hub cannot be asked any more."""

    def asked() -> tuple[str, str] | None:
        try:
            return landed()
        except GanzooError as error:
            words = f"{error}; whether {repo} was changed is not known: run this again, which finds out"
            kind = type(error)
        raise kind(words)

    return asked
