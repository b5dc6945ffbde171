"""Publishing a page on the Hub, in one commit: as a static Space, or beside the model that it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import CommitOperationAdd
from huggingface_hub.hf_api import RepoFile

from ganzoo.errors import Conflict, Denied, NotFound
from ganzoo.hub.client import Hub, RemoteFile
from ganzoo.hub.target import MAIN
from ganzoo.package.config import CARD
from ganzoo.runs.where import Notify, check_repository_name, ignore_line

SPACE, MODEL = "space", "model"
PAGE, FOLDER = "index.html", "demo"


def publish_space(
    directory: Path, repo: str, *, mark: str, model: str = "", private: bool = False, notify: Notify = ignore_line
) -> str:
    """Publish the files of a page as a Space; return its address. Nothing is sent if it has them already.

    Args:
        directory: The directory of the page, whose files are in no sub-folders.
        repo: The Space, ``user/name``; a missing one is created. Its card is kept where it has one.
        mark: The name of a file that only pages of this kind have. A Space without it is somebody's other work.
        model: The model on the Hub that the page shows, ``user/model``; empty for none.
        private: Whether a new Space is private.
        notify: A function that shows one line to the user.

    Raises:
        Conflict: The Space contains something else, or somebody else changed it at the same time.
        Denied: The token has no write access.
        Unreachable: The Hub cannot be reached.
    """
    hub, repo = Hub(notify=notify), check_repository_name(repo)
    files, stored = _read_files(directory), dict[str, RemoteFile]()
    if not (head := _find_head(hub, repo, SPACE)):
        hub.call(
            lambda: hub.api.create_repo(repo, repo_type=SPACE, space_sdk="static", private=private, exist_ok=True),
            repo,
            writing=True,
        )
        head = _find_head(hub, repo, SPACE)
    else:
        stored = _list_files(hub, repo, SPACE, head)
        if mark not in stored and PAGE in stored:
            raise Conflict(f"the Space {repo} contains another page: choose another name")
    if CARD not in stored:
        files[CARD] = _make_card(repo, model)
    _send(hub, repo, SPACE, MAIN, head, stored, files)
    return f"{hub.api.endpoint}/spaces/{repo}"


def publish_beside(directory: Path, repo: str, branch: str = MAIN, *, notify: Notify = ignore_line) -> str:
    """Commit the files of a page to the folder ``demo`` of a model's repository; return the address of the folder.

    Args:
        directory: The directory of the page, whose files are in no sub-folders.
        repo: The repository of the model, ``user/model``, which exists.
        branch: The branch to commit to.
        notify: A function that shows one line to the user.

    Raises:
        Conflict: Somebody else changed the repository at the same time.
        Denied: The token has no write access.
        Unreachable: The Hub cannot be reached.
    """
    hub = Hub(notify=notify)
    head = _find_head(hub, repo, MODEL, branch)
    files = {f"{FOLDER}/{name}": content for name, content in _read_files(directory).items()}
    _send(hub, repo, MODEL, branch, head, _list_files(hub, repo, MODEL, head), files)
    return f"{hub.api.endpoint}/{repo}/tree/{branch}/{FOLDER}"


def _read_files(directory: Path) -> dict[str, bytes]:
    """Return the files of a page by name."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}


def _find_head(hub: Hub, repo: str, kind: str, branch: str = MAIN) -> str:
    """Return the newest commit of a branch; empty if there is no such repository."""
    try:
        return str(hub.call(lambda: hub.api.repo_info(repo, repo_type=kind, revision=branch), repo).sha)
    except NotFound as error:
        if isinstance(error, Denied):
            raise
        return ""


def _list_files(hub: Hub, repo: str, kind: str, commit: str) -> dict[str, RemoteFile]:
    """Return the files of a commit by their path."""
    entries = hub.call(
        lambda: [*hub.api.list_repo_tree(repo, recursive=True, repo_type=kind, revision=commit)], repo
    )  # fmt: skip
    return {
        entry.path: RemoteFile(entry.size, entry.lfs.sha256 if entry.lfs else "", entry.blob_id)
        for entry in entries
        if isinstance(entry, RepoFile)
    }


def _make_card(repo: str, model: str) -> bytes:
    """Return the card of a Space, whose front matter says how the Hub shows it."""
    lines = [f"title: {json.dumps(repo.partition('/')[2])}", "sdk: static", f"app_file: {PAGE}", "tags: [ganzoo, gan]"]
    lines += [f"models: [{json.dumps(model)}]"] if model else []
    text = "---\n" + "\n".join(lines) + "\n---\n\nA generator that runs in the browser. `ganzoo demo` made this page.\n"
    return text.encode()


def _send(
    hub: Hub,
    repo: str,
    kind: str,
    branch: str,
    head: str,
    stored: Mapping[str, RemoteFile],
    files: Mapping[str, bytes],
) -> None:
    """Commit the files that differ from the stored ones, on top of the commit that was looked at."""
    sent = {name: content for name, content in files.items() if name not in stored or not stored[name].matches(content)}
    if not sent:
        hub.notify(f"{repo} has this page already: nothing to send")
        return
    hub.notify(f"sending {len(sent)} files ({sum(map(len, sent.values())) / 1e6:.1f} MB) to {repo}")

    def find_commit() -> bool | None:
        newest = _list_files(hub, repo, kind, _find_head(hub, repo, kind, branch))
        return all(name in newest and newest[name].matches(content) for name, content in sent.items()) or None

    def commit() -> bool:
        operations = [CommitOperationAdd(name, content) for name, content in sent.items()]
        hub.api.create_commit(
            repo, operations, commit_message="A demo, by ganzoo", repo_type=kind, revision=branch, parent_commit=head
        )
        return True

    hub.call(commit, repo, writing=True, find_result=find_commit)
