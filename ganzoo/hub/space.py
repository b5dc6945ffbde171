"""Publishing a page as a static Space of the Hub, in one commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import CommitOperationAdd
from huggingface_hub.hf_api import RepoFile, SpaceInfo

from ganzoo.errors import Conflict, Denied, NotFound
from ganzoo.hub.client import Hub, RemoteFile
from ganzoo.package.config import CARD
from ganzoo.runs.where import Notify, check_repository_name, ignore_line

KIND = "space"
PAGE = "index.html"


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
    files = {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}
    url = f"{hub.api.endpoint}/spaces/{repo}"
    if (info := _fetch_info(hub, repo)) is None:
        hub.call(
            lambda: hub.api.create_repo(repo, repo_type=KIND, space_sdk="static", private=private, exist_ok=True),
            repo,
            writing=True,
        )
        info, stored = hub.call(lambda: hub.api.space_info(repo), repo), {}
    else:
        stored = _list_files(hub, repo, info)
        if mark not in stored and PAGE in stored:
            raise Conflict(f"the Space {repo} contains another page: choose another name")
    if CARD not in stored:
        files[CARD] = _make_card(repo, model)
    sent = {name: content for name, content in files.items() if name not in stored or not stored[name].matches(content)}
    if not sent:
        notify(f"{repo} has this page already: nothing to send")
        return url
    notify(f"sending {len(sent)} files ({sum(map(len, sent.values())) / 1e6:.1f} MB) to {repo}")
    _commit(hub, repo, info, sent)
    return url


def _fetch_info(hub: Hub, repo: str) -> SpaceInfo | None:
    try:
        return hub.call(lambda: hub.api.space_info(repo), repo)
    except NotFound as error:
        if isinstance(error, Denied):
            raise
        return None


def _list_files(hub: Hub, repo: str, info: SpaceInfo) -> dict[str, RemoteFile]:
    """Return the files of a Space by their path."""
    entries = hub.call(lambda: [*hub.api.list_repo_tree(repo, repo_type=KIND, revision=info.sha)], repo)
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


def _commit(hub: Hub, repo: str, info: SpaceInfo, files: Mapping[str, bytes]) -> None:
    """Commit files, on top of the commit that was looked at."""

    def find_commit() -> bool | None:
        stored = _list_files(hub, repo, hub.call(lambda: hub.api.space_info(repo), repo))
        return all(name in stored and stored[name].matches(content) for name, content in files.items()) or None

    def commit() -> bool:
        operations = [CommitOperationAdd(name, content) for name, content in files.items()]
        hub.api.create_commit(
            repo, operations, commit_message="A demo, by ganzoo", repo_type=KIND, parent_commit=info.sha
        )
        return True

    hub.call(commit, repo, writing=True, find_result=find_commit)
