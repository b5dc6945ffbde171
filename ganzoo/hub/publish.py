"""Publishing a package: it is loaded back and sampled, and then sent to the Hub in one commit.

Package files that differ from those on the Hub are replaced, and those that the new package lacks are deleted. Other
files stay. Where an answer is lost, the Hub is asked for its state.
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
        what: A run (object, path, name or number) or the directory of a package.
        target: The repository, branch and tag to publish to.
        discriminator: Whether the discriminator is included, for further training, where the package has it.
        license: The licence of the weights, by its identifier on the Hub; empty to keep the licence in the card.
        device: The device on which the generator is sampled before.
        dry_run: Whether nothing is sent; the result then lists what would change.
        notify: A function that shows one line to the user.

    Raises:
        GanzooError: The package was not published. The repository was not changed.
        Conflict: The tag exists already, or somebody else published at the same time.
        Denied: The token has no write access.
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
    """Raise GanzooError where the user's token cannot publish to a repository.

    Raises:
        Denied: The token is missing, wrong, or has no write access.
        Unreachable: The Hub cannot be asked.
    """
    hub, owner = Hub(notify=notify), check_repository_name(repo).partition("/")[0]
    me = hub.call(lambda: hub.api.whoami(), repo)
    orgs = [str(org["name"]) for org in me.get("orgs", ())]
    if owner not in (me["name"], *orgs):
        near = suggest_names(owner, [str(me["name"]), *orgs])
        raise Denied(f"{repo}: you are {me['name']} on the Hub, who may not publish there{near}")
    if (me.get("auth") or {}).get("accessToken", {}).get("role") == "read":
        raise Denied(f"{repo}: publishing needs a token with write access: `hf auth login` ({TOKENS})")
    try:
        hub.call(lambda: hub.api.auth_check(repo, write=True), repo)
    except NotFound as error:
        if isinstance(error, Denied):
            raise
