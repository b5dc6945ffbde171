"""Files of weights that the user names: on the disk or on the Hugging Face Hub."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from ganzoo.plugin import NotFound, UsageError, is_offline

HUB = re.compile(r"hf://(?P<repo>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?/(?P<file>.+)")


def find_weights(weights: str, name: str, suggestion: str) -> Path:
    """Return the path of a file of weights; a file on the Hub is downloaded once.

    Args:
        weights: A path, or ``hf://USER/REPO/FILE`` or ``hf://USER/REPO@REVISION/FILE``: the option of that name.
        name: The name of the extractor, for messages.
        suggestion: What a user may give who gave nothing.

    Raises:
        UsageError: No file is named, or the address on the Hub is incomplete.
        NotFound: The file does not exist, or cannot be downloaded.
    """
    key = f"extractor.{name}.weights"
    if not weights:
        raise UsageError(f"extractor {name!r} needs a file of weights: add {key}={suggestion}")
    if not weights.startswith("hf://"):
        path = Path(weights).expanduser()
        if not path.is_file():
            raise NotFound(f"{key}: there is no file {weights!r}: give its path or hf://USER/REPO/FILE")
        return path
    if not (found := HUB.fullmatch(weights)):
        raise UsageError(f"{key}: {weights!r} is not a file on the Hub: give hf://USER/REPO/FILE")
    return _download(found["repo"], found["file"], found["revision"], key)


def _download(repo: str, file: str, revision: str | None, key: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(hf_hub_download(repo, file, revision=revision, local_files_only=is_offline()))
    except (OSError, HFValidationError) as error:  # its own errors of the network and of missing files are OSErrors too
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise NotFound(f"{key}: {file} of {repo} cannot be downloaded ({reason}): give the path of a file") from error


def refuse_gradients(samples: Tensor, name: str) -> None:
    """Raise UsageError if features were to be differentiated, which a network without gradients cannot be."""
    if samples.requires_grad:
        raise UsageError(
            f"extractor {name!r} cannot be differentiated, so that no term can learn from it: choose 'squeezenet'"
        )
