"""What is done with models on the Hugging Face Hub, from Python; the commands are thin over it.

Torch and the Hub's client are imported when they are needed, not before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import UsageError
from ganzoo.package.config import FILES
from ganzoo.runs import where
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import Run
from ganzoo.runs.where import Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.hub.commit import Publication
    from ganzoo.hub.search import SearchResult


def publish(
    what: str | os.PathLike[str] | Run,
    repo: str,
    *,
    private: bool = False,
    tag: str = "",
    revision: str = "main",
    message: str = "",
    create_pr: bool = False,
    dry_run: bool = False,
    discriminator: bool = True,
    license: str = "",
    device: str = "auto",
    notify: Notify = ignore_line,
) -> Publication:
    """Publish a run or a model package on the Hugging Face Hub, in one commit; return what is there now.

    It is loaded back and sampled before. The token is that of ``HF_TOKEN`` or ``hf auth login``. Where just this is
    there already nothing is sent.

    Args:
        what: A run (object, path, name or number) or a package's directory.
        repo: ``user/model``; created where it is not there. What a person wrote into its card stays.
        private: Whether only its owner shall see a new one.
        tag: Put on the commit; a tag never moves.
        revision: The branch to commit to; created where it is not there.
        message: Of the commit.
        create_pr: Offer it as a pull request, to a model of somebody else.
        dry_run: Change nothing there, and return what would change.
        discriminator: Whether D goes along, for training that goes on from it, where it is in the package.
        license: Of the weights, as the Hub names it; empty for what the card says already.
        device: Where it is sampled, as for `train`.
        notify: Gets lines that a person may want to see.

    Raises:
        NotFound: There is no such run or package; Denied, a kind of it: the token may not write there.
        Unreachable: The Hub does not answer.
        Conflict: The tag is taken, the name is another model's, or somebody else published at the same time.
        GanzooError: What does not load, or another thing that the Hub refuses. Nothing is half there.
    """
    directory = where.find_package(what, notify)
    where.check_repository_name(repo)
    with heavy_imports():
        from ganzoo.hub import publish as publishing
    target = publishing.Target(repo, private, tag, revision, message, create_pr)
    return publishing.publish(
        directory, target, discriminator=discriminator, license=license, device=device, dry_run=dry_run, notify=notify
    )


def check_publishable(repo: str, notify: Notify = ignore_line) -> None:
    """Raise GanzooError where `publish` could not publish there, by its name or by the token that is there."""
    where.check_repository_name(repo)
    with heavy_imports():
        from ganzoo.hub import publish as publishing
    publishing.check_access(repo, notify)


def pull(
    repo: str,
    *,
    revision: str | None = None,
    discriminator: bool = False,
    offline: bool = False,
    notify: Notify = ignore_line,
) -> Path:
    """Fetch a model on the Hub into the cache, and check it; return its directory, to be read, never written.

    Args:
        repo: ``user/model`` or ``user/model@revision``.
        revision: As for `load`.
        discriminator: Whether the discriminator is fetched too, which only training that goes on from it reads.
        offline: Likewise.
        notify: Likewise.

    Raises:
        GanzooError: As `load`.
    """
    if (found := where.parse_repository(repo, revision)) is None:
        raise UsageError(f"{repo} is no model on the Hub, or is a directory here: say USER/NAME")
    with heavy_imports():
        from ganzoo.hub import pull as pulling
    names = FILES if discriminator else None
    return pulling.pull(found, names=names, offline=offline, notify=notify).directory


def search(
    text: str = "",
    *,
    dataset: str = "",
    author: str = "",
    arch: str = "",
    limit: int = 50,
    notify: Notify = ignore_line,
) -> list[SearchResult]:
    """Return ganzoo's models on the Hub, those first that are downloaded most.

    Args:
        text: A part of the name.
        dataset: Trained on this dataset: a name in ganzoo, or ``user/name`` on the Hub.
        author: Of this user or organisation.
        arch: Of this architecture.
        limit: How many at most.
        notify: Gets lines that a person may want to see.

    Raises:
        Unreachable: The Hub does not answer.
    """
    with heavy_imports():
        from ganzoo.hub import search as searching
    return searching.search(text, dataset=dataset, author=author, arch=arch, limit=limit, notify=notify)


def describe_model(what: str, *, offline: bool = False, notify: Notify = ignore_line) -> dict[str, Any]:
    """Return what is known of a model in a directory or on the Hub, without its weights; arguments as for `load`."""
    repo = where.parse_repository(what)
    with heavy_imports():
        from ganzoo.hub import search
        from ganzoo.package import config
    if repo is None:
        return search.describe_config(config.read_config(where.find_package(what)))
    return search.describe_model(repo, offline, notify)
