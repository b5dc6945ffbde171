"""Publishing: a package that was loaded back and sampled becomes one commit on the Hub, or nothing does.

What is sent follows from what is there: the files of the format that differ are replaced, those that the new package
lacks are deleted, all others stay. Where an answer is lost, what the Hub holds says what happened.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ganzoo.compute.device import choose_device
from ganzoo.errors import Denied, NotFound, suggest_names
from ganzoo.hub.client import Hub
from ganzoo.hub.commit import Publication, send
from ganzoo.hub.failures import TOKENS
from ganzoo.hub.target import Target, check_tag, list_changes, make_url, read_card, read_head
from ganzoo.package.body import Address
from ganzoo.package.complete import complete_package
from ganzoo.package.config import CARD
from ganzoo.package.verify import verify
from ganzoo.registry import registry
from ganzoo.runs.where import ModelSource, Notify, check_repository_name, find_package, ignore_line

__all__ = ["Publication", "Target", "check_access", "publish"]


def publish(
    what: ModelSource,
    target: Target,
    *,
    discriminator: bool = True,
    license: str = "",
    device: str = "auto",
    dry_run: bool = False,
    notify: Notify = ignore_line,
) -> Publication:
    """Publish a run or a model package on the Hub.

    Args:
        what: A run (object, path, name or number) or a package's directory.
        target: Where to.
        discriminator: Whether D goes along, for training that goes on from it, where it is in the package.
        license: Of the weights, by its identifier on the Hub.
        device: Where it is sampled before.
        dry_run: Change nothing there; say what would change.
        notify: Gets lines that a person may want to see.

    Raises:
        GanzooError: It was not published, and why; nothing is half there.
        Conflict: The tag is taken, or somebody else published at the same time.
        Denied: The token may not write there.
    """
    directory, chosen = find_package(what, notify), choose_device(device)
    hub = Hub(notify=notify)
    head = read_head(hub, target)
    with tempfile.TemporaryDirectory(prefix="ganzoo-") as folder:
        staged = Path(folder) / "package"
        staged.mkdir()
        if (before := read_card(hub, target.repo, head)) is not None:
            (staged / CARD).write_bytes(before)
        address = Address(target.repo, target.tag)
        complete_package(directory, staged, registry(), chosen, discriminator, license, address, notify)
        if unchecked := verify(staged, registry(), chosen).unchecked:
            notify(unchecked)
        files = {path.name: path.read_bytes() for path in sorted(staged.iterdir())}
    check_tag(target, head, files)
    if dry_run:
        return Publication(target.repo, "", make_url(hub, target), target.tag, list_changes(files, head))
    return send(hub, target, head, files)


def check_access(repo: str, notify: Notify = ignore_line) -> None:
    """Raise GanzooError where nothing could be published under a name with the token that is there.

    Raises:
        Denied: No token, a wrong one, or one that may not write there.
        Unreachable: The Hub cannot be asked.
    """
    hub, owner = Hub(notify=notify), check_repository_name(repo).partition("/")[0]
    me = hub.call(lambda: hub.api.whoami(), repo)
    orgs = [str(org["name"]) for org in me.get("orgs", ())]
    if owner not in (me["name"], *orgs):
        near = suggest_names(owner, [str(me["name"]), *orgs])
        raise Denied(f"{repo}: you are {me['name']} on the Hub, which may not publish there{near}")
    if (me.get("auth") or {}).get("accessToken", {}).get("role") == "read":
        raise Denied(f"{repo}: publishing needs a token that may write there: `hf auth login` ({TOKENS})")
    try:
        hub.call(lambda: hub.api.auth_check(repo, write=True), repo)
    except NotFound as error:
        if isinstance(error, Denied):
            raise
