"""The one door to the Hugging Face Hub: its client, one small retry, and errors that a person can act on.

The token is the client's own business (``HF_TOKEN`` or ``hf auth login``): it passes through no code of ganzoo. An
exception of the client holds the request with its token, so none is chained to ours, logged or kept.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
import warnings
from collections.abc import Callable, Mapping
from hashlib import sha1, sha256
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.hf_api import ModelInfo, RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from ganzoo.errors import GanzooError, NotFound, Unreachable, suggest_names
from ganzoo.hub.failures import LOGIN_PAGE, explain_error, make_damaged_error, make_not_cached_error
from ganzoo.package.config import FILES, LARGEST_HEADER

T = TypeVar("T")
WAITS = (1.0, 2.0, 4.0)  # seconds before each new try
LONGEST_WAIT = 120.0  # seconds: where the Hub asks for more, the person decides
FIRST_BYTES = 1 << 17  # of a weights file: its header is seldom longer


def sleep(seconds: float) -> None:
    """Wait before a new try; the one seam that tests replace."""
    time.sleep(seconds)


class RemoteFile(NamedTuple):
    """A file on the Hub.

    Args:
        size: In bytes.
        sha256: Of its bytes, where it lies in large-file storage; else empty.
        blob: Git's name of it; it follows from the bytes where `sha256` is empty.
    """

    size: int
    sha256: str
    blob: str

    def matches(self, content: bytes) -> bool:
        """Whether these are its bytes."""
        if self.sha256:
            return sha256(content).hexdigest() == self.sha256
        return hash_blob(content) == self.blob


def hash_blob(content: bytes) -> str:
    """Return the name that git gives to a file of these bytes."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Refs(NamedTuple):
    """Commits by name."""

    branches: dict[str, str]
    tags: dict[str, str]
    requests: dict[str, str]


