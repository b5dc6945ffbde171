"""Publishing: a package that was loaded back and sampled becomes one commit on the Hub, or nothing does.

What is sent follows from what is there: the files of the format that differ are replaced, those that the new package
lacks are deleted, all others stay. Where an answer is lost, what the Hub holds says what happened.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from ganzoo.compute.device import choose_device
from ganzoo.errors import Conflict, Corrupt, Denied, GanzooError, Interrupted, NotFound, UsageError, did_you_mean
from ganzoo.hub.client import Hub, Refs, Stored
from ganzoo.hub.failures import TOKENS
from ganzoo.package.card import Place
from ganzoo.package.complete import complete
from ganzoo.package.config import CARD, CONFIG, FILES, LARGEST, MODEL, parse
from ganzoo.package.verify import verify
from ganzoo.registry import registry
from ganzoo.runs.where import REVISION, Notify, What, checked_repo, here, silent

MAIN = "main"


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


class Published(NamedTuple):
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
        checked_repo(self.repo)
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
    files: Mapping[str, Stored]
    refs: Refs
    private: bool


NOTHING = Head("", {}, Refs({}, {}, {}), False)


def publish(
    what: What,
    target: Target,
    *,
    discriminator: bool = True,
    license: str = "",
    device: str = "auto",
    dry_run: bool = False,
    notify: Notify = silent,
) -> Published:
    """Publish a run or a model package on the Hub.

    Args:
        what: A run (object, path, name or number) or a package's directory.
        target: Where to.
        discriminator: Whether D goes along, for training that goes on from it.
        license: Of the weights, by its identifier on the Hub.
        device: Where it is sampled before.
        dry_run: Change nothing there; say what would change.
        notify: Gets lines that a person may want to see.

    Raises:
        GanzooError: It was not published, and why; nothing is half there.
        Conflict: The tag is taken, or somebody else published at the same time.
        Denied: The token may not write there.
    """
    directory, chosen = here(what, notify), choose_device(device)
    hub = Hub(notify=notify)
    head = _head(hub, target)
    with tempfile.TemporaryDirectory(prefix="ganzoo-") as folder:
        staged = Path(folder) / "package"
        staged.mkdir()
        if (before := _card(hub, target.repo, head)) is not None:
            (staged / CARD).write_bytes(before)
        complete(directory, staged, registry(), chosen, discriminator, license, Place(target.repo, target.tag))
        verify(staged, registry(), chosen)
        files = {path.name: path.read_bytes() for path in sorted(staged.iterdir())}
    _check_tag(target, head, files)
    if dry_run:
        return Published(target.repo, "", _url(hub, target), target.tag, _changes(files, head))
    return _send(hub, target, head, files)


def check_access(repo: str, notify: Notify = silent) -> None:
    """Raise GanzooError where nothing could be published under a name with the token that is there.

    Raises:
        Denied: No token, a wrong one, or one that may not write there.
        Unreachable: The Hub cannot be asked.
    """
    hub, owner = Hub(notify=notify), checked_repo(repo).partition("/")[0]
    me = hub.call(lambda: hub.api.whoami(), repo)
    orgs = [str(org["name"]) for org in me.get("orgs", ())]
    if owner not in (me["name"], *orgs):
        near = did_you_mean(owner, [str(me["name"]), *orgs])
        raise Denied(f"{repo}: you are {me['name']} on the Hub, which may not publish there{near}")
    if (me.get("auth") or {}).get("accessToken", {}).get("role") == "read":
        raise Denied(f"{repo}: publishing needs a token that may write there: `hf auth login` ({TOKENS})")
    try:
        hub.call(lambda: hub.api.auth_check(repo, write=True), repo)
    except NotFound as error:
        if isinstance(error, Denied):
            raise


# ----------------------------------------------------------------------------
# What is there.


def _head(hub: Hub, target: Target) -> Head:
    """Return what stands where it is to be published, unless it stands against it."""
    repo = target.repo
    try:
        info = hub.info(repo)
    except NotFound as error:
        if isinstance(error, Denied) or target.create_pr:
            raise
        return NOTHING
    refs = hub.refs(repo)
    if target.branch in refs.tags and target.branch not in refs.branches:
        raise UsageError(f"{target.branch!r} is a tag of {repo}, and a tag never moves: name a branch")
    if target.private and not info.private:
        raise Conflict(f"{repo} is there and public: leave --private away, or make it private in its settings first")
    commit = refs.branches.get(target.branch) or refs.branches[MAIN]
    files = hub.files(repo, commit)
    _check_ours(hub, repo, commit, files)
    return Head(commit, files, refs, bool(info.private))


def _check_ours(hub: Hub, repo: str, commit: str, files: Mapping[str, Stored]) -> None:
    """Raise Conflict where what would be replaced was not made by ganzoo."""
    words = f"{repo} holds a model that ganzoo did not make: publish under another name"
    if CONFIG in files and files[CONFIG].size <= LARGEST:
        content = hub.fetch(repo, CONFIG, commit, files[CONFIG]).read_bytes()
        with contextlib.suppress(Corrupt, NotFound):
            parse(content, f"{CONFIG} of {repo}")
            return
    if CONFIG in files or MODEL in files:
        raise Conflict(words)


def _card(hub: Hub, repo: str, head: Head) -> bytes | None:
    """Return the card that is there, whose text by a person stays."""
    stored = head.files.get(CARD)
    if stored is None:
        return None
    if stored.size > LARGEST:
        raise Conflict(f"the card of {repo} is longer than {LARGEST:,} bytes, and would be lost: shorten it first")
    return hub.fetch(repo, CARD, head.commit, stored).read_bytes()


def _check_tag(target: Target, head: Head, files: Mapping[str, bytes]) -> None:
    """Raise Conflict where the tag is on something else already, or is a branch's name."""
    repo, tag, there = target.repo, target.tag, head.refs.tags.get(target.tag)
    if tag in (target.branch, *head.refs.branches):
        raise Conflict(f"{repo} has a branch {tag!r}, by which no tag would be found: take another tag")
    changed = any(change.what != "kept" for change in _changes(files, head))
    if there and (changed or there != head.commit):
        raise Conflict(f"{repo} has a tag {tag!r} already, on {there[:12]}, and a tag never moves: take another")


