"""The one door to the Hugging Face Hub: its client, one small retry, and errors that a person can act on.

The token is the client's own business (``HF_TOKEN`` or ``hf auth login``): it passes through no code of ganzoo. An
exception of the client holds the request with its token, so none is chained to ours, logged or kept.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha1, sha256
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo, RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, httpx

from ganzoo.errors import Conflict, Corrupt, Denied, GanzooError, NotFound, Unreachable, UsageError, did_you_mean
from ganzoo.hub import tensors
from ganzoo.hub.config import FILES
from ganzoo.hub.tensors import Form

T = TypeVar("T")
WAITS = (1.0, 2.0, 4.0)  # seconds before each new try
LONGEST_WAIT = 120.0  # seconds: where the Hub asks for more, the person decides
FIRST_BYTES = 1 << 17  # of a weights file: its header is seldom longer
TOKENS = "https://huggingface.co/settings/tokens"
# What the client has retried itself before it gives up; the addresses of an upload's preparation.
CLIENT_RETRIES = re.compile(r"/preupload/|/info/lfs/|/_?lfs/")


def sleep(seconds: float) -> None:
    """Wait before a new try; the one seam that tests replace."""
    time.sleep(seconds)


class Stored(NamedTuple):
    """A file on the Hub.

    Args:
        size: In bytes.
        sha256: Of its bytes, where it lies in large-file storage; else empty.
        blob: Git's name of it; it follows from the bytes where `sha256` is empty.
    """

    size: int
    sha256: str
    blob: str

    def holds(self, content: bytes) -> bool:
        """Whether these are its bytes."""
        if self.sha256:
            return sha256(content).hexdigest() == self.sha256
        return git_name(content) == self.blob


def git_name(content: bytes) -> str:
    """Return the name that git gives to a file of these bytes."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Refs(NamedTuple):
    """Commits by name."""

    branches: dict[str, str]
    tags: dict[str, str]
    requests: dict[str, str]


