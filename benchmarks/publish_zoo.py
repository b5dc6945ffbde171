"""Publish the models of the zoo under one name of the Hugging Face Hub: one command for whoever has a token.

    hf auth login
    python benchmarks/publish_zoo.py ORGANISATION [--models digits,ring] [--packages runs/0003-stylegan2-faces ...]
        [--demo] [--dry-run]

Each model that comes with the package is published as ``ORGANISATION/NAME`` under the licence of its card, and so is
each run or package that ``--packages`` names, under the name of its folder. ``--demo`` puts a page for browsers beside
each; it needs ``npm install onnxruntime-web``, and a model that no page can show is published without. What the Hub has
already is not sent again, so the command can be repeated. A model that cannot be published costs a line and exit code
1; the others are published.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial

import ganzoo
from ganzoo.errors import Denied, GanzooError, Interrupted, Unreachable, UsageError
from ganzoo.plugin import Model


def main() -> int:
    """Publish the models one after the other; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("organisation")
    parser.add_argument("--models", type=lambda text: text.split(","), help="only these of the included models")
    parser.add_argument("--packages", nargs="+", default=[], metavar="DIR", help="runs or packages to publish as well")
    parser.add_argument("--license", default="", help="licence of the weights of --packages, as on the Hub")
    parser.add_argument("--demo", action="store_true", help="put a page that runs the model in a browser beside each")
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent; send nothing")
    arguments = parser.parse_args()
    failed = []
    for what, name in list_models(arguments.models, arguments.packages):
        repo = f"{arguments.organisation}/{name}"
        try:
            publish(what, repo, arguments)
        except (Interrupted, Denied, Unreachable):
            raise  # the others would fail as well
        except GanzooError as error:
            failed.append(name)
            print(f"{repo} is not published: {error}", file=sys.stderr)
    return 1 if failed else 0


def list_models(chosen: list[str] | None, packages: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what `ganzoo.publish` takes, and the name of its repository."""
    specs = [entry for entry in ganzoo.registry().components("model") if isinstance(entry.spec, Model)]
    ours = {entry.spec.name: entry.qualified for entry in specs if entry.plugin.distribution == "ganzoo"}
    for name in ours if chosen is None else chosen:
        yield ours.get(name, f"ganzoo:{name}"), name
    for package in packages:
        yield package, package.rstrip("/").rpartition("/")[2]


def publish(what: str, repo: str, arguments: argparse.Namespace) -> None:
    """Publish one model; print what would be sent, or its address."""
    license = arguments.license if what in arguments.packages else ""
    send = partial(ganzoo.publish, what, repo, dry_run=arguments.dry_run, license=license, notify=print)
    try:
        published = send(demo=arguments.demo)
    except UsageError as error:
        if not arguments.demo:
            raise
        print(f"{repo} gets no page: {error}", file=sys.stderr)
        published = send()
    for change in published.changes if arguments.dry_run else ():
        print(f"{repo}: {change.what} {change.name} ({change.size:,} bytes)")
    if not arguments.dry_run:
        print(published.url)


if __name__ == "__main__":
    try:
        code = main()
    except GanzooError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)
