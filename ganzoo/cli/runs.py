"""``ganzoo runs``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from ganzoo.cli.common import common_options, print_json, print_table
from ganzoo.errors import GanzooError
from ganzoo.runs import run as runs
from ganzoo.runs.run import Run


@click.command("runs", short_help="List the runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(as_json: bool) -> None:
    """List the runs in ./runs (or $GANZOO_RUNS): images seen, length, status, and the time of the last change."""
    facts = [_collect_facts(run) for run in runs.list_runs()]
    if as_json:
        print_json(facts)
        return
    if not facts:
        click.echo(f"no runs in {runs.get_root()}/", err=True)
        return
    rows = [("run", "images", "of", "status", "last change")]
    rows += [(f["run"], f"{f['images']:,}", f"{f['of']:,}", f["status"], f["changed"]) for f in facts]
    print_table(rows)


def _collect_facts(run: Run) -> dict[str, Any]:
    try:
        length = run.length
    except (GanzooError, OSError):
        length = 0
    images = run.images
    status = (
        "training" if run.active else "finished" if 0 < length <= images else "unfinished" if length else "unreadable"
    )
    changed = datetime.fromtimestamp(run.path.stat().st_mtime).isoformat(sep=" ", timespec="minutes")
    return {"run": run.path.name, "images": images, "of": length, "status": status, "changed": changed}