class Failure(NamedTuple):
    """What went wrong in a call.

    Args:
        error: What a person is told.
        transient: Whether the same call may succeed a moment later.
        wait: Seconds to wait at least, as the Hub said.
    """

    error: GanzooError
    transient: bool = False
    wait: float = 0.0


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
        failure = explained(OfflineModeIsEnabled(), repo)
        if self.offline and not local:
            raise failure.error
        for wait in (*WAITS, None):
            try:
                return work()
            except GanzooError:
                raise
            except Exception as error:
                failure = explained(error, repo, writing, retried)
                _log.debug("%s: %s", type(error).__name__, failure.error)
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

    def info(self, repo: str, revision: str | None = None) -> ModelInfo:
        """Return what the Hub says of a model."""
        wait = constants.HF_HUB_DOWNLOAD_TIMEOUT  # without one the client would wait for ever
        return self.call(lambda: self.api.model_info(repo, revision=revision, timeout=wait), repo)

    def commit_of(self, repo: str, revision: str | None) -> str:
        """Return the commit that a revision means now; in offline mode, what it meant when it was last asked for."""
        if self.offline:
            with contextlib.suppress(Exception):
                return str(self.api.resolve_revision(repo, revision=revision, local_files_only=True).resolved)
            raise not_cached(repo, revision)
        commit = str(self.call(lambda: _Resolver(self).resolve_revision(repo, revision=revision), repo).resolved)
        if not re.fullmatch(r"[0-9a-f]{40}", commit):  # it becomes a part of paths
            raise Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}")
        return commit

    def refs(self, repo: str) -> Refs:
        """Return the commits of branches, tags and pull requests."""
        refs = self.call(lambda: self.api.list_repo_refs(repo, include_pull_requests=True), repo)
        parts = (refs.branches, refs.tags, refs.pull_requests or [])
        return Refs(*({ref.name: ref.target_commit for ref in part} for part in parts))

    def files(self, repo: str, commit: str) -> dict[str, Stored]:
        """Return the files of the package's format that a commit holds, by name; there may be others beside them."""
        found = self.call(lambda: self.api.get_paths_info(repo, list(FILES), revision=commit), repo)
        return {
            entry.path: Stored(entry.size, entry.lfs.sha256 if entry.lfs else "", entry.blob_id)
            for entry in found
            if isinstance(entry, RepoFile) and entry.path in FILES
        }

    def header(self, repo: str, name: str, commit: str) -> dict[str, Form]:
        """Return the forms of a weights file's tensors, without the file."""
        source = f"{name} of {repo}"
        content = self._first_bytes(repo, name, commit, FIRST_BYTES)
        length = int.from_bytes(content[:8], "little") + 8
        if len(content) < length <= tensors.LARGEST_HEADER + 8:
            content = self._first_bytes(repo, name, commit, length)
        return tensors.header(content, source)

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

    def models(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
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

    def fetch(self, repo: str, name: str, commit: str, stored: Stored) -> Path:
        """Return a file in the cache, downloaded where it is not there yet, whose bytes are those that the Hub states.

        The client checks a download's size alone, and serves what it cached for ever: here the bytes are checked, and
        what is damaged is fetched anew, once.

        Raises:
            Corrupt: It is damaged again.
        """
        for again in (False, True):
            path = self._cached(repo, name, commit, again)
            if stored.holds(path.read_bytes()):
                return path
            self.notify(f"{name} of {repo} came damaged: {'giving up' if again else 'fetching it anew'}")
            path.unlink()  # a name in the cache, which the client would leave on the old bytes
        raise damaged(repo, name)

    def cached(self, repo: str, name: str, commit: str) -> Path | None:
        """Return a file in the cache; None where it is not there."""
        try:
            return self._cached(repo, name, commit, False, local=True)
        except NotFound:
            return None

    def _cached(self, repo: str, name: str, commit: str, again: bool, local: bool = False) -> Path:
        def fetched() -> Path:
            return Path(
                self.api.hf_hub_download(repo, name, revision=commit, force_download=again, local_files_only=local)
            )

        return self.call(fetched, repo, retried=True, local=local)

    def near(self, repo: str) -> str:
        """Return the close matches of a repository's name among its owner's and the user's own models, as a hint."""
        known: list[str] = []
        for owner in (lambda: repo.partition("/")[0], lambda: self.api.whoami(cache=True)["name"]):
            with contextlib.suppress(Exception):  # a hint is worth no error
                known += [str(model["id"]) for model in self.models({"author": owner(), "limit": 200})]
        return did_you_mean(repo, known)


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
        return self._hub.info(repo_id, revision)


# ----------------------------------------------------------------------------
# Words.


def explained(error: BaseException, repo: str, writing: bool = False, retried: bool = False) -> Failure:
    """Return what an exception of the client means for a person; arguments as for `Hub.call`."""
    links = list(_chain(error))
    again = not (_by_client(links) or (retried and isinstance(error, LocalEntryNotFoundError)))
    for link in links:
        if isinstance(link, HfHubHTTPError):
            return _answer(link, repo, writing, again, again and not retried)
    for link in links:
        if (failure := _local(link, repo, again)) is not None:
            return failure
    if isinstance(error, LocalEntryNotFoundError):
        return Failure(not_cached(repo, None))
    return Failure(GanzooError(f"{repo or 'the Hub'}: the Hub's client failed ({_first_line(error)}); -v says more"))


def _local(error: BaseException, repo: str, again: bool) -> Failure | None:
    """Return what an exception means behind which there is no answer of the Hub."""
    cache = constants.HF_HUB_CACHE
    match error:
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Failure(GanzooError(f"the disk is full: free some space in {cache}, or set HF_HOME"))
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS):
            return Failure(GanzooError(f"no permission to write to {cache}: set HF_HOME to a folder of yours"))
        case LocalTokenNotFoundError():
            return Failure(Denied(f"no token is there: log in with `hf auth login`, or set HF_TOKEN ({TOKENS})"))
        case HFValidationError():
            return Failure(UsageError(f"{repo!r} is no name of a repository: say USER/NAME"))
        case OfflineModeIsEnabled():
            return Failure(Unreachable("this needs the network: leave --offline and HF_HUB_OFFLINE away"))
        case json.JSONDecodeError():
            return Failure(Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}"))
        case httpx.TransportError() | ConnectionError():
            return Failure(Unreachable(_unreachable(type(error).__name__)), again)
        case OSError() if "Consistency check failed" in str(error):
            return Failure(Unreachable(f"a transfer of {repo} broke off: try again"), again)
        case FileMetadataError():
            return Failure(Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}"))
        case ValueError() if "README.md" in str(error):
            lines = "; ".join(line.strip("- ") for line in str(error).splitlines()[1:])
            return Failure(
                GanzooError(f"the Hub refuses the card ({_printable(lines)}): mend README.md's front matter")
            )
    return None


