"""Sharing models on the Hugging Face Hub from Python. The commands call these functions.

Torch and the Hub's client are imported when they are needed, not before.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import exporting
from ganzoo.errors import GanzooError, NotFound, UsageError
from ganzoo.package.config import FILES
from ganzoo.runs import where
from ganzoo.runs.heavy import heavy_imports
from ganzoo.runs.run import Run
from ganzoo.runs.where import ModelSource, Notify, ignore_line

if TYPE_CHECKING:
    from ganzoo.hub.commit import Publication
    from ganzoo.hub.search import SearchResult


def publish(
    what: int | str | os.PathLike[str] | Run,
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
    demo: bool = False,
    space: str = "",
    runtime: str | os.PathLike[str] | None = None,
    device: str = "auto",
    notify: Notify = ignore_line,
) -> Publication:
    """Publish a run or a model package on the Hugging Face Hub, in one commit; return the publication.

    The model is loaded back and sampled before. The token is that of ``HF_TOKEN`` or ``hf auth login``. Nothing is sent
    where the repository has this package already.

    Args:
        what: A run (object, path, name or number) or the directory of a package.
        repo: The repository, ``user/model``; a missing one is created. Text that people wrote into its card is kept.
        private: Whether a new repository is private.
        tag: The tag of the commit; empty for none. Tags never move.
        revision: The branch to commit to; a missing one is created.
        message: The message of the commit; empty for a default one.
        create_pr: Whether the package is offered as a pull request, to a model of somebody else.
        dry_run: Whether nothing is sent; the result then lists what would change.
        discriminator: Whether the discriminator is included, for further training, where the package has it.
        license: The licence of the weights, by its identifier on the Hub; empty to keep the licence in the card.
        demo: Whether a page that runs the generator in a browser is put beside the model, into the folder ``demo``. It
            is a second commit, which the tag does not contain.
        space: A static Space, ``user/name``, that shows the same page; empty for none.
        runtime: The folder of npm's package ``onnxruntime-web``, which the page needs, as in `ganzoo.demo`.
        device: The device on which the card's samples are computed: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        MissingPlugin: A package that the page needs is not installed. Nothing was sent.
        NotFound: There is no such run or package. Denied, a subclass: the token has no write access.
        Unreachable: The Hub cannot be reached.
        Conflict: The tag exists already, the repository contains another model, or somebody else published at the same
            time.
        GanzooError: The package does not load, or the Hub refuses it. The repository was not changed.
    """
    if demo and create_pr:
        raise UsageError("--demo is for a model of your own: remove --demo or --create-pr")
    directory = _find_package_to_publish(what, repo, notify)
    if space:
        where.check_repository_name(space)
    with heavy_imports():
        from ganzoo.hub import publish as publishing
        from ganzoo.hub.space import publish_beside
    target = publishing.Target(repo, private, tag, revision, message, create_pr)
    with tempfile.TemporaryDirectory(prefix="ganzoo-") as folder:
        page = Path(folder) / repo.rpartition("/")[2]
        if demo or space:  # before anything is sent
            exporting.demo(directory, page, runtime=runtime, notify=notify)
        published = publishing.publish(
            directory, target, discriminator=discriminator, license=license, device=device, dry_run=dry_run,
            notify=notify,
        )  # fmt: skip
        if demo and not dry_run:
            notify(publish_beside(page, repo, revision, notify=notify))
        if space and not dry_run:
            notify(exporting.publish_demo(page, space, model=repo, private=private, notify=notify))
    return published


def _find_package_to_publish(what: ModelSource, repo: str, notify: Notify) -> Path:
    """Return the directory of the package; an error says which of the two names means a run, and which a repository."""
    swapped = ""
    if (named := where.parse_repository(what)) is None:
        directory = where.find_package(what, notify)
        where.check_repository_name(repo)
        return directory
    with contextlib.suppress(GanzooError):
        where.find_package(repo)
        swapped = f"the run comes first, then the repository: write `ganzoo publish {repo} {named}`"
    if swapped:
        raise UsageError(swapped)
    where.check_repository_name(repo)
    raise NotFound(
        f"{what} is not a run or a folder here: write `ganzoo publish RUN {repo}` for a run, or "
        f'`ganzoo publish "$(ganzoo pull {what})" {repo}` to copy that model on the Hub'
    )


def check_publishable(repo: str, notify: Notify = ignore_line) -> None:
    """Raise GanzooError where the user's token cannot publish to a repository, or its name is invalid."""
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
    """Fetch a model on the Hub into the cache, and check it; return its directory. Never write to that directory.

    Args:
        repo: The model, ``user/model`` or ``user/model@revision``.
        revision: A branch, tag or commit; by default the newest commit.
        discriminator: Whether the discriminator is fetched too; only further training needs it.
        offline: Whether only the cache is read, as with ``HF_HUB_OFFLINE=1``.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        GanzooError: As in `load`.
    """
    if (found := where.parse_repository(repo, revision)) is None:
        raise UsageError(f"{repo} is not a model on the Hub, or is a directory here: write USER/NAME")
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
    """Return ganzoo's models on the Hub, the most downloaded first.

    Args:
        text: A part of the model's name; empty for any.
        dataset: The dataset of the training: a name in ganzoo, or ``user/name`` on the Hub; empty for any.
        author: The user or organisation that published the model; empty for any.
        arch: The name of the architecture; empty for any.
        limit: The largest number of models that are returned.
        notify: A function that shows one line to the user; by default lines are dropped.

    Raises:
        Unreachable: The Hub cannot be reached.
    """
    with heavy_imports():
        from ganzoo.hub import search as searching
    return searching.search(text, dataset=dataset, author=author, arch=arch, limit=limit, notify=notify)


def describe_model(what: str, *, offline: bool = False, notify: Notify = ignore_line) -> dict[str, Any]:
    """Return the description of a model, local or on the Hub, without its weights; arguments as in `load`."""
    repo = where.parse_repository(what)
    with heavy_imports():
        from ganzoo.hub import search
        from ganzoo.package import config
    if repo is None:
        return search.describe_config(config.read_config(where.find_package(what)))
    return search.describe_model(repo, offline, notify)
