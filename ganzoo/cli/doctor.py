"""``ganzoo doctor``."""

from __future__ import annotations

from dataclasses import asdict

import click

from ganzoo.cli.common import common_options, note, print_json
from ganzoo.cli.tables import print_table, print_text
from ganzoo.health.examine import Examination, examine_run
from ganzoo.health.installation import examine_installation
from ganzoo.plugin import Verdict
from ganzoo.registry import registry
from ganzoo.runs.run import find_run
from ganzoo.runs.words import describe_severity


@click.command("doctor")
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
@click.pass_context
def command(ctx: click.Context, run: str | None, as_json: bool) -> None:
    """Say what is wrong with RUN, a run's number, name or path, and what to type: its training may go on, be over, or
    have failed. Without RUN, look at the installation: versions, device, memory, access to the Hub, cache and plugins.

    \b
    ganzoo doctor 12            what the diagnoses find in the files of run 12
    ganzoo doctor runs/0012-x   the same for a path; a copy of the folder is enough
    ganzoo doctor               the installation

    The exit code is 1 if a run will not recover, or if a part of the installation is broken, else 0.
    """
    if run is None:
        ctx.exit(_show_installation(as_json))
    found = examine_run(find_run(run), registry())
    if as_json:
        print_json(found.to_json())
    else:
        _show_run(found)
    ctx.exit(int(any(verdict.severity == "stop" for verdict in found.verdicts)))


def _show_run(found: Examination) -> None:
    """Print the verdicts, each with its advice under it; what could not be examined is on stderr."""
    print_text(f"{found.run.path}: {found.status}, {found.images:,} of {found.length:,} images")
    for verdict in found.verdicts:
        _show_verdict(verdict)
    if found.num_rows and not found.verdicts:
        print_text(f"nothing is wrong: {found.num_diagnoses} rules looked at {found.num_rows:,} rows")
    for line in found.notes:
        note(line)


def _show_verdict(verdict: Verdict) -> None:
    since = f" since {verdict.since:,} images" if verdict.since else ""
    print_text(f"{describe_severity(verdict)}: {verdict.code}{since}: {verdict.words}")
    if verdict.advice:
        print_text(f"try {', or '.join(verdict.advice)}", indent="    ")


def _show_installation(as_json: bool) -> int:
    """Print the facts about the installation; return the exit code."""
    findings = examine_installation(registry())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table([(each.title, each.words) for each in findings])
    broken = [each for each in findings if not each.ok]
    if broken:
        note(f"{len(broken)} of {len(findings)} are not in order: {', '.join(each.title for each in broken)}")
    return int(bool(broken))