class Hub:
    """The Hub as ganzoo uses it.

    Args:
        offline: Ask for nothing, read the cache alone; ``HF_HUB_OFFLINE=1`` means the same.
        notify: Gets lines that a person may want to see.
    """

    def __init__(self, offline: bool = False, notify: Callable[[str], None] = lambda line: None) -> None:
        self.api = HfApi(library_name="ganzoo", library_version=metadata.version("ganzoo"))
        self.offline = offline or constants.is_offline_mode()
        self.notify = notify

    def call(
        self,
        work: Callable[[], T],
        repo: str = "",
        *,
        writing: bool = False,
        retried: bool = False,
        local: bool = False,
        landed: Callable[[], T | None] = lambda: None,
    ) -> T:
        """Do some work with the client, again where a new try may help.

        Args:
            work: Calls of the client alone.
            repo: Of which repository, for the error's words.
            writing: Whether it changes something there, likewise.
            retried: Whether the client retries all of it by itself, broken-off transfers excepted.
            local: Whether it asks the cache alone.
            landed: Asked after each try that failed: what it would have returned where it took effect in spite of that.

        Raises:
            GanzooError: It failed.
        """
        failure = explain_error(OfflineModeIsEnabled(), repo)
        if self.offline and not local:
            raise failure.error
        for wait in (*WAITS, None):
            try:
                return work()
            except GanzooError:
                raise
            except Exception as error:
                failure = explain_error(error, repo, writing, retried)
                logging.getLogger("ganzoo").debug("%s: %s", type(error).__name__, failure.error)
            if (result := landed()) is not None:
                return result
            if wait is None or not failure.transient or failure.wait > LONGEST_WAIT:
                break
            wait = max(wait, failure.wait)
            self.notify(f"{failure.error}; trying again in {wait:g} s")
            sleep(wait)
        raise failure.error

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = build_hf_headers(library_name="ganzoo", library_version=self.api.library_version)
        return headers

    # ------------------------------------------------------------------------
    # Questions.

    def fetch_info(self, repo: str, revision: str | None = None) -> ModelInfo:
        """Return what the Hub says of a model."""
        wait = constants.HF_HUB_DOWNLOAD_TIMEOUT  # without one the client would wait for ever
        return self.call(lambda: self.api.model_info(repo, revision=revision, timeout=wait), repo)

    def resolve_commit(self, repo: str, revision: str | None) -> str:
        """Return the commit that a revision means now; in offline mode, what it meant when it was last asked for."""
        if self.offline:
            with contextlib.suppress(Exception):
                return str(self.api.resolve_revision(repo, revision=revision, local_files_only=True).resolved)
            raise make_not_cached_error(repo, revision)
        commit = str(self.call(lambda: _Resolver(self).resolve_revision(repo, revision=revision), repo).resolved)
        if not re.fullmatch(r"[0-9a-f]{40}", commit):  # it becomes a part of paths
            raise Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}")
        return commit

    def list_refs(self, repo: str) -> Refs:
        """Return the commits of branches, tags and pull requests."""
        refs = self.call(lambda: self.api.list_repo_refs(repo, include_pull_requests=True), repo)
        parts = (refs.branches, refs.tags, refs.pull_requests or [])
        return Refs(*({ref.name: ref.target_commit for ref in part} for part in parts))

    def list_files(self, repo: str, commit: str) -> dict[str, RemoteFile]:
        """Return the files of the package's format that a commit holds, by name; there may be others beside them."""
        found = self.call(lambda: self.api.get_paths_info(repo, list(FILES), revision=commit), repo)
        return {
            entry.path: RemoteFile(entry.size, entry.lfs.sha256 if entry.lfs else "", entry.blob_id)
            for entry in found
            if isinstance(entry, RepoFile) and entry.path in FILES
        }

    def fetch_header(self, repo: str, name: str, commit: str) -> bytes:
        """Return the first bytes of a weights file: all that it says of its tensors, unless that is too much."""
        content = self._first_bytes(repo, name, commit, FIRST_BYTES)
        length = int.from_bytes(content[:8], "little") + 8
        if len(content) < length <= LARGEST_HEADER + 8:
            content = self._first_bytes(repo, name, commit, length)
        return content

    def _first_bytes(self, repo: str, name: str, commit: str, num: int) -> bytes:
        def fetched() -> bytes:
            url = f"{self.api.endpoint}/{repo}/resolve/{commit}/{name}"
            headers = {**self._headers(), "Range": f"bytes=0-{num - 1}"}
            wait = constants.HF_HUB_DOWNLOAD_TIMEOUT
            with get_session().stream("GET", url, headers=headers, timeout=wait) as response:
                hf_raise_for_status(response)
                content = b""
                for part in response.iter_bytes(1 << 16):  # more, where the server ignores the range
                    content += part
                    if len(content) >= num:
                        break
                return content[:num]

        return self.call(fetched, repo)

    def list_models(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return one page of the Hub's list of models, as it comes.

        The client reads each card into an object and fails on the first that a stranger made so that it does.
        """

        def listed() -> list[dict[str, Any]]:
            url, wait = f"{self.api.endpoint}/api/models", constants.HF_HUB_DOWNLOAD_TIMEOUT
            response = get_session().get(url, params=asked, headers=self._headers(), timeout=wait)
            hf_raise_for_status(response)
            return [model for model in response.json() if isinstance(model, dict)]

        return self.call(listed)

    # ------------------------------------------------------------------------
    # Files.

    def fetch_file(self, repo: str, name: str, commit: str, stored: RemoteFile) -> Path:
        """Return a file in the cache, downloaded where it is not there yet, whose bytes are those that the Hub states.

        The client checks a download's size alone, and serves what it cached for ever: here the bytes are checked, and
        what is damaged is fetched anew, once.

        Raises:
            Corrupt: It is damaged again.
        """
        for again in (False, True):
            path = self._download(repo, name, commit, again)
            if stored.matches(path.read_bytes()):
                return path
            self.notify(f"{name} of {repo} came damaged: {'giving up' if again else 'fetching it anew'}")
            path.unlink(missing_ok=True)  # a name in the cache, which the client would leave on the old bytes
        raise make_damaged_error(repo, name)

    def find_cached(self, repo: str, name: str, commit: str) -> Path | None:
        """Return a file in the cache; None where it is not there."""
        try:
            return self._download(repo, name, commit, False, local=True)
        except NotFound:
            return None

    def _download(self, repo: str, name: str, commit: str, again: bool, local: bool = False) -> Path:
        def fetched() -> Path:
            with warnings.catch_warnings(action="ignore"):  # of a disk that is nearly full: an error says it, once
                return Path(
                    self.api.hf_hub_download(repo, name, revision=commit, force_download=again, local_files_only=local)
                )

        return self.call(fetched, repo, retried=True, local=local)

    def suggest_names(self, repo: str) -> str:
        """Return the close matches of a repository's name among its owner's and the user's own models, as a hint."""
        known: list[str] = []
        for owner in (lambda: repo.partition("/")[0], lambda: self.api.whoami(cache=True)["name"]):
            with contextlib.suppress(Exception):  # a hint is worth no error
                known += [str(model["id"]) for model in self.list_models({"author": owner(), "limit": 200})]
        return suggest_names(repo, dict.fromkeys(known))


class _Resolver(HfApi):
    """The client, asked for a revision: our error passes through where it would silently go on with an older one.

    Args:
        hub: Who asks.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def repo_info(self, repo_id: str, *, revision: str | None = None, **others: Any) -> ModelInfo:
        """Return what the Hub says of a model."""
        return self._hub.fetch_info(repo_id, revision)