LOGIN_PAGE = "is there a login page or a proxy in between, or HF_ENDPOINT set wrongly?"


def _answer(error: HfHubHTTPError, repo: str, writing: bool, again: bool, patience: bool) -> Failure:
    """Return what an answer of the Hub means that is an error."""
    status = error.response.status_code
    said = _printable(error.server_message or "")
    mine = f"{repo}: " if repo else ""
    match error:
        case GatedRepoError():
            page = f"{constants.ENDPOINT}/{repo}"
            return Failure(
                Denied(f"{mine}its author lets in whom they know: ask at {page} and log in (`hf auth login`)")
            )
        case RepositoryNotFoundError() if writing:
            return Failure(Denied(f"{mine}publishing needs a token that may write there: `hf auth login` ({TOKENS})"))
        case RepositoryNotFoundError():
            return Failure(NotFound(f"{repo} is not on the Hub, or is private: check the name, or log in to see it"))
        case RevisionNotFoundError():
            return Failure(NotFound(f"{repo} has no such revision: {constants.ENDPOINT}/{repo}/tree/main shows them"))
        case EntryNotFoundError():
            return Failure(NotFound(f"{repo} lacks a file of a model package: is it one that ganzoo made?"))
    match status:
        case 401:
            words = f"the Hub refuses the token: log in anew with `hf auth login`, or set HF_TOKEN ({TOKENS})"
            return Failure(Denied(words))
        case 403 if writing:
            words = f"{mine}this token may not write there: take one with write access ({TOKENS}), or another name"
            return Failure(Denied(words))
        case 403:
            return Failure(Denied(f"{mine}this token may not read it: ask its author, or take another token"))
        case 409 | 412:
            return Failure(
                Conflict(f"{mine}somebody else changed it at the same time: look at it, then run this again")
            )
        case 408 | 429:
            wait = _retry_after(error)
            words = f"the Hub asks for patience (too many requests): try again in {max(wait, 60):.0f} s"
            return Failure(Unreachable(words), patience, wait)
    if status >= 500:
        words = f"the Hub has a problem of its own ({status}): try again later"
        return Failure(Unreachable(words), again, _retry_after(error))
    return Failure(GanzooError(f"{mine}the Hub refuses ({status}{f': {said}' if said else ''})"))


def damaged(repo: str, name: str) -> Corrupt:
    """Return the error that a file comes with other bytes than the Hub states, again and again."""
    return Corrupt(
        f"{name} of {repo} comes damaged from the Hub: try again later, name another revision, or tell its author"
    )


def not_cached(repo: str, revision: str | None) -> NotFound:
    """Return the error that a model is not in the cache."""
    named = f"{repo}@{revision}" if revision else repo
    return NotFound(f"{named} is not in the cache: run this once without --offline (and HF_HUB_OFFLINE)")


def _unreachable(kind: str) -> str:
    return f"{constants.ENDPOINT} cannot be reached ({kind}): check the network; --offline takes what is in the cache"


def _by_client(links: list[BaseException]) -> bool:
    """Whether the client has tried it again already, as it does what comes before a commit."""
    if any(isinstance(link, RuntimeError) and "uploading" in str(link) for link in links):
        return True
    for link in links:
        with contextlib.suppress(AttributeError, RuntimeError):  # not all have a request
            if CLIENT_RETRIES.search(link.request.url.path):  # type: ignore[attr-defined]
                return True
    return False


def _retry_after(error: HfHubHTTPError) -> float:
    """Return how long the Hub asks to wait, in seconds; 0 where it does not say."""
    try:
        return max(0.0, float(error.response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return _printable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _printable(text: str) -> str:
    """Return foreign words fit for one line of a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


_log = logging.getLogger("ganzoo")