def _changes(files: Mapping[str, bytes], head: Head) -> tuple[Change, ...]:
    """Return what becomes of each file of the format."""
    changes = []
    for name in FILES:
        stored = head.files.get(name)
        if name in files:
            what = "new" if stored is None else "kept" if stored.holds(files[name]) else "changed"
            changes.append(Change(name, what, len(files[name])))
        elif stored is not None:
            changes.append(Change(name, "deleted", 0))
    return tuple(changes)


# ----------------------------------------------------------------------------
# What is sent.


def _send(hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]) -> Published:
    repo, tag = target.repo, target.tag
    if not target.create_pr:
        head = _prepared(hub, target, head, files)
    changes = _changes(files, head)
    if all(change.what == "kept" for change in changes):
        hub.notify(f"{repo} holds just this already: nothing to send")
        commit, url = head.commit, _url(hub, target)
    else:
        commit, url = _commit(hub, target, head, files, changes)
        if not _same(files, hub.files(repo, commit)):
            raise Corrupt(f"{repo} holds something else than was sent, at {commit}: run this again")
    if tag and head.refs.tags.get(tag) != commit:
        _tag(hub, repo, tag, commit)
    return Published(repo, commit, url, tag, changes)


def _prepared(hub: Hub, target: Target, head: Head, files: Mapping[str, bytes]) -> Head:
    """Create the repository and the branch where they are missing; return what stands there then."""
    api, repo = hub.api, target.repo
    if not head.commit:
        hub.call(lambda: api.create_repo(repo, private=target.private, exist_ok=True), repo, writing=True)
    hub.call(lambda: api.auth_check(repo, write=True), repo, writing=True)
    if not head.commit:
        refs = hub.refs(repo)
        there = hub.files(repo, commit := refs.branches[MAIN])
        if there and not _same(files, there):
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
        return info.oid, info.pr_url or _url(hub, target)

    def landed() -> tuple[str, str] | None:
        refs = hub.refs(repo)
        if target.create_pr:
            found = {name: commit for name, commit in refs.requests.items() if name not in head.refs.requests}
        else:
            found = {"": refs.branches[target.branch]}
        for name, commit in found.items():
            if commit != head.commit and _same(files, hub.files(repo, commit)):
                page = f"{api.endpoint}/{repo}/discussions/{name.rpartition('/')[2]}"
                return commit, page if name else _url(hub, target)
        return None

    with contextlib.suppress(KeyboardInterrupt):
        return hub.call(made, repo, writing=True, landed=_or_unknown(landed, repo))
    raise Interrupted(f"interrupted; whether {repo} was changed is not known: run this again, which finds out")


def _tag(hub: Hub, repo: str, tag: str, commit: str) -> None:
    """Put a tag on a commit."""

    def landed() -> bool | None:
        there = hub.refs(repo).tags.get(tag)
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


def _or_unknown(landed: Callable[[], tuple[str, str] | None], repo: str) -> Callable[[], tuple[str, str] | None]:
    """Say what is not known where the Hub cannot be asked any more."""

    def asked() -> tuple[str, str] | None:
        try:
            return landed()
        except GanzooError as error:
            words = f"{error}; whether {repo} was changed is not known: run this again, which finds out"
            kind = type(error)
        raise kind(words)

    return asked


def _same(files: Mapping[str, bytes], stored: Mapping[str, Stored]) -> bool:
    """Whether the files of the format on the Hub are just these."""
    return files.keys() == stored.keys() and all(stored[name].holds(content) for name, content in files.items())


def _url(hub: Hub, target: Target) -> str:
    return f"{hub.api.endpoint}/{target.repo}" + (f"/tree/{target.branch}" if target.branch != MAIN else "")
