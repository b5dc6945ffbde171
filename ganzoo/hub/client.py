"""The only access to the Hugging Face Hub: its client, retries, and errors that a user can act on.

Only the client handles the token (``HF_TOKEN`` or ``hf auth login``); no code of ganzoo sees it. An exception of the
client contains the request with its token, so such exceptions are never chained to ours, logged or kept.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha1, sha256
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.hf_api import ModelInfo, RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, httpx

from ganzoo.errors import GanzooError, NotFound, Unreachable, suggest_names
from ganzoo.hub.failures import LOGIN_PAGE, explain_error, make_damaged_error, make_not_cached_error
from ganzoo.package.config import FILES, LARGEST_HEADER

T = TypeVar("T")
WAITS = (1.0, 2.0, 4.0)  # seconds before each new try
LONGEST_WAIT = 120.0  # seconds: where the Hub asks to wait longer, the user decides
SLOWER = 6  # how much longer than a question a change of a repository may take the Hub
FIRST_BYTES = 1 << 17  # of a weights file: few headers are longer


@contextlib.contextmanager
def request_timeouts(seconds: float, writing: bool = False) -> Iterator[None]:
    """A context in which a request that sets no timeout has one. By default the client waits for ever.

    Args:
        seconds: The time to wait for a connection and for an answer.
        writing: Whether the requests change a repository. The Hub may need longer for them.
    """
    session = get_session()  # of the whole process, so its timeout is restored
    before = session.timeout
    if before == httpx.Timeout(None):
        session.timeout = httpx.Timeout(seconds * (SLOWER if writing else 1), connect=seconds)
    try:
        yield
    finally:
        session.timeout = before


def sleep(seconds: float) -> None:
    """Wait before a new try; tests replace this function."""
    time.sleep(seconds)


class RemoteFile(NamedTuple):
    """A file on the Hub.

    Args:
        size: The size in bytes.
        sha256: The SHA-256 of its bytes, where the file is in large-file storage; else empty.
        blob: Git's hash of the file. Where `sha256` is empty, it is a hash of the bytes (`hash_blob`).
    """

    size: int
    sha256: str
    blob: str

    def matches(self, content: bytes) -> bool:
        """Whether the file has these bytes."""
        if self.sha256:
            return sha256(content).hexdigest() == self.sha256
        return hash_blob(content) == self.blob


def hash_blob(content: bytes) -> str:
    """Return git's hash of a file with these bytes."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Refs(NamedTuple):
    """Commits of branches, tags and pull requests, by name."""

    branches: dict[str, str]
    tags: dict[str, str]
    requests: dict[str, str]


