"""Explaining exceptions of the Hub's client: one sentence with the way out, and whether to try again.

Such an exception contains the request with its token, so nothing but text leaves this module.
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
from ganzoo.registry import registry

TOKENS = "https://huggingface.co/settings/tokens"
# Addresses of an upload's preparation, whose requests the client itself retries.
CLIENT_RETRIES = re.compile(r"/preupload/|/info/lfs/|/_?lfs/")
LOGIN_PAGE = "check for a login page or a proxy in between, and check HF_ENDPOINT"


class Failure(NamedTuple):
    """A failed call.

    Args:
        error: The error that the user sees if the call is not tried again.
        transient: Whether the same call may succeed a moment later.
        wait: The number of seconds that the Hub asks to wait at least; 0 where it does not ask.
    """

    error: GanzooError
    transient: bool = False
    wait: float = 0.0

    def describe_retry(self, wait: float) -> str:
        """Return the line that says that the call is tried again, after so many seconds."""
        if self.wait:
            return f"{str(self.error).partition(': ')[0]}: trying again in {wait:g} s"
        return "asking the Hub failed: trying again for some seconds"  # the error says why, if all tries fail


def explain_error(error: BaseException, repo: str, writing: bool = False, client_retries: bool = False) -> Failure:
    """Return the failure that an exception of the client means; arguments as in `Hub.call`."""
    links = list(_iterate_causes(error))
    again = not (_was_client_retried(links) or (client_retries and isinstance(error, LocalEntryNotFoundError)))
    for link in links:
        if isinstance(link, HfHubHTTPError):
            return _explain_response(link, repo, writing, again, again and not client_retries)
    for link in links:
        if (failure := _explain_local(link, repo, again)) is not None:
            return failure
    if isinstance(error, LocalEntryNotFoundError):
        return Failure(make_not_cached_error(repo, None))
    return Failure(
        GanzooError(f"{repo or 'the Hub'}: the Hub's client failed ({_take_first_line(error)}): add -v to see more")
    )


def _explain_local(error: BaseException, repo: str, again: bool) -> Failure | None:
    """Return the failure that an exception without an answer of the Hub means; None where it is unknown."""
    cache = constants.HF_HUB_CACHE
    match error:
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Failure(
                GanzooError(f"the disk is full: free some space in {cache}, or set HF_HOME to another folder")
            )
        case OSError(errno=errno.EACCES | errno.EPERM | errno.EROFS):
            return Failure(
                GanzooError(f"no permission to write to {cache}: set HF_HOME to a folder that you can write to")
            )
        case LocalTokenNotFoundError():
            return Failure(_make_no_token_error())
        case HFValidationError():
            return Failure(UsageError(f"{repo!r} is not the name of a repository: write USER/NAME"))
        case OfflineModeIsEnabled():
            return Failure(Unreachable(f"this needs the network: {describe_way_online()}"))
        case json.JSONDecodeError():
            return Failure(Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}"))
        case httpx.UnsupportedProtocol():
            return Failure(UsageError(f"HF_ENDPOINT={constants.ENDPOINT} is not an address: begin it with https://"))
        case httpx.TransportError():
            return Failure(Unreachable(f"{constants.ENDPOINT} {_describe_silence(error)}: check the network"), again)
        case ConnectionError():  # of Xet, which has tried for minutes
            return Failure(Unreachable(_describe_xet_failure(str(error))))
        case OSError(errno=errno.EFBIG | errno.ENOTDIR | errno.EISDIR | errno.ENOENT | errno.ENAMETOOLONG | errno.EIO):
            why = (error.strerror or "").lower()
            return Failure(GanzooError(f"cannot write to {cache} ({why}): set HF_HOME to another folder"))
        case OSError() if "Consistency check failed" in str(error):
            return Failure(Unreachable(f"a transfer of {repo} was interrupted: try again"), again)
        case FileMetadataError():
            return Failure(Unreachable(f"{constants.ENDPOINT} does not answer like the Hub: {LOGIN_PAGE}"))
        case ValueError() if "README.md" in str(error):
            lines = "; ".join(line.strip("- ") for line in str(error).splitlines()[1:])
            return Failure(
                GanzooError(
                    f"the Hub refuses the card ({_make_printable(lines)}): correct the front matter of README.md"
                )
            )
    return None


def _explain_response(error: HfHubHTTPError, repo: str, writing: bool, again: bool, patience: bool) -> Failure:
    """Return the failure that an error answer of the Hub means."""
    status = error.response.status_code
    message = _make_printable(error.server_message or "")
    prefix = f"{repo}: " if repo else ""
    match error:
        case GatedRepoError():
            page = f"{constants.ENDPOINT}/{repo}"
            return Failure(Denied(f"{repo} is gated: request access at {page}, then `hf auth login`"))
        case RepositoryNotFoundError() if writing:
            return Failure(Denied(f"{prefix}publishing needs a token with write access: `hf auth login` ({TOKENS})"))
        case RepositoryNotFoundError():
            return Failure(
                NotFound(f"{repo} is not on the Hub, or it is private: check the name, or log in with `hf auth login`")
            )
        case RevisionNotFoundError():
            return Failure(
                NotFound(f"{repo} has no such revision: see its revisions at {constants.ENDPOINT}/{repo}/tree/main")
            )
        case EntryNotFoundError():
            return Failure(NotFound(f"{repo} lacks a file of a model package: check that ganzoo made this model"))
    match status:
        case 401 if get_token() is None:
            return Failure(_make_no_token_error())
        case 401:
            text = f"the Hub refuses the token: log in again with `hf auth login`, or set HF_TOKEN ({TOKENS})"
            return Failure(Denied(text))
        case 403 if writing:
            text = f"{prefix}this token has no write access: use one that has ({TOKENS}), or publish under another name"
            return Failure(Denied(text))
        case 403:
            return Failure(
                Denied(f"{prefix}this token has no read access: ask the author for access, or use another token")
            )
        case 409 | 412:
            return Failure(
                Conflict(f"{prefix}somebody else changed it at the same time: check the changes, then run this again")
            )
        case 408 | 429:
            wait = _read_retry_after(error)
            text = f"too many requests to the Hub: try again in {wait or 60:.0f} s"
            return Failure(Unreachable(text), patience, wait)
    if status >= 500:
        text = f"the Hub has an internal problem ({status}): try again later"
        return Failure(Unreachable(text), again, _read_retry_after(error))
    return Failure(GanzooError(f"{prefix}the Hub refuses the request ({status}{f': {message}' if message else ''})"))


def _make_no_token_error() -> Denied:
    return Denied(f"you are not logged in: use `hf auth login`, or set HF_TOKEN ({TOKENS})")


def make_damaged_error(repo: str, name: str) -> Corrupt:
    """Return the error for a file whose downloaded bytes repeatedly differ from the hash on the Hub."""
    return Corrupt(
        f"{name} of {repo} is damaged: its bytes differ from what was saved; try again later, or name another revision"
    )


def make_not_cached_error(repo: str, revision: str | None) -> NotFound:
    """Return the error for a model that is not in the cache."""
    named = f"{repo}@{revision}" if revision else repo
    return NotFound(f"{named} is not in the cache: {describe_way_online()} to download it{suggest_included_models()}")


def describe_way_online() -> str:
    """Return what the user must change so that the network is used."""
    return "unset HF_HUB_OFFLINE" if constants.is_offline_mode() else "remove --offline"


def suggest_included_models() -> str:
    """Return a hint with the models of plugins, as the end of a message; empty if there are none."""
    names = [entry.qualified for entry in registry().components("model")][:2]
    return f", or use a model that needs no network: {' or '.join(names)}" if names else ""


def _describe_silence(error: Exception) -> str:
    """Return in words why the Hub does not answer."""
    if isinstance(error, httpx.TimeoutException):
        return "does not answer in time"
    return "cannot be reached" if isinstance(error, (httpx.ConnectError, httpx.ProxyError)) else "broke the connection"


def _describe_xet_failure(text: str) -> str:
    """Return an error of Xet, the protocol for large files, in words. Its text contains the address that failed."""
    address, status = re.search(r"https?://[^/\s)]+", text), re.search(r"\((\d{3}) ", text)
    storage = f"{address[0] if address else constants.ENDPOINT}, where the Hub stores large files,"
    if status:
        return f"{storage} refuses the request ({status[1]}): try again later, or set HF_HUB_DISABLE_XET=1"
    return f"{storage} cannot be reached: check the network, or set HF_HUB_DISABLE_XET=1"


def _was_client_retried(links: list[BaseException]) -> bool:
    """Whether the client itself has retried the request, as it does while it prepares a commit."""
    if any(isinstance(link, RuntimeError) and "uploading" in str(link) for link in links):
        return True
    for link in links:
        with contextlib.suppress(AttributeError, RuntimeError):  # not all exceptions have a request
            if CLIENT_RETRIES.search(link.request.url.path):  # type: ignore[attr-defined]
                return True
    return False


def _read_retry_after(error: HfHubHTTPError) -> float:
    """Return the number of seconds that the Hub asks to wait; 0 where it does not ask."""
    try:
        return max(0.0, float(error.response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _take_first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return _make_printable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _make_printable(text: str) -> str:
    """Return foreign text, safe for one line of a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
