"""Which commit of a dataset is meant, so that a recipe means the same images for ever."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ganzoo.plugin import GanzooError, NotFound, Unreachable, UsageError
from ganzoo_hub import HubOptions

COMMIT = re.compile(r"[0-9a-f]{40}")


def is_folder(options: HubOptions) -> bool:
    """Return whether the dataset is a folder of this machine."""
    return os.path.isdir(os.path.expanduser(options.repo))


def settle(options: HubOptions) -> HubOptions:
    """Return the options with the commit that the revision means now.

    Without the Hub, it is the commit that was used last on this machine.

    Raises:
        UsageError: No dataset is named.
        NotFound: There is no such dataset or revision.
        Unreachable: The Hub does not answer, and the dataset was never used here.
    """
    if not options.repo:
        raise UsageError("dataset 'hub' needs the name of a dataset on the Hub: add dataset.repo=USER/NAME")
    if is_folder(options):
        return replace(options, repo=os.path.abspath(os.path.expanduser(options.repo)))
    if COMMIT.fullmatch(options.revision):
        return options
    try:
        found = HfApi(library_name="ganzoo").resolve_revision(
            options.repo, repo_type="dataset", revision=options.revision or None
        )
    except Exception as error:
        raise explain_error(options, error) from error
    return replace(options, revision=found.resolved)


def explain_error(options: HubOptions, error: Exception) -> GanzooError:
    """Return the error for the user of what the Hub or the library `datasets` raised."""
    repo, text = options.repo, " ".join(str(error).split())[:160].rstrip(".")
    match error:
        case HFValidationError():
            return NotFound(f"dataset.repo={repo} is neither USER/NAME nor a folder here: check the name")
        case RevisionNotFoundError():
            return NotFound(f"dataset.revision={options.revision}: {repo} has no such branch, tag or commit: check it")
        case GatedRepoError():
            return NotFound(f"{repo} asks you to accept its terms: do so on https://huggingface.co/datasets/{repo}")
        case RepositoryNotFoundError():
            return NotFound(
                f"the Hub has no dataset {repo!r}, or it is private: check dataset.repo, or type `hf auth login`"
            )
        case FileNotFoundError():
            return NotFound(f"{repo} has no data that `datasets` reads ({text}): check dataset.repo")
        case ValueError() | RuntimeError():
            return UsageError(f"{repo} cannot be opened so: {text}: check dataset.config and dataset.split")
    return Unreachable(f"the Hub does not answer for {repo} ({text}): try again, or use a folder as dataset.repo")