class Hub:
    """The Hub as ganzoo uses it.

    Args:
        offline: Whether only the cache is read, without the network; ``HF_HUB_OFFLINE=1`` means the same.
        notify: A function that shows one line to the user.
    """

    def __init__(self, offline: bool = False, notify: Callable[[str], None] = lambda line: None) -> None:
        self.api = HfApi(library_name="ganzoo", library_version=metadata.version("ganzoo"))
        self.offline = offline or constants.is_offline_mode()
        self.notify = notify
        self._announced: set[str] = set()

    def call(
        self,
        work: Callable[[], T],
        repo: str = "",
        *,
        writing: bool = False,
        client_retries: bool = False,
        local: bool = False,
        find_result: Callable[[], T | None] = lambda: None,
    ) -> T:
        """Call the client and return the result; try again where that may help.

        Args:
            work: A function that calls the client and nothing else.
            repo: The repository, for the text of errors.
            writing: Whether the call changes the repository, for the text of errors.
            client_retries: Whether the client itself retries the call, except for interrupted transfers.
            local: Whether the call reads the cache alone.
            find_result: A function that is called after each failed try. It returns the result where the call took
                effect although its answer was lost, else None.

        Raises:
            GanzooError: The call failed.
        """
        failure = explain_error(OfflineModeIsEnabled(), repo)
        if self.offline and not local:
            raise failure.error
        for wait in (*WAITS, None):
            try:
                with request_timeouts(constants.HF_HUB_DOWNLOAD_TIMEOUT, writing):
                    return work()
            except GanzooError:
                raise
            except Exception as error:
                failure = explain_error(error, repo, writing, client_retries)
                logging.getLogger("ganzoo").debug("%s: %s", type(error).__name__, failure.error)
            if (result := find_result()) is not None:
                return result
            if wait is None or not failure.transient or failure.wait > LONGEST_WAIT:
                break
            wait = max(wait, failure.wait)
            if (line := failure.describe_retry(wait)) not in self._announced:
                self._announced.add(line)
                self.notify(line)
            sleep(wait)
        raise failure.error

    def _make_headers(self) -> dict[str, str]:
        headers: dict[str, str] = build_hf_headers(library_name="ganzoo", library_version=self.api.library_version)
        return headers

    # ------------------------------------------------------------------------
    # Reading from the Hub.

    def fetch_info(self, repo: str, revision: str | None = None) -> ModelInfo:
        """Return the Hub's description of a model."""
        wait = constants.HF_HUB_DOWNLOAD_TIMEOUT  # the client passes None on, which `request_timeouts` cannot replace
        return self.call(lambda: self.api.model_info(repo, revision=revision, timeout=wait), repo)

    def resolve_commit(self, repo: str, revision: str | None) -> str:
        """Return the commit of a revision; in offline mode, the one that it had when it was last fetched."""
        if self.offline:
            with contextlib.suppress(Exception):
                return str(self.api.resolve_revision(repo, revision=revision, local_files_only=True).resolved)
            raise make_not_cached_error(repo, revision)
        commit = str(self.call(lambda: _Resolver(self).resolve_revision(repo, revision=revision), repo).resolved)
        if not re.fullmatch(r"[0-9a-f]{40}", commit):  # it becomes part of a path
            raise Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}")
        return commit

    def list_refs(self, repo: str) -> Refs:
        """Return the commits of branches, tags and pull requests."""
        refs = self.call(lambda: self.api.list_repo_refs(repo, include_pull_requests=True), repo)
        parts = (refs.branches, refs.tags, refs.pull_requests or [])
        return Refs(*({ref.name: ref.target_commit for ref in part} for part in parts))

    def list_files(self, repo: str, commit: str) -> dict[str, RemoteFile]:
        """Return the package files in a commit, by name; other files in the commit are ignored."""
        found = self.call(lambda: self.api.get_paths_info(repo, list(FILES), revision=commit), repo)
        return {
            entry.path: RemoteFile(entry.size, entry.lfs.sha256 if entry.lfs else "", entry.blob_id)
            for entry in found
            if isinstance(entry, RepoFile) and entry.path in FILES
        }

    def fetch_header(self, repo: str, name: str, commit: str) -> bytes:
        """Return the first bytes of a weights file: its header, unless that is too large."""
        content = self._fetch_first_bytes(repo, name, commit, FIRST_BYTES)
        length = int.from_bytes(content[:8], "little") + 8
        if len(content) < length <= LARGEST_HEADER + 8:
            content = self._fetch_first_bytes(repo, name, commit, length)
        return content

    def _fetch_first_bytes(self, repo: str, name: str, commit: str, num: int) -> bytes:
        def fetch() -> bytes:
            url = f"{self.api.endpoint}/{repo}/resolve/{commit}/{name}"
            headers = {**self._make_headers(), "Range": f"bytes=0-{num - 1}"}
            wait = constants.HF_HUB_DOWNLOAD_TIMEOUT
            with get_session().stream("GET", url, headers=headers, timeout=wait) as response:
                hf_raise_for_status(response)
                content = b""
                for part in response.iter_bytes(1 << 16):  # the server may ignore the range and send more
                    content += part
                    if len(content) >= num:
                        break
                return content[:num]

        return self.call(fetch, repo)

    def list_models(self, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return one page of the Hub's list of models, as plain JSON.

        The client's own function parses each card into an object, so that a single invalid card would make it fail.
        """

        def list_page() -> list[dict[str, Any]]:
            url, wait = f"{self.api.endpoint}/api/models", constants.HF_HUB_DOWNLOAD_TIMEOUT
            response = get_session().get(url, params=query, headers=self._make_headers(), timeout=wait)
            hf_raise_for_status(response)
            return [model for model in response.json() if isinstance(model, dict)]

        return self.call(list_page)

    # ------------------------------------------------------------------------
    # Files.

    def fetch_file(self, repo: str, name: str, commit: str, stored: RemoteFile) -> Path:
        """Return the path of a file in the cache; download it where it is missing, and check its hash.

        The client checks only a download's size, and never checks cached files again. Here all bytes are checked, and a
        damaged file is downloaded once more.

        Raises:
            Corrupt: The second download is damaged too.
        """
        for again in (False, True):
            path = self._download(repo, name, commit, again)
            if stored.matches(path.read_bytes()):
                return path
            self.notify(f"{name} of {repo} is damaged: {'giving up' if again else 'downloading it again'}")
            path.unlink(missing_ok=True)  # otherwise the client would keep this link to the old bytes
        raise make_damaged_error(repo, name)

    def find_cached(self, repo: str, name: str, commit: str) -> Path | None:
        """Return the path of a file in the cache; None where it is missing."""
        try:
            return self._download(repo, name, commit, False, local=True)
        except NotFound:
            return None

    def _download(self, repo: str, name: str, commit: str, again: bool, local: bool = False) -> Path:
        def download() -> Path:
            # The client warns of a nearly full disk; our error for a full one is enough.
            with warnings.catch_warnings(action="ignore"):
                return Path(
                    self.api.hf_hub_download(repo, name, revision=commit, force_download=again, local_files_only=local)
                )

        return self.call(download, repo, client_retries=True, local=local)

    def suggest_names(self, repo: str) -> str:
        """Return a hint with similar names among the models of a repository's owner and of the user; empty if none."""
        known: list[str] = []
        for owner in (lambda: repo.partition("/")[0], lambda: self.api.whoami(cache=True)["name"]):
            with contextlib.suppress(Exception):  # a missing hint is not an error
                known += [str(model["id"]) for model in self.list_models({"author": owner(), "limit": 200})]
        return suggest_names(repo, dict.fromkeys(known))


class _Resolver(HfApi):
    """A client that resolves a revision and raises our error, where the original would silently use an older commit.

    Args:
        hub: The hub that resolves the revision.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def repo_info(self, repo_id: str, *, revision: str | None = None, **others: Any) -> ModelInfo:
        """Return the Hub's description of a model."""
        return self._hub.fetch_info(repo_id, revision)
