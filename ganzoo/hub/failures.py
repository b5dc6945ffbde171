"""What an exception of the Hub's client means for a person: one sentence with the way out, and whether to try again.

Such an exception holds the request with its token, so nothing of it but words comes out of here.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from huggingface_hub import constants, get_token
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
from huggingface_hub.utils import httpx

from ganzoo.errors import Conflict, Corrupt, Denied, GanzooError, NotFound, Unreachable, UsageError

TOKENS = "https://huggingface.co/settings/tokens"
# What the client has retried itself before it gives up; the addresses of an upload's preparation.
CLIENT_RETRIES = re.compile(r"/preupload/|/info/lfs/|/_?lfs/")
LOGIN_PAGE = "is there a login page or a proxy in between, or HF_ENDPOINT set wrongly?"


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


def explain_error(error: BaseException, repo: str, writing: bool = False, retried: bool = False) -> Failure:
    """Return what an exception of the client means for a person; arguments as for `Hub.call`."""
    links = list(_iterate_causes(error))
    again = not (_was_client_retried(links) or (retried and isinstance(error, LocalEntryNotFoundError)))
    for link in links:
        if isinstance(link, HfHubHTTPError):
            return _explain_response(link, repo, writing, again, again and not retried)
    for link in links:
        if (failure := _explain_local(link, repo, again)) is not None:
            return failure
    if isinstance(error, LocalEntryNotFoundError):
        return Failure(make_not_cached_error(repo, None))
    return Failure(
        GanzooError(f"{repo or 'the Hub'}: the Hub's client failed ({_take_first_line(error)}); -v says more")
    )


def _explain_local(error: BaseException, repo: str, again: bool) -> Failure | None:
    """Return what an exception means behind which there is no answer of the Hub."""
    cache = constants.HF_HUB_CACHE
    match error:
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Failure(GanzooError(f"the disk is full: free some space in {cache}, or set HF_HOME"))
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS):
            return Failure(GanzooError(f"no permission to write to {cache}: set HF_HOME to a folder of yours"))
        case LocalTokenNotFoundError():
            return Failure(_make_no_token_error())
        case HFValidationError():
            return Failure(UsageError(f"{repo!r} is no name of a repository: say USER/NAME"))
        case OfflineModeIsEnabled():
            return Failure(Unreachable("this needs the network: leave --offline and HF_HUB_OFFLINE away"))
        case json.JSONDecodeError():
            return Failure(Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}"))
        case httpx.UnsupportedProtocol():
            return Failure(UsageError(f"HF_ENDPOINT={constants.ENDPOINT} is no address: begin it with https://"))
        case httpx.TransportError() | ConnectionError():
            return Failure(Unreachable(_describe_unreachable(type(error).__name__)), again)
        case OSError(errno=errno.EFBIG | errno.ENOTDIR | errno.EISDIR | errno.ENOENT | errno.ENAMETOOLONG | errno.EIO):
            why = (error.strerror or "").lower()
            return Failure(GanzooError(f"cannot write to {cache} ({why}): set HF_HOME to a folder that takes it"))
        case OSError() if "Consistency check failed" in str(error):
            return Failure(Unreachable(f"a transfer of {repo} broke off: try again"), again)
        case FileMetadataError():
            return Failure(Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}"))
        case ValueError() if "README.md" in str(error):
            lines = "; ".join(line.strip("- ") for line in str(error).splitlines()[1:])
            return Failure(
                GanzooError(f"the Hub refuses the card ({_make_printable(lines)}): mend README.md's front matter")
            )
    return None


def _explain_response(error: HfHubHTTPError, repo: str, writing: bool, again: bool, patience: bool) -> Failure:
    """Return what an answer of the Hub means that is an error."""
    status = error.response.status_code
    said = _make_printable(error.server_message or "")
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
        case 401 if get_token() is None:
            return Failure(_make_no_token_error())
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
            wait = _read_retry_after(error)
            words = f"the Hub asks for patience (too many requests): try again in {wait or 60:.0f} s"
            return Failure(Unreachable(words), patience, wait)
    if status >= 500:
        words = f"the Hub has a problem of its own ({status}): try again later"
        return Failure(Unreachable(words), again, _read_retry_after(error))
    return Failure(GanzooError(f"{mine}the Hub refuses ({status}{f': {said}' if said else ''})"))


def _make_no_token_error() -> Denied:
    return Denied(f"no token is there: log in with `hf auth login`, or set HF_TOKEN ({TOKENS})")


def make_damaged_error(repo: str, name: str) -> Corrupt:
    """Return the error that a file comes with other bytes than the Hub states, again and again."""
    return Corrupt(
        f"{name} of {repo} comes damaged from the Hub: try again later, name another revision, or tell its author"
    )


def make_not_cached_error(repo: str, revision: str | None) -> NotFound:
    """Return the error that a model is not in the cache."""
    named = f"{repo}@{revision}" if revision else repo
    return NotFound(f"{named} is not in the cache: run this once without --offline (and HF_HUB_OFFLINE)")


def _describe_unreachable(kind: str) -> str:
    endpoint = constants.ENDPOINT
    return f"{endpoint} cannot be reached ({kind}): check the network; models that are in the cache load with --offline"


def _was_client_retried(links: list[BaseException]) -> bool:
    """Whether the client has tried it again already, as it does what comes before a commit."""
    if any(isinstance(link, RuntimeError) and "uploading" in str(link) for link in links):
        return True
    for link in links:
        with contextlib.suppress(AttributeError, RuntimeError):  # not all have a request
            if CLIENT_RETRIES.search(link.request.url.path):  # type: ignore[attr-defined]
                return True
    return False


def _read_retry_after(error: HfHubHTTPError) -> float:
    """Return how long the Hub asks to wait, in seconds; 0 where it does not say."""
    try:
        return max(0.0, float(error.response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _take_first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return _make_printable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _make_printable(text: str) -> str:
    """Return foreign words fit for one line of a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
